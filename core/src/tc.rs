//! Traffic control: queueing disciplines, classes, filters and actions.
//!
//! Read from `RTM_NEWQDISC` and `RTM_NEWTCLASS` messages (`linux/rtnetlink.h`, `linux/pkt_sched.h`). Qdiscs that `tc` hides
//! unless asked (`TCA_DUMP_INVISIBLE`) are part of the configuration: a hidden default queue drops packets like any other.
//!
//! What the kernel does not tell can't be compared: it never gives back netem's distribution tables, so two netem qdiscs that
//! differ in nothing else read alike.

use serde::{Deserialize, Serialize};

use crate::bytes::{Hex, Text};
use crate::raw::NetlinkRaw;
use crate::raw::lift::{LiftError, Lifted, OpaqueAttribute};

mod action;
mod decode;
mod filter;
mod kinds;
mod netem;
mod options;
mod order;
pub mod places;
mod schema;
pub mod setting;
mod shaper;
mod stats;
mod text;

pub use action::{Action, ActionRuntime};
pub use filter::{Chain, Filter, FilterRuntime, Place};
pub use netem::{Correlated, LossModel, Netem, NetemRate, Slot};
pub use options::Options;
pub use setting::{Setting, Value};
pub use shaper::{Htb, HtbClass, RateSpec, Tbf};
pub use stats::{RateEstimate, Statistics};

/// Nanoseconds in a tick, the unit of times in the older option structures: `PSCHED_SHIFT` is 6 (`net/pkt_sched.h` of the
/// kernel, and the second number of `/proc/net/psched`).
pub const TICK_NS: u64 = 64;

/// Configuration, sorted by device, then place in the tree.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TcConfig {
    /// Sorted by device, then from the root down along class numbers; `ingress` and `clsact` last.
    pub qdiscs: Vec<Qdisc>,
    /// In the same order, each class before what hangs below it.
    pub classes: Vec<Class>,
    /// By place, chain and priority; within one priority in the order in which they are asked.
    #[serde(default)]
    pub filters: Vec<Filter>,
    /// Chains without filters or with a template, by place and number.
    #[serde(default)]
    pub chains: Vec<Chain>,
}

/// A queueing discipline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Qdisc {
    /// The device.
    pub device: Text,
    /// As `tc` prints it, `1:`; `0:` for one that the kernel made by default. The numbers from `8000:` to `fffe:` are what the
    /// kernel hands out, a new one for each qdisc added without a handle, so such a handle is replaced by the place of its
    /// qdisc: `auto(root):`, `auto(1:10):`.
    pub handle: String,
    /// `root`, the class it hangs below (`1:10`), or `ffff:fff1` for `ingress` and `clsact`.
    pub parent: String,
    /// `netem`, `htb`.
    pub kind: Text,
    /// What it was told.
    pub options: Options,
    /// The shared filter block at its ingress.
    pub ingress_block: Option<u32>,
    /// The shared filter block at its egress.
    pub egress_block: Option<u32>,
    /// `TCA_STAB`, by which packets count for more or fewer bytes than they have, as the kernel gave it.
    pub size_table: Option<Hex>,
    /// Attributes that this version does not know, sorted.
    pub other: Vec<OpaqueAttribute>,
}

/// A class of a queueing discipline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// The device.
    pub device: Text,
    /// As `tc` prints it: `1:10`.
    pub id: String,
    /// `root`, or the class or qdisc it hangs below.
    pub parent: String,
    /// The kind of its qdisc.
    pub kind: Text,
    /// What it was told.
    pub options: Options,
    /// Attributes that this version does not know, sorted.
    pub other: Vec<OpaqueAttribute>,
}

/// Statistics, and what the kernel numbers or chooses.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TcRuntime {
    /// One for each qdisc.
    pub qdiscs: Vec<QdiscRuntime>,
    /// One for each class.
    pub classes: Vec<ClassRuntime>,
    /// Classes that packets make: the flows of `fq_codel`, `sfq` and `cake`.
    pub flows: Vec<FlowClass>,
    /// One for each filter.
    #[serde(default)]
    pub filters: Vec<FilterRuntime>,
}

/// Runtime of a qdisc.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QdiscRuntime {
    /// The handle as the kernel has it.
    pub handle: String,
    /// The parent as the kernel has it.
    pub parent: String,
    /// `tcm_info`: how many hold on to it.
    pub references: u32,
    /// Whether the device does its work.
    pub offloaded: Option<bool>,
    /// netem's seed; the kernel draws one where none was given, and does not say which it was.
    pub prng_seed: Option<crate::bytes::Big>,
    /// htb's packets that went past all classes.
    pub direct_packets: Option<u32>,
    /// What else stands among its options and changes by itself.
    pub own: Vec<Setting>,
    /// What went through.
    pub statistics: Statistics,
}

/// Runtime of a class.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClassRuntime {
    /// The id as the kernel has it.
    pub id: String,
    /// The handle of the qdisc below it, `0:` if it is a default or there is none.
    pub leaf: String,
    /// htb's level: 0 for a class without classes below it, 7 for one that borrows from none.
    pub level: Option<u32>,
    /// What else stands among its options and changes by itself.
    pub own: Vec<Setting>,
    /// What went through.
    pub statistics: Statistics,
}

/// A class that packets made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowClass {
    /// The device.
    pub device: Text,
    /// The kind of its qdisc.
    pub kind: Text,
    /// The id as the kernel has it.
    pub id: String,
    /// What went through.
    pub statistics: Statistics,
}

/// Decodes the messages of dumps of qdiscs (type 36), classes (type 40), filters (type 44) and chains (type 100).
pub fn lift(raw: &NetlinkRaw) -> Result<Lifted<TcConfig, TcRuntime>, LiftError> {
    let nodes = decode::nodes(raw)?;
    let trees = order::Trees::new(&nodes);
    let mut lifted = order::canonical(&nodes, &trees);
    let (found, chains) = decode::filters(raw, &trees)?;
    let (filters, runtime) = filter::canonical::filters(found);
    lifted.config.chains = filter::canonical::chains(chains, &filters);
    lifted.config.filters = filters;
    lifted.runtime.filters = runtime;
    Ok(lifted)
}

#[cfg(test)]
mod tests;
