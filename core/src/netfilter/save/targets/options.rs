//! Targets that are said by their options alone.

use super::super::extension::{Asked, Extension};
use super::super::values;
use crate::bytes::Text;
use crate::netfilter::model::{Family, Statement, TargetOption, Value};
use crate::netfilter::names;
use crate::netfilter::xt::forms::{self, given, under};
use crate::netfilter::xt::forms::{Choice, Form, spec};

mod alias;
mod rate;

/// What such a target does; `None` if it is none, or an option is not understood.
pub(super) fn decode(family: Family, extension: &Extension) -> Option<Statement> {
    let spec = spec(extension.name.as_bytes())?;
    let asked = alias::expand(family, spec.name, &extension.asked)?;
    let known = |option: &str| {
        let name = option.strip_prefix("--");
        spec.options.iter().any(|choice| Some(choice.name) == name)
    };
    if !asked.0.iter().all(|(_, option, _)| known(option)) {
        return None;
    }
    let mut options = Vec::new();
    for choice in spec.options {
        options.extend(one(family, choice, &asked)?);
    }
    settle(spec.name, &mut options)?;
    Some(forms::target(family, spec.name, options))
}

/// The option as it was given, else its default; the inner `None` where there is neither.
fn one(family: Family, choice: &Choice, asked: &Asked) -> Option<Option<TargetOption>> {
    let option = format!("--{}", choice.name);
    if asked.flag(&option).is_none() && choice.default.is_empty() {
        return Some(None);
    }
    if matches!(choice.form, Form::Flag) {
        return Some(Some(given(choice.name, None)));
    }
    let value = match choice.form {
        Form::Name => Value::Text(Text::from(asked.bytes(&option)?.1)),
        Form::Set => set(&asked.words(&option)?.1)?,
        form => value(
            family,
            form,
            asked.word(&option).map_or(choice.default, |(_, word)| word),
        )?,
    };
    Some(Some(given(choice.name, value)))
}

fn value(family: Family, form: Form, word: &str) -> Option<Value> {
    let number = || values::number(word).map(Value::Number);
    match form {
        Form::Number | Form::Hex(_) => number(),
        Form::Masked(2) => {
            let (value, mask) = word.split_once('/').unwrap_or((word, "0xff"));
            let [value, mask] = [value, mask].map(values::number);
            Some(under(Value::Number(mask?), Value::Number(value?)))
        }
        Form::Masked(_) => values::mark(word).map(|[value, mask]| forms::masked(value, mask)),
        Form::Class => class(word).map(Value::Number),
        Form::Address if word == "any" => Some(Value::Address(unspecified(family))),
        Form::Address => values::address(family, word).map(Value::Address),
        Form::Prefix => prefix(family, word),
        Form::Mac => mac(word),
        Form::Word(table) => names::number_of(table, word).map(|_| Value::Symbol(word.to_owned())),
        Form::Words(table) => {
            let mut words: Vec<String> = word.split(',').map(str::to_owned).collect();
            names::flag_bits(table, &words)?;
            words.sort();
            words.dedup();
            Some(Value::Flags(words))
        }
        Form::Numbers(table) => {
            let kind = |word| names::number_of(table, word).or_else(|| values::number(word));
            let numbers: Option<Vec<Value>> = word
                .split(',')
                .map(|word| kind(word).map(Value::Number))
                .collect();
            numbers.map(forms::set)
        }
        // The tool saves the largest number, which it takes as a word, as a negative one.
        Form::NumberOr(special, spelt) if word == spelt || (word == "-1" && special == u32::MAX) => {
            Some(Value::Number(special))
        }
        Form::NumberOr(..) => number(),
        Form::NumberOrWord(spelt) if word == spelt => Some(Value::Symbol(word.to_owned())),
        Form::NumberOrWord(_) => number(),
        Form::Time => rate::microseconds(word).map(Value::Number),
        Form::Flag | Form::Name | Form::Set => None,
    }
}

fn unspecified(family: Family) -> std::net::IpAddr {
    match family {
        Family::Ip6 => std::net::Ipv6Addr::UNSPECIFIED.into(),
        _ => std::net::Ipv4Addr::UNSPECIFIED.into(),
    }
}

/// `MAJOR:MINOR`, both hexadecimal.
fn class(word: &str) -> Option<u32> {
    let (major, minor) = word.split_once(':')?;
    let part = |word| u16::from_str_radix(word, 16).ok().map(u32::from);
    Some(part(major)? << 16 | part(minor)?)
}

/// An address with a length or mask; without one it is the address alone.
fn prefix(family: Family, word: &str) -> Option<Value> {
    let (address, mask) = word.split_once('/').unwrap_or((word, ""));
    let address = values::address(family, address)?;
    let mask = match mask {
        "" => forms::mask_of(address, if address.is_ipv4() { 32 } else { 128 })?,
        word => match word.parse() {
            Ok(length) => forms::mask_of(address, length)?,
            Err(_) => values::address(family, word)?,
        },
    };
    // The tools take no other mask here.
    forms::network(address, mask).filter(|value| !matches!(value, Value::Masked { .. }))
}

fn mac(word: &str) -> Option<Value> {
    let octets: Vec<&str> = word.split(':').collect();
    let octet = |word: &&str| {
        u8::from_str_radix(word, 16)
            .ok()
            .map(|octet| format!("{octet:02x}"))
    };
    let octets: Vec<String> = octets.iter().map(octet).collect::<Option<_>>()?;
    (octets.len() == 6).then(|| Value::Mac(octets.join(":")))
}

/// `NAME src,dst`.
fn set(words: &[&str]) -> Option<Value> {
    let [name, directions] = words else { return None };
    let mut parts = vec![Value::Text((*name).into())];
    for word in directions.split(',') {
        parts.push(matches!(word, "src" | "dst").then(|| Value::Symbol(word.to_owned()))?);
    }
    Some(Value::Concat(parts))
}

/// What the options of one target mean together.
fn settle(target: &str, options: &mut Vec<TargetOption>) -> Option<()> {
    match target {
        "RATEEST" => rate::settle(options),
        "ECN" => {
            let zero = |name: &str| options.contains(&given(name, Value::Number(0)));
            if zero("ecn-tcp-ece") && zero("ecn-tcp-cwr") {
                let both = ["ecn-tcp-ece", "ecn-tcp-cwr"];
                options.retain(|option| !both.contains(&option.name.as_str()));
                options.insert(0, given("ecn-tcp-remove", None));
            }
            Some(())
        }
        _ => Some(()),
    }
}
