//! One rule of nf_tables less or more, and back.
//!
//! What is planned is an edit of one chain: a rule goes from, or comes to, a place. The chain is read in one generation of the
//! ruleset; what it would be after the edit is decoded from the messages that the kernel would list then, so the digest that is
//! promised is of what will be read. The edit is one batch bound to the generation of the reading (`NFNL_BATCH_GENID`): in any
//! other one the kernel does nothing of it, and the chain is read anew.
//!
//! A rule takes its sets, maps and chains in place with it. They are kept in the kernel's own bytes and made again in the same
//! batch. That the kernel would take all of it back is tried before a deletion is planned: as a batch that deletes the rule and
//! makes it again, without its end, which the kernel checks whole and does nothing of.

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Text;
use netghost_core::gate::{Effect, Operation, Place, RuleRef};
use netghost_core::netfilter::model::ChainId;
use netghost_core::netfilter::text;
use serde::{Deserialize, Serialize};

use super::{Change, Standing, WriteError};
use crate::netlink::batch::{BatchError, Part, Terms};
use crate::netlink::{DumpError, Protocol, Socket};
use crate::nftables::one_table::Reader;
use crate::tries::{Outcome, TRIES, Try, repeat};
use seen::{Seen, unreadable, words as name_of};
use stored::StoredRule;

mod attributes;
mod compat;
mod find;
mod insert;
mod names;
mod object;
mod render;
mod seen;
mod stored;
mod taken;
mod words;

/// `NFNL_SUBSYS_NFTABLES`.
const SUBSYSTEM: u8 = 10;

/// What a change does to a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Edit {
    /// A rule goes.
    Delete,
    /// A rule comes.
    Insert,
}

impl Edit {
    fn opposite(self) -> Self {
        match self {
            Self::Delete => Self::Insert,
            Self::Insert => Self::Delete,
        }
    }
}

/// The edit, with the rule that goes or comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Steps {
    chain: ChainId,
    edit: Edit,
    /// The rule's place in the chain, from 0. The digests say that all other rules are as they were, so it is the place.
    at: u32,
    rule: StoredRule,
}

pub(super) fn plan(operation: &Operation) -> Result<Change, WriteError> {
    let (family, table, chain) = match operation {
        Operation::NftDelete {
            family, table, chain, ..
        }
        | Operation::NftInsert {
            family, table, chain, ..
        } => (*family, table.clone(), chain.clone()),
        other => {
            return Err(WriteError::Unsupported {
                what: format!("{} is no change of nf_tables", other.kind()),
            });
        }
    };
    let id = ChainId { family, table, chain };
    stable(&id, &[], |seen| {
        let before = seen.digest()?;
        seen.writable()?;
        match operation {
            Operation::NftInsert { place, rule, .. } => insertion(seen, before, place, rule),
            Operation::NftDelete { rule, .. } => deletion(seen, before, rule),
            _ => Ok(None),
        }
    })
}

/// `None` if the ruleset changed meanwhile.
fn deletion(seen: &Seen, before: Digest, wanted: &RuleRef) -> Result<Option<Change>, WriteError> {
    let at = find::rule(seen, wanted)?;
    let unsupported = |what: String| WriteError::Unsupported { what };
    let rule = StoredRule::of(&seen.raw, &seen.id, seen.listed(at)?).map_err(|error| {
        unsupported(format!(
            "the rule `{}` can't be put back once it is gone: {error}",
            wanted.text
        ))
    })?;
    seen.would_be_numbered_alike(&rule)?;
    let after = seen.edited(Edit::Delete, at, &rule)?;
    // What is stored is what was read.
    if after.edited(Edit::Insert, at, &rule)?.digest()? != before {
        return Err(unsupported(format!(
            "the rule `{}` would not come back as it is",
            wanted.text
        )));
    }
    let mut parts = seen.parts(Edit::Delete, at, &rule)?;
    parts.extend(seen.parts(Edit::Insert, at, &rule)?);
    match send(seen, &parts, false) {
        Ok(()) => {}
        Err(BatchError::Stale) => return Ok(None),
        Err(error) => {
            return Err(unsupported(format!(
                "the kernel would not take the rule `{}` back once it is gone: {}",
                wanted.text,
                said(&error)
            )));
        }
    }
    let model = seen.chain()?.rules.get(at);
    let model = model.ok_or_else(|| unreadable(&seen.id, "it has fewer rules"))?;
    let effect = Effect {
        change: vec![words::deleted(seen, at, model)?],
        inverse: vec![words::put_back(&after, at, model)?],
        object: Text::from(name_of(&seen.id)),
        before,
        after: Some(after.digest()?),
        irreversible: None,
        notes: words::lost(&rule).map_err(|error| unreadable(&seen.id, error))?,
    };
    change(seen, Edit::Delete, at, rule, effect).map(Some)
}

