//! The canonical form of what both a structure and the text of a save tool can say: one constructor for each, so that
//! the two read alike.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::targets;
use crate::bytes::{Big, Text};
use crate::netfilter::model::{Family, Item, LimitUnit, LogFlag, Match, Op, RejectWith, Statement, Value};
use crate::netfilter::names::{self, TCP_FLAGS};

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

/// A port or range of ports; `None` where every port matches.
pub(crate) fn ports(field: &str, from: u16, to: u16, inverted: bool) -> Option<Item> {
    let every = from == 0 && to == u16::MAX && !inverted;
    (!every).then(|| equals(field, inverted, numbers(from.into(), to.into())))
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

/// `--tcp-flags`; `None` where every segment matches.
pub(crate) fn tcp_flags(mask: u8, compared: u8, inverted: bool) -> Option<Item> {
    if mask == 0 && compared == 0 && !inverted {
        return None;
    }
    // All eight bits have names.
    let words = |bits: u8| Value::Flags(names::flag_names(&TCP_FLAGS, bits.into()).unwrap_or_default());
    Some(equals("tcp.flags", inverted, under(words(mask), words(compared))))
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
fn leading_ones(mask: IpAddr) -> Option<u8> {
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

/// Every interface whose name begins so.
pub(crate) fn interface_prefix(prefix: &[u8]) -> Value {
    let mut text = prefix.to_vec();
    text.push(b'*');
    Value::Text(Text::from(text))
}

/// `XT_LIMIT_SCALE` (`linux/netfilter/xt_limit.h`): an interval is given in units of 0.1 ms.
const SCALE: u32 = 10_000;

/// Periods from the longest on, with their length in units of `1/SCALE` s.
const PERIODS: [(LimitUnit, u32); 4] = [
    (LimitUnit::Day, SCALE * 86_400),
    (LimitUnit::Hour, SCALE * 3_600),
    (LimitUnit::Minute, SCALE * 60),
    (LimitUnit::Second, SCALE),
];

/// The interval that a rate means to the kernel: the period divided by the rate, rounded down.
pub(crate) fn limit_interval(rate: u32, unit: LimitUnit) -> Option<u32> {
    let (_, length) = PERIODS.iter().find(|(known, _)| *known == unit)?;
    length.checked_div(rate).filter(|interval| *interval != 0)
}

/// `-m limit` from the interval between packets: the rate that `iptables-save` prints, or where that is not exact (it prints
/// `1202/min` as `20/sec`) the first of its units that is. `None` if no rate gives this interval.
pub(crate) fn limit(interval: u32, burst: u32) -> Option<Item> {
    let printed = printed_unit(interval)?;
    let units = PERIODS.iter().map(|(unit, _)| *unit);
    let (rate, unit) = std::iter::once(printed)
        .chain(units)
        .find_map(|unit| exact_rate(interval, unit))?;
    Some(Item::Statement(Statement::Limit {
        rate: Big(rate.into()),
        unit,
        burst,
        bytes: false,
        over: false,
    }))
}

fn exact_rate(interval: u32, unit: LimitUnit) -> Option<(u32, LimitUnit)> {
    let (_, length) = PERIODS.iter().find(|(known, _)| *known == unit)?;
    // The largest rate that can give the interval; several may.
    let rate = length.checked_div(interval)?;
    (limit_interval(rate, unit)? == interval).then_some((rate, unit))
}

/// The unit that `iptables-save` chooses (`print_rate`): the shortest that it takes for exact.
fn printed_unit(interval: u32) -> Option<LimitUnit> {
    let coarse = |length: u32| {
        let (quotient, rest) = (length.checked_div(interval)?, length.checked_rem(interval)?);
        Some(interval > length || quotient < rest)
    };
    let mut chosen = PERIODS.first()?;
    for period in PERIODS.iter().skip(1) {
        if coarse(period.1)? {
            break;
        }
        chosen = period;
    }
    Some(chosen.0)
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

/// `--ctdir`.
pub(crate) fn direction(reply: bool) -> Item {
    let word = if reply { "reply" } else { "original" };
    equals("ct.direction", false, Value::Symbol(word.to_owned()))
}

/// The answers of `REJECT` for IPv4 by the enumerators of `linux/netfilter_ipv4/ipt_REJECT.h`: ICMP codes.
const REJECT_CODES: [Option<u8>; 9] = [
    Some(0),
    Some(1),
    Some(2),
    Some(3),
    None,
    Some(9),
    Some(10),
    None,
    Some(13),
];

/// The same for IPv6 (`linux/netfilter_ipv6/ip6t_REJECT.h`): ICMPv6 codes.
const REJECT_CODES6: [Option<u8>; 9] = [
    Some(0),
    Some(1),
    Some(2),
    Some(3),
    Some(4),
    None,
    None,
    Some(5),
    Some(6),
];

/// The enumerators that mean a TCP reset.
const TCP_RESET: u32 = 7;
const TCP_RESET6: u32 = 6;

/// What `REJECT` answers, from the family's enumerator.
pub(crate) fn reject(family: Family, with: u32) -> Option<RejectWith> {
    let (codes, reset) = match family {
        Family::Ip => (REJECT_CODES, TCP_RESET),
        Family::Ip6 => (REJECT_CODES6, TCP_RESET6),
        _ => return None,
    };
    if with == reset {
        return Some(RejectWith::TcpReset);
    }
    Some(match *codes.get(usize::try_from(with).ok()?)? {
        None => RejectWith::Legacy { with },
        Some(code) if family == Family::Ip => RejectWith::Icmp { code },
        Some(code) => RejectWith::Icmpv6 { code },
    })
}

/// `LOG`. The level is always there: the structure can't tell the default, 4, from a stated one.
pub(crate) fn log(prefix: &[u8], level: u8, flags: Vec<LogFlag>) -> Statement {
    Statement::Log {
        prefix: targets::text(prefix),
        level: Some(level),
        flags,
        group: None,
        snaplen: None,
        threshold: None,
    }
}

/// `NFLOG`.
pub(crate) fn nflog(prefix: &[u8], group: u16, threshold: u16, snaplen: Option<u32>) -> Statement {
    Statement::Log {
        prefix: targets::text(prefix),
        level: None,
        flags: Vec::new(),
        group: Some(group),
        snaplen,
        threshold: (threshold != 0).then_some(threshold),
    }
}

/// `--set-xmark`: the bits of the mask are cleared, then the value is xor-ed.
pub(crate) fn set_mark(field: &str, value: u32, mask: u32) -> Statement {
    Statement::Set {
        field: field.into(),
        value: masked(value, mask),
    }
}

/// `--save-mark` and `--restore-mark`: the bits of `to_mask` are cleared, then `from & from_mask` is xor-ed.
pub(crate) fn copy_mark(from: &str, from_mask: u32, to: &str, to_mask: u32) -> Statement {
    let source = Value::Field(from.into());
    let value = if from_mask == u32::MAX && to_mask == u32::MAX {
        source
    } else {
        let read = under(Value::Number(from_mask), source);
        under(Value::Number(to_mask), read)
    };
    Statement::Set {
        field: to.into(),
        value,
    }
}

/// `NFQUEUE`; `None` if there is no queue, or one above the highest number.
pub(crate) fn queue(from: u16, total: u16, bypass: bool, fanout: bool) -> Option<Statement> {
    let flags = [("bypass", bypass), ("fanout", fanout)];
    let set = flags.iter().filter(|(_, set)| *set);
    Some(Statement::Queue {
        from,
        to: from.checked_add(total.checked_sub(1)?)?,
        flags: set.map(|(word, _)| (*word).to_owned()).collect(),
    })
}

/// `-f`: second and further fragments (`ip frag-off & 0x1fff != 0`); inverted, the others.
pub(crate) fn fragment(inverted: bool) -> Item {
    let offset = under(Value::Number(0x1fff), Value::Number(0));
    equals("ip.frag-off", !inverted, offset)
}

/// The words of `--reject-with` for IPv4, the one that is printed first, with their ICMP codes.
pub(crate) const REJECT_WORDS: [(&str, u8); 14] = [
    ("icmp-net-unreachable", 0),
    ("net-unreach", 0),
    ("icmp-host-unreachable", 1),
    ("host-unreach", 1),
    ("icmp-proto-unreachable", 2),
    ("proto-unreach", 2),
    ("icmp-port-unreachable", 3),
    ("port-unreach", 3),
    ("icmp-net-prohibited", 9),
    ("net-prohib", 9),
    ("icmp-host-prohibited", 10),
    ("host-prohib", 10),
    ("icmp-admin-prohibited", 13),
    ("admin-prohib", 13),
];

/// The same for IPv6, with ICMPv6 codes.
pub(crate) const REJECT_WORDS6: [(&str, u8); 12] = [
    ("icmp6-no-route", 0),
    ("no-route", 0),
    ("icmp6-adm-prohibited", 1),
    ("adm-prohibited", 1),
    ("icmp6-addr-unreachable", 3),
    ("addr-unreach", 3),
    ("icmp6-port-unreachable", 4),
    ("port-unreach", 4),
    ("icmp6-policy-fail", 5),
    ("policy-fail", 5),
    ("icmp6-reject-route", 6),
    ("reject-route", 6),
];

/// The number beside a word.
pub(crate) fn named(table: &[(&str, u8)], word: &str) -> Option<u8> {
    table
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, number)| *number)
}
