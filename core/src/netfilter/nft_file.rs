//! nf_tables rulesets in files: the JSON of `nft -j list ruleset`, and the language that `nft` reads and prints.
//!
//! Both are read into one tree, which is compiled into the messages that the kernel would list had the file been loaded,
//! and these are decoded as a kernel's are. So a file and a kernel reading of one ruleset have one digest.

use crate::bytes::{Hex, Text};
use crate::netfilter::model::{Item, Opaque, Rule, Ruleset, RulesetRuntime, Statement};
use crate::netfilter::nft;
use crate::raw::attr::Malformed;
use crate::raw::{Raw, TextRaw};
use crate::section::{Content, DECODER, Gap, Reader, Section, SectionName, State, Warning};

mod ast;
mod attributes;
mod compile;
mod datatype;
mod header;
mod json;
mod key;
mod language;
mod number;
mod one_rule;
mod priority;
mod words;

pub use one_rule::{NotOneRule, OneRule, one_rule};

pub use crate::netfilter::save::{EMPTY_INPUT, UNDECLARED_CHAIN, UNRESOLVED_JUMP};

/// A rule uses a set or map that is not there.
pub const UNRESOLVED_SET: &str = "UNRESOLVED_SET";
/// A statement is kept in its own words.
pub const NOT_UNDERSTOOD: &str = "NOT_UNDERSTOOD";
/// A file that is included was not given.
pub const UNREAD_INCLUDE: &str = "UNREAD_INCLUDE";
/// A time of the clock whose zone the file does not say.
pub const TIME_ZONE: &str = "TIME_ZONE";

/// What the names of expressions begin with that stand for words. No expression of the kernel's has a space in its name.
const OPAQUE_NAME: &str = "words of ";

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NftFileError {
    /// It is not JSON, or it is cut.
    #[error("not JSON: {why}")]
    NotJson {
        /// Where it ends to be.
        why: String,
    },
    /// It is JSON of something else.
    #[error("not the JSON of nft: there is no list of the name nftables")]
    NotNft,
    /// It is not the language of `nft`.
    #[error("line {line}, column {column}: {why}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What was found there.
        why: String,
    },
    /// What was read can't be put together.
    #[error("the ruleset can't be put together")]
    Unplaceable(#[from] Malformed),
}

/// What is noticed while reading.
#[derive(Debug, Default)]
struct Notes {
    gaps: Vec<Gap>,
    warnings: Vec<Warning>,
}

impl Notes {
    fn warn(&mut self, code: &str, message: String) {
        self.warnings.push(Warning {
            code: code.to_owned(),
            message,
        });
    }

    fn gap(&mut self, path: &str, why: &str) {
        self.gaps.push(Gap {
            path: path.to_owned(),
            why: why.to_owned(),
        });
    }
}

/// Reads the JSON of `nft -j list ruleset`.
///
/// What has no bytecode here stays whole in its own words, with a warning; what JSON does not tell (the parameters of
/// xtables extensions) is a gap. The time of the reading is not known here: `taken_at_us` is 0.
///
/// # Errors
/// If the text is not JSON, or not of this format.
pub fn parse_json(text: &[u8]) -> Result<Section, NftFileError> {
    let mut notes = Notes::default();
    let tables = json::tables(text, &mut notes)?;
    section(text, tables, notes)
}

/// Reads the language of `nft`: what `nft list ruleset` prints, and files like `/etc/nftables.conf`.
///
/// `include` gives the content of files that are included, by the name as it is written; one that it does not give is a gap.
///
/// # Errors
/// If the text is not of the language: nothing is skipped.
pub fn parse_text(text: &[u8], include: &dyn Fn(&str) -> Option<Vec<u8>>) -> Result<Section, NftFileError> {
    let mut notes = Notes::default();
    let tables = language::tables(text, include, &mut notes)?;
    section(text, tables, notes)
}

/// True if the text is of the language of `nft`, told by the first line that says anything.
pub fn is_text(text: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 9] = [
        b"table", b"flush", b"define", b"include", b"add", b"create", b"delete", b"destroy", b"insert",
    ];
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with(b"#"));
    let word = first.and_then(|line| line.split(|byte| byte.is_ascii_whitespace()).next());
    word.is_some_and(|word| BEGINNINGS.contains(&word)) || (first.is_none() && text.starts_with(b"#!"))
}

