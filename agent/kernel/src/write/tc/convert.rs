//! Options as a dump has them, made into options as they are asked for (`linux/pkt_sched.h`, `linux/pkt_cls.h`).

use super::attributes::{Attribute, NESTED, Out, find, put_word, split, word};
use super::{WriteError, police, shaper, unsupported};

/// Options, and where indexes of links stand in them.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) bytes: Vec<u8>,
    pub(super) links: Vec<usize>,
}

impl From<Vec<u8>> for Options {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            links: Vec::new(),
        }
    }
}

/// `TCA_OPTIONS` of a qdisc.
pub(super) fn qdisc(kind: &str, payload: &[u8]) -> Result<Vec<u8>, WriteError> {
    match kind {
        "htb" => shaper::htb(payload),
        "tbf" => shaper::tbf(payload),
        "codel" => in_full(payload, &[1, 3, 5]),
        "fq_codel" => in_full(payload, &[1, 3, 7]),
        "sfq" => Ok(sfq(payload)),
        _ => Ok(payload.to_vec()),
    }
}

/// True for kinds whose options are, or begin with, a structure and not attributes.
pub(super) fn is_structure(kind: &str) -> bool {
    matches!(
        kind,
        "pfifo"
            | "bfifo"
            | "pfifo_head_drop"
            | "prio"
            | "multiq"
            | "sfq"
            | "netem"
            | "hfsc"
            | "plug"
            | "skbprio"
            | "mqprio"
    )
}

/// `flower` tells the innermost protocol of a packet with VLAN tags; the outermost, by which the tags are asked for, is that of the
/// filter.
pub(super) fn with_outer_protocol(payload: &[u8], info: u32) -> Result<Vec<u8>, WriteError> {
    /// `TCA_FLOWER_KEY_ETH_TYPE`.
    const PROTOCOL: u16 = 8;
    // The protocol stands in network order in the lower half of `tcm_info`.
    let [p0, p1] = u16::try_from(info & 0xffff).unwrap_or_default().to_ne_bytes();
    if !matches!([p0, p1], [0x81, 0x00] | [0x88, 0xa8]) {
        return Ok(payload.to_vec());
    }
    let mut out = Out::default();
    for attribute in split(payload)? {
        if attribute.number() != PROTOCOL {
            out.keep(attribute)?;
        }
    }
    out.push(PROTOCOL, &[p0, p1])?;
    Ok(out.0)
}

/// `sfq` was told no limit if it has room for more flows than packets: told one, it has as many flows at most.
fn sfq(payload: &[u8]) -> Vec<u8> {
    const LIMIT: usize = 8;
    const FLOWS: usize = 16;
    let mut asked = payload.to_vec();
    if word(payload, FLOWS) > word(payload, LIMIT) {
        put_word(&mut asked, LIMIT, 0);
    }
    asked
}

/// Kinds whose classes are made by themselves; those of others come with their qdisc.
pub(super) fn has_own_classes(kind: &str) -> bool {
    matches!(kind, "htb" | "hfsc" | "drr" | "qfq")
}

/// Times of `codel` go through units of 1024 ns and lose up to one of them each way, so the microseconds that make the same units
/// are asked for.
fn in_full(payload: &[u8], times: &[u16]) -> Result<Vec<u8>, WriteError> {
    let mut out = Out::default();
    for attribute in split(payload)? {
        match attribute.u32() {
            Some(told) if times.contains(&attribute.number()) => {
                let units = u64::from(told).saturating_mul(1000).div_ceil(1024);
                let asked = units.saturating_mul(1024).div_ceil(1000);
                let asked = u32::try_from(asked).unwrap_or(u32::MAX);
                out.push(attribute.number(), &asked.to_ne_bytes())?;
            }
            _ => out.keep(attribute)?,
        }
    }
    Ok(out.0)
}

/// How the options of a kind of filters are made: which attribute has the actions, which a `police` in the old form, which flags,
/// and which of them count or name what the kernel chose.
struct Filter {
    kind: &'static str,
    actions: u16,
    old_police: u16,
    flags: u16,
    left_out: &'static [u16],
}

/// No attribute has this number.
const NONE: u16 = u16::MAX;

const FILTERS: &[Filter] = &[
    filter("u32", 7, 6, 11, &[9]),
    filter("flower", 3, NONE, 22, &[86]),
    filter("matchall", 2, NONE, 3, &[4]),
    filter("basic", 3, 4, NONE, &[5]),
    filter("bpf", 1, 2, 9, &[10, 11]),
    filter("fw", 4, 2, NONE, &[]),
    filter("cgroup", 1, 2, NONE, &[]),
    filter("flow", 9, 10, NONE, &[]),
];

const fn filter(
    kind: &'static str,
    actions: u16,
    old_police: u16,
    flags: u16,
    left_out: &'static [u16],
) -> Filter {
    Filter {
        kind,
        actions,
        old_police,
        flags,
        left_out,
    }
}

/// `TCA_CLS_FLAGS_SKIP_HW`, `_SKIP_SW` and `_VERBOSE`: those that are asked for. The others say what came of it.
const ASKED_FLAGS: u32 = 0x13;
/// `TCA_BPF_OPS`.
const BPF_OPS: u16 = 5;

