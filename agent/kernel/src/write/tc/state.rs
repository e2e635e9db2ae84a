//! What hangs on one device.

use netghost_core::artifact::json::{self, Digest};
use netghost_core::bytes::Text;
use netghost_core::gate::QdiscPlace;
use netghost_core::raw::{NetlinkRaw, Raw, RawMessage};
use netghost_core::section::{Content, State as SectionState};
use netghost_core::tc::{self, Filter, Place, Qdisc, TcConfig};

use super::message::{Head, INGRESS};
use super::{WriteError, unsupported};

/// A device's qdiscs, classes, filters and chains.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) device: Text,
    pub(super) config: TcConfig,
    /// What it was decoded from.
    pub(super) raw: NetlinkRaw,
}

impl State {
    pub(super) fn read(device: &Text) -> Result<Self, WriteError> {
        let section = crate::tc::read(&|| 0);
        match (section.state, section.raw) {
            (SectionState::Captured, Some(Raw::Netlink(raw)))
                if section.gaps.is_empty() && matches!(section.content, Some(Content::Tc { .. })) =>
            {
                let index = raw.links.iter().find(|link| link.name == *device);
                let index = index.map(|link| link.index).ok_or_else(|| WriteError::NotThere {
                    what: format!("device {device}"),
                })?;
                Self::of(device, only(raw, index)?)
            }
            (state, _) => Err(WriteError::Unreadable {
                what: "traffic control".to_owned(),
                why: format!("{state:?}"),
            }),
        }
    }

    /// What these messages, all of one device, say.
    pub(super) fn of(device: &Text, raw: NetlinkRaw) -> Result<Self, WriteError> {
        let lifted = tc::lift(&raw).map_err(|error| unsupported(error.to_string()))?;
        Ok(Self {
            device: device.clone(),
            config: lifted.config,
            raw,
        })
    }

    /// In words.
    pub(super) fn object(&self) -> String {
        format!("traffic control of {}", self.device)
    }

    pub(super) fn digest(&self) -> Result<Digest, WriteError> {
        digest(&self.config)
    }

    /// True if something stands at that place that the kernel did not make by itself.
    pub(super) fn has(&self, place: QdiscPlace) -> bool {
        self.at(place).is_some_and(|qdisc| !is_default(qdisc))
    }

    /// The qdisc at that place.
    pub(super) fn at(&self, place: QdiscPlace) -> Option<&Qdisc> {
        let parent = match place {
            QdiscPlace::Root => "root",
            QdiscPlace::Ingress => "ffff:fff1",
        };
        self.config.qdiscs.iter().find(|qdisc| qdisc.parent == parent)
    }

    /// What hangs at one place, as a state of its own; what does not decode alone is empty.
    pub(super) fn part(&self, place: QdiscPlace) -> Self {
        let mut raw = self.raw.clone();
        raw.messages.retain(|message| place_of(message) == Some(place));
        let config = tc::lift(&raw).map(|lifted| lifted.config).unwrap_or_default();
        Self {
            device: self.device.clone(),
            config,
            raw,
        }
    }

    /// True if nothing is there that the former state has not, but for what the kernel makes by itself, and all is there that is
    /// not at the place.
    pub(super) fn is_between(&self, former: &Self, place: QdiscPlace) -> bool {
        let other = match place {
            QdiscPlace::Root => QdiscPlace::Ingress,
            QdiscPlace::Ingress => QdiscPlace::Root,
        };
        if self.part(other).config != former.part(other).config {
            return false;
        }
        let (now, then) = (&self.config, &former.config);
        let qdiscs = now
            .qdiscs
            .iter()
            .all(|qdisc| is_default(qdisc) || then.qdiscs.contains(qdisc));
        let classes = now
            .classes
            .iter()
            .all(|class| class.id.starts_with(':') || then.classes.contains(class));
        let filters = now.filters.iter().all(|filter| {
            then.filters.contains(filter)
                || (is_head(filter) && then.filters.iter().any(|other| same_head(filter, other)))
        });
        qdiscs && classes && filters && now.chains.iter().all(|chain| then.chains.contains(chain))
    }
}

/// The head of a priority whose filters are not there yet.
fn is_head(filter: &Filter) -> bool {
    filter.options == tc::Options::None && filter.actions.is_empty() && filter.class.is_none()
}

fn same_head(one: &Filter, other: &Filter) -> bool {
    let head = |filter: &Filter| {
        (
            filter.place.clone(),
            filter.chain,
            filter.priority,
            filter.protocol.clone(),
            filter.kind.clone(),
        )
    };
    head(one) == head(other)
}

/// The digest of all that hangs on a device.
pub(super) fn digest(config: &TcConfig) -> Result<Digest, WriteError> {
    json::digest(config).map_err(|error| WriteError::Unreadable {
        what: "traffic control".to_owned(),
        why: error.to_string(),
    })
}

/// One that the kernel made by itself has no handle.
pub(super) fn is_default(qdisc: &Qdisc) -> bool {
    qdisc.handle == "0:"
}

/// True for filters at this place.
pub(super) fn hangs_at(filter: &Filter, place: QdiscPlace) -> bool {
    match &filter.place {
        Place::Device { parent, .. } => {
            (place == QdiscPlace::Ingress) == matches!(parent.as_str(), "ingress" | "egress")
        }
        Place::Block { .. } => false,
    }
}

/// Qdiscs and classes of `ingress` and `clsact` have `ffff:` in front, and so have their filters.
fn place_of(message: &RawMessage) -> Option<QdiscPlace> {
    let head = Head::read(message).ok()?;
    let is_ingress = head.parent == INGRESS || (head.parent >> 16 == 0xffff && head.parent != u32::MAX);
    Some(if is_ingress {
        QdiscPlace::Ingress
    } else {
        QdiscPlace::Root
    })
}

/// The messages of one device.
fn only(mut raw: NetlinkRaw, index: u32) -> Result<NetlinkRaw, WriteError> {
    let mut kept = Vec::new();
    for message in raw.messages {
        if Head::read(&message)?.index == index {
            kept.push(message);
        }
    }
    raw.messages = kept;
    Ok(raw)
}
