//! Structures that policies and associations share, and the attributes of both.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::facts::attributes::{Form, Spec, Width, Words, apart, moves, set, word};
use crate::facts::{Fact, Property, Value};
use crate::raw::HostRaw;
use crate::raw::attr::{Attr, Malformed, take};
use crate::raw::lift::{Fault, Fields};

pub(super) const PROTOCOLS: Words = &[
    (43, "route2"),
    (50, "esp"),
    (51, "ah"),
    (60, "hao"),
    (108, "comp"),
];
pub(super) const MODES: Words = &[
    (0, "transport"),
    (1, "tunnel"),
    (2, "ro"),
    (3, "in_trigger"),
    (4, "beet"),
    (5, "iptfs"),
];

/// `XFRMA_REPLAY_ESN_VAL`.
const REPLAY_ESN: u16 = 23;

/// `XFRMA_*` of both.
pub(super) const ATTRIBUTES: &[Spec] = &[
    apart(5),
    apart(27),
    set(16, "ptype", Form::Other(policy_type)),
    set(21, "mark", Form::Other(mark)),
    set(31, "if_id", Form::Mask(Width::Four)).unless(0),
    set(28, "offload", Form::Other(offload)),
    set(8, "ctx", Form::Bytes),
    set(1, "auth", Form::Other(algorithm)),
    // Told besides what it was given as: see auth.
    set(20, "auth-trunc", Form::Other(truncated)),
    set(2, "enc", Form::Other(algorithm)),
    set(18, "aead", Form::Other(truncated)),
    set(3, "comp", Form::Other(algorithm)),
    set(4, "encap", Form::Other(encapsulation)),
    set(14, "coa", Form::Bytes),
    set(22, "tfcpad", Form::U32).unless(0),
    set(24, "extra_flag", Form::Mask(Width::Four)).unless(0),
    set(29, "output_mark", Form::Mask(Width::Four)).unless(0),
    set(30, "output_mark_mask", Form::Mask(Width::Four)).unless(0xffff_ffff),
    set(33, "dir", Form::Word(Width::One, &[(1, "in"), (2, "out")])),
    set(34, "nat_keepalive", Form::U32).unless(0),
    set(35, "pcpu", Form::U32),
    moves(9, "lifetime_now", Form::Bytes),
    moves(10, "replay", Form::Bytes),
    moves(11, "replay_threshold", Form::U32),
    moves(12, "expiry_threshold", Form::U32),
    moves(15, "last_used", Form::U64),
    moves(REPLAY_ESN, "replay_esn", Form::Bytes),
    moves(32, "mapping_threshold", Form::U32),
];

/// `xfrm_address_t`: sixteen bytes, of which IPv4 uses four.
pub(super) fn address(bytes: [u8; 16], family: u16) -> IpAddr {
    match family {
        2 => {
            let [a, b, c, d, ..] = bytes;
            Ipv4Addr::new(a, b, c, d).into()
        }
        _ => Ipv6Addr::from(bytes).into(),
    }
}

pub(super) fn raw_address(fields: &mut Fields<'_>) -> Result<[u8; 16], Malformed> {
    let mut out = [0; 16];
    for byte in &mut out {
        *byte = fields.u8()?;
    }
    Ok(out)
}

/// `struct xfrm_selector` in the words of `ip xfrm`, and its family.
pub(super) fn selector(raw: &HostRaw, fields: &mut Fields<'_>) -> Result<(String, u16), Fault> {
    let (to, from) = (raw_address(fields)?, raw_address(fields)?);
    let mut ports = [0u16; 4];
    for port in &mut ports {
        *port = u16::from_be(fields.u16()?);
    }
    let [dport, dport_mask, sport, sport_mask] = ports;
    let family = fields.u16()?;
    let (to_length, from_length, protocol) = (fields.u8()?, fields.u8()?, fields.u8()?);
    let _padding = (fields.u8()?, fields.u16()?);
    let (index, user) = (fields.u32()?, fields.u32()?);
    let mut out = format!(
        "src {}/{from_length} dst {}/{to_length}",
        address(from, family),
        address(to, family)
    );
    let mut add = |words: String| {
        out.push(' ');
        out.push_str(&words);
    };
    if protocol != 0 {
        add(format!(
            "proto {}",
            word(
                protocol.into(),
                &[(1, "icmp"), (6, "tcp"), (17, "udp"), (58, "ipv6-icmp")]
            )
        ));
    }
    for (name, port, mask) in [("sport", sport, sport_mask), ("dport", dport, dport_mask)] {
        match mask {
            0 => {}
            0xffff => add(format!("{name} {port}")),
            mask => add(format!("{name} {port}/{mask:#x}")),
        }
    }
    if index != 0 {
        add(format!("dev {}", raw.named(index)?));
    }
    if user != 0 {
        add(format!("uid {user}"));
    }
    Ok((out, family))
}

