//! Where filters can hang, told by the qdiscs and classes of a dump: what a reader has to ask for one by one.

use std::collections::BTreeSet;

use crate::bytes::Hex;
use crate::raw::RawMessage;
use crate::raw::attr::{Attr, Malformed, attrs};
use crate::raw::lift::{Fields, whole};

/// `tcm_ifindex` and `tcm_parent` of a request for filters or chains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// The device, or `TCM_IFINDEX_MAGIC_BLOCK` for a shared block.
    pub index: u32,
    /// The qdisc or class, or the number of the block.
    pub parent: u32,
}

/// `TCM_IFINDEX_MAGIC_BLOCK`.
const BLOCK: u32 = 0xffff_ffff;
const ROOT: u32 = 0xffff_ffff;
/// `TC_H_MIN_INGRESS` and `TC_H_MIN_EGRESS` of `ffff:`.
const INGRESS: u32 = 0xffff_fff2;
const EGRESS: u32 = 0xffff_fff3;

const NEW_QDISC: u16 = 36;
const NEW_CLASS: u16 = 40;
/// `RTM_GETTFILTER`.
pub const GET_FILTER: u16 = 46;

/// Kinds that never sort packets into classes, so nothing can be asked of them.
const WITHOUT_FILTERS: &[&str] = &[
    "noqueue",
    "pfifo_fast",
    "pfifo",
    "bfifo",
    "pfifo_head_drop",
    "mq",
    "fq",
    "codel",
    "pie",
    "hhf",
    "tbf",
    "netem",
    "red",
    "gred",
    "choke",
    "etf",
    "cbs",
    "plug",
    "skbprio",
];

/// Kinds whose classes have filters of their own.
const CLASSES_WITH_FILTERS: &[&str] = &["htb", "hfsc", "cbq"];

/// One message as far as this needs it.
struct Node<'a> {
    message_type: u16,
    index: u32,
    handle: u32,
    parent: u32,
    kind: String,
    attrs: Vec<Attr<'a>>,
}

impl<'a> Node<'a> {
    fn read(message: &'a RawMessage) -> Result<Self, Malformed> {
        let mut fields = Fields::new(&message.payload.0, "struct tcmsg");
        let _family_and_padding = fields.u32()?;
        let index = fields.u32()?;
        let (handle, parent, _info) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let attrs = whole(attrs(fields.rest()))?;
        let kind = attrs
            .iter()
            .find(|attr| attr.kind == 1)
            .ok_or(Malformed::Missing { what: "TCA_KIND" })?;
        Ok(Self {
            message_type: message.message_type,
            index,
            handle,
            parent,
            kind: kind.text().to_string(),
            attrs,
        })
    }

    fn number(&self, kind: u16) -> Option<u32> {
        let attr = self.attrs.iter().find(|attr| attr.kind == kind)?;
        attr.ne32("a block").ok().filter(|block| *block != 0)
    }

    /// `TCA_INGRESS_BLOCK`, `TCA_EGRESS_BLOCK`, and the blocks that `red` asks when it drops or marks.
    fn blocks(&self) -> Vec<u32> {
        let mut blocks: Vec<u32> = [13, 14]
            .into_iter()
            .filter_map(|kind| self.number(kind))
            .collect();
        let options = self
            .attrs
            .iter()
            .find(|attr| attr.kind == 2 && self.kind == "red");
        for attr in options.into_iter().flat_map(Attr::nested).flatten() {
            if matches!(attr.kind, 5 | 6) {
                blocks.extend(attr.ne32("a block").ok().filter(|block| *block != 0));
            }
        }
        blocks
    }

    fn parents(&self) -> Vec<u32> {
        let unless = |block: Option<u32>, parent: u32| block.is_none().then_some(parent);
        match (self.message_type, self.kind.as_str()) {
            (NEW_CLASS, kind) if CLASSES_WITH_FILTERS.contains(&kind) => vec![self.handle],
            (NEW_QDISC, "clsact") => [unless(self.number(13), INGRESS), unless(self.number(14), EGRESS)]
                .into_iter()
                .flatten()
                .collect(),
            (NEW_QDISC, "ingress") => Vec::from_iter(unless(self.number(13), INGRESS)),
            // Of those without a number only the root can be asked.
            (NEW_QDISC, kind)
                if !WITHOUT_FILTERS.contains(&kind) && (self.handle != 0 || self.parent == ROOT) =>
            {
                vec![self.handle]
            }
            _ => Vec::new(),
        }
    }
}

/// Everything to ask, each once.
pub fn questions(messages: &[RawMessage]) -> Result<BTreeSet<Question>, Malformed> {
    let mut all = BTreeSet::new();
    let nodes = messages
        .iter()
        .filter(|message| matches!(message.message_type, NEW_QDISC | NEW_CLASS));
    for message in nodes {
        let node = Node::read(message)?;
        let own = node.parents().into_iter().map(|parent| Question {
            index: node.index,
            parent,
        });
        let shared = node
            .blocks()
            .into_iter()
            .map(|parent| Question { index: BLOCK, parent });
        all.extend(own.chain(shared));
    }
    Ok(all)
}

/// The request for the filters of a place, `struct tcmsg`. A reader keeps it among what it got: where there are no filters
/// nothing else says that they were asked for.
pub fn request(question: Question) -> RawMessage {
    let numbers = [0, question.index, 0, question.parent, 0];
    RawMessage {
        message_type: GET_FILTER,
        payload: Hex(numbers.into_iter().flat_map(u32::to_ne_bytes).collect()),
    }
}

/// True if a place was not asked for its filters, as no reader did once: then nothing is known of them.
pub fn unasked(messages: &[RawMessage]) -> bool {
    questions(messages).is_ok_and(|places| {
        places
            .into_iter()
            .any(|place| !messages.contains(&request(place)))
    })
}
