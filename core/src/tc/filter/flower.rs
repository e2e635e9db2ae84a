//! `flower`: values in the packet, each with a mask (`TCA_FLOWER_*`, `linux/pkt_cls.h`).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::names::{ether_type, ip_protocol, ppp_protocol, protocol};
use crate::bytes::{Big, to_hex};
use crate::raw::attr::{Attr, attrs};
use crate::raw::lift::whole;
use crate::tc::action::tunnel_options;
use crate::tc::options::{Stop, unknown};
use crate::tc::schema::{Attribute, Out, Read, Show, address, attr, own};
use crate::tc::setting::{Setting, Value};

/// How a value is read, and its mask with it.
#[derive(Clone, Copy)]
enum Form {
    /// Decimal digits, `u8` or `u16` and wider in network order.
    Number,
    /// The same in host order.
    Host,
    /// Hexadecimal digits, in network order.
    Bits,
    /// The same in host order.
    HostBits,
    /// A decimal value and a hexadecimal mask of one byte.
    Byte,
    /// Addresses of networks.
    Ip,
    /// Addresses of network cards.
    Mac,
    /// Bytes as they are.
    Digits,
    EtherType,
    Protocol,
    IpProtocol,
    PppProtocol,
    Operation,
    /// Flags with a sign each.
    Signs(&'static [(u64, &'static str)]),
    /// Flags with `no` before those that must not be set, in network order.
    Words(&'static [(u64, &'static str)]),
}

/// Without a mask of its own all bits count.
const NONE: u16 = u16::MAX;

/// Word, attribute, attribute of the mask.
const KEYS: &[(&str, u16, u16, Form)] = &[
    ("vlan_id", 23, NONE, Form::Host),
    ("vlan_prio", 24, NONE, Form::Number),
    ("vlan_ethtype", 25, NONE, Form::Protocol),
    ("cvlan_id", 77, NONE, Form::Host),
    ("cvlan_prio", 78, NONE, Form::Number),
    ("cvlan_ethtype", 79, NONE, Form::Protocol),
    ("num_of_vlans", 102, NONE, Form::Number),
    ("dst_mac", 4, 5, Form::Mac),
    ("src_mac", 6, 7, Form::Mac),
    ("eth_type", 8, NONE, Form::EtherType),
    ("ip_proto", 9, NONE, Form::IpProtocol),
    ("ip_tos", 73, 74, Form::Byte),
    ("ip_ttl", 75, 76, Form::Byte),
    ("mpls_label", 70, NONE, Form::Host),
    ("mpls_tc", 69, NONE, Form::Number),
    ("mpls_bos", 68, NONE, Form::Number),
    ("mpls_ttl", 67, NONE, Form::Number),
    ("dst_ip", 12, 13, Form::Ip),
    ("src_ip", 10, 11, Form::Ip),
    ("dst_ip", 16, 17, Form::Ip),
    ("src_ip", 14, 15, Form::Ip),
    ("dst_port", 19, 36, Form::Number),
    ("src_port", 18, 35, Form::Number),
    ("dst_port", 21, 38, Form::Number),
    ("src_port", 20, 37, Form::Number),
    ("dst_port", 42, 40, Form::Number),
    ("src_port", 41, 39, Form::Number),
    ("tcp_flags", 71, 72, Form::Bits),
    ("icmp_type", 51, 52, Form::Number),
    ("icmp_code", 49, 50, Form::Number),
    ("icmp_type", 55, 56, Form::Number),
    ("icmp_code", 53, 54, Form::Number),
    ("arp_sip", 57, 58, Form::Ip),
    ("arp_tip", 59, 60, Form::Ip),
    ("arp_op", 61, 62, Form::Operation),
    ("arp_sha", 63, 64, Form::Mac),
    ("arp_tha", 65, 66, Form::Mac),
    ("enc_dst_ip", 29, 30, Form::Ip),
    ("enc_src_ip", 27, 28, Form::Ip),
    ("enc_dst_ip", 33, 34, Form::Ip),
    ("enc_src_ip", 31, 32, Form::Ip),
    ("enc_key_id", 26, NONE, Form::Number),
    ("enc_dst_port", 45, 46, Form::Number),
    ("enc_src_port", 43, 44, Form::Number),
    ("enc_tos", 80, 81, Form::Byte),
    ("enc_ttl", 82, 83, Form::Byte),
    ("enc_flags", 110, 111, Form::Words(PACKET_FLAGS)),
    ("ip_flags", 47, 48, Form::Words(PACKET_FLAGS)),
    ("ct_state", 91, 92, Form::Signs(CT_STATES)),
    ("ct_zone", 93, 94, Form::Host),
    ("ct_mark", 95, 96, Form::HostBits),
    ("ct_label", 97, 98, Form::Digits),
    ("hash", 100, 101, Form::HostBits),
    ("pppoe_sid", 103, NONE, Form::Number),
    ("ppp_proto", 104, NONE, Form::PppProtocol),
    ("l2tpv3_sid", 105, NONE, Form::Number),
    ("l2_miss", 106, NONE, Form::Number),
    ("spi", 108, 109, Form::Bits),
];