/// `TCA_OPTIONS` of a filter.
pub(super) fn filter_options(kind: &str, payload: &[u8]) -> Result<Options, WriteError> {
    let form = FILTERS.iter().find(|form| form.kind == kind).ok_or_else(|| {
        unsupported(format!(
            "filters of the kind {kind} can't be put back by this version"
        ))
    })?;
    let all = split(payload)?;
    if find(&all, form.old_police).is_some() {
        return Err(unsupported(format!(
            "a {kind} filter with a police in the old form can't be put back by this version"
        )));
    }
    if kind == "bpf" && find(&all, BPF_OPS).is_none() {
        return Err(unsupported(
            "a program of eBPF is known by its id, by which none can be put back".to_owned(),
        ));
    }
    let mut out = Out::default();
    let mut links = Vec::new();
    for attribute in all {
        let number = attribute.number();
        if form.left_out.contains(&number) {
            continue;
        }
        if number == form.flags {
            let flags = attribute.u32().unwrap_or_default() & ASKED_FLAGS;
            out.push(number, &flags.to_ne_bytes())?;
        } else if number == form.actions {
            let actions = actions(attribute.value)?;
            let at = out.0.len().saturating_add(4);
            out.push(NESTED | number, &actions.bytes)?;
            links.extend(actions.links.iter().map(|link| link.saturating_add(at)));
        } else {
            out.keep(attribute)?;
        }
    }
    Ok(Options { bytes: out.0, links })
}

/// A list of actions, each in an attribute of its place.
fn actions(list: &[u8]) -> Result<Options, WriteError> {
    let mut out = Out::default();
    let mut links = Vec::new();
    for attribute in split(list)? {
        let action = action(attribute)?;
        let at = out.0.len().saturating_add(4);
        out.push(NESTED | attribute.number(), &action.bytes)?;
        links.extend(action.links.iter().map(|link| link.saturating_add(at)));
    }
    Ok(Options { bytes: out.0, links })
}

// TCA_ACT_*.
const ACT_KIND: u16 = 1;
const ACT_OPTIONS: u16 = 2;
const ACT_COOKIE: u16 = 6;
const ACT_FLAGS: u16 = 7;
const ACT_HW_STATS: u16 = 8;

/// Kinds of actions and the attribute of their parameters, which begin with `tc_gen`.
const ACTIONS: &[(&str, u16)] = &[
    ("csum", 1),
    ("ct", 1),
    ("gact", 2),
    ("mirred", 2),
    ("nat", 1),
    ("pedit", 2),
    ("police", 1),
    ("sample", 2),
    ("skbedit", 2),
    ("skbmod", 2),
    ("tunnel_key", 2),
    ("vlan", 2),
];
/// `(refcnt, bindcnt)` of `tc_gen`.
const COUNTS: (usize, usize) = (12, 16);
/// `ifindex` in `struct tc_mirred`.
const MIRRED_LINK: usize = 24;

fn action(attribute: Attribute<'_>) -> Result<Options, WriteError> {
    let all = split(attribute.value)?;
    let kind = find(&all, ACT_KIND).map(|kind| kind.value).unwrap_or_default();
    let kind = String::from_utf8_lossy(kind.strip_suffix(b"\0").unwrap_or(kind)).into_owned();
    let parms = ACTIONS
        .iter()
        .find(|(name, _)| *name == kind)
        .map(|(_, number)| *number)
        .ok_or_else(|| {
            unsupported(format!(
                "actions of the kind {kind} can't be put back by this version"
            ))
        })?;
    let mut out = Out::default();
    let mut links = Vec::new();
    for one in all {
        match one.number() {
            ACT_KIND | ACT_COOKIE | ACT_FLAGS | ACT_HW_STATS => out.keep(one)?,
            ACT_OPTIONS => {
                let (options, link) = action_options(&kind, parms, one.value)?;
                let at = out.0.len().saturating_add(4);
                links.extend(link.map(|link| link.saturating_add(at)));
                out.push(NESTED | ACT_OPTIONS, &options)?;
            }
            _ => {}
        }
    }
    Ok(Options { bytes: out.0, links })
}

/// An action's options for a new one, and where the index of a link stands in them.
fn action_options(kind: &str, number: u16, options: &[u8]) -> Result<(Vec<u8>, Option<usize>), WriteError> {
    let counts = if kind == "police" { police::COUNTS } else { COUNTS };
    let mut out = Out::default();
    let mut link = None;
    for attribute in split(options)? {
        if attribute.number() != number {
            out.keep(attribute)?;
            continue;
        }
        let mut parms = attribute.value.to_vec();
        police::anew(&mut parms, counts, kind)?;
        if kind == "mirred" {
            // `tc_gen` has 20 bytes, then come the way and the device.
            link = Some(out.0.len().saturating_add(4).saturating_add(MIRRED_LINK));
        }
        out.push(number, &parms)?;
    }
    let bytes = match kind {
        "police" => police::with_tables(&out.0)?,
        _ => out.0,
    };
    Ok((bytes, link))
}
