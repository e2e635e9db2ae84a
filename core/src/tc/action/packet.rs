//! Actions that change packets: `nat`, `pedit`, `skbedit`, `skbmod`, `vlan`, `mpls`, `csum`.

use std::net::Ipv4Addr;

use super::kinds::{GENERAL, times};
use crate::raw::attr::attrs;
use crate::raw::lift::whole;
use crate::tc::options::{Stop, unknown};
use crate::tc::schema::{Attribute, Behind, Field, Out, Read, Show, attr, field, own, pad, parms};
use crate::tc::setting::{Setting, Value, find};

/// `TCA_NAT_*`.
pub(super) const NAT: &[Attribute] = &[own(1, nat), times(2), pad(3)];

fn nat(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const PARMS: &[Field] = &[
        field("", Read::Struct(GENERAL), Show::Ignore),
        field("old", Read::Be32, Show::Number),
        field("new", Read::Be32, Show::Number),
        field("mask", Read::Be32, Show::Number),
        field("flags", Read::U32, Show::Flags(&[(1, "egress")])),
    ];
    out.structure(PARMS, payload)?;
    let number = |name: &str| match find(&out.settings, name) {
        Some(Value::Number(number)) => u32::try_from(number.0).unwrap_or_default(),
        _ => 0,
    };
    let (old, new, mask) = (number("old"), number("new"), number("mask"));
    let way = find(&out.settings, "egress").map_or("ingress", |_| "egress");
    out.settings
        .retain(|setting| !matches!(setting.name.as_str(), "old" | "new" | "mask" | "egress"));
    let mask = match mask.leading_ones() {
        length if length == mask.count_ones() => length.to_string(),
        _ => Ipv4Addr::from(mask).to_string(),
    };
    let text = format!("{}/{mask} {}", Ipv4Addr::from(old), Ipv4Addr::from(new));
    out.set(way, Value::Address(text));
    Ok(())
}

/// `TCA_PEDIT_*`.
pub(super) const PEDIT: &[Attribute] = &[times(1), pad(3), own(2, keys), own(4, keys), own(5, headers)];

/// `struct tc_pedit_sel`: each key changes 32 bits.
fn keys(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const HEAD: &[Field] = &[
        field("", Read::Struct(GENERAL), Show::Ignore),
        field("", Read::U8, Show::Ignore),
        field("flags", Read::U8, Show::Bits).unless(0),
        field("", Read::U16, Show::Ignore),
    ];
    const KEY: &[Field] = &[
        field("mask", Read::Be32, Show::Number),
        field("val", Read::Be32, Show::Number),
        field("off", Read::I32, Show::Signed),
        field("at_byte", Read::U32, Show::Number).unless(0),
        field("offmask", Read::U32, Show::Bits).unless(0),
        field("shift", Read::U32, Show::Number).unless(0),
    ];
    let rest = out.fields(HEAD, payload)?;
    let (keys, odd) = rest.as_chunks::<24>();
    if !odd.is_empty() {
        return Err(Stop::Unknown("a key of another size".to_owned()));
    }
    for key in keys {
        let mut inner = Out::new(out.names);
        inner.structure(KEY, key)?;
        let digits = |name: &str| match find(&inner.settings, name) {
            Some(Value::Number(number)) => format!("{:08x}", number.0),
            _ => String::new(),
        };
        let at = find(&inner.settings, "off")
            .map(ToString::to_string)
            .unwrap_or_default();
        let mut group = vec![
            Setting::new("at", Value::Word(at)),
            Setting::new("val", Value::Word(digits("val"))),
            Setting::new("mask", Value::Word(digits("mask"))),
        ];
        let rest = inner.settings.into_iter();
        group.extend(rest.filter(|one| matches!(one.name.as_str(), "at_byte" | "offmask" | "shift")));
        out.set("key", Value::Group(group));
    }
    Ok(())
}

/// `TCA_PEDIT_KEY_EX_*`: from which header each key counts, and whether it sets or adds.
fn headers(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const KEY: &[Attribute] = &[
        attr(
            1,
            "header",
            Read::U16,
            Show::Words(&[
                (0, ""),
                (1, "eth+"),
                (2, "ipv4+"),
                (3, "ipv6+"),
                (4, "tcp+"),
                (5, "udp+"),
            ]),
        ),
        attr(2, "cmd", Read::U16, Show::Words(&[(0, "val"), (1, "add")])),
    ];
    let mut forms = Vec::new();
    for entry in whole(attrs(payload))? {
        if entry.kind != 6 {
            return Err(unknown(entry.kind));
        }
        forms.push(out.group(KEY, entry.value)?.0);
    }
    let keys = out.settings.iter_mut().filter(|setting| setting.name == "key");
    for (key, form) in keys.zip(forms) {
        let Value::Group(group) = &mut key.value else {
            continue;
        };
        let word = |name: &str| find(&form, name).map(ToString::to_string).unwrap_or_default();
        for one in group {
            match one.name.as_str() {
                "at" => one.value = Value::Word(format!("{}{}", word("header"), one.value)),
                "val" => one.name = word("cmd"),
                _ => {}
            }
        }
    }
    Ok(())
}

