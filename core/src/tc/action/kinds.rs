//! The kinds of actions.

use super::packet;
use super::police;
use super::tunnel;
use crate::raw::attr::attrs;
use crate::raw::lift::whole;
use crate::tc::filter::bytecode;
use crate::tc::options::{Stop, unknown};
use crate::tc::schema::{Attribute, Behind, Field, Out, Read, Show, attr, field, own, pad, parms};
use crate::tc::setting::{Setting, Value, find};

/// The attributes of a kind's options, if the kind is known.
pub(super) fn table(kind: &str) -> Option<&'static [Attribute]> {
    KINDS
        .iter()
        .find(|(name, _)| *name == kind)
        .map(|(_, table)| *table)
}

const KINDS: &[(&str, &[Attribute])] = &[
    ("gact", GACT),
    ("police", police::POLICE),
    ("mirred", MIRRED),
    ("nat", packet::NAT),
    ("pedit", packet::PEDIT),
    ("skbedit", packet::SKBEDIT),
    ("skbmod", packet::SKBMOD),
    ("vlan", packet::VLAN),
    ("mpls", packet::MPLS),
    ("csum", packet::CSUM),
    ("ct", CT),
    ("ctinfo", CTINFO),
    ("connmark", CONNMARK),
    ("bpf", BPF),
    ("ife", IFE),
    ("sample", SAMPLE),
    ("tunnel_key", tunnel::TUNNEL_KEY),
    ("simple", SIMPLE),
    ("gate", GATE),
    ("ipt", XT),
    ("xt", XT),
];

/// The fields that begin every kind's parameters, `tc_gen`.
pub(super) const GENERAL: &[Field] = &[
    field("index", Read::U32, Show::Runtime),
    field("capab", Read::U32, Show::Bits).unless(0),
    field("control", Read::I32, Show::Control),
    field("refcnt", Read::I32, Show::Runtime),
    field("bindcnt", Read::I32, Show::Runtime),
];

/// `struct tcf_t`: when it was installed, last used, when it expires, when it was first used.
pub(super) const fn times(number: u16) -> Attribute {
    attr(number, "times", Read::Rest, Show::Runtime)
}

/// `TCA_GACT_*`.
const GACT: &[Attribute] = &[times(1), parms(2, GENERAL), own(3, chance), pad(4)];

/// `struct tc_gact_p`: the other fate, and when.
fn chance(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const CHANCE: &[Field] = &[
        field(
            "random",
            Read::U16,
            Show::Words(&[(0, "none"), (1, "netrand"), (2, "determ")]),
        ),
        field("val", Read::U16, Show::Number),
        field("then", Read::I32, Show::Control),
    ];
    let mut inner = Out::new(out.names);
    inner.structure(CHANCE, payload)?;
    if find(&inner.settings, "random") == Some(&Value::Word("none".to_owned())) {
        return Ok(());
    }
    let mut words = inner.settings.iter().map(|setting| setting.value.to_string());
    let (kind, number) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let fate = words.next().unwrap_or_default();
    out.set("random", Value::Word(format!("{kind} {fate} {number}")));
    Ok(())
}

/// `TCA_MIRRED_*`; 4 came with Linux 6.8.
const MIRRED: &[Attribute] = &[
    times(1),
    own(2, mirred),
    pad(3),
    attr(4, "blockid", Read::U32, Show::Number),
];

fn mirred(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const PARMS: &[Field] = &[
        field("", Read::Struct(GENERAL), Show::Ignore),
        field(
            "way",
            Read::I32,
            Show::Keywords(&[
                (1, "egress redirect"),
                (2, "egress mirror"),
                (3, "ingress redirect"),
                (4, "ingress mirror"),
            ]),
        ),
        field("dev", Read::U32, Show::Link),
    ];
    out.structure(PARMS, payload)?;
    // What is redirected is gone from here: `tc` has no word for it and takes none.
    let stolen = Value::Keyword("stolen".to_owned());
    for setting in &mut out.settings {
        if setting.name == "control" && setting.value == stolen {
            setting.name = "internal_control".to_owned();
        }
    }
    Ok(())
}