/// `None` if the ruleset changed meanwhile.
fn insertion(seen: &Seen, before: Digest, place: &Place, text: &Text) -> Result<Option<Change>, WriteError> {
    let at = find::place(seen, place)?;
    let (rule, one) = insert::compiled(seen, text)?;
    if insert::can_be_tried(&one) {
        match send(seen, &seen.parts(Edit::Insert, at, &rule)?, false) {
            Ok(()) => {}
            Err(BatchError::Stale) => return Ok(None),
            Err(error) => {
                return Err(WriteError::Refused {
                    what: format!("the rule `{text}`"),
                    why: said(&error),
                });
            }
        }
    }
    let after = seen.edited(Edit::Insert, at, &rule)?;
    let model = after.chain()?.rules.get(at).filter(|model| **model == one.rule);
    let model = model.ok_or_else(|| WriteError::Unsupported {
        what: format!("the rule `{text}` would not be read in that chain as it is written"),
    })?;
    let mut notes = Vec::new();
    if text::is_iptables_table(&seen.table) {
        notes.push(Text::from(
            "the table is one of iptables-nft's, which may not show a rule that nft made",
        ));
    }
    let effect = Effect {
        change: vec![words::inserted(seen, at, model)?],
        inverse: vec![words::taken_out(&after, model)],
        object: Text::from(name_of(&seen.id)),
        before,
        after: Some(after.digest()?),
        irreversible: None,
        notes,
    };
    change(seen, Edit::Insert, at, rule, effect).map(Some)
}

fn change(
    seen: &Seen,
    edit: Edit,
    at: usize,
    rule: StoredRule,
    effect: Effect,
) -> Result<Change, WriteError> {
    let at = u32::try_from(at).map_err(|error| unreadable(&seen.id, error))?;
    let steps = Steps {
        chain: seen.id.clone(),
        edit,
        at,
        rule,
    };
    Ok(Change {
        effect,
        steps: super::Steps::Nft(steps),
    })
}

/// Sends a batch for the generation of a reading.
fn send(seen: &Seen, parts: &[Part], commit: bool) -> Result<(), BatchError> {
    let terms = Terms {
        subsystem: SUBSYSTEM,
        generation: seen.generation,
        commit,
    };
    // A socket of its own: nothing of an earlier answer is in it.
    Socket::open(Protocol::Netfilter)?.batch(terms, parts)
}

fn said(error: &BatchError) -> String {
    match error {
        BatchError::Unanswered(error) => error.chain(),
        other => other.to_string(),
    }
}

/// Reads a chain until a reading is whole and `with` has done what it does with it, at most [`TRIES`] times; `with` gives `None`
/// where the ruleset changed before it was done.
fn stable<T>(
    id: &ChainId,
    beside: &[&[u8]],
    mut with: impl FnMut(&Seen) -> Result<Option<T>, WriteError>,
) -> Result<T, WriteError> {
    let failed = |error: DumpError| unreadable(id, error.chain());
    let absent = || WriteError::NotThere {
        what: format!("table {} {}", id.family, id.table),
    };
    let mut reader = Reader::open().map_err(failed)?.ok_or_else(absent)?;
    let attempt = || match reader.pass(id.family, &id.table, beside) {
        Ok(Some(one)) => match Seen::new(id, one).and_then(|seen| with(&seen)) {
            Ok(Some(done)) => Try::Done(done),
            Ok(None) => Try::Again,
            Err(error) => Try::Failed(error),
        },
        Ok(None) => Try::Again,
        Err(error) if error.is_transient() => Try::Again,
        Err(error) => Try::Failed(failed(error)),
    };
    match repeat(attempt, std::thread::sleep) {
        Outcome::Done(done) => Ok(done),
        Outcome::Failed(error) => Err(error),
        Outcome::Torn(_) => Err(unreadable(
            id,
            format!("the ruleset changed during each of {TRIES} tries: something rewrites it all the time"),
        )),
    }
}