/// `TCA_FLOWER_KEY_FLAGS_*`.
const PACKET_FLAGS: &[(u64, &str)] = &[
    (1, "frag"),
    (2, "firstfrag"),
    (4, "csum"),
    (8, "df"),
    (16, "oam"),
    (32, "crit"),
];

/// `TCA_FLOWER_KEY_CT_FLAGS_*`.
const CT_STATES: &[(u64, &str)] = &[
    (8, "trk"),
    (1, "new"),
    (2, "est"),
    (4, "rel"),
    (16, "inv"),
    (32, "rpl"),
];

/// What is no key with a mask.
const OTHERS: &[Attribute] = &[
    attr(1, "classid", Read::U32, Show::Class),
    attr(2, "indev", Read::Rest, Show::Text),
    own(99, label_stack),
    own(22, super::kinds::flags),
    attr(86, "in_hw_count", Read::U32, Show::Runtime),
];

/// Attributes that are read in pairs.
const PAIRS: [u16; 6] = [84, 85, 87, 88, 89, 90];

pub(super) fn read(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    let all = whole(attrs(payload))?;
    let known = |number: u16| {
        let key = |row: &&(&str, u16, u16, Form)| row.1 == number || row.2 == number;
        KEYS.iter().find(key).is_some() || PAIRS.contains(&number)
    };
    let rest: Vec<u16> = all
        .iter()
        .map(|attr| attr.kind)
        .filter(|number| known(*number))
        .collect();
    out.attributes(OTHERS, &crate::tc::schema::without(payload, &rest)?)?;
    let find = |number: u16| all.iter().find(|attr| attr.kind == number).copied();
    for (name, key, mask, form) in KEYS {
        match (find(*key), find(*mask)) {
            (Some(value), mask) => keyed(name, value, mask, *form, out)?,
            (None, Some(_)) => return Err(unknown(*mask)),
            (None, None) => {}
        }
    }
    for (name, from, to) in [("dst_port", 89, 90), ("src_port", 87, 88)] {
        match (find(from), find(to)) {
            (Some(from), Some(to)) => {
                let value = Value::Range {
                    from: Box::new(Value::Number(big_endian(from)?)),
                    to: Box::new(Value::Number(big_endian(to)?)),
                };
                out.set(name, value);
            }
            (None, None) => {}
            _ => return Err(unknown(from)),
        }
    }
    encapsulation(find(84), find(85), out)
}

