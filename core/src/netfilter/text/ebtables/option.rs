//! Conditions in options.

use super::super::arptables::hardware;
use super::super::iptables::words::{masked, span};
use super::super::iptables::{address, interface};
use crate::netfilter::model::{Item, Match, Op, Value};

/// How a value is shown.
#[derive(Clone, Copy)]
enum Form {
    Decimal,
    /// `0x%x`.
    Hex,
    /// A type of frame, by name where the tools have one built in.
    Type,
    Address,
    Mac,
    Word,
    /// From, to, joined by a colon.
    Range,
    Protocol,
    Interface,
    Mark,
    /// The words of one table.
    Of(&'static [(u32, &'static str)]),
    /// The option alone.
    Flag,
}

const ARP_OPERATIONS: [(u32, &str); 9] = [
    (1, "Request"),
    (2, "Reply"),
    (3, "Request_Reverse"),
    (4, "Reply_Reverse"),
    (5, "DRARP_Request"),
    (6, "DRARP_Reply"),
    (7, "DRARP_Error"),
    (8, "InARP_Request"),
    (9, "ARP_NAK"),
];

const STP_TYPES: [(u32, &str); 2] = [(0, "config"), (128, "tcn")];
const STP_FLAGS: [(u32, &str); 2] = [(1, "topology-change"), (128, "topology-change-ack")];

/// Fields with their option and form.
const OPTIONS: [(&str, &str, Form); 38] = [
    ("ether.type", "-p", Form::Type),
    ("ether.saddr", "-s", Form::Mac),
    ("ether.daddr", "-d", Form::Mac),
    ("meta.iifname", "-i", Form::Interface),
    ("meta.ibrname", "--logical-in", Form::Interface),
    ("meta.oifname", "-o", Form::Interface),
    ("meta.obrname", "--logical-out", Form::Interface),
    ("llc.sap", "--802_3-sap", Form::Hex),
    ("snap.type", "--802_3-type", Form::Hex),
    ("vlan.id", "--vlan-id", Form::Decimal),
    ("vlan.pcp", "--vlan-prio", Form::Decimal),
    ("vlan.type", "--vlan-encap", Form::Hex),
    ("meta.mark", "--mark", Form::Mark),
    ("meta.pkttype", "--pkttype-type", Form::Word),
    ("arp.operation", "--arp-op", Form::Of(&ARP_OPERATIONS)),
    ("arp.htype", "--arp-htype", Form::Decimal),
    ("arp.ptype", "--arp-ptype", Form::Hex),
    ("arp.saddr ip", "--arp-ip-src", Form::Address),
    ("arp.daddr ip", "--arp-ip-dst", Form::Address),
    ("arp.saddr ether", "--arp-mac-src", Form::Mac),
    ("arp.daddr ether", "--arp-mac-dst", Form::Mac),
    ("arp.gratuitous", "--arp-gratuitous", Form::Flag),
    ("ip.saddr", "--ip-src", Form::Address),
    ("ip.daddr", "--ip-dst", Form::Address),
    ("ip.tos", "--ip-tos", Form::Hex),
    ("ip.protocol", "--ip-proto", Form::Protocol),
    ("ip6.saddr", "--ip6-src", Form::Address),
    ("ip6.daddr", "--ip6-dst", Form::Address),
    ("ip6.tclass", "--ip6-tclass", Form::Hex),
    ("ip6.nexthdr", "--ip6-proto", Form::Protocol),
    ("igmp.type", "--ip-igmp-type", Form::Range),
    ("stp.type", "--stp-type", Form::Of(&STP_TYPES)),
    ("stp.flags", "--stp-flags", Form::Of(&STP_FLAGS)),
    ("stp.root-addr", "--stp-root-addr", Form::Mac),
    ("stp.sender-addr", "--stp-sender-addr", Form::Mac),
    ("icmp.type", "--ip-icmp-type", Form::Range),
    ("icmpv6.type", "--ip6-icmp-type", Form::Range),
    ("stp.port", "--stp-port", Form::Range),
];

/// The option of one condition; `None` if ebtables has none.
pub(super) fn words(step: &Match, of_ipv6: bool) -> Option<Vec<u8>> {
    let not = match step.op {
        Op::Eq | Op::In | Op::Lt => "",
        Op::Ne | Op::NotIn | Op::Ge => "! ",
        _ => return None,
    };
    if matches!(step.op, Op::In | Op::NotIn) {
        return among(step, not);
    }
    if matches!(step.op, Op::Lt | Op::Ge) {
        let length = step.field.0 == "ether.type" && step.value == Value::Number(0x600);
        return length.then(|| format!("-p {not}Length").into_bytes());
    }
    let (option, form) = choice(&step.field.0, of_ipv6)?;
    if matches!(form, Form::Interface) {
        return interface(format!("{option} {not}").into_bytes(), "", &step.value);
    }
    if matches!(form, Form::Flag) {
        return Some(format!("{}{option}", not).into_bytes());
    }
    if matches!(form, Form::Mark) {
        return mark(step).map(String::into_bytes);
    }
    let value = shown(form, &step.value)?;
    Some(format!("{option} {not}{value}").into_bytes())
}

