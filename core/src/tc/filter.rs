//! Filters: which packets go to which class, and what else is done with them (`linux/pkt_cls.h`).

use serde::{Deserialize, Serialize};

use super::action::{Action, ActionRuntime};
use super::options::Options;
use super::setting::Setting;
use super::stats::Statistics;
use crate::bytes::Text;
use crate::raw::lift::OpaqueAttribute;

pub(super) mod canonical;
mod decode;
mod ematch;
mod flower;
mod keys;
mod kinds;
mod names;

pub(super) use decode::{Found, Message, message};
pub(super) use kinds::bytecode;
pub(super) use names::protocol;

/// Where filters hang.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "on", rename_all = "snake_case")]
pub enum Place {
    /// A qdisc or class of a device.
    Device {
        /// The device.
        device: Text,
        /// `ingress` or `egress` of `ingress` and `clsact`, else the qdisc or class: `1:`, `1:10`, `auto(root):`.
        parent: String,
    },
    /// A block that devices share.
    Block {
        /// Its number, which its owner chose.
        block: u32,
    },
}

/// One filter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Filter {
    /// Where it hangs.
    pub place: Place,
    /// The chain that it stands in; packets begin in 0.
    pub chain: u32,
    /// `pref`: lower is asked first.
    pub priority: u16,
    /// The packets it is asked about: `ip`, `all`, or the number in hexadecimal digits.
    pub protocol: String,
    /// `u32`, `flower`.
    pub kind: Text,
    /// Where it has a meaning: the mark of `fw`, the index of `tcindex`, the hash table, bucket and given number of `u32`. In
    /// other kinds, and in `u32` from 800 on, it is a number that the kernel chose, which is runtime.
    pub handle: Option<String>,
    /// The class or, where there are none, its number: `1:10`.
    pub class: Option<String>,
    /// What it looks for.
    pub options: Options,
    /// What it does, in order.
    pub actions: Vec<Action>,
    /// The kernel shows a filter of `u32` in every place of its qdisc or block that has filters of the same kind and
    /// priority, and does not say which of them it belongs to: then it stands in each, marked.
    pub somewhere_here: bool,
    /// Attributes that this version does not know, sorted.
    pub other: Vec<OpaqueAttribute>,
}

/// A chain that stands by itself: without filters, or with a template that they must follow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Chain {
    /// Where it is.
    pub place: Place,
    /// Its number.
    pub chain: u32,
    /// The kind of filters it takes, if it has a template.
    pub kind: Option<Text>,
    /// The template.
    pub options: Options,
}

/// Runtime of a filter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FilterRuntime {
    /// As the kernel has it and `tc` prints it.
    pub handle: String,
    /// Whether a device does its work; `None` if it was not asked to.
    pub in_hardware: Option<bool>,
    /// Hits, ids.
    pub own: Vec<Setting>,
    /// What went through, of kinds that count themselves.
    pub statistics: Statistics,
    /// One for each action.
    pub actions: Vec<ActionRuntime>,
}
