//! Targets that are said by their options.

use super::super::words::{bare, masked};
use crate::netfilter::model::{Family, Statement, TargetOption, Value};
use crate::netfilter::names::flag_bits;
use crate::netfilter::xt::forms::{self, Choice, Form};

/// `-j TARGET --option value …`; `None` if the statement is no such target, or has an option that is none of its.
pub(super) fn words(family: Family, statement: &Statement) -> Option<Vec<u8>> {
    let (name, options) = forms::as_target(family, statement)?;
    let spec = forms::spec_in(family, &name)?;
    let mut words = format!("-j {name}").into_bytes();
    for option in &options {
        let choice = spec.options.iter().find(|choice| choice.name == option.name)?;
        words.extend_from_slice(format!(" --{}", choice.name).as_bytes());
        push(&mut words, choice, option)?;
    }
    Some(words)
}

fn push(words: &mut Vec<u8>, choice: &Choice, option: &TargetOption) -> Option<()> {
    let Some(value) = &option.value else {
        return matches!(choice.form, Form::Flag).then_some(());
    };
    words.push(b' ');
    match (choice.form, value) {
        (Form::Name, Value::Text(name)) => bare(words, name.as_bytes()),
        (Form::Set, Value::Concat(parts)) => set(words, parts)?,
        (form, value) => words.extend(shown(form, value)?.into_bytes()),
    }
    Some(())
}

/// The value of an option that is text in any case.
fn shown(form: Form, value: &Value) -> Option<String> {
    let digits = |width: usize, number: u32| format!("0x{number:0width$x}");
    Some(match (form, value) {
        (Form::Masked(width), value) => {
            let (value, mask) = masked(value)?;
            format!("{}/{}", digits(width, value), digits(width, mask))
        }
        (Form::NumberOr(special, word), Value::Number(number)) if *number == special => word.to_owned(),
        (Form::Number | Form::NumberOr(..) | Form::NumberOrWord(_), Value::Number(number)) => {
            number.to_string()
        }
        (Form::Hex(width), Value::Number(number)) => digits(width, *number),
        (Form::Class, Value::Number(number)) => format!("{:04x}:{:04x}", number >> 16, number & 0xffff),
        (Form::Address, Value::Address(address)) => address.to_string(),
        (Form::Prefix, value) => super::super::matches::address(value)?,
        (Form::Mac, Value::Mac(address)) => address.clone(),
        (Form::Word(table), Value::Symbol(word)) => {
            table.iter().find(|(_, known)| known == word)?;
            word.clone()
        }
        (Form::NumberOrWord(known), Value::Symbol(word)) if word == known => word.clone(),
        (Form::Words(table), Value::Flags(words)) => {
            let bits = flag_bits(table, words)?;
            let set = table.iter().filter(|(bit, _)| bits & bit != 0);
            set.map(|(_, word)| *word).collect::<Vec<_>>().join(",")
        }
        (Form::Numbers(_), Value::Set(numbers)) => {
            let number = |value: &Value| match value {
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            };
            numbers.iter().map(number).collect::<Option<Vec<_>>>()?.join(",")
        }
        (Form::Time, Value::Number(time)) => self::time(*time),
        _ => return None,
    })
}

/// Microseconds in the unit that keeps the number short.
fn time(microseconds: u32) -> String {
    let tenths = |unit: u32| {
        let tenth = unit / 10;
        format!("{}.{}", microseconds / unit, microseconds % unit / tenth)
    };
    match microseconds {
        1_000_000.. => tenths(1_000_000) + "s",
        1_000.. => tenths(1_000) + "ms",
        _ => format!("{microseconds}us"),
    }
}

/// `NAME src,dst`.
fn set(words: &mut Vec<u8>, parts: &[Value]) -> Option<()> {
    let (Value::Text(name), directions) = parts.split_first()? else {
        return None;
    };
    bare(words, name.as_bytes());
    let direction = |value: &Value| match value {
        Value::Symbol(word) => Some(word.clone()),
        _ => None,
    };
    let directions: Vec<String> = directions.iter().map(direction).collect::<Option<_>>()?;
    words.push(b' ');
    words.extend(directions.join(",").into_bytes());
    Some(())
}
