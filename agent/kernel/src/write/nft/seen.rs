//! A chain as it was read, and as it would be after an edit.

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Text;
use netghost_core::netfilter::model::{Chain, ChainId, Plane, Table, TableRuntime};
use netghost_core::netfilter::nft::{self, consts};
use netghost_core::netfilter::text;
use netghost_core::raw::{NetlinkRaw, RawMessage};
use netghost_core::section::Gap;

use super::attributes::{name, of_message, value};
use super::object;
use super::render::{self, At};
use super::stored::{StoredRule, is_bound, is_rule_of, rules};
use super::{Edit, WriteError};
use crate::netlink::batch::Part;
use crate::nftables::one_table::OneTable;

/// One chain in one generation.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) id: ChainId,
    pub(super) raw: NetlinkRaw,
    pub(super) generation: u32,
    pub(super) table: Table,
    runtime: TableRuntime,
    /// Its place among the chains of the table.
    at: usize,
    gaps: Vec<Gap>,
}

/// How a chain is called in what people read.
pub(super) fn words(id: &ChainId) -> String {
    format!("chain {} {} {}", id.family, id.table, id.chain)
}

pub(super) fn unreadable(id: &ChainId, why: impl ToString) -> WriteError {
    WriteError::Unreadable {
        what: words(id),
        why: why.to_string(),
    }
}

impl Seen {
    /// As the kernel has it.
    pub(super) fn new(id: &ChainId, one: OneTable) -> Result<Self, WriteError> {
        Self::decoded(id, one, true)
    }

    /// Chains count their uses, which says whether they were read whole; after an edit that was only thought they would miscount.
    fn decoded(id: &ChainId, one: OneTable, counted: bool) -> Result<Self, WriteError> {
        let lifted = nft::lift(&one.raw).map_err(|error| unreadable(id, error))?;
        let gaps = match counted {
            true => nft::gaps(&one.raw, &lifted).map_err(|error| unreadable(id, error))?,
            false => Vec::new(),
        };
        let absent = |what: String| WriteError::NotThere { what };
        let mut tables = lifted.config.tables.into_iter().zip(lifted.runtime.tables);
        let (table, runtime) = tables
            .next()
            .ok_or_else(|| absent(format!("table {} {}", id.family, id.table)))?;
        let at = table.chains.iter().position(|chain| chain.name == id.chain);
        let at = at
            .filter(|_| is_named_chain(&one.raw, id))
            .ok_or_else(|| absent(words(id)))?;
        Ok(Self {
            id: id.clone(),
            raw: one.raw,
            generation: one.generation,
            table,
            runtime,
            at,
            gaps,
        })
    }

    pub(super) fn chain(&self) -> Result<&Chain, WriteError> {
        let chain = self.table.chains.get(self.at);
        chain.ok_or_else(|| unreadable(&self.id, "it was not decoded"))
    }

    /// Each rule as a line, in order.
    pub(super) fn texts(&self) -> Result<Vec<String>, WriteError> {
        let chain = self.chain()?;
        let rules = chain.rules.iter();
        Ok(rules
            .map(|rule| text::rule(Plane::Nft, &self.table, chain, rule))
            .collect())
    }

    /// Of one kernel reading, the digest of the chain. What was not read whole has none.
    pub(super) fn digest(&self) -> Result<Digest, WriteError> {
        let chain = self.chain()?;
        let mut paths = vec![self.id.to_string()];
        let inner = object::unnamed(&self.table, chain);
        let kernel = self.raw.messages.iter().filter_map(bound_chain);
        let kernel = kernel.map(|(name, _)| name);
        for name in inner.into_iter().chain(kernel) {
            let id = ChainId {
                chain: name,
                ..self.id.clone()
            };
            paths.push(id.to_string());
        }
        let is_in = |gap: &&Gap| {
            paths.iter().any(|path| {
                let rest = gap.path.strip_prefix(path.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("/rule["))
            })
        };
        if let Some(gap) = self.gaps.iter().find(is_in) {
            return Err(unreadable(&self.id, format!("{}: {}", gap.path, gap.why)));
        }
        object::digest(&self.table, chain).map_err(|error| unreadable(&self.id, error))
    }

    /// Refuses what no rule may be changed in.
    pub(super) fn writable(&self) -> Result<(), WriteError> {
        let unsupported = |what: String| Err(WriteError::Unsupported { what });
        let table = format!("table {} {}", self.id.family, self.id.table);
        let owned = self.table.flags.iter().any(|flag| flag == "owner");
        if let Some(port) = self.runtime.owner {
            return unsupported(format!(
                "{table} belongs to the program with netlink port {port}, and the kernel lets nobody else change it"
            ));
        }
        if owned {
            return unsupported(format!(
                "{table} belongs to a program, and the kernel lets nobody else change it"
            ));
        }
        if self.chain()?.base.as_ref().is_some_and(|base| base.offload) {
            return unsupported(format!(
                "{} is offloaded to hardware: whether a rule can be put back there is not known before",
                words(&self.id)
            ));
        }
        Ok(())
    }