/// `TCA_CT_*`. The attribute 3 is read twice, since `tc` writes what it says of translation behind the mark.
const CT: &[Attribute] = &[
    times(2),
    parms(1, GENERAL),
    attr(3, "action", Read::U16, Show::Flags(CT_GENERAL)),
    attr(4, "zone", Read::U16, Show::Number),
    attr(5, "mark", Read::U32, Show::Bits),
    own(6, |bytes, out| {
        const MASK: Field = field("mark", Read::U32, Show::Bits);
        out.behind(&MASK.unless(0xffff_ffff), bytes, Behind::Mask)
    }),
    attr(7, "label", Read::Rest, Show::Raw),
    own(8, |bytes, out| match bytes.iter().all(|byte| *byte == 0xff) {
        true => Ok(()),
        false => out.behind(&field("label", Read::Rest, Show::Raw), bytes, Behind::Mask),
    }),
    attr(16, "helper", Read::Rest, Show::Text),
    attr(17, "internal_helper_family", Read::U8, Show::Number),
    attr(18, "internal_helper_proto", Read::U8, Show::Number),
    attr(3, "action", Read::U16, Show::Flags(CT_TRANSLATION)),
    attr(9, "addr", Read::Rest, Show::Ip4),
    own(10, |bytes, out| {
        out.behind(&field("addr", Read::Rest, Show::Ip4), bytes, Behind::Last)
    }),
    attr(11, "addr", Read::Rest, Show::Ip6),
    own(12, |bytes, out| {
        out.behind(&field("addr", Read::Rest, Show::Ip6), bytes, Behind::Last)
    }),
    attr(13, "port", Read::Be16, Show::Number),
    own(14, |bytes, out| {
        out.behind(&field("port", Read::Be16, Show::Number), bytes, Behind::Last)
    }),
    pad(15),
];
/// `TCA_CT_ACT_*`; bits without a word are the other list's.
const CT_GENERAL: &[(u64, &str)] = &[
    (1, "commit"),
    (2, "force"),
    (4, "clear"),
    (8, ""),
    (16, ""),
    (32, ""),
];
const CT_TRANSLATION: &[(u64, &str)] = &[(8, "nat"), (16, "src"), (32, "dst"), (1, ""), (2, ""), (4, "")];

/// `TCA_CTINFO_*`; the last three count.
const CTINFO: &[Attribute] = &[
    pad(1),
    times(2),
    parms(3, GENERAL),
    attr(5, "dscp", Read::U32, Show::Bits),
    own(6, |bytes, out| {
        const STATE: Field = field("dscp", Read::U32, Show::Bits);
        out.behind(&STATE.unless(0), bytes, Behind::Second)
    }),
    attr(7, "cpmark", Read::U32, Show::Bits),
    attr(4, "zone", Read::U16, Show::Number),
    attr(8, "dscp_set", Read::U64, Show::Runtime),
    attr(9, "dscp_error", Read::U64, Show::Runtime),
    attr(10, "cpmark_set", Read::U64, Show::Runtime),
];

/// `TCA_CONNMARK_*`; `struct tc_connmark` ends in two bytes of padding.
const CONNMARK: &[Attribute] = &[
    parms(
        1,
        &[
            field("", Read::Struct(GENERAL), Show::Ignore),
            field("zone", Read::U16, Show::Number),
            field("", Read::U16, Show::Ignore),
        ],
    ),
    times(2),
    pad(3),
];

/// `TCA_ACT_BPF_*`.
const BPF: &[Attribute] = &[
    times(1),
    parms(2, GENERAL),
    pad(3),
    own(4, bytecode),
    attr(5, "fd", Read::U32, Show::Runtime),
    attr(6, "name", Read::Rest, Show::Text),
    pad(7),
    attr(8, "tag", Read::Rest, Show::Raw),
    attr(9, "id", Read::U32, Show::Runtime),
];

