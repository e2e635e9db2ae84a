//! The kinds of filters.

use super::{ematch, flower, keys};
use crate::tc::options::Stop;
use crate::tc::schema::{Attribute, Field, Out, Read, Show, attr, field, own, pad};
use crate::tc::setting::{Setting, Value};

/// How a kind's options are laid out.
pub(super) struct Kind {
    name: &'static str,
    /// The attribute that holds the actions.
    pub(super) actions: u16,
    /// The attribute that holds a `police` in the old form.
    pub(super) police: u16,
    /// Attributes that count, to be left out where the rest is not understood.
    pub(super) counters: &'static [u16],
    /// Reads the other attributes, given the filter's handle.
    pub(super) read: fn(&[u8], u32, &mut Out<'_>) -> Result<(), Stop>,
}

/// No attribute has this number.
const NONE: u16 = u16::MAX;

const fn kind(
    name: &'static str,
    (actions, police): (u16, u16),
    counters: &'static [u16],
    read: fn(&[u8], u32, &mut Out<'_>) -> Result<(), Stop>,
) -> Kind {
    Kind {
        name,
        actions,
        police,
        counters,
        read,
    }
}

const KINDS: &[Kind] = &[
    kind("u32", (7, 6), &[9], |bytes, handle, out| {
        keys::read(bytes, handle, out)
    }),
    kind("flower", (3, NONE), &[86], |bytes, _, out| {
        flower::read(bytes, out)
    }),
    kind("matchall", (2, NONE), &[4], |bytes, _, out| {
        out.attributes(MATCHALL, bytes)
    }),
    kind("basic", (3, 4), &[5], |bytes, _, out| {
        out.attributes(BASIC, bytes)
    }),
    kind("bpf", (1, 2), &[11], |bytes, _, out| out.attributes(BPF, bytes)),
    kind("fw", (4, 2), &[], |bytes, _, out| out.attributes(FW, bytes)),
    kind("route", (6, 5), &[], |bytes, _, out| out.attributes(ROUTE, bytes)),
    kind("cgroup", (1, 2), &[], |bytes, _, out| {
        out.attributes(CGROUP, bytes)
    }),
    kind("flow", (9, 10), &[], |bytes, _, out| flow(bytes, out)),
    kind("tcindex", (7, 6), &[], |bytes, _, out| {
        out.attributes(TCINDEX, bytes)
    }),
];

/// The form of a kind, if it is known.
pub(super) fn named(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// A filter's number as `tc` prints it.
pub(super) fn handle(kind: &str, handle: u32) -> String {
    match kind {
        "u32" => keys::handle(handle),
        _ => format!("{handle:#x}"),
    }
}

/// The part of a filter's number that means something; see [`super::Filter::handle`].
pub(super) fn meaning(kind: &str, handle: u32) -> Option<String> {
    match kind {
        "u32" => keys::meaning(handle),
        "fw" | "tcindex" if handle != 0 => Some(format!("{handle:#x}")),
        _ => None,
    }
}

const CLASS: Show = Show::Class;

/// `TCA_CLS_FLAGS_*`; what came of them is runtime.
pub(super) fn flags(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const FLAGS: &[Field] = &[field(
        "flags",
        Read::U32,
        Show::Flags(&[
            (1, "skip_hw"),
            (2, "skip_sw"),
            (16, "verbose"),
            (4, "in_hw"),
            (8, "not_in_hw"),
        ]),
    )];
    let mut inner = Out::new(out.names);
    inner.structure(FLAGS, payload)?;
    let (came, told): (Vec<_>, Vec<_>) = inner
        .settings
        .into_iter()
        .partition(|setting| setting.name.ends_with("in_hw"));
    out.settings.extend(told);
    out.runtime.extend(came);
    Ok(())
}

/// `TCA_MATCHALL_*`.
const MATCHALL: &[Attribute] = &[
    attr(1, "classid", Read::U32, CLASS),
    own(3, flags),
    attr(4, "hits", Read::Rest, Show::Runtime),
    pad(5),
];

/// `TCA_BASIC_*`.
const BASIC: &[Attribute] = &[
    attr(1, "classid", Read::U32, CLASS),
    own(2, ematch::read),
    attr(5, "hits", Read::Rest, Show::Runtime),
    pad(6),
];

/// `TCA_CGROUP_*`.
const CGROUP: &[Attribute] = &[own(3, ematch::read)];

/// `TCA_FW_*`.
const FW: &[Attribute] = &[
    attr(1, "classid", Read::U32, CLASS),
    attr(5, "internal_mask", Read::U32, Show::Bits).unless(0xffff_ffff),
    attr(3, "indev", Read::Rest, Show::Text),
];

/// `TCA_ROUTE4_*`; realms stay numbers.
const ROUTE: &[Attribute] = &[
    attr(1, "classid", Read::U32, CLASS),
    attr(3, "from", Read::U32, Show::Number),
    attr(4, "fromif", Read::U32, Show::Link),
    attr(2, "to", Read::U32, Show::Number),
];

/// `TCA_TCINDEX_*`, which Linux had until 6.2.
const TCINDEX: &[Attribute] = &[
    attr(5, "classid", Read::U32, CLASS),
    attr(1, "hash", Read::U32, Show::Number),
    attr(2, "mask", Read::U16, Show::Bits),
    attr(3, "shift", Read::U32, Show::Number),
    attr(
        4,
        "",
        Read::U32,
        Show::Keywords(&[(0, "pass_on"), (1, "fall_through")]),
    ),
];

/// `TCA_BPF_*`; the program's id is the kernel's, its tag a digest of its instructions.
const BPF: &[Attribute] = &[
    attr(3, "classid", Read::U32, CLASS),
    attr(7, "name", Read::Rest, Show::Text),
    attr(8, "flags", Read::U32, Show::Flags(&[(1, "direct-action")])),
    own(9, flags),
    pad(4),
    own(5, bytecode),
    attr(6, "fd", Read::U32, Show::Runtime),
    attr(10, "tag", Read::Rest, Show::Raw),
    attr(11, "id", Read::U32, Show::Runtime),
];

/// `struct sock_filter` (`linux/filter.h`), as `tc` writes a classic program: how many instructions, then each.
pub(in crate::tc) fn bytecode(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    let (instructions, odd) = payload.as_chunks::<8>();
    if !odd.is_empty() {
        return Err(Stop::Unknown("an instruction of another size".to_owned()));
    }
    let mut words = vec![instructions.len().to_string()];
    for [c0, c1, jt, jf, k0, k1, k2, k3] in instructions {
        let code = u16::from_ne_bytes([*c0, *c1]);
        let k = u32::from_ne_bytes([*k0, *k1, *k2, *k3]);
        words.push(format!("{code} {jt} {jf} {k}"));
    }
    out.set("bytecode", Value::Word(format!("'{}'", words.join(","))));
    Ok(())
}

/// `TCA_FLOW_*`.
const FLOW: &[Attribute] = &[
    attr(2, "", Read::U32, Show::Keywords(&[(0, "map"), (1, "hash")])),
    own(1, flow_keys),
    attr(6, "and", Read::U32, Show::Bits).unless(0xffff_ffff),
    attr(7, "xor", Read::U32, Show::Bits).unless(0),
    attr(4, "rshift", Read::U32, Show::Number).unless(0),
    attr(5, "addend", Read::U32, Show::Bits).unless(0),
    attr(8, "divisor", Read::U32, Show::Number).unless(0),
    attr(3, "baseclass", Read::U32, CLASS),
    attr(12, "perturb", Read::U32, Show::Seconds).unless(0),
    own(11, ematch::read),
];

fn flow(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    out.attributes(FLOW, payload)
}

/// `FLOW_KEY_*`, from the lowest bit.
const FLOW_KEYS: &[&str] = &[
    "src",
    "dst",
    "proto",
    "proto-src",
    "proto-dst",
    "iif",
    "priority",
    "mark",
    "nfct",
    "nfct-src",
    "nfct-dst",
    "nfct-proto-src",
    "nfct-proto-dst",
    "rt-classid",
    "sk-uid",
    "sk-gid",
    "vlan-tag",
    "rxhash",
];

fn flow_keys(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const KEYS: &[Field] = &[field("keys", Read::U32, Show::Number)];
    let mut inner = Out::new(out.names);
    inner.structure(KEYS, payload)?;
    let bits = match inner.settings.first().map(|setting: &Setting| &setting.value) {
        Some(Value::Number(bits)) => bits.0,
        _ => 0,
    };
    if bits >> FLOW_KEYS.len() != 0 {
        return Err(Stop::Unknown(format!("keys has the value {bits:#x}")));
    }
    let set = FLOW_KEYS
        .iter()
        .enumerate()
        .filter(|(place, _)| bits >> place & 1 == 1);
    let words: Vec<_> = set.map(|(_, word)| *word).collect();
    out.set("keys", Value::Word(words.join(",")));
    Ok(())
}
