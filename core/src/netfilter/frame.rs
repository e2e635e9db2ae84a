//! A ruleset without rules in canonical form, and the places where the rules belong: so that a digest can be made without
//! the whole ruleset in memory.

use std::ops::Range;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::model::{Rule, Ruleset};
use super::written;
use crate::artifact::json::{self, CanonicalError, Digest};

/// What a chain without rules is written as; its key can't stand in a string, where quotes are escaped.
const EMPTY: &[u8] = b"\"rules\":[]";

/// Digested in pieces of about this many bytes.
const PIECE: usize = 64 * 1024;

/// The canonical bytes around the rules.
#[derive(Debug)]
pub(crate) struct Frame {
    bytes: Vec<u8>,
    /// What comes before the rules of each chain, and what comes after those of the last.
    parts: Vec<Range<usize>>,
}

impl Frame {
    /// The frame of a ruleset whose chains have no rules.
    pub(crate) fn new(config: &Ruleset) -> Result<Self, CanonicalError> {
        let chains = config.tables.iter().map(|table| table.chains.len()).sum();
        Self::of(config, chains)
    }

    /// The frame of what is written as such a ruleset, with so many chains.
    pub(crate) fn of<T: Serialize>(config: &T, chains: usize) -> Result<Self, CanonicalError> {
        let bytes = json::to_vec(config)?;
        let mut parts = Vec::new();
        let mut start = 0;
        while let Some(found) = bytes.get(start..).and_then(|rest| find(rest, EMPTY)) {
            // Up to the bracket that closes the list.
            let end = start + found + EMPTY.len() - 1;
            parts.push(start..end);
            start = end;
        }
        parts.push(start..bytes.len());
        if parts.len() != chains + 1 {
            let what = "a chain without a place for its rules";
            return Err(CanonicalError::Form(what.to_owned()));
        }
        Ok(Self { bytes, parts })
    }

    /// What comes before the rules of this chain; for the number after the last: what comes after its rules.
    pub(crate) fn head(&self, chain: usize) -> &[u8] {
        let part = self.parts.get(chain).cloned().unwrap_or_default();
        self.bytes.get(part).unwrap_or_default()
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Bytes on their way into a digest.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    hash: Sha256,
    pending: Vec<u8>,
}

impl Sink {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        self.flush_from(PIECE);
    }

    pub(crate) fn rule(&mut self, rule: &Rule) -> Result<(), CanonicalError> {
        written::rule(rule, &mut self.pending)?;
        self.flush_from(PIECE);
        Ok(())
    }

    fn flush_from(&mut self, length: usize) {
        if self.pending.len() >= length {
            self.hash.update(&self.pending);
            self.pending.clear();
        }
    }

    pub(crate) fn finish(mut self) -> Digest {
        self.flush_from(0);
        let bytes: [u8; 32] = self.hash.finalize().into();
        bytes.into()
    }
}