fn keyed(
    name: &str,
    value: Attr<'_>,
    mask: Option<Attr<'_>>,
    form: Form,
    out: &mut Out<'_>,
) -> Result<(), Stop> {
    let mask = mask.filter(|mask| mask.value.iter().any(|byte| *byte != 0xff));
    if mask.is_some_and(|mask| mask.value.len() != value.value.len()) {
        return Err(Stop::Unknown(format!("{name} has a mask of another size")));
    }
    let plain = || -> Result<Value, Stop> { shown(name, value, form) };
    let set = match (mask, form) {
        (_, Form::Signs(words)) => {
            let bits = mask.map_or(Ok(Big(u64::MAX)), host)?;
            Value::Word(signs(words, host(value)?.0, bits.0, name)?)
        }
        (_, Form::Words(words)) => {
            let bits = mask.map_or(Ok(Big(u64::MAX)), big_endian)?;
            Value::Word(negated(words, big_endian(value)?.0, bits.0, name)?)
        }
        (None, _) => plain()?,
        (Some(mask), Form::Ip | Form::Mac) => Value::Address(masked_address(value.value, mask.value, name)?),
        (Some(mask), form) => {
            let form = match form {
                Form::Byte => Form::Bits,
                Form::Operation => Form::Number,
                other => other,
            };
            Value::Masked {
                value: Box::new(plain()?),
                mask: Box::new(shown(name, mask, form)?),
            }
        }
    };
    out.set(name, set);
    Ok(())
}

fn shown(name: &str, attr: Attr<'_>, form: Form) -> Result<Value, Stop> {
    let sixteen = |attr| -> Result<u16, Stop> {
        let number = big_endian(attr)?.0;
        u16::try_from(number).map_err(|_| Stop::Unknown(format!("{name} has the value {number}")))
    };
    Ok(match form {
        Form::Number | Form::Byte => Value::Number(big_endian(attr)?),
        Form::Host => Value::Number(host(attr)?),
        Form::Bits => Value::Bits(big_endian(attr)?),
        Form::HostBits => Value::Bits(host(attr)?),
        Form::Ip | Form::Mac => {
            Value::Address(address(attr.value).ok_or_else(|| Stop::Unknown(format!("{name} is no address")))?)
        }
        Form::Digits => Value::Word(to_hex(attr.value)),
        Form::EtherType => Value::Word(ether_type(sixteen(attr)?)),
        Form::Protocol => Value::Word(protocol(sixteen(attr)?)),
        Form::PppProtocol => Value::Word(ppp_protocol(sixteen(attr)?)),
        Form::IpProtocol => match *attr.value {
            [number] => Value::Word(ip_protocol(number)),
            _ => return Err(Stop::Unknown(format!("{name} has another size"))),
        },
        Form::Operation => match *attr.value {
            [1] => Value::Word("request".to_owned()),
            [2] => Value::Word("reply".to_owned()),
            _ => Value::Number(big_endian(attr)?),
        },
        Form::Signs(_) | Form::Words(_) => return Err(Stop::Unknown(format!("{name} has no mask"))),
    })
}

fn widened(attr: Attr<'_>) -> Result<[u8; 8], Stop> {
    let mut wide = [0; 8];
    let length = attr.value.len();
    let field = wide
        .len()
        .checked_sub(length)
        .filter(|_| length > 0)
        .and_then(|from| wide.get_mut(from..))
        .ok_or_else(|| unknown(attr.kind))?;
    field.copy_from_slice(attr.value);
    Ok(wide)
}

fn big_endian(attr: Attr<'_>) -> Result<Big, Stop> {
    widened(attr).map(|wide| Big(u64::from_be_bytes(wide)))
}

fn host(attr: Attr<'_>) -> Result<Big, Stop> {
    match *attr.value {
        [a, b] => Ok(Big(u16::from_ne_bytes([a, b]).into())),
        [a, b, c, d] => Ok(Big(u32::from_ne_bytes([a, b, c, d]).into())),
        _ => Err(unknown(attr.kind)),
    }
}

