//! Rules of legacy xtables, deleted and put back by the tool whose they are.
//!
//! The kernel takes a whole table at once and knows no generation, so the tool does it, under the lock that all its kin take. It is
//! told the whole rule, never a number: what it deletes reads so. What came of it is read again from the kernel.

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Text;
use netghost_core::gate::{Effect, IpFamily, Operation};
use netghost_core::netfilter::model::Counters;
use serde::{Deserialize, Serialize};

use super::{Change, Standing, WriteError};

mod chain;
mod found;
mod split;
mod tool;

use chain::Chain;
use tool::Tool;

/// One rule at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Steps {
    does: Does,
    family: IpFamily,
    table: Text,
    chain: Text,
    /// From 1.
    place: u32,
    /// What the rule had counted when the change was planned.
    counters: Counters,
    /// What follows `-A CHAIN`, byte for byte.
    rule: Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Does {
    Delete,
    Insert,
}

impl Does {
    fn other(self) -> Self {
        match self {
            Self::Delete => Self::Insert,
            Self::Insert => Self::Delete,
        }
    }
}

pub(super) fn plan(operation: &Operation) -> Result<Change, WriteError> {
    let Operation::LegacyDelete {
        family,
        table,
        chain,
        rule,
    } = operation
    else {
        return Err(unsupported(format!(
            "{} is no change of a legacy table",
            operation.kind()
        )));
    };
    let read = Chain::read(*family, table, chain)?;
    let tool = Tool::find(*family)?;
    let found = found::find(&read, rule, &tool)?;
    let steps = Steps {
        does: Does::Delete,
        family: *family,
        table: table.clone(),
        chain: chain.clone(),
        place: found.place,
        counters: found.counters,
        rule: found.text,
    };
    let line = |does| Text::from(steps.line(&tool, does));
    let effect = Effect {
        change: vec![line(Does::Delete)],
        inverse: vec![line(Does::Insert)],
        object: Text::from(read.object()),
        before: read.digest()?,
        after: Some(read.without(found.place).digest()?),
        irreversible: None,
        notes: found.notes,
    };
    Ok(Change {
        effect,
        steps: super::Steps::Legacy(steps),
    })
}

impl Steps {
    pub(super) fn apply(&self, effect: &Effect) -> Result<(), WriteError> {
        let after = effect
            .after
            .ok_or_else(|| unsupported("it has no state after it".to_owned()))?;
        self.change(self.does, effect, (effect.before, after))
    }

    pub(super) fn undo(&self, effect: &Effect) -> Result<(), WriteError> {
        let after = effect
            .after
            .ok_or_else(|| unsupported("it has no state after it".to_owned()))?;
        self.change(self.does.other(), effect, (after, effect.before))
    }

    pub(super) fn standing(&self, effect: &Effect) -> Result<Standing, WriteError> {
        let now = match self.read() {
            Ok(chain) => chain.digest()?,
            // The chain itself went, or its table.
            Err(WriteError::NotThere { .. }) => return Ok(Standing::Other),
            Err(error) => return Err(error),
        };
        Ok(match now {
            now if now == effect.before => Standing::Before,
            now if Some(now) == effect.after => Standing::After,
            _ => Standing::Other,
        })
    }

    pub(super) fn reversed(&self) -> Self {
        Self {
            does: self.does.other(),
            ..self.clone()
        }
    }

    fn read(&self) -> Result<Chain, WriteError> {
        Chain::read(self.family, &self.table, &self.chain)
    }

    /// Has the tool do it while the chain is the one of the two, and holds it to the other.
    fn change(&self, does: Does, effect: &Effect, (from, to): (Digest, Digest)) -> Result<(), WriteError> {
        let moved = || WriteError::Moved {
            object: effect.object.to_string(),
        };
        let before = match self.read() {
            Err(WriteError::NotThere { .. }) => return Err(moved()),
            read => read?,
        };
        if before.digest()? != from {
            return Err(moved());
        }
        let tool = Tool::find(self.family)?;
        let ran = tool.run(&self.arguments(does));
        // What the tool says is one thing, and what the kernel has another: only that counts.
        let now = self
            .read()
            .map_err(|error| self.half(&before, &error.to_string()))?;
        match (now.digest()?, ran) {
            (digest, _) if digest == to => Ok(()),
            (digest, Err(error)) if digest == from => Err(error),
            (digest, Ok(())) if digest == from => Err(WriteError::Refused {
                what: self.rule.to_string(),
                why: "the tool says that it did it, and nothing changed".to_owned(),
            }),
            _ => Err(self.amiss(&tool, &before, &now)),
        }
    }

    fn half(&self, before: &Chain, why: &str) -> WriteError {
        WriteError::Half {
            what: format!("{} of {}", self.rule, before.object()),
            why: why.to_owned(),
        }
    }

    /// The tool did something else. If it deleted another rule than the one that was meant, that one is put back.
    fn amiss(&self, tool: &Tool, before: &Chain, now: &Chain) -> WriteError {
        let Some((place, text, counters)) = before.only_one_missing_in(now) else {
            return self.half(
                before,
                "the chain is not as it was to be: it was changed at the same time, or the tool did something else",
            );
        };
        let put_back = Self {
            place,
            counters,
            rule: text,
            ..self.clone()
        };
        let done = tool
            .run(&put_back.arguments(Does::Insert))
            .and_then(|()| self.read())
            .and_then(|chain| Ok(chain.digest()? == before.digest()?));
        match done {
            Ok(true) => WriteError::Refused {
                what: self.rule.to_string(),
                why: format!("the tool takes rule {place} for it, which was put back"),
            },
            Ok(false) => self.half(
                before,
                &format!("the tool took rule {place} for it, which did not come back as it was"),
            ),
            Err(error) => self.half(before, &format!("the tool took rule {place} for it: {error}")),
        }
    }

    fn head(&self, does: Does) -> Vec<Vec<u8>> {
        let mut words: Vec<Vec<u8>> = vec![b"-t".to_vec(), self.table.as_bytes().to_vec()];
        match does {
            Does::Delete => words.extend([b"-D".to_vec(), self.chain.as_bytes().to_vec()]),
            Does::Insert => words.extend([
                b"-I".to_vec(),
                self.chain.as_bytes().to_vec(),
                self.place.to_string().into_bytes(),
                b"-c".to_vec(),
                self.counters.packets.to_string().into_bytes(),
                self.counters.bytes.to_string().into_bytes(),
            ]),
        }
        words
    }

    fn arguments(&self, does: Does) -> Vec<Vec<u8>> {
        let mut words = self.head(does);
        words.extend(split::words(self.rule.as_bytes()));
        words
    }

    /// For people: what they would type.
    fn line(&self, tool: &Tool, does: Does) -> Vec<u8> {
        let mut line = tool.name();
        for word in self.head(does) {
            line.push(b' ');
            line.extend(word);
        }
        line.push(b' ');
        line.extend_from_slice(self.rule.as_bytes());
        line
    }
}

fn unsupported(what: String) -> WriteError {
    WriteError::Unsupported { what }
}