/// The limits of `struct xfrm_lifetime_cfg` that are limits, in the words of `ip xfrm`; and whether any of them ends it.
pub(super) fn limits(fields: &mut Fields<'_>) -> Result<(Vec<Property>, bool), Malformed> {
    const NAMES: [(&str, u64); 8] = [
        ("byte-soft", u64::MAX),
        ("byte-hard", u64::MAX),
        ("packet-soft", u64::MAX),
        ("packet-hard", u64::MAX),
        ("time-soft", 0),
        ("time-hard", 0),
        ("time-use-soft", 0),
        ("time-use-hard", 0),
    ];
    let mut out = Vec::new();
    for (name, none) in NAMES {
        let limit = fields.u64()?;
        if limit != none && limit != 0 {
            out.push(Property::new(name, Value::number(limit)));
        }
    }
    let ends = !out.is_empty();
    Ok((out, ends))
}

/// `struct xfrm_lifetime_cur`.
pub(super) fn current(mut fact: Fact, fields: &mut Fields<'_>) -> Result<Fact, Malformed> {
    for name in ["bytes", "packets", "add_time", "use_time"] {
        fact = fact.with(name, Value::number(fields.u64()?));
    }
    Ok(fact)
}

fn policy_type(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let kind = take::<1>(bytes, "struct xfrm_userpolicy_type").map(|[kind]| kind)?;
    Ok((bytes.len() <= 6).then(|| Value::Word(word(kind.into(), &[(0, "main"), (1, "sub")]))))
}

fn mark(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let mut fields = Fields::new(bytes, "struct xfrm_mark");
    let (value, mask) = (fields.u32()?, fields.u32()?);
    Ok(fields
        .rest()
        .is_empty()
        .then(|| Value::Word(format!("{value:#x}/{mask:#x}"))))
}

/// `struct xfrm_encap_tmpl`: the kind of a UDP or TCP header (`linux/udp.h`, `linux/tcp.h`), its ports, and the address of the
/// peer behind a translation.
fn encapsulation(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    const KINDS: Words = &[(1, "espinudp-nonike"), (2, "espinudp"), (7, "espintcp")];
    let mut fields = Fields::new(bytes, "struct xfrm_encap_tmpl");
    let (kind, from, to) = (fields.u16()?, fields.u16()?, fields.u16()?);
    let _padding = fields.u16()?;
    let original = raw_address(&mut fields)?;
    let family = if original.iter().skip(4).all(|byte| *byte == 0) {
        2
    } else {
        10
    };
    let group = vec![
        Property::new("type", Value::Word(word(kind.into(), KINDS))),
        Property::new("sport", Value::number(u16::from_be(from))),
        Property::new("dport", Value::number(u16::from_be(to))),
        Property::new("addr", Value::word(address(original, family))),
    ];
    Ok(fields.rest().is_empty().then_some(Value::Group(group)))
}

/// The window of `struct xfrm_replay_state_esn`, in packets; the rest of it is what came and went. 0 where there is none.
pub(super) fn extended_window(all: &[Attr<'_>]) -> Result<u32, Malformed> {
    let Some(state) = all.iter().find(|attribute| attribute.kind == REPLAY_ESN) else {
        return Ok(0);
    };
    let mut fields = Fields::new(state.value, "struct xfrm_replay_state_esn");
    for _before in 0..5 {
        fields.u32()?;
    }
    fields.u32()
}

/// `struct xfrm_user_offload`: the device, and whether for packets or for encryption alone, in or out.
fn offload(raw: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let mut fields = Fields::new(bytes, "struct xfrm_user_offload");
    let (index, flags) = (fields.u32()?, fields.u8()?);
    let group = vec![
        Property::new("dev", Value::Text(raw.named(index)?)),
        Property::new("flags", Value::Word(format!("{flags:#x}"))),
    ];
    Ok((fields.rest().len() <= 3).then_some(Value::Group(group)))
}

/// `struct xfrm_algo`: its name and how many bits its key has.
fn algorithm(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    Ok(Some(Value::Group(named(bytes, 68)?)))
}

/// `struct xfrm_algo_auth` and `xfrm_algo_aead`: also how many bits of the check value are sent.
fn truncated(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let mut group = named(bytes, 72)?;
    let mut fields = Fields::new(bytes.get(68..).unwrap_or_default(), "struct xfrm_algo_auth");
    group.push(Property::new("icv_bits", Value::number(fields.u32()?)));
    Ok(Some(Value::Group(group)))
}

fn named(bytes: &[u8], header: usize) -> Result<Vec<Property>, Malformed> {
    let name: [u8; 64] = take(bytes, "struct xfrm_algo")?;
    let mut fields = Fields::new(bytes.get(64..).unwrap_or_default(), "struct xfrm_algo");
    let bits = fields.u32()?;
    let need = header.saturating_add(usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX));
    if bytes.len() < need {
        return Err(Malformed::Short {
            what: "a key's place",
            have: bytes.len(),
            need,
        });
    }
    Ok(vec![
        Property::new("name", Value::Text(crate::bytes::Text::from_nul_padded(&name))),
        Property::new("key_bits", Value::number(bits)),
    ])
}
