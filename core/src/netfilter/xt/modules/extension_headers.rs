//! Modules that ask for an IPv6 extension header: it must be there, and its parts must be as the options say.

use super::words::text;
use super::{Form, Module, Opt, Shape};
use crate::netfilter::model::{Family, Match, Op, Value};
use crate::netfilter::xt::forms;

const ANY32: Form = Form::Span {
    max: u32::MAX,
    all: true,
};
const NUMBER: Form = Form::Number { max: u32::MAX };

const fn header(name: &'static str, field: &'static str, options: &'static [Opt]) -> Module {
    Module {
        name,
        family: Some(Family::Ip6),
        shape: Shape::Together {
            field,
            alone: true,
            settle,
        },
        options,
    }
}

pub(super) const MODULES: &[Module] = &[
    header(
        "ah",
        "exthdr.ah",
        &[
            Opt::new("--ahspi", "spi", ANY32).not(),
            Opt::new("--ahlen", "length", NUMBER).not(),
            Opt::new("--ahres", "reserved-zero", Form::Flag),
        ],
    ),
    header(
        "frag",
        "exthdr.frag",
        &[
            Opt::new("--fragid", "id", ANY32).not(),
            Opt::new("--fraglen", "length", NUMBER).not(),
            Opt::new("--fragres", "reserved-zero", Form::Flag),
            Opt::new("--fragfirst", "first", Form::Flag),
            Opt::new("--fragmore", "more-fragments", Form::Says("more")),
            Opt::new("--fraglast", "more-fragments", Form::Says("last")),
        ],
    ),
    header(
        "hbh",
        "exthdr.hbh",
        &[
            Opt::new("--hbh-len", "length", NUMBER).not(),
            Opt::new("--hbh-opts", "options", OPTIONS),
        ],
    ),
    header(
        "dst",
        "exthdr.dst",
        &[
            Opt::new("--dst-len", "length", NUMBER).not(),
            Opt::new("--dst-opts", "options", OPTIONS),
        ],
    ),
    header(
        "rt",
        "exthdr.rt",
        &[
            Opt::new("--rt-type", "type", NUMBER).not(),
            Opt::new("--rt-segsleft", "segments-left", ANY32).not(),
            Opt::new("--rt-len", "length", NUMBER).not(),
            Opt::new("--rt-0-res", "reserved-zero", Form::Flag),
            Opt::new("--rt-0-addrs", "addresses", ADDRESSES),
            Opt::new("--rt-0-not-strict", "not-strict", Form::Flag),
        ],
    ),
    header("eui64", "eui64", &[]),
    Module {
        name: "ipv6header",
        family: Some(Family::Ip6),
        shape: Shape::Together {
            field: "exthdr",
            alone: false,
            settle,
        },
        options: &[
            Opt::new("--header", "headers", Form::List(&HEADERS)).not(),
            Opt::new("--soft", "soft", Form::Flag),
        ],
    },
];

/// A span of all numbers asks nothing beyond the header.
fn settle(_: Family, parts: &mut Vec<Match>) -> Option<()> {
    let all = forms::numbers(0, u32::MAX);
    parts.retain(|part| part.op != Op::Eq || part.value != all);
    Some(())
}

/// Extension headers from the highest bit on (`MASK_*`, `linux/netfilter_ipv6/ip6t_ipv6header.h`), with the tool's words
/// and further spellings behind.
pub(in crate::netfilter::xt) const HEADERS: [(&str, &str); 18] = [
    ("hop-by-hop", "hop-by-hop"),
    ("ipv6-opts", "ipv6-opts"),
    ("ipv6-route", "ipv6-route"),
    ("ipv6-frag", "ipv6-frag"),
    ("ah", "ah"),
    ("esp", "esp"),
    ("ipv6-nonxt", "ipv6-nonxt"),
    ("protocol", "protocol"),
    ("hop", "hop-by-hop"),
    ("dst", "ipv6-opts"),
    ("route", "ipv6-route"),
    ("frag", "ipv6-frag"),
    ("auth", "ah"),
    ("none", "ipv6-nonxt"),
    ("prot", "protocol"),
    ("43", "ipv6-route"),
    ("44", "ipv6-frag"),
    ("60", "ipv6-opts"),
];

/// How many options `-m hbh` and `-m dst` hold (`IP6T_OPTS_OPTSNR`).
pub(in crate::netfilter::xt) const OPTIONS_MAX: usize = 16;

/// `1:2,3`: types of options, some with their length, in order.
const OPTIONS: Form = Form::Other {
    words: 1,
    read: read_options,
    print: print_options,
};

/// A type of option, with the length that it must have.
pub(in crate::netfilter::xt) fn option(kind: u8, length: Option<u8>) -> Value {
    let kind = Value::Number(kind.into());
    match length {
        Some(length) => Value::Concat(vec![kind, Value::Number(length.into())]),
        None => kind,
    }
}

fn read_options(_: Family, words: &[&[u8]]) -> Option<Value> {
    let byte = |word: &str| super::words::number(word).and_then(|number| u8::try_from(number).ok());
    let options: Option<Vec<Value>> = text(words.first()?)?
        .split(',')
        .map(|one| match one.split_once(':') {
            Some((kind, length)) => Some(option(byte(kind)?, Some(byte(length)?))),
            None => Some(option(byte(one)?, None)),
        })
        .collect();
    options
        .filter(|options| options.len() <= OPTIONS_MAX)
        .map(Value::Concat)
}

fn print_options(value: &Value) -> Option<Vec<u8>> {
    let Value::Concat(options) = value else {
        return None;
    };
    let words = options.iter().map(|option| match option {
        Value::Number(kind) => Some(kind.to_string()),
        Value::Concat(both) => match both.as_slice() {
            [Value::Number(kind), Value::Number(length)] => Some(format!("{kind}:{length}")),
            _ => None,
        },
        _ => None,
    });
    let words = words.collect::<Option<Vec<_>>>()?;
    (!words.is_empty()).then(|| words.join(",").into_bytes())
}

/// How many addresses `-m rt` holds (`IP6T_RT_HOPS`).
pub(in crate::netfilter::xt) const ADDRESSES_MAX: usize = 16;

/// `::1,fd00::2`, in order.
const ADDRESSES: Form = Form::Other {
    words: 1,
    read: |_, words| {
        let all: Option<Vec<Value>> = text(words.first()?)?
            .split(',')
            .map(|one| {
                one.parse::<std::net::Ipv6Addr>()
                    .ok()
                    .map(|one| Value::Address(one.into()))
            })
            .collect();
        all.filter(|all| all.len() <= ADDRESSES_MAX).map(Value::Concat)
    },
    print: |value| {
        let Value::Concat(all) = value else { return None };
        let words = all.iter().map(|one| match one {
            Value::Address(address) => Some(address.to_string()),
            _ => None,
        });
        let words = words.collect::<Option<Vec<_>>>()?;
        (!words.is_empty()).then(|| words.join(",").into_bytes())
    },
};
