//! Modules that look at what is known beyond the packet: connections, sockets, routes, lists of addresses, rates.

use super::rate::{self, BURST, PACKETS};
use super::words::{bare, text};
use super::{Form, Module, Opt, Shape};
use crate::bytes::{Big, Text};
use crate::netfilter::model::{Family, Field, Match, Op, Value};

const NUMBER: Form = Form::Number { max: u32::MAX };

pub(super) const fn together(
    name: &'static str,
    field: &'static str,
    settle: fn(Family, &mut Vec<Match>) -> Option<()>,
    options: &'static [Opt],
) -> Module {
    Module {
        name,
        family: None,
        shape: Shape::Together {
            field,
            alone: false,
            settle,
        },
        options,
    }
}

const fn alone(name: &'static str, field: &'static str, options: &'static [Opt]) -> Module {
    let settle = |_: Family, _: &mut Vec<Match>| Some(());
    Module {
        name,
        family: None,
        shape: Shape::Together {
            field,
            alone: true,
            settle,
        },
        options,
    }
}

pub(super) const MODULES: &[Module] = &[
    alone(
        "socket",
        "socket",
        &[
            Opt::new("--transparent", "transparent", Form::Flag),
            Opt::new("--nowildcard", "nowildcard", Form::Flag),
            Opt::new("--restore-skmark", "restore-skmark", Form::Flag),
        ],
    ),
    alone(
        "rpfilter",
        "rpfilter",
        &[
            Opt::new("--loose", "loose", Form::Flag),
            Opt::new("--validmark", "validmark", Form::Flag),
            Opt::new("--accept-local", "accept-local", Form::Flag),
            Opt::new("--invert", "invert", Form::Flag),
        ],
    ),
    together(
        "connlabel",
        "ct.label",
        |_, _| Some(()),
        &[
            Opt::new("--label", "bit", LABEL).not(),
            Opt::new("--set", "set", Form::Flag),
        ],
    ),
    together(
        "connlimit",
        "connlimit",
        connlimit,
        &[
            Opt::new("--connlimit-upto", "count", NUMBER).op(Op::Le).not(),
            Opt::new("--connlimit-above", "count", NUMBER).op(Op::Gt).not(),
            Opt::new("--connlimit-mask", "mask", Form::Number { max: 128 }),
            Opt::new("--connlimit-saddr", "end", Form::Says("saddr")),
            Opt::new("--connlimit-daddr", "end", Form::Says("daddr")),
        ],
    ),
    together(
        "connbytes",
        "connbytes",
        |_, parts| connbytes(parts),
        &[
            Opt::new("--connbytes", "count", COUNT).not(),
            Opt::new("--connbytes-mode", "mode", Form::Word(&CONNBYTES_MODES)),
            Opt::new("--connbytes-dir", "direction", Form::Word(&CONNBYTES_DIRECTIONS)),
        ],
    ),
    together(
        "recent",
        "recent",
        recent,
        &[
            Opt::new("--set", "action", Form::Says("set")).not(),
            Opt::new("--rcheck", "action", Form::Says("rcheck")).not(),
            Opt::new("--update", "action", Form::Says("update")).not(),
            Opt::new("--remove", "action", Form::Says("remove")).not(),
            Opt::new("--seconds", "seconds", NUMBER),
            Opt::new("--reap", "reap", Form::Flag),
            Opt::new("--hitcount", "hitcount", NUMBER),
            Opt::new("--rttl", "rttl", Form::Flag),
            Opt::new("--name", "name", BARE),
            Opt::new("--mask", "mask", super::words::PLAIN_ADDRESS),
            Opt::new("--rsource", "end", Form::Says("saddr")),
            Opt::new("--rdest", "end", Form::Says("daddr")),
        ],
    ),
    together(
        "hashlimit",
        "hashlimit",
        rate::settle,
        &[
            Opt::new("--hashlimit-upto", "rate", PACKETS).op(Op::Le).not(),
            Opt::new("--hashlimit-above", "rate", PACKETS).op(Op::Gt).not(),
            Opt::new("--hashlimit", "rate", PACKETS).op(Op::Le).not(),
            Opt::new("--hashlimit-burst", "burst", BURST),
            Opt::new("--hashlimit-mode", "mode", Form::List(&rate::HASH_MODES)),
            Opt::new("--hashlimit-name", "name", BARE),
            Opt::new("--hashlimit-htable-size", "htable-size", NUMBER),
            Opt::new("--hashlimit-htable-max", "htable-max", NUMBER),
            Opt::new("--hashlimit-htable-gcinterval", "htable-gcinterval", NUMBER),
            Opt::new("--hashlimit-htable-expire", "htable-expire", NUMBER),
            Opt::new("--hashlimit-srcmask", "srcmask", Form::Number { max: 128 }),
            Opt::new("--hashlimit-dstmask", "dstmask", Form::Number { max: 128 }),
            Opt::new("--hashlimit-rate-match", "rate-match", Form::Flag),
            Opt::new("--hashlimit-rate-interval", "rate-interval", NUMBER),
        ],
    ),
    together(
        "set",
        "ipset",
        ipset,
        &[
            Opt::new("--match-set", "name", super::words::SET).not(),
            Opt::new("--return-nomatch", "return-nomatch", Form::Flag),
            Opt::new("--update-counters", "update-counters", Form::Flag).not(),
            Opt::new("--update-subcounters", "update-subcounters", Form::Flag).not(),
            Opt::new("--packets-eq", "packets", WIDE).not(),
            Opt::new("--packets-lt", "packets", WIDE).op(Op::Lt),
            Opt::new("--packets-gt", "packets", WIDE).op(Op::Gt),
            Opt::new("--bytes-eq", "bytes", WIDE).not(),
            Opt::new("--bytes-lt", "bytes", WIDE).op(Op::Lt),
            Opt::new("--bytes-gt", "bytes", WIDE).op(Op::Gt),
        ],
    ),
];