    /// A snapshot numbers chains in place by when they were made. One that is made again is the newest, so only what has the newest
    /// comes back under the same numbers.
    pub(super) fn would_be_numbered_alike(&self, rule: &StoredRule) -> Result<(), WriteError> {
        let own = rule.bound();
        let bound = self.raw.messages.iter().filter_map(bound_chain);
        let (its, others): (Vec<_>, Vec<_>) = bound.partition(|(name, _)| own.contains(&name));
        let first = its.iter().filter_map(|(_, handle)| *handle).min();
        let newer = others
            .iter()
            .any(|(_, handle)| first.is_some() && *handle > first);
        match newer {
            true => Err(WriteError::Unsupported {
                what: format!(
                    "the rule holds a chain in place, and its table has others that were made later: made again, it would stand \
                     behind them and {} would not read as before",
                    words(&self.id)
                ),
            }),
            false => Ok(()),
        }
    }

    /// The message of the rule at this place.
    pub(super) fn listed(&self, at: usize) -> Result<&RawMessage, WriteError> {
        let rules = rules(&self.raw, &self.id);
        let rule = rules.get(at).copied();
        rule.ok_or_else(|| {
            unreadable(
                &self.id,
                format!("its rule {} was not listed", at.saturating_add(1)),
            )
        })
    }

    /// The handle of the rule at this place.
    pub(super) fn handle(&self, at: usize) -> Result<u64, WriteError> {
        let chain = self.runtime.chains.get(self.at);
        let handle = chain.and_then(|chain| chain.rules.get(at)?.handle);
        let handle = handle.ok_or_else(|| unreadable(&self.id, "a rule without a handle"))?;
        Ok(handle.0)
    }

    /// What the chain would be after the edit, seen as the kernel would list it then.
    pub(super) fn edited(&self, edit: Edit, at: usize, rule: &StoredRule) -> Result<Self, WriteError> {
        let malformed = |error| unreadable(&self.id, error);
        let mut raw = self.raw.clone();
        let places: Vec<usize> = raw
            .messages
            .iter()
            .enumerate()
            .filter(|(_, message)| is_rule_of(message, &self.id))
            .map(|(place, _)| place)
            .collect();
        match edit {
            Edit::Delete => {
                let place = places.get(at);
                let place = place.ok_or_else(|| unreadable(&self.id, "it has fewer rules"))?;
                raw.messages.remove(*place);
            }
            Edit::Insert => {
                let mut new = render::listed(&self.id, rule).map_err(malformed)?;
                let last = new.pop();
                let place = places.get(at).copied().unwrap_or(raw.messages.len());
                raw.messages.splice(place..place, last);
                // A set stands before its elements and behind nothing, so all that the rule uses can stand first.
                raw.messages.splice(0..0, new);
            }
        }
        let generation = self.generation;
        Self::decoded(&self.id, OneTable { raw, generation }, false)
    }

    /// The messages that make the edit.
    pub(super) fn parts(&self, edit: Edit, at: usize, rule: &StoredRule) -> Result<Vec<Part>, WriteError> {
        let malformed = |error| unreadable(&self.id, error);
        match edit {
            Edit::Delete => {
                let part = render::delete(&self.id, self.handle(at)?).map_err(malformed)?;
                Ok(vec![part])
            }
            Edit::Insert => {
                let at = match at.checked_sub(1) {
                    None => At::First,
                    Some(before) => At::Behind(self.handle(before)?),
                };
                render::insert(&self.id, rule, at).map_err(malformed)
            }
        }
    }
}

/// True for a chain of this name that has it of its own.
fn is_named_chain(raw: &NetlinkRaw, id: &ChainId) -> bool {
    let chains = raw.messages.iter();
    let mut chains = chains.filter(|message| message.message_type == consts::NEW_CHAIN);
    chains.any(|message| {
        let parts = of_message(&message.payload.0).unwrap_or_default();
        name(&parts, 3).as_ref() == Some(&id.chain) && !is_bound(&parts)
    })
}

/// The kernel's name of a chain in place, and its handle.
fn bound_chain(message: &RawMessage) -> Option<(Text, Option<u64>)> {
    if message.message_type != consts::NEW_CHAIN {
        return None;
    }
    let parts = of_message(&message.payload.0).ok()?;
    let handle = value(&parts, 2).and_then(|bytes| bytes.first_chunk());
    let handle = handle.map(|bytes| u64::from_be_bytes(*bytes));
    let name = name(&parts, 3).filter(|_| is_bound(&parts))?;
    Some((name, handle))
}
