//! A match or target with the options that were given to it.

use std::collections::BTreeSet;

use super::tokens::{self, Token};
use super::{matches, options, targets};
use crate::bytes::{Hex, Text};
use crate::netfilter::model::{Family, Item, Opaque};

/// An extension's options as they were given.
#[derive(Debug, Default)]
pub(super) struct Asked(pub(super) Vec<(bool, String, Vec<Token>)>);

impl Asked {
    /// The one option there is.
    pub(super) fn single(&self) -> Option<&str> {
        match self.0.as_slice() {
            [(_, option, _)] => Some(option),
            _ => None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has_inverted(&self) -> bool {
        self.0.iter().any(|(inverted, ..)| *inverted)
    }

    /// Whether an option was given, and if so whether inverted.
    pub(super) fn flag(&self, option: &str) -> Option<bool> {
        self.find(option).map(|(inverted, _)| inverted)
    }

    /// The word after an option.
    pub(super) fn word(&self, option: &str) -> Option<(bool, &str)> {
        let (inverted, bytes) = self.bytes(option)?;
        // What is not text is no value either: it fails where it is decoded.
        Some((inverted, std::str::from_utf8(bytes).unwrap_or("\u{fffd}")))
    }

    /// The words after an option.
    pub(super) fn words(&self, option: &str) -> Option<(bool, Vec<&str>)> {
        let (inverted, tokens) = self.find(option)?;
        let words = tokens
            .iter()
            .map(|token| std::str::from_utf8(&token.bytes).unwrap_or("\u{fffd}"));
        Some((inverted, words.collect()))
    }

    /// The bytes after an option.
    pub(super) fn bytes(&self, option: &str) -> Option<(bool, &[u8])> {
        let (inverted, tokens) = self.find(option)?;
        Some((inverted, tokens.first()?.bytes.as_slice()))
    }

    fn find(&self, option: &str) -> Option<(bool, &[Token])> {
        let found = self.0.iter().find(|(_, name, _)| name == option)?;
        Some((found.0, &found.2))
    }

    /// True if no option stands twice, which no tool accepts.
    fn is_sound(&self) -> bool {
        let mut seen = BTreeSet::new();
        self.0.iter().all(|(_, option, _)| seen.insert(option))
    }
}

/// A match or target with its options.
#[derive(Debug)]
pub(super) struct Extension {
    pub(super) is_target: bool,
    pub(super) name: Text,
    pub(super) asked: Asked,
    /// Its options word by word.
    pub(super) words: Vec<Token>,
    /// Whether each option is known with the number of its words.
    pub(super) is_known: bool,
}

impl Extension {
    /// `-m` or `-j` with this name, without options yet.
    pub(super) fn new(is_target: bool, name: &[u8]) -> Self {
        let known = if is_target {
            options::knows_target(name)
        } else {
            options::knows_match(name)
        };
        Self {
            is_target,
            name: Text::from(name),
            asked: Asked::default(),
            words: Vec::new(),
            is_known: known,
        }
    }

    /// How many words follow this option, if it is known.
    pub(super) fn takes(&self, option: &str) -> Option<usize> {
        if self.is_target {
            options::of_target(self.name.as_bytes(), option)
        } else {
            options::of_match(self.name.as_bytes(), option)
        }
    }

    /// The whole of it, as it stood in the text.
    pub(super) fn opaque(&self) -> Item {
        Item::Opaque(Opaque {
            kind: if self.is_target { "target" } else { "match" }.to_owned(),
            name: self.name.clone(),
            revision: None,
            payload: Hex::default(),
            text: Some(tokens::join(&self.words)),
        })
    }

    /// What it asks or does.
    pub(super) fn items(&self, family: Family) -> Vec<Item> {
        // The elements of a policy repeat options; who reads them tells what stands twice.
        let usable = self.is_known && (self.asked.is_sound() || self.name.as_bytes() == b"policy");
        let decoded = if self.is_target {
            targets::decode(family, self).map(|statement| vec![Item::Statement(statement)])
        } else {
            matches::decode(family, self)
        };
        decoded.filter(|_| usable).unwrap_or_else(|| vec![self.opaque()])
    }
}

/// True for a word after `-j` that looks like a chain that isn't there rather than like an extension.
pub(super) fn is_plain_name(target: &Extension) -> bool {
    /// Targets that are not decoded and can stand without options.
    const BARE: [&[u8]; 9] = [
        b"TRACE",
        b"CT",
        b"AUDIT",
        b"SYNPROXY",
        b"TPROXY",
        b"IDLETIMER",
        b"CHECKSUM",
        b"NFQUEUE",
        b"ULOG",
    ];
    let name = target.name.as_bytes();
    target.words.is_empty() && !options::knows_target(name) && !BARE.contains(&name)
}
