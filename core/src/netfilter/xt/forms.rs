//! The canonical form of what both a structure and the text of a save tool can say: one constructor for each, so that
//! the two read alike.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::bytes::{Big, Hex, Text};
use crate::netfilter::model::{Family, Item, Match, Op, Statement, Value};
use crate::netfilter::names::{self, TCP_FLAGS};

mod limit;
mod targets;

pub(crate) use limit::{limit, limit_interval, rate};
pub(crate) use targets::{
    REJECT_WORDS, REJECT_WORDS6, as_target, copy_mark, given, log, mac, masked_mac, named, network, nflog,
    queue, reject, set_mark,
    spec::{
        AUDIT_TYPES, CT_EVENTS, Choice, EBT_VERDICTS, EXPECT_EVENTS, Form, HASH_MODES, LOG_LEVELS,
        MANGLE_VERDICTS, any_takes, spec, spec_in, words_after,
    },
    target,
};

/// `field op value`.
pub(crate) fn matching(field: &str, op: Op, value: Value) -> Item {
    Item::Match(Match {
        field: field.into(),
        op,
        value,
    })
}

/// Equality, or its opposite.
pub(crate) fn eq(inverted: bool) -> Op {
    if inverted { Op::Ne } else { Op::Eq }
}

/// `field == value`, or its opposite.
pub(crate) fn equals(field: &str, inverted: bool, value: Value) -> Item {
    matching(field, eq(inverted), value)
}

/// A number, or a range of numbers.
pub(crate) fn numbers(from: u32, to: u32) -> Value {
    if from == to {
        return Value::Number(from);
    }
    range(Value::Number(from), Value::Number(to))
}

/// From, to.
pub(crate) fn range(from: Value, to: Value) -> Value {
    Value::Range {
        from: Box::new(from),
        to: Box::new(to),
    }
}

/// An address, or a range of addresses.
pub(crate) fn addresses(from: IpAddr, to: IpAddr) -> Value {
    if from == to {
        return Value::Address(from);
    }
    range(Value::Address(from), Value::Address(to))
}

/// A port or range of ports; `None` where every port matches. A range that begins at the lowest port or ends at the
/// highest is one comparison, as nf_tables says it.
pub(crate) fn ports(field: &str, from: u16, to: u16, inverted: bool) -> Option<Item> {
    let (op, value) = match (from, to) {
        (0, u16::MAX) if !inverted => return None,
        (0, 1..=0xfffe) => (Op::Le, Value::Number(to.into())),
        (1..=0xfffe, u16::MAX) => (Op::Ge, Value::Number(from.into())),
        _ => (Op::Eq, numbers(from.into(), to.into())),
    };
    Some(matching(field, if inverted { op.negated() } else { op }, value))
}

/// A number up to `max` or a range of them; `None` where every one matches.
pub(crate) fn span(field: &str, from: u32, to: u32, max: u32, inverted: bool) -> Option<Item> {
    let is_all = from == 0 && to == max && !inverted;
    (!is_all).then(|| equals(field, inverted, numbers(from, to)))
}

/// A set in canonical form.
pub(crate) fn set(mut values: Vec<Value>) -> Value {
    values.sort();
    values.dedup();
    Value::Set(values)
}

/// `field & mask == value`, where a full mask goes without saying. The value keeps a bit outside the mask: such a match
/// holds for no packet, and xtables accepts it.
pub(crate) fn masked(value: u32, mask: u32) -> Value {
    if mask == u32::MAX {
        return Value::Number(value);
    }
    under(Value::Number(mask), Value::Number(value))
}

/// `value` under `mask`.
pub(crate) fn under(mask: Value, value: Value) -> Value {
    Value::Masked {
        mask: Box::new(mask),
        value: Box::new(value),
    }
}

/// `--tcp-flags`; `None` where every segment matches. Where none of the flags may be set, nf_tables says so too.
pub(crate) fn tcp_flags(mask: u8, compared: u8, inverted: bool) -> Option<Item> {
    if mask == 0 && compared == 0 && !inverted {
        return None;
    }
    // All eight bits have names.
    let words = |bits: u8| names::flag_names(&TCP_FLAGS, bits.into()).unwrap_or_default();
    if compared == 0 {
        return Some(flags("tcp.flags", words(mask), !inverted));
    }
    let (mask, compared) = (Value::Flags(words(mask)), Value::Flags(words(compared)));
    Some(equals("tcp.flags", inverted, under(mask, compared)))
}

/// Flags of which one must be set, or none may be.
pub(crate) fn flags(field: &str, words: Vec<String>, inverted: bool) -> Item {
    let op = if inverted { Op::None } else { Op::Any };
    matching(field, op, Value::Flags(words))
}

/// `-s`, `-d` and the like: an address under a mask. `None` where every address matches.
pub(crate) fn address(field: &str, address: IpAddr, mask: IpAddr, inverted: bool) -> Option<Item> {
    let address = and(address, mask)?;
    let value = match leading_ones(mask) {
        Some(0) if !inverted => return None,
        Some(length) if length == width(mask) => Value::Address(address),
        Some(length) => Value::Prefix { address, length },
        None => under(Value::Address(mask), Value::Address(address)),
    };
    Some(equals(field, inverted, value))
}

