//! The digest of a legacy ruleset's configuration in pieces, which may be made side by side.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Info, LiftError, entries, lift_chain, lift_rule, spans};
use crate::artifact::json::{CanonicalError, Digest};
use crate::bytes::Text;
use crate::netfilter::frame::{Frame, Sink};
use crate::netfilter::model::{Chain, Family, Plane, Ruleset, Table};
use crate::netfilter::xt::entry::Entry;
use crate::netfilter::{set_names, unresolved, written};
use crate::raw::attr::Malformed;
use crate::raw::{SetName, XtablesRaw, XtablesTable};
use crate::section::Gap;

/// Rules to a piece.
const RULES: usize = 2048;

/// Why a ruleset has no digest.
#[derive(Debug, thiserror::Error)]
pub enum PieceError {
    /// An entry that can't be decoded.
    #[error(transparent)]
    Entry(#[from] LiftError),
    /// A value without canonical form.
    #[error("write the canonical form")]
    Form(#[from] CanonicalError),
}

/// A legacy ruleset whose rules are not decoded yet.
#[derive(Debug)]
pub struct Pieces<'a> {
    frame: Frame,
    sets: &'a [SetName],
    chains: Vec<Laid<'a>>,
    /// The number of a chain, and which of its rules.
    pieces: Vec<(usize, Range<usize>)>,
}

/// The canonical bytes of some rules with what stands around them, and what could not be told of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    bytes: Vec<u8>,
    gaps: Vec<Gap>,
}

/// A chain's entries before its rules are made.
#[derive(Debug)]
struct Laid<'a> {
    table: Text,
    path: String,
    rules: Vec<Entry<'a>>,
    /// Where the chains of its table begin.
    names: std::sync::Arc<BTreeMap<usize, Text>>,
}

impl<'a> Pieces<'a> {
    /// Lays out the entries of all tables.
    ///
    /// # Errors
    /// If those of a table don't fit together.
    pub fn new(raw: &'a XtablesRaw) -> Result<Self, PieceError> {
        let family = raw.family();
        let mut tables = Vec::new();
        for table in &raw.tables {
            tables.push((table.name.clone(), laid(family, table)?));
        }
        tables.sort_by(|a, b| a.0.cmp(&b.0));
        let (mut chains, mut config) = (Vec::new(), Vec::new());
        for (name, all) in tables {
            let (empty, rules): (Vec<Chain>, Vec<Laid<'a>>) = all.into_iter().unzip();
            chains.extend(rules);
            config.push(Table {
                chains: empty,
                ..super::empty_table(family, name)
            });
        }
        let frame = Frame::new(&Ruleset {
            plane: Plane::Legacy,
            tables: config,
            hook_order: Vec::new(),
        })?;
        let pieces = chains.iter().enumerate().flat_map(|(number, chain)| {
            let count = chain.rules.len();
            // A chain without rules is a piece too: what stands before its rules.
            let starts = (0..count.max(1)).step_by(RULES);
            starts.map(move |start| (number, start..count.min(start + RULES)))
        });
        Ok(Self {
            pieces: pieces.collect(),
            frame,
            sets: &raw.sets,
            chains,
        })
    }

    /// How many pieces there are.
    pub fn count(&self) -> usize {
        self.pieces.len()
    }

    /// One of them, counted from 0.
    ///
    /// # Errors
    /// Where a rule can't be decoded.
    pub fn piece(&self, number: usize) -> Result<Piece, PieceError> {
        let mut piece = Piece {
            bytes: Vec::new(),
            gaps: Vec::new(),
        };
        let Some((chain, range)) = self.pieces.get(number) else {
            return Ok(piece);
        };
        let Some(laid) = self.chains.get(*chain) else {
            return Ok(piece);
        };
        if range.start == 0 {
            piece.bytes.extend_from_slice(self.frame.head(*chain));
        }
        for (place, entry) in laid.rules.iter().enumerate().take(range.end).skip(range.start) {
            if place > 0 {
                piece.bytes.push(b',');
            }
            let mut rule = lift_rule(entry, &laid.names).map_err(|source| LiftError {
                table: laid.table.clone(),
                offset: entry.offset,
                source,
            })?;
            set_names::resolve_items(&mut rule.items, self.sets);
            written::rule(&rule, &mut piece.bytes)?;
            if unresolved::names_a_set(&rule) {
                let number = u64::try_from(place + 1).unwrap_or(u64::MAX);
                piece.gaps.push(unresolved::gap(&laid.path, number));
            }
        }
        Ok(piece)
    }

    /// The digest of all pieces, and what could not be told.
    ///
    /// # Errors
    /// Where a piece that was not put in can't be made.
    pub fn finish(&self, mut joined: Joined) -> Result<(Digest, Vec<Gap>), PieceError> {
        while joined.next < self.count() {
            let piece = self.piece(joined.next)?;
            joined.put(joined.next, piece);
        }
        joined.sink.push(self.frame.head(self.chains.len()));
        Ok((joined.sink.finish(), joined.gaps))
    }
}

/// Pieces on their way into a digest. Each is kept only until those before it are there.
#[derive(Debug, Default)]
pub struct Joined {
    sink: Sink,
    gaps: Vec<Gap>,
    next: usize,
    waiting: BTreeMap<usize, Piece>,
}

impl Joined {
    /// Puts in the piece of this number, counted from 0.
    pub fn put(&mut self, number: usize, piece: Piece) {
        self.waiting.insert(number, piece);
        while let Some(piece) = self.waiting.remove(&self.next) {
            self.sink.push(&piece.bytes);
            self.gaps.extend(piece.gaps);
            self.next += 1;
        }
    }
}

/// The chains of a table sorted by name: each without its rules, and its rules' entries.
fn laid<'a>(family: Family, raw: &'a XtablesTable) -> Result<Vec<(Chain, Laid<'a>)>, LiftError> {
    let wrong = |(offset, source): (usize, Malformed)| LiftError {
        table: raw.name.clone(),
        offset,
        source,
    };
    let info = Info::read(family, &raw.info.0).map_err(|source| wrong((0, source)))?;
    let entries = entries(family, &info, &raw.entries.0).map_err(wrong)?;
    let spans = spans(family, &info, entries).map_err(wrong)?;
    let jumps = spans.iter().filter(|span| span.hook.is_none());
    let names: BTreeMap<usize, Text> = jumps.map(|span| (span.begin, span.name.clone())).collect();
    let names = std::sync::Arc::new(names);
    let mut out = Vec::new();
    for mut span in spans {
        let mut rules = std::mem::take(&mut span.entries);
        span.entries.extend(rules.pop());
        let begin = span.begin;
        let chain = lift_chain(family, &raw.name, span, &names)
            .map_err(|(offset, source)| wrong((offset.max(begin), source)))?
            .0;
        let laid = Laid {
            table: raw.name.clone(),
            path: format!("{family}/{}/{}", raw.name, chain.name),
            rules,
            names: names.clone(),
        };
        out.push((chain, laid));
    }
    out.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    Ok(out)
}
