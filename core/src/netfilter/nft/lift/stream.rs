//! The digest of a ruleset's configuration, made while its rules arrive: none of them is kept.
//!
//! Everything but the rules is decoded first and written in canonical form with empty chains. The rules are then written
//! into these places, so the bytes that are digested are those of the whole ruleset.

use std::collections::{BTreeMap, BTreeSet};

use super::super::consts;
use super::super::implicit::Implicit;
use super::super::message;
use super::super::whole::Count;
use super::Lift;
use crate::artifact::json::{CanonicalError, Digest};
use crate::bytes::Text;
use crate::netfilter::frame::{Frame, Sink};
use crate::netfilter::model::{ChainId, Family, Item, Rule, Ruleset, Statement};
use crate::netfilter::{set_names, unresolved};
use crate::raw::attr::Malformed;
use crate::raw::{NetlinkRaw, RawMessage};
use crate::section::Gap;

/// Why a ruleset has no digest.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// A message that can't be decoded.
    #[error("decode an nf_tables message")]
    Malformed(#[from] Malformed),
    /// A value without canonical form.
    #[error("write the canonical form")]
    Form(#[from] CanonicalError),
    /// A rule that belongs to another chain than the one that was asked for.
    #[error("a rule of another chain than {0}")]
    Stray(ChainId),
}

/// What was digested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Streamed {
    /// The digest of the configuration: that of the `config` object of a captured section with the same rules.
    pub digest: Digest,
    /// How many rules there were.
    pub rules: u64,
    /// What was not read whole; not empty: the digest stands for what was read only, and nothing may be concluded from it.
    pub gaps: Vec<Gap>,
}

/// A ruleset whose rules are still to come.
#[derive(Debug)]
pub struct Stream<'a> {
    header: &'a NetlinkRaw,
    lift: Lift<'a>,
    implicit: Implicit,
    /// In canonical order, by the names that the kernel knows.
    chains: Vec<ChainId>,
    frame: Frame,
    next: usize,
    filled: BTreeSet<(Family, Text, Text)>,
    count: Count,
    gaps: Vec<Gap>,
    rules: u64,
    in_chain: u64,
    sink: Sink,
}

impl<'a> Stream<'a> {
    /// Begins with the messages of everything but the rules.
    ///
    /// # Errors
    /// Where one of them can't be decoded.
    pub fn new(header: &'a NetlinkRaw) -> Result<Self, StreamError> {
        let mut count = Count::default();
        for message in &header.messages {
            count.message(message)?;
        }
        // The configuration goes before everything is decoded again: a large set is not to be in memory twice.
        let (named, frame, gaps) = {
            let config = Lift::new(header)?.ruleset()?.config;
            (
                names(&config),
                Frame::new(&config)?,
                unresolved::set_gaps(&config),
            )
        };
        let lift = Lift::new(header)?;
        let implicit = Implicit::of(&lift.chains);
        let chains = kernel_names(&lift, &implicit, named);
        Ok(Self {
            chains,
            frame,
            header,
            lift,
            implicit,
            next: 0,
            filled: BTreeSet::new(),
            count,
            gaps,
            rules: 0,
            in_chain: 0,
            sink: Sink::default(),
        })
    }

    /// The chains in the order in which their rules have to come, by the names that the kernel knows.
    pub fn chains(&self) -> &[ChainId] {
        &self.chains
    }

    /// Takes the next rule of the chain whose turn it is.
    ///
    /// # Errors
    /// Where it can't be decoded or belongs to another chain.
    pub fn rule(&mut self, message: &RawMessage) -> Result<(), StreamError> {
        if message.message_type != consts::NEW_RULE {
            return Err(StreamError::Malformed(Malformed::Value {
                what: "nlmsg_type",
                value: message.message_type.into(),
            }));
        }
        let (family, attributes) = message::open(message)?;
        let rule = message::rule(attributes)?;
        let turn = self
            .chains
            .get(self.next)
            .filter(|id| (id.family, &id.table, &id.chain) == (family, &rule.table, &rule.chain));
        if turn.is_none() {
            return Err(StreamError::Stray(ChainId {
                family,
                table: rule.table,
                chain: rule.chain,
            }));
        }
        self.count.references(family, &rule)?;
        let (mut lifted, _) = self.lift.rule(family, &rule)?;
        self.implicit.rename(family, &rule.table, &mut lifted);
        set_names::resolve_items(&mut lifted.items, &self.header.sets);
        self.note(family, &rule.table, &lifted);
        if self.in_chain == 0 {
            self.sink.push(self.frame.head(self.next));
        } else {
            self.sink.push(b",");
        }
        self.sink.rule(&lifted)?;
        self.in_chain += 1;
        self.rules += 1;
        Ok(())
    }

