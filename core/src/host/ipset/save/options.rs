//! What stands behind a set or an element: options with or without a value.

use crate::facts::{Property, Value};

/// What was set, apart from what changes by itself.
pub(super) struct Options {
    pub(super) config: Vec<Property>,
    pub(super) runtime: Vec<Property>,
}

/// The form of an option's value.
#[derive(Clone, Copy)]
enum Form {
    Flag,
    Number,
    /// As it stands.
    Word,
    /// A number in hexadecimal, eight digits.
    Hex,
    /// A number in hexadecimal without leading zeros, and which bits of it count.
    Mark,
    /// A class of traffic control.
    Class,
    /// A comment, in its quotes.
    Quoted,
}

/// An option: its name, its form, and whether it changes by itself.
type Row = (&'static str, Form, bool);

/// In the order in which the kernel's reading gives them.
const SET: [Row; 17] = [
    ("family", Form::Word, false),
    ("range", Form::Word, false),
    ("size", Form::Number, false),
    ("markmask", Form::Hex, false),
    ("maxelem", Form::Number, false),
    ("netmask", Form::Number, false),
    ("bitmask", Form::Word, false),
    ("timeout", Form::Number, false),
    ("bucketsize", Form::Number, false),
    ("counters", Form::Flag, false),
    ("comment", Form::Flag, false),
    ("skbinfo", Form::Flag, false),
    ("forceadd", Form::Flag, false),
    ("hashsize", Form::Number, true),
    ("initval", Form::Hex, true),
    ("resize", Form::Number, true),
    ("revision", Form::Number, true),
];

const ELEMENT: [Row; 9] = [
    ("wildcard", Form::Flag, false),
    ("nomatch", Form::Flag, false),
    ("comment", Form::Quoted, false),
    ("skbmark", Form::Mark, false),
    ("skbprio", Form::Class, false),
    ("skbqueue", Form::Number, false),
    ("timeout", Form::Number, true),
    ("packets", Form::Number, true),
    ("bytes", Form::Number, true),
];

/// The options of a set, with what `ipset create` takes where nothing is said; `None` for one that is not known.
pub(super) fn of_set(kind: &str, words: &[String]) -> Option<Options> {
    let mut found = read(&SET, words)?;
    if kind.starts_with("hash:") {
        let family = || Value::word("inet");
        defaulted(&mut found.config, "family", (kind != "hash:mac").then(family));
        defaulted(&mut found.config, "maxelem", Some(Value::number(65_536u32)));
    }
    if kind == "hash:mac" {
        found.config.retain(|property| property.name != "family");
    }
    if kind == "list:set" {
        defaulted(&mut found.config, "size", Some(Value::number(8u32)));
    }
    let place = |property: &Property| SET.iter().position(|(name, ..)| *name == property.name);
    found.config.sort_by_key(place);
    Some(found)
}

fn defaulted(all: &mut Vec<Property>, name: &str, value: Option<Value>) {
    if all.iter().all(|property| property.name != name) {
        all.extend(value.map(|value| Property::new(name, value)));
    }
}

/// The options of an element.
pub(super) fn of_element(words: &[String]) -> Option<Options> {
    read(&ELEMENT, words)
}

fn read(rows: &[Row], mut words: &[String]) -> Option<Options> {
    let mut out = Options {
        config: Vec::new(),
        runtime: Vec::new(),
    };
    let mut found: Vec<(usize, bool, Property)> = Vec::new();
    while let Some((name, rest)) = words.split_first() {
        let place = rows.iter().position(|(known, ..)| known == name)?;
        let (_, form, moves) = *rows.get(place)?;
        words = rest;
        let value = match form {
            Form::Flag => Value::Flag,
            form => {
                let (word, rest) = words.split_first()?;
                words = rest;
                value(form, word)?
            }
        };
        // The same option twice: which one counts is not known here.
        if found.iter().any(|(at, ..)| *at == place) {
            return None;
        }
        found.push((place, moves, Property::new(name, value)));
    }
    found.sort_by_key(|(place, ..)| *place);
    for (_, moves, property) in found {
        let list = if moves { &mut out.runtime } else { &mut out.config };
        list.push(property);
    }
    Some(out)
}

fn value(form: Form, word: &str) -> Option<Value> {
    Some(match form {
        Form::Flag => Value::Flag,
        Form::Number => Value::number(word.parse::<u64>().ok()?),
        Form::Word => Value::word(word),
        Form::Hex => Value::Word(format!("{:#010x}", number(word)?)),
        Form::Mark => Value::Word(match word.split_once('/') {
            Some((mark, mask)) if number(mask)? != u32::MAX => {
                format!("{:#x}/{:#x}", number(mark)?, number(mask)?)
            }
            Some((mark, _)) => format!("{:#x}", number(mark)?),
            None => format!("{:#x}", number(word)?),
        }),
        Form::Class => {
            let (major, minor) = word.split_once(':')?;
            let part = |text: &str| u16::from_str_radix(text, 16).ok();
            Value::Word(format!("{:x}:{:x}", part(major)?, part(minor)?))
        }
        Form::Quoted => Value::Word(match word.starts_with('"') {
            true => word.to_owned(),
            false => format!("\"{word}\""),
        }),
    })
}

/// A number as `ipset` takes it: decimal, or hexadecimal with `0x`.
pub(super) fn number(word: &str) -> Option<u32> {
    match word.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}
