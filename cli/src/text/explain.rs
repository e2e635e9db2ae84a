//! A ruleset in plain words.

use netghost_core::netfilter::explain::{
    End, Explained, ExplainedChain, ExplainedRule, HookedChain, Leads, Place, explain, order,
};
use netghost_core::section::{self, Content, Gap, State};
use serde::Serialize;

use super::comparison::plural;

/// The schema of the answer.
const SCHEMA: &str = "netghost.firewall-explain/v1";

/// One section, explained.
#[derive(Debug, Serialize)]
pub struct Section<'s> {
    name: &'static str,
    state: &'static str,
    why: Option<&'s str>,
    warnings: &'s [section::Warning],
    gaps: &'s [section::Gap],
    /// `null` where nothing could be read.
    #[serde(flatten)]
    explained: Option<Explained>,
}

/// Explains a section.
pub fn section(section: &section::Section) -> Section<'_> {
    // What was read while it changed is whole nowhere.
    let everywhere = || Gap {
        path: String::new(),
        why: String::new(),
    };
    let whole = matches!(section.state, State::Captured) || !section.gaps.is_empty();
    let gaps = if whole {
        section.gaps.clone()
    } else {
        vec![everywhere()]
    };
    let explained = match &section.content {
        Some(Content::Netfilter { config, runtime }) => Some(explain(config, runtime, &gaps)),
        _ => None,
    };
    Section {
        name: section.name.as_str(),
        state: section.state.word(),
        why: section.state.why(),
        warnings: &section.warnings,
        gaps: &section.gaps,
        explained,
    }
}

/// The chains of all sections in the order in which packets meet them.
pub fn places<'s>(sections: impl Iterator<Item = &'s section::Section>) -> Vec<Place> {
    let sections: Vec<&section::Section> = sections.collect();
    let rulesets: Vec<_> = sections
        .iter()
        .filter_map(|section| match &section.content {
            Some(Content::Netfilter { config, .. }) => Some((section.name.as_str(), config)),
            _ => None,
        })
        .collect();
    let mut places = order(&rulesets);
    let partial = |section: &&&section::Section| !section.state.is_known() || !section.gaps.is_empty();
    let partial: Vec<&str> = sections
        .iter()
        .filter(partial)
        .map(|section| section.name.as_str())
        .collect();
    if !partial.is_empty() {
        let what = format!("; what was not read of {} may stand here too", partial.join(", "));
        places.iter_mut().for_each(|place| place.summary.push_str(&what));
    }
    places
}

/// For programs.
pub fn document(sections: &[Section<'_>], order: &[Place]) -> Result<serde_json::Value, serde_json::Error> {
    #[derive(Serialize)]
    struct Document<'d> {
        schema: &'static str,
        order: &'d [Place],
        sections: &'d [Section<'d>],
    }
    serde_json::to_value(Document {
        schema: SCHEMA,
        order,
        sections,
    })
}

/// For people.
pub fn text(sections: &[Section<'_>], order: &[Place]) -> String {
    let mut out = String::new();
    for section in sections {
        out += &format!("{}: {}", section.name, section.state);
        out += &section.why.map_or_else(String::new, |why| format!(" ({why})"));
        out.push('\n');
        for warning in section.warnings {
            out += &format!("  {}: {}\n", warning.code, warning.message);
        }
        for gap in section.gaps {
            out += &format!("  not read: {}: {}\n", gap.path, gap.why);
        }
        let Some(explained) = &section.explained else {
            continue;
        };
        explained.chains.iter().for_each(|one| out += &chain(one));
        if !explained.notes.is_empty() {
            out += "\nnotable\n";
            for note in &explained.notes {
                out += &format!("  {}  {}: {}\n", note.code, note.path, note.message);
            }
        }
    }
    if !order.is_empty() {
        out += "\norder\n";
        order.iter().for_each(|one| out += &place(one));
    }
    out
}

fn chain(one: &ExplainedChain) -> String {
    let mut out = format!("\n{}: {}\n", one.path, one.summary);
    if !one.reached_from.is_empty() {
        out += &format!("  reached from {}\n", one.reached_from.join(", "));
    }
    one.rules.iter().for_each(|one| out += &rule(one));
    out
}

fn rule(one: &ExplainedRule) -> String {
    let mut out = format!("  {:>3}  {}\n       {}\n", one.position, one.text, one.summary);
    if let Some(leads) = &one.leads {
        out += &format!("       there: {}\n", way(leads));
    }
    if let Some(counters) = one.counters {
        out += &format!(
            "       {} packets, {} bytes\n",
            counters.packets.0, counters.bytes.0
        );
    }
    out
}

fn way(leads: &Leads) -> String {
    let end = |end: &End| format!("{} by {}", end.result.as_str(), end.by);
    let mut ways: Vec<String> = leads.ends.iter().map(end).collect();
    ways.extend(leads.more_ends.then(|| "others that are not listed".to_owned()));
    ways.extend(leads.comes_back.then(|| "back to the next rule".to_owned()));
    ways.extend(leads.leaves.then(|| "past the end of this chain".to_owned()));
    ways.join("; ")
}

/// What is declared, where the chain runs at another priority.
fn declared(chain: &HookedChain) -> String {
    match chain.priority {
        declared if declared == chain.runs_at => String::new(),
        declared => format!(" (declared at {declared})"),
    }
}

fn place(one: &Place) -> String {
    let device = one.device.as_ref().map(|device| format!(" of {device}"));
    let mut out = format!(
        "  {} {}{}: {}\n",
        one.family,
        one.hook.as_str(),
        device.unwrap_or_default(),
        one.summary
    );
    for chain in &one.chains {
        out += &format!(
            "    {:>6}  {}  {}{}, policy {}, {}  ({})\n",
            chain.runs_at,
            chain.path,
            chain.chain_type,
            declared(chain),
            chain.policy.word(),
            plural(chain.rules, "rule"),
            chain.section
        );
    }
    out
}
