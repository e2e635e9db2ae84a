//! Beyond the dump: rules behind one that is too large to be listed are asked for one by one, by their handles.
//!
//! A table numbers its chains, rules, sets and objects from one counter (`nf_tables_alloc_handle`), so the handles of what
//! was not listed are among those that nothing else has. The kernel refuses a handle that is no rule of the chain with
//! `ENOENT`, and a rule that does not fit one page with another error: that rule is there, and stays unread.

use std::collections::BTreeSet;
use std::ops::Range;

use netghost_core::bytes::{Hex, Text};
use netghost_core::netfilter::model::{ChainId, Family};
use netghost_core::netfilter::nft::consts;
use netghost_core::netfilter::nft::message;
use netghost_core::netfilter::nft::whole::{Count, Short};
use netghost_core::raw::RawMessage;
use netghost_core::section::Warning;

use super::{header, malformed, push_name};
use crate::netlink::{Answer, DumpError, Link, Socket};

/// The code of a warning that the search ended before everything was found.
const LEFT: &str = "HIDDEN_RULES_LEFT";

/// How much is asked at most in one reading, in steps of a chain that the kernel walks for an answer: it looks a handle up by
/// walking the chain from its beginning. A step costs up to 35 ns and a request some 4 µs besides (measured on chains of one
/// and of 100,000 rules), so this is one to two seconds: a quarter of a million handles where the chains are short.
const STEPS: u64 = 1 << 25;

/// What a request costs besides the walk, in steps.
const STEPS_OF_A_REQUEST: u64 = 1 << 7;

/// How near to a known handle is looked at first: what was added together has handles that are near to each other.
const NEAR: u64 = 1 << 12;

/// Requests in one datagram. Each is answered by a message of its own, and all answers must fit the socket's buffer.
const AT_ONCE: usize = 32;

/// What was found, and whether the search was given up.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Each request that was answered by a rule, with its answer, and each refusal but "there is none".
    pub(super) messages: Vec<RawMessage>,
    pub(super) warnings: Vec<Warning>,
}

/// Looks for what the chains that are short lack.
pub(super) fn complete<L: Link>(socket: &mut Socket<L>, listed: &[RawMessage]) -> Result<Found, DumpError> {
    let mut search = Search {
        socket,
        count: Count::of(listed).map_err(malformed)?,
        found: Found::default(),
        asked: 0,
        steps: STEPS,
    };
    let tables: BTreeSet<(Family, Text)> = search
        .count
        .short()
        .into_iter()
        .map(|short| (short.chain.family, short.chain.table))
        .collect();
    for (family, table) in tables {
        search.table(family, &table, listed)?;
    }
    Ok(search.finish())
}

struct Search<'s, L: Link> {
    socket: &'s mut Socket<L>,
    count: Count,
    found: Found,
    asked: u64,
    steps: u64,
}

impl<L: Link> Search<'_, L> {
    /// The short chains of one table.
    fn table(&mut self, family: Family, table: &Text, listed: &[RawMessage]) -> Result<(), DumpError> {
        let handles = message::handles(listed, family, table).map_err(malformed)?;
        let chains = self.short(family, table).into_iter();
        let last = chains.map(|short| handles.last_of(&short.chain.chain)).min();
        let mut candidates = Candidates::of(&handles.all, last.unwrap_or(0));
        let mut found = BTreeSet::new();
        while self.steps > 0 {
            let short = self.short(family, table);
            let asked: Vec<u64> = candidates.by_ref().take(AT_ONCE).collect();
            if short.is_empty() || asked.is_empty() {
                break;
            }
            for chain in &short {
                let open = asked.iter().copied().filter(|handle| !found.contains(handle));
                let open: Vec<u64> = open.collect();
                found.extend(self.ask(chain, &open)?);
            }
        }
        Ok(())
    }

    fn short(&self, family: Family, table: &Text) -> Vec<Short> {
        let all = self.count.short().into_iter();
        all.filter(|short| short.chain.family == family && short.chain.table == *table)
            .collect()
    }

    /// Asks for these handles in one chain; returns those that are its rules.
    fn ask(&mut self, short: &Short, handles: &[u64]) -> Result<Vec<u64>, DumpError> {
        let bodies: Result<Vec<Vec<u8>>, DumpError> = handles
            .iter()
            .map(|handle| request(&short.chain, *handle))
            .collect();
        let bodies = bodies?;
        let answers = self.socket.ask(consts::GET_RULE, &bodies)?;
        let each = STEPS_OF_A_REQUEST + u64::from(short.uses);
        let count = u64::try_from(handles.len()).unwrap_or(u64::MAX);
        self.asked = self.asked.saturating_add(count);
        self.steps = self.steps.saturating_sub(each.saturating_mul(count));
        let mut rules = Vec::new();
        for ((handle, body), answer) in handles.iter().zip(bodies).zip(answers) {
            let messages = match answer {
                Answer::Message(message) => vec![asked(body), message],
                Answer::Refused {
                    errno: libc::ENOENT, ..
                } => continue,
                Answer::Refused { message, .. } => vec![message],
            };
            for message in &messages {
                self.count.message(message).map_err(malformed)?;
            }
            self.found.messages.extend(messages);
            rules.push(*handle);
        }
        Ok(rules)
    }

    fn finish(mut self) -> Found {
        let asked = self.asked;
        let left = self.count.short();
        self.found.warnings.extend(left.iter().map(|short| Warning {
            code: LEFT.to_owned(),
            message: format!(
                "{}: {} of its {} uses are still not accounted for after {asked} handles were asked for one by one",
                short.chain, short.missing, short.uses
            ),
        }));
        self.found
    }
}

/// The request as part of what was read: the rule behind it came as its answer.
fn asked(body: Vec<u8>) -> RawMessage {
    RawMessage {
        message_type: consts::GET_RULE,
        payload: Hex(body),
    }
}

/// `NFTA_RULE_TABLE`, `NFTA_RULE_CHAIN`, `NFTA_RULE_HANDLE`.
fn request(chain: &ChainId, handle: u64) -> Result<Vec<u8>, DumpError> {
    let mut body = header(message::family_number(chain.family));
    push_name(&mut body, 1, &chain.table)?;
    push_name(&mut body, 2, &chain.chain)?;
    body.extend_from_slice(&12u16.to_ne_bytes());
    body.extend_from_slice(&3u16.to_ne_bytes());
    body.extend_from_slice(&handle.to_be_bytes());
    Ok(body)
}

/// The handles to ask for, the likely ones first: near the last rule that was listed, near the largest handle known, between
/// these two, below, and at last all above.
struct Candidates {
    stretches: Vec<Range<u64>>,
    known: BTreeSet<u64>,
}

impl Candidates {
    fn of(known: &BTreeSet<u64>, last_listed: u64) -> Self {
        let largest = known.last().copied().unwrap_or(0);
        let beyond = largest.saturating_add(NEAR);
        let last_listed = last_listed.max(1);
        let near_listed = last_listed..last_listed.saturating_add(NEAR).min(beyond);
        let near_largest = largest.saturating_sub(NEAR).max(near_listed.end)..beyond;
        let between = near_listed.end..near_largest.start;
        Self {
            // Taken from the back. No handle is nought.
            stretches: vec![
                beyond..u64::MAX,
                1..last_listed,
                between,
                near_largest,
                near_listed,
            ],
            known: known.clone(),
        }
    }
}

impl Iterator for Candidates {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        loop {
            let stretch = self.stretches.last_mut()?;
            match stretch.next() {
                Some(handle) if self.known.contains(&handle) => {}
                Some(handle) => return Some(handle),
                None => {
                    self.stretches.pop();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
