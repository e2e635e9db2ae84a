//! Qdiscs, removed and replaced, and whole trees of them put back.
//!
//! Removing and replacing are one message each. A tree is put back by a message for each qdisc, class and filter that it had, made
//! of what the kernel said of them. Not everything that a dump says can be said back, so before anything is changed the whole tree
//! is rehearsed on the loopback device of a network namespace made for it: only a tree that reads the same there is touched.

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Text;
use netghost_core::gate::{Effect, Operation, QdiscPlace};
use netghost_core::raw::NetlinkRaw;
use serde::{Deserialize, Serialize};

use super::{Change, Standing, WriteError};

mod attributes;
mod build;
mod convert;
mod defaults;
mod device;
mod hashed;
mod message;
mod notes;
mod police;
mod rehearsal;
mod shaper;
mod state;
mod strict;
mod target;

use device::Device;
use message::Message;
use state::State;
use target::Target;

/// What is done, and the tree that it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Steps {
    device: Text,
    target: Target,
    /// The device's messages of before, as the kernel gave them, and the names of the links that they mean.
    former: NetlinkRaw,
    /// True for the way back.
    reversed: bool,
}

pub(super) fn plan(operation: &Operation) -> Result<Change, WriteError> {
    let (device, target) = match operation {
        Operation::QdiscRemove { device, at } => (device, Target::Remove(*at)),
        Operation::QdiscReplace { device, qdisc } => (device, Target::Replace(qdisc.clone())),
        other => {
            return Err(unsupported(format!("{} is no change of a qdisc", other.kind())));
        }
    };
    let device = Device::read(device)?;
    let before = State::read(&device.name)?;
    strict::check(&before, target.place())?;
    let here = before.has(target.place());
    if !here && matches!(target, Target::Remove(_)) {
        let what = match target.place() {
            QdiscPlace::Root => format!("a qdisc of its own at the root of {}", device.name),
            QdiscPlace::Ingress => format!("an ingress qdisc of {}", device.name),
        };
        return Err(WriteError::NotThere { what });
    }
    let after = target::predicted(&device, &target, &before)?;
    match here {
        true => rehearsal::can_be_made(&device, &before.part(target.place()))?,
        // What is put back is what the kernel makes by itself.
        false => defaults::is_as_predicted(&device, &before)?,
    }
    let steps = Steps {
        device: device.name.clone(),
        target,
        former: before.raw.clone(),
        reversed: false,
    };
    let effect = Effect {
        change: notes::change(&steps),
        inverse: notes::inverse(&steps, &before),
        object: Text::from(before.object()),
        before: before.digest()?,
        after: Some(after.digest()?),
        irreversible: None,
        notes: notes::notes(&before, steps.target.place()),
    };
    if Some(effect.before) == effect.after {
        return Err(WriteError::NotThere {
            what: format!("anything to change on {}", device.name),
        });
    }
    Ok(Change {
        effect,
        steps: super::Steps::Tc(steps),
    })
}

impl Steps {
    pub(super) fn apply(&self, effect: &Effect) -> Result<(), WriteError> {
        let standing = self.standing(effect)?;
        let resumed = self.reversed && standing == Standing::Between;
        match standing {
            Standing::Before => self.go(!self.reversed, effect, effect.after),
            _ if resumed => self.go(!self.reversed, effect, effect.after),
            _ => Err(moved(effect)),
        }
    }

    pub(super) fn undo(&self, effect: &Effect) -> Result<(), WriteError> {
        match self.standing(effect)? {
            Standing::After | Standing::Between => self.go(self.reversed, effect, Some(effect.before)),
            Standing::Before => Ok(()),
            Standing::Other => Err(moved(effect)),
        }
    }

