//! The text of `iptables-save` and `ip6tables-save`, with or without counters.
//!
//! It is read into the same model and the same canonical form as the kernel's structures, so that a text and a kernel
//! reading of one ruleset have one digest, the plane aside, for everything that is decoded.

use crate::bytes::Text;
use crate::netfilter::model::{Family, Ruleset, RulesetRuntime};
use crate::raw::{Raw, TextRaw};
use crate::section::{Content, DECODER, Reader, Section, SectionName, Warning};

mod block;
mod document;
mod extension;
mod matches;
mod options;
mod protocols;
mod rule;
mod targets;
mod tokens;
mod values;

pub(super) use values::{masked_address, number};

/// There is no table in the text. Whoever compares takes it as unknown: a tool that failed prints nothing too.
pub const EMPTY_INPUT: &str = "EMPTY_INPUT";
/// A rule was appended to a chain that no line declares.
pub const UNDECLARED_CHAIN: &str = "UNDECLARED_CHAIN";
/// A rule leads to a chain that is not there.
pub const UNRESOLVED_JUMP: &str = "UNRESOLVED_JUMP";
/// A table stands in the text more than once.
pub const REPEATED_TABLE: &str = "REPEATED_TABLE";
/// Some rules of a chain have counters and some have not.
pub const MIXED_COUNTERS: &str = "MIXED_COUNTERS";
/// The tool says that the other plane holds tables too.
pub const LEGACY_TABLES_PRESENT: &str = "LEGACY_TABLES_PRESENT";
/// The tool says that it could not print a table.
pub const INCOMPATIBLE_TABLE: &str = "INCOMPATIBLE_TABLE";

/// Why a text could not be read as the output of a save tool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SaveError {
    /// It is something else.
    #[error("line {line} is not the output of iptables-save: {text}")]
    NotSaveText {
        /// The first line that does not belong, from 1.
        line: usize,
        /// Its beginning.
        text: Text,
    },
    /// It is of the other family than asked for.
    #[error("asked for the rules of {asked}, but the text holds those of {found}")]
    OtherFamily {
        /// What the caller asked for.
        asked: Family,
        /// What the text holds.
        found: Family,
    },
}

/// Reads the text of a save tool.
///
/// The family is told from the header, else from addresses and words of IPv6, else it is `family_hint`, else IPv4. A table
/// that does not end makes the section torn; a line that is not understood makes it unreadable, with the place as a gap.
/// The time of the reading is not known here: `taken_at_us` is 0.
///
/// # Errors
/// If the text is not of this format, or if it is clearly of another family than `family_hint`.
pub fn parse(text: &[u8], family_hint: Option<Family>) -> Result<Section, SaveError> {
    no_nul(text)?;
    let found = document::family(text);
    let family = match (found, family_hint) {
        (Some(found), Some(asked)) if found != asked => return Err(SaveError::OtherFamily { asked, found }),
        (found, hint) => found.or(hint).unwrap_or(Family::Ip),
    };
    let document = document::read(family, text)?;
    let (tables, runtime) = document.tables.into_iter().unzip();
    Ok(Section {
        name: if family == Family::Ip6 {
            SectionName::Ip6tablesSave
        } else {
            SectionName::IptablesSave
        },
        state: document.state,
        reader: Reader::Text,
        decoder: DECODER,
        taken_at_us: 0,
        generation: None,
        content: Some(Content::Netfilter {
            config: Ruleset {
                plane: document.plane,
                tables,
                hook_order: Vec::new(),
            },
            runtime: RulesetRuntime { tables: runtime },
        }),
        raw: Some(Raw::Text(TextRaw {
            text: Text::from(text),
        })),
        gaps: document.gaps,
        warnings: document.warnings,
    })
}

/// `iptables-restore` takes a NUL for the end of its line: what stands behind it is read by nobody.
fn no_nul(text: &[u8]) -> Result<(), SaveError> {
    let mut lines = text.split(|byte| *byte == b'\n').enumerate();
    match lines.find(|(_, line)| line.contains(&0)) {
        Some((index, line)) => Err(SaveError::NotSaveText {
            line: index.saturating_add(1),
            text: Text::from(line.get(..line.len().min(80)).unwrap_or_default()),
        }),
        None => Ok(()),
    }
}

/// A warning with its place.
fn warning(code: &str, message: String) -> Warning {
    Warning {
        code: code.to_owned(),
        message,
    }
}

#[cfg(test)]
mod tests;