/// What came of a batch that was sent to be done.
enum Sent {
    Done,
    /// Only a reading tells.
    Unanswered(String),
}

impl Steps {
    pub(super) fn apply(&self, effect: &Effect) -> Result<(), WriteError> {
        let after = effect.after.ok_or_else(|| self.without_after())?;
        self.make(self.edit, effect.before, after)
    }

    pub(super) fn undo(&self, effect: &Effect) -> Result<(), WriteError> {
        let after = effect.after.ok_or_else(|| self.without_after())?;
        self.make(self.edit.opposite(), after, effect.before)
    }

    pub(super) fn standing(&self, effect: &Effect) -> Result<Standing, WriteError> {
        let digest = match stable(&self.chain, &[], |seen| seen.digest().map(Some)) {
            Ok(digest) => digest,
            // The chain is gone, and with it whatever was changed: somebody else did that.
            Err(WriteError::NotThere { .. }) => return Ok(Standing::Other),
            Err(error) => return Err(error),
        };
        Ok(match digest {
            digest if digest == effect.before => Standing::Before,
            digest if Some(digest) == effect.after => Standing::After,
            _ => Standing::Other,
        })
    }

    pub(super) fn reversed(&self) -> Self {
        Self {
            edit: self.edit.opposite(),
            ..self.clone()
        }
    }

    fn without_after(&self) -> WriteError {
        unreadable(&self.chain, "the record does not say what it is to become")
    }

    /// Makes an edit of a chain with the first digest, which then has the second.
    fn make(&self, edit: Edit, from: Digest, to: Digest) -> Result<(), WriteError> {
        let at = usize::try_from(self.at).map_err(|error| unreadable(&self.chain, error))?;
        let beside = self.rule.expressions.0.as_slice();
        let moved = |object: String| WriteError::Moved { object };
        let sent = stable(&self.chain, &[beside], |seen| {
            if seen.digest()? != from {
                return Err(moved(name_of(&self.chain)));
            }
            seen.writable()?;
            // What the rule names by a number (a device, an ipset) may be another by now.
            if seen.edited(edit, at, &self.rule)?.digest()? != to {
                return Err(moved(format!(
                    "what a rule of {} refers to",
                    name_of(&self.chain)
                )));
            }
            match send(seen, &seen.parts(edit, at, &self.rule)?, true) {
                Ok(()) => Ok(Some(Sent::Done)),
                Err(BatchError::Stale) => Ok(None),
                Err(BatchError::Unanswered(error)) => Ok(Some(Sent::Unanswered(error.chain()))),
                Err(error) => Err(WriteError::Refused {
                    what: format!("the change of {}", name_of(&self.chain)),
                    why: said(&error),
                }),
            }
        })?;
        self.verify(sent, from, to)
    }

    /// Holds what is there now to what was promised. A batch is done whole or not at all, so anything else is what somebody made
    /// of it since; it is [`WriteError::Half`] all the same, because the edit was made.
    fn verify(&self, sent: Sent, from: Digest, to: Digest) -> Result<(), WriteError> {
        let half = |why: String| WriteError::Half {
            what: format!("the change of {}", name_of(&self.chain)),
            why,
        };
        let now = stable(&self.chain, &[], |seen| seen.digest().map(Some));
        match (sent, now) {
            (_, Ok(now)) if now == to => Ok(()),
            (Sent::Unanswered(why), Ok(now)) if now == from => Err(WriteError::Refused {
                what: format!("the change of {}", name_of(&self.chain)),
                why,
            }),
            (Sent::Done, Ok(_)) => Err(half(
                "it was made, and the chain is not what it became: somebody else changed it since".to_owned(),
            )),
            (Sent::Unanswered(why), Ok(_)) => Err(half(format!(
                "the kernel did not answer ({why}), and the chain is neither what it was nor what it was to become"
            ))),
            // It was made of what was read, in one step. That something else is rewritten all the time since is no part of it.
            (Sent::Done, Err(_)) => Ok(()),
            (Sent::Unanswered(why), Err(error)) => Err(half(format!(
                "the kernel did not answer ({why}), and then {error}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests;