/// The mask of a prefix length; `None` if it is longer than the address.
pub(crate) fn mask_of(family_of: IpAddr, length: u8) -> Option<IpAddr> {
    let zeros = u32::from(width(family_of).checked_sub(length)?);
    Some(match family_of {
        IpAddr::V4(_) => Ipv4Addr::from(u32::MAX.checked_shl(zeros).unwrap_or(0)).into(),
        IpAddr::V6(_) => Ipv6Addr::from(u128::MAX.checked_shl(zeros).unwrap_or(0)).into(),
    })
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn and(address: IpAddr, mask: IpAddr) -> Option<IpAddr> {
    match (address, mask) {
        (IpAddr::V4(a), IpAddr::V4(m)) => Some((a & m).into()),
        (IpAddr::V6(a), IpAddr::V6(m)) => Some((a & m).into()),
        _ => None,
    }
}

/// The length of a mask that is ones, then zeros.
pub(crate) fn leading_ones(mask: IpAddr) -> Option<u8> {
    let (ones, set) = match mask {
        IpAddr::V4(m) => (m.to_bits().leading_ones(), m.to_bits().count_ones()),
        IpAddr::V6(m) => (m.to_bits().leading_ones(), m.to_bits().count_ones()),
    };
    if ones != set {
        return None;
    }
    u8::try_from(ones).ok()
}

/// The name of an interface, exactly; a `*` at its end is its own character, so it is escaped as `nft` does.
pub(crate) fn interface(name: &[u8]) -> Value {
    let mut text = name.to_vec();
    if text.last() == Some(&b'*') {
        text.pop();
        text.extend_from_slice(b"\\*");
    }
    Value::Text(Text::from(text))
}

/// Every interface whose name begins so. A beginning that ends in a backslash stays bytes: with its `*` it would read like
/// an exact name that ends in a star.
pub(crate) fn interface_prefix(prefix: &[u8]) -> Value {
    if prefix.last() == Some(&b'\\') {
        return Value::Bytes(Hex(prefix.to_vec()));
    }
    let mut text = prefix.to_vec();
    text.push(b'*');
    Value::Text(Text::from(text))
}

/// The fields of a packet's source and destination address.
pub(crate) fn address_fields(family: Family) -> Option<[&'static str; 2]> {
    match family {
        Family::Ip => Some(["ip.saddr", "ip.daddr"]),
        Family::Ip6 => Some(["ip6.saddr", "ip6.daddr"]),
        _ => None,
    }
}

/// An ICMP type with a range of codes. Not this type with that code is one condition on both, not two.
pub(crate) fn icmp(protocol: &str, kind: u8, codes: [u8; 2], inverted: bool) -> Vec<Item> {
    let (kind_field, code_field) = (format!("{protocol}.type"), format!("{protocol}.code"));
    let [from, to] = codes;
    if protocol == "icmp" && kind == u8::MAX {
        // `--icmp-type any`; the kernel looks at no code then.
        let never = || equals(&kind_field, true, numbers(0, u8::MAX.into()));
        return inverted.then(never).into_iter().collect();
    }
    let kind = Value::Number(kind.into());
    if from == 0 && to == u8::MAX {
        return vec![equals(&kind_field, inverted, kind)];
    }
    let code = numbers(from.into(), to.into());
    if inverted {
        let both = format!("{kind_field} . {code_field}");
        return vec![equals(&both, true, Value::Concat(vec![kind, code]))];
    }
    vec![equals(&kind_field, false, kind), equals(&code_field, false, code)]
}

/// Types of addresses with their bits (`linux/netfilter/xt_addrtype.h`), in the words of `ip route` and `nft`.
pub(crate) const ADDRESS_TYPES: [(u32, &str); 12] = [
    (1, "unspec"),
    (1 << 1, "unicast"),
    (1 << 2, "local"),
    (1 << 3, "broadcast"),
    (1 << 4, "anycast"),
    (1 << 5, "multicast"),
    (1 << 6, "blackhole"),
    (1 << 7, "unreachable"),
    (1 << 8, "prohibit"),
    (1 << 9, "throw"),
    (1 << 10, "nat"),
    (1 << 11, "xresolve"),
];

/// `-m addrtype` for one end; the outer `None` for a bit without a name, the inner one where nothing is asked.
/// `limit` is `iif.` or `oif.` where only addresses of that interface count.
pub(crate) fn addrtype(end: &str, limit: &str, mask: u16, inverted: bool) -> Option<Option<Item>> {
    let words = names::flag_names(&ADDRESS_TYPES, mask.into())?;
    let field = format!("fib.{end}.{limit}type");
    Some(match words.as_slice() {
        [] => None,
        [word] => Some(equals(&field, inverted, Value::Symbol(word.clone()))),
        several => {
            let op = if inverted { Op::NotIn } else { Op::In };
            let values = several.iter().cloned().map(Value::Symbol).collect();
            Some(matching(&field, op, set(values)))
        }
    })
}

/// `-m quota`: goes on while this many bytes are not used up; inverted, once they are.
pub(crate) fn quota(bytes: u64, inverted: bool) -> Item {
    Item::Statement(Statement::Quota {
        bytes: Big(bytes),
        over: inverted,
    })
}

/// `--ctdir`.
pub(crate) fn direction(reply: bool) -> Item {
    let word = if reply { "reply" } else { "original" };
    equals("ct.direction", false, Value::Symbol(word.to_owned()))
}

/// `-f`: second and further fragments (`ip frag-off & 0x1fff != 0`); inverted, the others.
pub(crate) fn fragment(inverted: bool) -> Item {
    let offset = under(Value::Number(0x1fff), Value::Number(0));
    equals("ip.frag-off", !inverted, offset)
}