/// True if the text may be the JSON of `nft`: an object with a key of that name. A snapshot of ours has it as a value.
pub fn is_json(text: &[u8]) -> bool {
    const KEY: &[u8] = b"\"nftables\"";
    let head = text.get(..4096).unwrap_or(text);
    let behind = |at: usize| head.get(at + KEY.len()..).unwrap_or_default().trim_ascii_start();
    let mut keys = head
        .windows(KEY.len())
        .enumerate()
        .filter(|(_, window)| *window == KEY);
    head.trim_ascii_start().starts_with(b"{") && keys.any(|(at, _)| behind(at).starts_with(b":"))
}

fn section(text: &[u8], tables: Vec<ast::Table>, mut notes: Notes) -> Result<Section, NftFileError> {
    let messages = compile::tables(tables, &mut notes);
    let mut lifted = nft::lift(&messages.raw)?;
    finish(&mut lifted.config, &mut lifted.runtime, &messages);
    let state = match notes.gaps.first() {
        None => State::Captured,
        Some(first) => State::Unreadable {
            why: format!(
                "{} of the file could not be read, first {}: {}",
                places(notes.gaps.len()),
                first.path,
                first.why
            ),
        },
    };
    Ok(Section {
        name: SectionName::Nftables,
        state,
        reader: Reader::Text,
        decoder: DECODER,
        taken_at_us: 0,
        generation: None,
        content: Some(Content::Netfilter {
            config: lifted.config,
            runtime: lifted.runtime,
        }),
        raw: Some(Raw::Text(TextRaw {
            text: Text::from(text),
        })),
        gaps: notes.gaps,
        warnings: notes.warnings,
    })
}

fn places(count: usize) -> String {
    if count == 1 {
        "one place".to_owned()
    } else {
        format!("{count} places")
    }
}

/// Takes away what stood for something else, and counters that the file does not tell.
fn finish(config: &mut Ruleset, runtime: &mut RulesetRuntime, messages: &compile::Messages) {
    for (table, runtime) in config.tables.iter_mut().zip(&mut runtime.tables) {
        let phantom = |name: &Text| {
            messages.phantoms.iter().any(|(family, of, set)| {
                *family == table.family && table.name.as_str() == Some(of) && name.as_str() == Some(set)
            })
        };
        let mut keep = table
            .sets
            .iter()
            .map(|set| !phantom(&set.name))
            .collect::<Vec<_>>()
            .into_iter();
        runtime.sets.retain(|_| keep.next().unwrap_or(true));
        table.sets.retain(|set| !phantom(&set.name));
        for (chain, runtime) in table.chains.iter_mut().zip(&mut runtime.chains) {
            chain.rules.iter_mut().for_each(words_back);
            for (index, rule) in runtime.rules.iter_mut().enumerate() {
                let place = (table.family, table.name.clone(), chain.name.clone(), index);
                if messages.uncounted.contains(&place) {
                    rule.counters = None;
                }
            }
        }
    }
}

/// Opaque expressions that stand for words become those words.
fn words_back(rule: &mut Rule) {
    if !rule.items.iter().any(is_words) {
        return;
    }
    let mut out: Vec<Item> = Vec::with_capacity(rule.items.len());
    for item in std::mem::take(&mut rule.items) {
        let Item::Opaque(opaque) = &item else {
            out.push(item);
            continue;
        };
        let Some(name) = opaque
            .name
            .as_str()
            .and_then(|name| name.strip_prefix(OPAQUE_NAME))
        else {
            out.push(item);
            continue;
        };
        while out.last().is_some_and(is_held) {
            out.pop();
        }
        out.push(Item::Opaque(Opaque {
            kind: "statement".to_owned(),
            name: name.into(),
            revision: None,
            payload: Hex(Vec::new()),
            text: Some(Text::from(opaque.payload.0.as_slice())),
        }));
    }
    rule.items = out;
}

fn is_words(item: &Item) -> bool {
    matches!(item, Item::Opaque(opaque)
        if opaque.name.as_str().is_some_and(|name| name.starts_with(OPAQUE_NAME)))
}

/// What a register holds, written down before an expression that is not understood; words read no register.
fn is_held(item: &Item) -> bool {
    match item {
        Item::Statement(Statement::Set { field, .. } | Statement::MapTo { field, .. }) => {
            field.0.starts_with("@reg,")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
