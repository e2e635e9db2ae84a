//! A ruleset in plain words.

use netghost_core::netfilter::explain::{Explained, explain};
use netghost_core::section::{self, Content};
use serde::Serialize;

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
    let explained = match &section.content {
        Some(Content::Netfilter { config, runtime }) => Some(explain(config, runtime)),
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

/// For programs.
pub fn document(sections: &[Section<'_>]) -> Result<serde_json::Value, serde_json::Error> {
    #[derive(Serialize)]
    struct Document<'d> {
        schema: &'static str,
        sections: &'d [Section<'d>],
    }
    serde_json::to_value(Document {
        schema: SCHEMA,
        sections,
    })
}

/// For people.
pub fn text(sections: &[Section<'_>]) -> String {
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
        for chain in &explained.chains {
            out += &format!("\n{}: {}\n", chain.path, chain.summary);
            if !chain.reached_from.is_empty() {
                out += &format!("  reached from {}\n", chain.reached_from.join(", "));
            }
            for rule in &chain.rules {
                out += &format!("  {:>3}  {}\n       {}\n", rule.position, rule.text, rule.summary);
                if let Some(counters) = rule.counters {
                    out += &format!(
                        "       {} packets, {} bytes\n",
                        counters.packets.0, counters.bytes.0
                    );
                }
            }
        }
        if !explained.notes.is_empty() {
            out += "\nnotable\n";
            for note in &explained.notes {
                out += &format!("  {}  {}: {}\n", note.code, note.path, note.message);
            }
        }
    }
    out
}