    /// Remembers the sets that a rule writes to, and that it names a set by number only.
    fn note(&mut self, family: Family, table: &Text, rule: &Rule) {
        for item in &rule.items {
            if let Item::Statement(Statement::Dynset { set, .. }) = item {
                self.filled.insert((family, table.clone(), set.clone()));
            }
        }
        if let Some(id) = self.chains.get(self.next) {
            let number = self.in_chain.saturating_add(1);
            self.gaps
                .extend(unresolved::of_rule(&id.to_string(), rule, number));
        }
    }

    /// Ends the chain whose turn it is.
    ///
    /// # Errors
    /// Where what follows its rules has no canonical form.
    pub fn end_of_chain(&mut self) -> Result<(), StreamError> {
        if self.in_chain == 0 {
            self.sink.push(self.frame.head(self.next));
        }
        if let Some(id) = self.chains.get(self.next) {
            let rules = u32::try_from(self.in_chain).unwrap_or(u32::MAX);
            self.count.see_often(id.clone(), rules);
        }
        self.in_chain = 0;
        self.next += 1;
        let last_of_table = match (
            self.chains.get(self.next.wrapping_sub(1)),
            self.chains.get(self.next),
        ) {
            (Some(one), Some(other)) => (one.family, &one.table) != (other.family, &other.table),
            _ => true,
        };
        if last_of_table && !self.filled.is_empty() {
            self.frame = self.frame_with_filled_sets()?;
        }
        Ok(())
    }

    /// What packets put into a set is not configuration, whatever the flags of the set say.
    fn frame_with_filled_sets(&self) -> Result<Frame, StreamError> {
        let mut lift = Lift::new(self.header)?;
        for key in &self.filled {
            if let Some(set) = lift.sets.get_mut(key) {
                set.elements.clear();
            }
        }
        Ok(Frame::new(&lift.ruleset()?.config)?)
    }

    /// The digest, after the last chain.
    ///
    /// # Errors
    /// Where a chain's rules are missing.
    pub fn finish(mut self) -> Result<Streamed, StreamError> {
        if let Some(id) = self.chains.get(self.next) {
            return Err(StreamError::Stray(id.clone()));
        }
        self.sink.push(self.frame.head(self.next));
        self.gaps.extend(self.count.gaps());
        Ok(Streamed {
            digest: self.sink.finish(),
            rules: self.rules,
            gaps: self.gaps,
        })
    }
}

/// The chains of a configuration in their order.
fn names(config: &Ruleset) -> Vec<ChainId> {
    let tables = config.tables.iter();
    let chains = tables.flat_map(|table| table.chains.iter().map(move |chain| (table, chain)));
    chains
        .map(|(table, chain)| ChainId {
            family: table.family,
            table: table.name.clone(),
            chain: chain.name.clone(),
        })
        .collect()
}

/// The chains of a configuration by the names that the kernel knows.
fn kernel_names(lift: &Lift<'_>, implicit: &Implicit, configured: Vec<ChainId>) -> Vec<ChainId> {
    let named: BTreeMap<ChainId, Text> = lift
        .chains
        .iter()
        .map(|(family, chain)| {
            let id = ChainId {
                family: *family,
                table: chain.table.clone(),
                chain: implicit.name(*family, &chain.table, &chain.name),
            };
            (id, chain.name.clone())
        })
        .collect();
    configured
        .into_iter()
        .map(|id| ChainId {
            chain: named.get(&id).unwrap_or(&id.chain).clone(),
            ..id
        })
        .collect()
}
