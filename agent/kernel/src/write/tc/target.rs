//! What a change makes of a place.

use netghost_core::gate::{QdiscPlace, QdiscSpec};
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

    /// The one message that does it.
    pub(super) fn message(&self) -> Result<Message, WriteError> {
        let parent = match self.place() {
            QdiscPlace::Root => ROOT,
            QdiscPlace::Ingress => INGRESS,
        };
        let head = Head {
            index: 0,
            handle: 0,
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
            rehearsal::made_of(device, &[target.message()?], &before.raw)?
        }
    };
    // The root comes before what hangs at the ingress.
    let mut messages = new.messages;
    messages.append(&mut after.raw.messages);
    after.raw.messages = messages;
    State::of(&device.name, after.raw)
}