/// An address with the length of its prefix, or with its mask where that has holes.
fn masked_address(value: &[u8], mask: &[u8], name: &str) -> Result<String, Stop> {
    let bits: u32 = mask.iter().map(|byte| byte.count_ones()).sum();
    let mut leading = 0;
    for byte in mask {
        leading += byte.leading_ones();
        if *byte != 0xff {
            break;
        }
    }
    let strange = || Stop::Unknown(format!("{name} is no address"));
    let text = address(value).ok_or_else(strange)?;
    if bits == leading {
        return Ok(format!("{text}/{bits}"));
    }
    let mask = match (<[u8; 4]>::try_from(mask), <[u8; 16]>::try_from(mask)) {
        (Ok(mask), _) => Ipv4Addr::from(mask).to_string(),
        (_, Ok(mask)) => Ipv6Addr::from(mask).to_string(),
        _ => address(mask).ok_or_else(strange)?,
    };
    Ok(format!("{text}/{mask}"))
}

/// Each flag that the mask holds, or an error for one without a word.
fn asked<'a>(
    words: &'a [(u64, &'a str)],
    mask: u64,
    name: &str,
) -> Result<impl Iterator<Item = &'a (u64, &'a str)>, Stop> {
    let known = words.iter().fold(0, |all, (bit, _)| all | bit);
    if mask != u64::MAX && mask & !known != 0 {
        return Err(Stop::Unknown(format!("{name} asks for {mask:#x}")));
    }
    Ok(words.iter().filter(move |(bit, _)| mask & bit != 0))
}

fn signs(words: &[(u64, &str)], value: u64, mask: u64, name: &str) -> Result<String, Stop> {
    let sign = |(bit, word): &(u64, &str)| {
        let sign = if value & bit == 0 { '-' } else { '+' };
        format!("{sign}{word}")
    };
    Ok(asked(words, mask, name)?.map(sign).collect())
}

fn negated(words: &[(u64, &str)], value: u64, mask: u64, name: &str) -> Result<String, Stop> {
    let word = |(bit, word): &(u64, &str)| {
        let no = if value & bit == 0 { "no" } else { "" };
        format!("{no}{word}")
    };
    let all: Vec<_> = asked(words, mask, name)?.map(word).collect();
    Ok(all.join("/"))
}

/// Options of tunnels, value and mask side by side.
fn encapsulation(value: Option<Attr<'_>>, mask: Option<Attr<'_>>, out: &mut Out<'_>) -> Result<(), Stop> {
    let Some(value) = value else {
        return mask.map_or(Ok(()), |mask| Err(unknown(mask.kind)));
    };
    let values = tunnel_options(value.value, out)?;
    let masks = match mask {
        Some(mask) => tunnel_options(mask.value, out)?,
        None => Vec::new(),
    };
    for (place, (name, text)) in values.into_iter().enumerate() {
        let value = Value::Word(text);
        let set = match masks.get(place) {
            Some((_, mask)) => Value::Masked {
                value: Box::new(value),
                mask: Box::new(Value::Word(mask.clone())),
            },
            None => value,
        };
        out.set(name, set);
    }
    Ok(())
}

/// `TCA_FLOWER_KEY_MPLS_OPT_LSE_*`: entries of the label stack by depth.
fn label_stack(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const ENTRY: &[Attribute] = &[
        attr(1, "depth", Read::U8, Show::Number),
        attr(5, "label", Read::U32, Show::Number),
        attr(4, "tc", Read::U8, Show::Number),
        attr(3, "bos", Read::U8, Show::Number),
        attr(2, "ttl", Read::U8, Show::Number),
    ];
    let mut entries = Vec::new();
    for entry in whole(attrs(payload))? {
        if entry.kind != 1 {
            return Err(unknown(entry.kind));
        }
        let (settings, _) = out.group(ENTRY, entry.value)?;
        entries.push(Setting::new("lse", Value::Group(settings)));
    }
    out.set("mpls", Value::Group(entries));
    Ok(())
}
