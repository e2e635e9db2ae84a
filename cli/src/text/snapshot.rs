//! A snapshot for people.

use netghost_core::netfilter::model::{Item, Ruleset, Table};
use netghost_core::netfilter::text;
use netghost_core::section::{Content, Section};
use netghost_core::snapshot::Snapshot;

use super::table::columns;
use crate::clock;

/// One line for each section, then what was not read.
pub fn summary(snapshot: &Snapshot) -> String {
    let mut out = format!(
        "{}, read {}\n\n",
        snapshot.target.name(),
        clock::shown(snapshot.taken_at_us)
    );
    out += &sections(&snapshot.sections);
    for namespace in snapshot.namespaces.iter().flat_map(|others| &others.all) {
        out += &match namespace.state.why() {
            Some(why) => format!(
                "\nnamespace {}: {}: {why}\n",
                namespace.name,
                namespace.state.word()
            ),
            None => format!(
                "\nnamespace {}\n{}",
                namespace.name,
                sections(&namespace.sections)
            ),
        };
    }
    if let Some(why) = snapshot
        .namespaces
        .as_ref()
        .and_then(|others| others.why.as_ref())
    {
        out += &format!("\nthere may be more namespaces: {why}\n");
    }
    let unread: Vec<&str> = snapshot
        .coverage
        .iter()
        .filter(|row| row.state == "unreadable" && row.section.is_none())
        .map(|row| row.mechanism.as_str())
        .collect();
    if !unread.is_empty() {
        out += &format!("\nnot covered (no reader): {}\n", unread.join(", "));
    }
    out
}

/// The sections of one namespace: a line for each, then what was not read in them.
fn sections(all: &[Section]) -> String {
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    let mut out = columns(&rows, 0);
    for section in all {
        for gap in &section.gaps {
            out += &format!("  not read in {}: {}: {}\n", section.name, gap.path, gap.why);
        }
        for warning in &section.warnings {
            out += &format!("  {} in {}: {}\n", warning.code, section.name, warning.message);
        }
    }
    out
}

/// As [`summary`], with every rule.
pub fn whole(snapshot: &Snapshot) -> String {
    let mut out = summary(snapshot);
    for section in &snapshot.sections {
        if let Some(Content::Netfilter { config, .. }) = &section.content {
            out += &ruleset(config);
        }
    }
    for namespace in snapshot.namespaces.iter().flat_map(|others| &others.all) {
        for section in &namespace.sections {
            if let Some(Content::Netfilter { config, .. }) = &section.content {
                out += &format!("\nin namespace {}\n{}", namespace.name, ruleset(config));
            }
        }
    }
    out
}

fn row(section: &Section) -> Vec<String> {
    let what = match (section.state.why(), &section.content) {
        (None, Some(content)) => counts(content),
        (why, Some(content)) => format!("{} ({})", why.unwrap_or_default(), counts(content)),
        (why, None) => why.unwrap_or_default().to_owned(),
    };
    vec![section.name.to_string(), section.state.word().to_owned(), what]
}

/// How much there is.
fn counts(content: &Content) -> String {
    match content {
        Content::Netfilter { config, .. } => ruleset_counts(config),
        Content::Tc { config, .. } => lists(serde_json::to_value(config)),
        Content::Links { config, .. } => lists(serde_json::to_value(config)),
        Content::Routes { config, .. } => lists(serde_json::to_value(config)),
        Content::Facts { config, .. } => lists(serde_json::to_value(config)),
    }
}

fn ruleset_counts(config: &Ruleset) -> String {
    let chains = || config.tables.iter().flat_map(|table| &table.chains);
    let rules = || chains().flat_map(|chain| &chain.rules);
    let sets: usize = config.tables.iter().map(|table| table.sets.len()).sum();
    let opaque = rules()
        .flat_map(|rule| &rule.items)
        .filter(|item| matches!(item, Item::Opaque(_)))
        .count();
    let all = [
        (config.tables.len(), "tables"),
        (chains().count(), "chains"),
        (rules().count(), "rules"),
        (sets, "sets"),
    ];
    let mut out = all.map(|(number, what)| counted(number, what)).join(", ");
    if opaque > 0 {
        out += &format!(", {opaque} parts not decoded");
    }
    out
}

/// `1 table`, `2 tables`; `what` is the plural.
fn counted(number: usize, what: &str) -> String {
    let singular = what.strip_suffix("ses").map(|stem| format!("{stem}s"));
    let singular = singular.unwrap_or_else(|| what.strip_suffix('s').unwrap_or(what).to_owned());
    if number == 1 {
        format!("1 {singular}")
    } else {
        format!("{number} {what}")
    }
}

/// The length of each list in a configuration.
fn lists(config: Result<serde_json::Value, serde_json::Error>) -> String {
    let Ok(serde_json::Value::Object(fields)) = config else {
        return String::new();
    };
    let list = |(key, value): (&String, &serde_json::Value)| Some(counted(value.as_array()?.len(), key));
    fields.iter().filter_map(list).collect::<Vec<_>>().join(", ")
}

fn ruleset(config: &Ruleset) -> String {
    let mut out = String::new();
    for table in &config.tables {
        let flags = if table.flags.is_empty() {
            String::new()
        } else {
            format!(" ({})", table.flags.join(", "))
        };
        out += &format!("\ntable {} {}{flags}\n", table.family, table.name);
        for set in &table.sets {
            out += &format!(
                "  set {}: {}, {} elements\n",
                set.name,
                set.key_type,
                set.elements.len()
            );
        }
        for object in &table.objects {
            out += &format!("  {} {}\n", object.kind, object.name);
        }
        out += &chains(config, table);
    }
    out
}

fn chains(config: &Ruleset, table: &Table) -> String {
    let mut out = String::new();
    for chain in &table.chains {
        out += &format!(
            "  chain {}{}\n",
            chain.name,
            super::comparison::hook(chain.base.as_ref())
        );
        for (index, rule) in chain.rules.iter().enumerate() {
            out += &format!(
                "    {:>4}  {}\n",
                index + 1,
                text::rule(config.plane, table, chain, rule)
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_is_not_many() {
        let say = super::counted;
        assert_eq!(
            [
                say(1, "tables"),
                say(0, "rules"),
                say(1, "classes"),
                say(2, "classes")
            ]
            .join(" "),
            "1 table 0 rules 1 class 2 classes"
        );
    }
}