/// What is counted (`enum xt_connbytes_what`, `linux/netfilter/xt_connbytes.h`), in order.
pub(in crate::netfilter::xt) const CONNBYTES_MODES: [(&str, &str); 3] =
    [("packets", "packets"), ("bytes", "bytes"), ("avgpkt", "avgpkt")];

/// Of which direction (`enum xt_connbytes_direction`), in order.
pub(in crate::netfilter::xt) const CONNBYTES_DIRECTIONS: [(&str, &str); 3] =
    [("original", "original"), ("reply", "reply"), ("both", "both")];

/// A part of a condition.
pub(in crate::netfilter::xt) fn part(field: &str, op: Op, value: Value) -> Match {
    Match {
        field: Field(field.to_owned()),
        op,
        value,
    }
}

/// Adds a part unless there is one for this field.
pub(super) fn otherwise(parts: &mut Vec<Match>, field: &str, value: Value) {
    if !parts.iter().any(|part| part.field.0 == field) {
        parts.push(part(field, Op::Eq, value));
    }
}

/// Takes a part out that says this.
pub(super) fn unless(parts: &mut Vec<Match>, field: &str, value: &Value) {
    parts.retain(|part| part.field.0 != field || part.op != Op::Eq || part.value != *value);
}

pub(super) fn find<'a>(parts: &'a [Match], field: &str) -> Option<&'a Match> {
    parts.iter().find(|part| part.field.0 == field)
}

/// The length of an address.
pub(super) fn width(family: Family) -> u32 {
    if family == Family::Ip6 { 128 } else { 32 }
}

fn connlimit(family: Family, parts: &mut Vec<Match>) -> Option<()> {
    find(parts, "count")?;
    otherwise(parts, "mask", Value::Number(width(family)));
    otherwise(parts, "end", Value::Symbol("saddr".to_owned()));
    Some(())
}

fn connbytes(parts: &mut [Match]) -> Option<()> {
    find(parts, "mode").and(find(parts, "direction"))?;
    let count = parts.iter_mut().find(|part| part.field.0 == "count")?;
    let Value::Range { from, to } = &count.value else {
        return None;
    };
    // The kernel knows an inverted range by its ends, and one with equal ends is none.
    if from == to {
        count.op = Op::Eq;
    }
    (from <= to).then_some(())
}

fn recent(family: Family, parts: &mut Vec<Match>) -> Option<()> {
    find(parts, "action")?;
    unless(parts, "seconds", &Value::Number(0));
    unless(parts, "hitcount", &Value::Number(0));
    otherwise(parts, "name", Value::Text("DEFAULT".into()));
    otherwise(parts, "mask", Value::Address(super::words::full_mask(family)));
    otherwise(parts, "end", Value::Symbol("saddr".to_owned()));
    Some(())
}

fn ipset(_: Family, parts: &mut Vec<Match>) -> Option<()> {
    find(parts, "name")?;
    unless(parts, "update-counters", &Value::Number(1));
    unless(parts, "update-subcounters", &Value::Number(1));
    Some(())
}

/// `--label`: the bit. A name of `/etc/xtables/connlabel.conf` is known on its host only.
const LABEL: Form = Form::Other {
    words: 1,
    read: |_, words| {
        let bit = super::words::decimal(text(words.first()?)?)?;
        (bit < 128).then(|| u32::try_from(bit).ok().map(Value::Number))?
    },
    print: |value| match value {
        Value::Number(bit) => Some(format!("\"{bit}\"").into_bytes()),
        _ => None,
    },
};

/// Text that the tool prints as it is.
pub(super) const BARE: Form = Form::Other {
    words: 1,
    read: |_, words| Some(Value::Text(Text::from(*words.first()?))),
    print: |value| {
        let Value::Text(name) = value else { return None };
        let mut words = Vec::new();
        bare(&mut words, name.as_bytes());
        Some(words)
    },
};

/// A number of 64 bits.
pub(super) const WIDE: Form = Form::Other {
    words: 1,
    read: |_, words| super::words::number64(text(words.first()?)?).map(|number| Value::Wide(Big(number))),
    print: |value| match value {
        Value::Wide(number) => Some(number.to_string().into_bytes()),
        _ => None,
    },
};

/// `5`, `5:80` or `:80` of 64 bits; a range without upper end goes to the largest number.
const COUNT: Form = Form::Other {
    words: 1,
    read: |_, words| {
        let word = text(words.first()?)?;
        let (from, to) = word.split_once(':').unwrap_or((word, ""));
        let end = |word: &str, absent| {
            if word.is_empty() {
                Some(absent)
            } else {
                super::words::decimal(word)
            }
        };
        Some(count(end(from, 0)?, end(to, u64::MAX)?))
    },
    print: |value| {
        let Value::Range { from, to } = value else {
            return None;
        };
        let (Value::Wide(from), Value::Wide(to)) = (from.as_ref(), to.as_ref()) else {
            return None;
        };
        Some(
            if to.0 == u64::MAX {
                from.to_string()
            } else {
                format!("{from}:{to}")
            }
            .into_bytes(),
        )
    },
};

/// A range of 64-bit numbers.
pub(in crate::netfilter::xt) fn count(from: u64, to: u64) -> Value {
    crate::netfilter::xt::forms::range(Value::Wide(Big(from)), Value::Wide(Big(to)))
}