    pub(super) fn standing(&self, effect: &Effect) -> Result<Standing, WriteError> {
        let now = match State::read(&self.device) {
            Ok(now) => now,
            Err(WriteError::NotThere { .. }) => return Ok(Standing::Other),
            Err(error) => return Err(error),
        };
        let digest = now.digest()?;
        if digest == effect.before {
            return Ok(Standing::Before);
        }
        if Some(digest) == effect.after {
            return Ok(Standing::After);
        }
        let former = State::of(&self.device, self.former.clone())?;
        match now.is_between(&former, self.target.place()) {
            true => Ok(Standing::Between),
            false => Ok(Standing::Other),
        }
    }

    pub(super) fn reversed(&self) -> Self {
        Self {
            reversed: !self.reversed,
            ..self.clone()
        }
    }

    /// Removes or replaces, or puts the tree back, and holds the device to what it is to be.
    fn go(&self, forward: bool, effect: &Effect, to: Option<Digest>) -> Result<(), WriteError> {
        let device = Device::read(&self.device)?;
        let messages = match forward {
            true => vec![self.target.message(&self.former)?],
            false => self.way_back()?,
        };
        let mut sender = message::Sender::open()?;
        self.clear(&device, &mut sender, forward)?;
        for (number, message) in messages.iter().enumerate() {
            sender
                .send(&device, &self.former, message)
                .map_err(|error| self.cut(effect, number, forward, &error))?;
        }
        let now = State::read(&self.device)
            .and_then(|now| now.digest())
            .map_err(|error| self.cut(effect, messages.len(), false, &error.to_string()))?;
        match Some(now) == to {
            true => Ok(()),
            false if forward => self.amiss(&device, &mut sender, effect),
            false => Err(WriteError::Half {
                what: effect.object.to_string(),
                why: "what was put back does not read as what was there".to_owned(),
            }),
        }
    }

    /// Ends what a way back that was cut off has left, and what stands in the tree's place.
    fn clear(&self, device: &Device, sender: &mut message::Sender, forward: bool) -> Result<(), WriteError> {
        let place = self.target.place();
        if forward || !State::read(&self.device)?.has(place) {
            return Ok(());
        }
        let removal = Target::Remove(place).message(&self.former)?;
        sender
            .send(device, &self.former, &removal)
            .map_err(|why| WriteError::Refused {
                what: format!("the removal of the qdisc of {}", self.device),
                why,
            })
    }

    fn way_back(&self) -> Result<Vec<Message>, WriteError> {
        let former = State::of(&self.device, self.former.clone())?;
        match former.has(self.target.place()) {
            true => build::messages(&former.part(self.target.place())),
            false => Ok(Vec::new()),
        }
    }

    /// The kernel did what it was told, and it is something else than was approved: it is taken back at once.
    fn amiss(
        &self,
        device: &Device,
        sender: &mut message::Sender,
        effect: &Effect,
    ) -> Result<(), WriteError> {
        self.clear(device, sender, false)?;
        for (number, message) in self.way_back()?.iter().enumerate() {
            sender
                .send(device, &self.former, message)
                .map_err(|error| self.cut(effect, number, false, &error))?;
        }
        let now = State::read(&self.device)?.digest()?;
        let from = if self.reversed {
            effect.after
        } else {
            Some(effect.before)
        };
        match Some(now) == from {
            true => Err(WriteError::Refused {
                what: effect.object.to_string(),
                why: "the kernel made something else of it than it was to, which was taken back".to_owned(),
            }),
            false => Err(WriteError::Half {
                what: effect.object.to_string(),
                why: "the kernel made something else of it than it was to, and what was there did not come back"
                    .to_owned(),
            }),
        }
    }

    /// The first message of a change is the only one: it was refused, and nothing was done.
    fn cut(&self, effect: &Effect, number: usize, forward: bool, why: &str) -> WriteError {
        let what = effect.object.to_string();
        match forward {
            true => WriteError::Refused {
                what,
                why: why.to_owned(),
            },
            false => WriteError::Half {
                what,
                why: format!("after {number} messages: {why}"),
            },
        }
    }
}

fn moved(effect: &Effect) -> WriteError {
    WriteError::Moved {
        object: effect.object.to_string(),
    }
}

fn unsupported(what: String) -> WriteError {
    WriteError::Unsupported { what }
}
