//! Canonical order, and names for handles that the kernel chose.

use std::collections::BTreeMap;

use super::decode::Node;
use super::{Class, ClassRuntime, FlowClass, Qdisc, QdiscRuntime, TcConfig, TcRuntime};
use crate::bytes::Text;
use crate::raw::lift::Lifted;

const ROOT: u32 = 0xffff_ffff;
const INGRESS: u32 = 0xffff_fff1;

/// The kernel refuses trees of more than eight qdiscs (`check_loop` in `net/sched/sch_api.c`); twice that ends circles.
const DEEPEST: usize = 16;

/// Kinds whose classes are flows of packets, there only while packets wait.
const FLOW_KINDS: [&str; 3] = ["fq_codel", "sfq", "cake"];

pub(super) fn canonical(nodes: &[Node], trees: &Trees<'_>) -> Lifted<TcConfig, TcRuntime> {
    let mut placed: Vec<(Place, &Node)> = nodes.iter().map(|node| (trees.place(node), node)).collect();
    // The kernel's handle settles only what has no place of its own, which it never sends.
    placed.sort_by(|(a, left), (b, right)| {
        (&left.device, a, left.handle, &left.kind).cmp(&(&right.device, b, right.handle, &right.kind))
    });
    let mut lifted = Lifted::<TcConfig, TcRuntime>::default();
    for (_, node) in placed {
        let flow = node.kind.as_str().is_some_and(|kind| FLOW_KINDS.contains(&kind));
        if !node.is_class {
            lifted.config.qdiscs.push(trees.qdisc(node));
            lifted.runtime.qdiscs.push(qdisc_runtime(node));
        } else if flow {
            lifted.runtime.flows.push(flow_class(node));
        } else {
            lifted.config.classes.push(trees.class(node));
            lifted.runtime.classes.push(class_runtime(node));
        }
    }
    lifted
}

/// A place on a device: the tree, then `ingress` and `clsact`, then what hangs nowhere; within the tree the numbers of the
/// classes from the root down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    part: u8,
    path: Vec<u16>,
}

/// The qdiscs of each device by the upper half of their handle.
pub(super) struct Trees<'a> {
    qdiscs: BTreeMap<(&'a Text, u16), &'a Node>,
}

impl<'a> Trees<'a> {
    /// Default qdiscs all have the handle 0; only the root's can have children (`mq`), so it is the one that counts.
    pub(super) fn new(nodes: &'a [Node]) -> Self {
        let mut qdiscs = BTreeMap::new();
        for node in nodes.iter().filter(|node| !node.is_class) {
            let key = (&node.device, major(node.handle));
            if major(node.handle) != 0 || node.parent == ROOT {
                qdiscs.insert(key, node);
            }
        }
        Self { qdiscs }
    }

    fn qdisc_of(&self, device: &Text, id: u32) -> Option<&'a Node> {
        self.qdiscs.get(&(device, major(id))).copied()
    }

    fn place(&self, node: &Node) -> Place {
        // A class stands at its own number below its qdisc, whichever class it borrows from.
        let mut at = if node.is_class { node.handle } else { node.parent };
        let mut path = Vec::new();
        for _ in 0..DEEPEST {
            match at {
                ROOT => return Place::new(0, path),
                INGRESS => return Place::new(1, path),
                _ => {}
            }
            path.push(minor(at));
            match self.qdisc_of(&node.device, at) {
                Some(above) => at = above.parent,
                None => break,
            }
        }
        Place::new(2, path)
    }

    /// An id with the kernel's own choice of number replaced by the place of the qdisc that it belongs to.
    pub(super) fn name(&self, device: &Text, id: u32, depth: usize) -> String {
        let owner = self.qdisc_of(device, id);
        match owner {
            Some(owner) if is_automatic(id) && depth < DEEPEST => {
                let place = self.parent_name(device, owner.parent, depth.saturating_add(1));
                match minor(id) {
                    0 => format!("auto({place}):"),
                    minor => format!("auto({place}):{minor:x}"),
                }
            }
            _ => id_text(id),
        }
    }

    pub(super) fn parent_name(&self, device: &Text, parent: u32, depth: usize) -> String {
        match parent {
            ROOT | INGRESS | 0 => parent_text(parent),
            _ => self.name(device, parent, depth),
        }
    }

    fn qdisc(&self, node: &Node) -> Qdisc {
        Qdisc {
            device: node.device.clone(),
            handle: self.name(&node.device, node.handle, 0),
            parent: self.parent_name(&node.device, node.parent, 0),
            kind: node.kind.clone(),
            options: node.options(),
            ingress_block: node.ingress_block,
            egress_block: node.egress_block,
            size_table: node.size_table.clone(),
            other: node.other.clone(),
        }
    }

    fn class(&self, node: &Node) -> Class {
        Class {
            device: node.device.clone(),
            id: self.name(&node.device, node.handle, 0),
            parent: self.parent_name(&node.device, node.parent, 0),
            kind: node.kind.clone(),
            options: node.options(),
            other: node.other.clone(),
        }
    }
}

impl Place {
    fn new(part: u8, mut path: Vec<u16>) -> Self {
        path.reverse();
        Self { part, path }
    }
}

fn qdisc_runtime(node: &Node) -> QdiscRuntime {
    QdiscRuntime {
        handle: id_text(node.handle),
        parent: parent_text(node.parent),
        references: node.info,
        offloaded: node.offloaded,
        prng_seed: node.decoded.prng_seed,
        direct_packets: node.decoded.direct_packets,
        own: node.decoded.own.clone(),
        statistics: node.statistics.clone(),
    }
}

fn class_runtime(node: &Node) -> ClassRuntime {
    ClassRuntime {
        id: id_text(node.handle),
        leaf: id_text(node.info),
        level: node.decoded.level,
        own: node.decoded.own.clone(),
        statistics: node.statistics.clone(),
    }
}

fn flow_class(node: &Node) -> FlowClass {
    FlowClass {
        device: node.device.clone(),
        kind: node.kind.clone(),
        id: id_text(node.handle),
        statistics: node.statistics.clone(),
    }
}

/// `qdisc_alloc_handle` (`net/sched/sch_api.c`) hands out `8000:` to `fffe:`; `ffff:` is that of `ingress` and `clsact`.
fn is_automatic(id: u32) -> bool {
    (0x8000..0xffff).contains(&major(id))
}

fn major(id: u32) -> u16 {
    u16::try_from(id >> 16).unwrap_or_default()
}

fn minor(id: u32) -> u16 {
    u16::try_from(id & 0xffff).unwrap_or_default()
}

/// As `tc` prints it: `1:10`, `1:`, `:2`, `0:`.
pub(super) fn id_text(id: u32) -> String {
    match (major(id), minor(id)) {
        (major, 0) => format!("{major:x}:"),
        (0, minor) => format!(":{minor:x}"),
        (major, minor) => format!("{major:x}:{minor:x}"),
    }
}

fn parent_text(parent: u32) -> String {
    match parent {
        ROOT => "root".to_owned(),
        0 => "none".to_owned(),
        _ => id_text(parent),
    }
}