fn choice(field: &str, of_ipv6: bool) -> Option<(String, Form)> {
    if let Some(end) = field.strip_prefix("th.") {
        let family = if of_ipv6 { "ip6" } else { "ip" };
        return Some((format!("--{family}-{end}"), Form::Range));
    }
    let known = OPTIONS.iter().find(|(known, ..)| *known == field);
    match (known, field.strip_prefix("stp.")) {
        (Some((_, option, form)), _) => Some(((*option).to_owned(), *form)),
        (None, Some(part)) => Some((format!("--stp-{part}"), Form::Range)),
        _ => None,
    }
}

fn shown(form: Form, value: &Value) -> Option<String> {
    let number = match value {
        Value::Number(number) => Some(*number),
        _ => None,
    };
    match form {
        Form::Decimal => number.map(|number| number.to_string()),
        Form::Hex => number.map(|number| format!("{number:#x}")),
        Form::Type => number.map(|number| match number {
            0x0800 => "IPv4".to_owned(),
            0x0806 => "ARP".to_owned(),
            0x8100 => "802_1Q".to_owned(),
            0x86dd => "IPv6".to_owned(),
            other => format!("{other:#x}"),
        }),
        Form::Address => match value {
            Value::Address(address) => Some(address.to_string()),
            other => address(other),
        },
        Form::Mac => hardware(value),
        Form::Word => match value {
            Value::Symbol(word) if word == "other" => Some("otherhost".to_owned()),
            Value::Symbol(word) => Some(word.clone()),
            _ => None,
        },
        Form::Range => span(value, ':'),
        Form::Protocol => number.map(|number| match number {
            1 => "icmp".to_owned(),
            6 => "tcp".to_owned(),
            17 => "udp".to_owned(),
            58 => "ipv6-icmp".to_owned(),
            other => other.to_string(),
        }),
        Form::Of(table) => number.map(|number| {
            let word = table.iter().find(|(known, _)| *known == number);
            word.map_or_else(|| number.to_string(), |(_, word)| (*word).to_owned())
        }),
        Form::Interface | Form::Mark | Form::Flag => None,
    }
}

/// `--mark 0x1/0x3`; `--mark /0x3` for any bit of it.
fn mark(step: &Match) -> Option<String> {
    let (value, mask) = masked(&step.value)?;
    Some(match (value, mask, step.op) {
        (0, mask, Op::Ne) if mask != u32::MAX => format!("--mark /{mask:#x}"),
        (value, u32::MAX, Op::Eq) => format!("--mark {value:#x}"),
        (value, u32::MAX, _) => format!("--mark ! {value:#x}"),
        (value, mask, Op::Eq) => format!("--mark {value:#x}/{mask:#x}"),
        (value, mask, _) => format!("--mark ! {value:#x}/{mask:#x}"),
    })
}

/// `--among-src MAC=IP,MAC`.
fn among(step: &Match, not: &str) -> Option<Vec<u8>> {
    let option = match step.field.0.as_str() {
        "ether.saddr" | "among.saddr" => "--among-src",
        "ether.daddr" | "among.daddr" => "--among-dst",
        _ => return None,
    };
    let Value::Set(members) = &step.value else {
        return None;
    };
    let member = |value: &Value| match value {
        Value::Mac(address) => Some(address.clone()),
        Value::Concat(parts) => match parts.as_slice() {
            [Value::Mac(mac), Value::Address(address)] => Some(format!("{mac}={address}")),
            _ => None,
        },
        _ => None,
    };
    let members: Vec<String> = members.iter().map(member).collect::<Option<_>>()?;
    Some(format!("{option} {not}{}", members.join(",")).into_bytes())
}

/// A type with a code, which is one option; and how many further items it says.
pub(super) fn icmp(step: &Match, next: Option<&Item>) -> Option<(Vec<u8>, usize)> {
    let (protocol, rest) = step.field.0.split_once('.')?;
    let option = match protocol {
        "icmp" => "--ip-icmp-type",
        "icmpv6" => "--ip6-icmp-type",
        _ => return None,
    };
    if rest != "type" {
        let both = format!("type . {protocol}.code");
        let Value::Concat(parts) = &step.value else {
            return None;
        };
        return match parts.as_slice() {
            [kind, code] if rest == both && step.op == Op::Ne => {
                let words = format!("{option} ! {}/{}", span(kind, ':')?, span(code, ':')?);
                Some((words.into_bytes(), 0))
            }
            _ => None,
        };
    }
    match next {
        Some(Item::Match(code))
            if step.op == Op::Eq && code.op == Op::Eq && code.field.0 == format!("{protocol}.code") =>
        {
            let words = format!("{option} {}/{}", span(&step.value, ':')?, span(&code.value, ':')?);
            Some((words.into_bytes(), 1))
        }
        _ => None,
    }
}