/// `TCA_SKBEDIT_*`.
pub(super) const SKBEDIT: &[Attribute] = &[
    times(1),
    parms(2, GENERAL),
    attr(4, "queue_mapping", Read::U16, Show::Number),
    attr(10, "queue_mapping_max", Read::U16, Show::Number),
    own(3, priority),
    attr(5, "mark", Read::U32, Show::Number),
    own(8, mark_mask),
    attr(
        7,
        "ptype",
        Read::U16,
        Show::Words(&[(0, "host"), (1, "broadcast"), (2, "multicast"), (3, "otherhost")]),
    ),
    attr(
        9,
        "flags",
        Read::U64,
        Show::Flags(&[(0x20, "inheritdsfield"), (0x40, "skbhash")]),
    ),
    pad(6),
];

fn mark_mask(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const MASK: Field = field("mark", Read::U32, Show::Bits);
    out.behind(&MASK.unless(0xffff_ffff), payload, Behind::Mask)
}

/// A priority names a class of whichever device the packet leaves by.
fn priority(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const PRIORITY: &[Field] = &[field("priority", Read::U32, Show::Class)];
    let mut inner = Out::new(crate::tc::schema::Names::none());
    inner.structure(PRIORITY, payload)?;
    out.settings.append(&mut inner.settings);
    Ok(())
}

/// `TCA_SKBMOD_*`.
pub(super) const SKBMOD: &[Attribute] = &[
    times(1),
    parms(
        2,
        &[
            field("", Read::Struct(GENERAL), Show::Ignore),
            field("", Read::U32, Show::Ignore),
            field("flags", Read::U64, Show::Flags(SKBMOD_FLAGS)),
        ],
    ),
    attr(3, "set dmac", Read::Rest, Show::Mac),
    attr(4, "set smac", Read::Rest, Show::Mac),
    attr(5, "set etype", Read::U16, Show::Bits),
    pad(6),
];
const SKBMOD_FLAGS: &[(u64, &str)] = &[
    (1, "internal_dmac"),
    (2, "internal_smac"),
    (4, "internal_etype"),
    (8, "swap mac"),
    (16, "ecn"),
];

/// `TCA_VLAN_*`.
pub(super) const VLAN: &[Attribute] = &[
    times(1),
    parms(
        2,
        &[
            field("", Read::Struct(GENERAL), Show::Ignore),
            field(
                "what",
                Read::I32,
                Show::Keywords(&[
                    (1, "pop"),
                    (2, "push"),
                    (3, "modify"),
                    (4, "pop_eth"),
                    (5, "push_eth"),
                ]),
            ),
        ],
    ),
    attr(3, "id", Read::U16, Show::Number),
    own(4, protocol),
    attr(6, "priority", Read::U8, Show::Number),
    attr(7, "dst_mac", Read::Rest, Show::Mac),
    attr(8, "src_mac", Read::Rest, Show::Mac),
    pad(5),
];

/// `TCA_MPLS_*`.
pub(super) const MPLS: &[Attribute] = &[
    times(1),
    parms(
        2,
        &[
            field("", Read::Struct(GENERAL), Show::Ignore),
            field(
                "what",
                Read::I32,
                Show::Keywords(&[
                    (1, "pop"),
                    (2, "push"),
                    (3, "modify"),
                    (4, "dec_ttl"),
                    (5, "mac_push"),
                ]),
            ),
        ],
    ),
    own(4, protocol),
    attr(5, "label", Read::U32, Show::Number),
    attr(6, "tc", Read::U8, Show::Number),
    attr(8, "bos", Read::U8, Show::Number),
    attr(7, "ttl", Read::U8, Show::Number),
    pad(3),
];

fn protocol(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    let bytes =
        <[u8; 2]>::try_from(payload).map_err(|_| Stop::Unknown("a protocol of another size".to_owned()))?;
    let word = crate::tc::filter::protocol(u16::from_be_bytes(bytes));
    out.set("protocol", Value::Word(word));
    Ok(())
}

/// `TCA_CSUM_*`.
pub(super) const CSUM: &[Attribute] = &[
    parms(
        1,
        &[
            field("", Read::Struct(GENERAL), Show::Ignore),
            field("flags", Read::U32, Show::Flags(SUMS)),
        ],
    ),
    times(2),
    pad(3),
];
const SUMS: &[(u64, &str)] = &[
    (1, "ip4h"),
    (2, "icmp"),
    (4, "igmp"),
    (8, "tcp"),
    (16, "udp"),
    (32, "udplite"),
    (64, "sctp"),
];
