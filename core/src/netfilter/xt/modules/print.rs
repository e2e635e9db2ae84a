//! Values to words.

use super::Form;
use super::read::ends;
use super::words::save_string;
use crate::netfilter::model::Value;

/// The words for a value; `None` if the form has none for it.
pub(super) fn value(form: &Form, value: &Value) -> Option<Vec<u8>> {
    let words = match (form, value) {
        (Form::Flag, Value::Number(1)) => String::new(),
        (Form::Says(word), Value::Symbol(said)) if word == said => String::new(),
        (Form::Number { max }, Value::Number(number)) if number <= max => number.to_string(),
        (Form::Hex { max, digits }, Value::Number(number)) if number <= max => {
            format!("0x{number:0digits$x}")
        }
        (Form::Span { max, .. }, one) => span(*max, one)?,
        (Form::Ports, one) => span(u16::MAX.into(), one)?,
        (Form::Masked { zero }, Value::Number(0)) => (*zero).to_owned(),
        (Form::Masked { .. }, one) => masked(one)?,
        (Form::Word(known), Value::Symbol(word)) if known.iter().any(|(_, canonical)| canonical == word) => {
            word.clone()
        }
        (Form::Named(known), Value::Number(number)) => {
            let name = known.iter().find(|(known, _)| known == number);
            name.map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned())
        }
        (Form::List(known), one) => list(known, one)?,
        (Form::Text, Value::Text(text)) => {
            let mut words = Vec::new();
            save_string(&mut words, text.as_bytes());
            return Some(words);
        }
        (Form::Quoted, Value::Text(text)) => return quoted(text.as_bytes()),
        (Form::Other { print, .. }, one) => return print(one),
        _ => return None,
    };
    Some(words.into_bytes())
}

fn span(max: u32, value: &Value) -> Option<String> {
    let [from, to] = ends(value).filter(|ends| ends.iter().all(|end| *end <= max))?;
    Some(if from == to {
        from.to_string()
    } else {
        format!("{from}:{to}")
    })
}

fn masked(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(format!("{number:#x}")),
        Value::Masked { mask, value } => match (mask.as_ref(), value.as_ref()) {
            (Value::Number(mask), Value::Number(value)) => Some(format!("{value:#x}/{mask:#x}")),
            _ => None,
        },
        _ => None,
    }
}

/// Every word of the set must be known, and there must be one.
fn list(known: &[(&'static str, &'static str)], value: &Value) -> Option<String> {
    let Value::Set(values) = value else { return None };
    let mut words: Vec<&str> = Vec::new();
    for (_, canonical) in known {
        let asked = values
            .iter()
            .any(|value| matches!(value, Value::Symbol(word) if word == canonical));
        if asked && !words.contains(canonical) {
            words.push(canonical);
        }
    }
    (words.len() == values.len() && !words.is_empty()).then(|| words.join(","))
}

fn quoted(bytes: &[u8]) -> Option<Vec<u8>> {
    let printable = bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
    if !printable || bytes.is_empty() {
        return None;
    }
    let mut words = vec![b'"'];
    for byte in bytes {
        if matches!(byte, b'"' | b'\\') {
            words.push(b'\\');
        }
        words.push(*byte);
    }
    words.push(b'"');
    Some(words)
}