/// `TCA_IFE_*`; `struct tc_ife` ends in two bytes of padding.
const IFE: &[Attribute] = &[
    parms(
        1,
        &[
            field("", Read::Struct(GENERAL), Show::Ignore),
            field("way", Read::U16, Show::Keywords(&[(0, "decode"), (1, "encode")])),
            field("", Read::U16, Show::Ignore),
        ],
    ),
    times(2),
    own(6, metadata),
    attr(3, "dst", Read::Rest, Show::Mac),
    attr(4, "src", Read::Rest, Show::Mac),
    attr(5, "type", Read::U16, Show::Bits),
    pad(7),
];

/// `IFE_META_*`: what is carried along, as the packet has it or as a fixed value.
fn metadata(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const WORDS: [&str; 6] = ["", "mark", "hashid", "prio", "qmap", "tcindex"];
    for attr in whole(attrs(payload))? {
        let word = WORDS
            .get(usize::from(attr.kind))
            .filter(|word| !word.is_empty())
            .ok_or_else(|| unknown(attr.kind))?;
        match *attr.value {
            [] => out.set("allow", Value::Word((*word).to_owned())),
            [a, b] => {
                let value = u16::from_ne_bytes([a, b]);
                out.set("use", Value::Word(format!("{word} {value}")));
            }
            [a, b, c, d] => {
                let value = u32::from_ne_bytes([a, b, c, d]);
                out.set("use", Value::Word(format!("{word} {value}")));
            }
            _ => return Err(unknown(attr.kind)),
        }
    }
    Ok(())
}

/// `TCA_SAMPLE_*`.
const SAMPLE: &[Attribute] = &[
    times(1),
    parms(2, GENERAL),
    attr(3, "rate", Read::U32, Show::Number),
    attr(5, "group", Read::U32, Show::Number),
    attr(4, "trunc", Read::U32, Show::Number),
    pad(6),
];

/// `TCA_DEF_*`.
const SIMPLE: &[Attribute] = &[
    times(1),
    parms(2, GENERAL),
    attr(3, "sdata", Read::Rest, Show::Text),
    pad(4),
];

/// `TCA_IPT_*`: a target of iptables, which stays bytes; what counts is listed so that it is left out.
const XT: &[Attribute] = &[
    attr(3, "index", Read::U32, Show::Runtime),
    attr(4, "references", Read::Rest, Show::Runtime),
    times(5),
];

/// `TCA_GATE_*`.
const GATE: &[Attribute] = &[
    times(1),
    parms(2, GENERAL),
    pad(3),
    attr(4, "priority", Read::I32, Show::Signed),
    attr(10, "clockid", Read::I32, Show::Words(crate::tc::kinds::CLOCKS)),
    attr(9, "flags", Read::U32, Show::Bits),
    attr(6, "base-time", Read::U64, Show::Number),
    attr(7, "cycle-time", Read::U64, Show::Number),
    attr(8, "cycle-time-ext", Read::U64, Show::Number),
    own(5, gate_entries),
];

/// `TCA_GATE_ENTRY_*`.
fn gate_entries(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const ENTRY: &[Attribute] = &[
        attr(1, "index", Read::U32, Show::Number),
        attr(2, "open", Read::Rest, Show::Flag),
        attr(3, "interval", Read::U32, Show::Number),
        attr(4, "ipv", Read::I32, Show::Signed),
        attr(5, "max_octets", Read::I32, Show::Signed),
    ];
    for entry in whole(attrs(payload))? {
        if entry.kind != 1 {
            return Err(unknown(entry.kind));
        }
        let (mut settings, _) = out.group(ENTRY, entry.value)?;
        if find(&settings, "open").is_none() {
            settings.push(Setting::new("closed", Value::Flag));
        }
        out.set("sched-entry", Value::Group(settings));
    }
    Ok(())
}
