//! What a change makes of a place.

use std::collections::BTreeSet;

use netghost_core::gate::{QdiscPlace, QdiscSpec};
use netghost_core::raw::NetlinkRaw;
use serde::{Deserialize, Serialize};

use super::attributes::Out;
use super::device::Device;
use super::message::{CREATE, DEL_QDISC, Head, INGRESS, KIND, Message, NEW_QDISC, OPTIONS, REPLACE, ROOT};
use super::state::State;
use super::{WriteError, defaults, rehearsal, shaper, unsupported};

/// What is done to a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Target {
    /// What stands there is removed.
    Remove(QdiscPlace),
    /// Something else is put at the root.
    Replace(QdiscSpec),
}

impl Target {
    pub(super) fn place(&self) -> QdiscPlace {
        match self {
            Self::Remove(place) => *place,
            Self::Replace(_) => QdiscPlace::Root,
        }
    }

    /// The one message that does it to a device with these qdiscs.
    pub(super) fn message(&self, former: &NetlinkRaw) -> Result<Message, WriteError> {
        let parent = match self.place() {
            QdiscPlace::Root => ROOT,
            QdiscPlace::Ingress => INGRESS,
        };
        let head = Head {
            index: 0,
            handle: match self {
                Self::Remove(_) => 0,
                Self::Replace(_) => free_handle(former)?,
            },
            parent,
            info: 0,
        };
        let (message_type, flags, attributes) = match self {
            Self::Remove(_) => (DEL_QDISC, 0, Vec::new()),
            Self::Replace(spec) => (NEW_QDISC, CREATE | REPLACE, told(spec)?),
        };
        Ok(Message {
            message_type,
            flags,
            head,
            attributes,
            links: Vec::new(),
        })
    }
}

/// One of those that the kernel hands out, from the end. Without a handle of its own a qdisc of the same kind is changed where it
/// stands, with what hangs on it, and no new one is made.
fn free_handle(former: &NetlinkRaw) -> Result<u32, WriteError> {
    let mut used = BTreeSet::new();
    for message in &former.messages {
        used.insert(Head::read(message)?.handle >> 16);
    }
    let mut free = (0x8000..0xffffu32).rev().filter(|major| !used.contains(major));
    let major = free
        .next()
        .ok_or_else(|| unsupported("all handles are in use".to_owned()))?;
    Ok(major << 16)
}

/// The kind and the options of a qdisc.
fn told(spec: &QdiscSpec) -> Result<Vec<u8>, WriteError> {
    let mut out = Out::default();
    let mut kind = spec.kind().as_bytes().to_vec();
    kind.push(0);
    out.push(KIND, &kind)?;
    match spec {
        QdiscSpec::PfifoFast | QdiscSpec::FqCodel | QdiscSpec::Fq => {}
        QdiscSpec::Pfifo { limit } => out.push(OPTIONS, &limit.to_ne_bytes())?,
        QdiscSpec::Tbf { rate, burst, limit } => {
            out.push(OPTIONS, &shaper::new_tbf(*rate, *burst, *limit)?)?
        }
    }
    Ok(out.0)
}

/// What the device will have.
pub(super) fn predicted(device: &Device, target: &Target, before: &State) -> Result<State, WriteError> {
    let mut after = before.part(match target.place() {
        QdiscPlace::Root => QdiscPlace::Ingress,
        QdiscPlace::Ingress => QdiscPlace::Root,
    });
    let new = match target {
        Target::Remove(QdiscPlace::Ingress) => return Ok(after),
        Target::Remove(QdiscPlace::Root) => defaults::predicted(device)?,
        Target::Replace(spec) => {
            if !matches!(device.hardware_type, 1 | 772) {
                return Err(unsupported(format!(
                    "{} is no Ethernet device: what the kernel would make of {} there is not known",
                    device.name,
                    spec.kind()
                )));
            }
            rehearsal::made_of(device, &[target.message(&before.raw)?], &before.raw)?
        }
    };
    // The root comes before what hangs at the ingress.
    let mut messages = new.messages;
    messages.append(&mut after.raw.messages);
    after.raw.messages = messages;
    State::of(&device.name, after.raw)
}
