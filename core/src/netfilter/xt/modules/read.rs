//! Words to values.

use super::Form;
use super::words::{number, number64, text};
use crate::bytes::Text;
use crate::netfilter::model::{Family, Value};
use crate::netfilter::xt::forms;

/// The value that these words give.
pub(super) fn value(form: &Form, family: Family, words: &[&[u8]]) -> Option<Value> {
    if words.len() != form.words() {
        return None;
    }
    let first = words.first().copied().unwrap_or_default();
    Some(match form {
        Form::Flag => Value::Number(1),
        Form::Says(word) => Value::Symbol((*word).to_owned()),
        Form::Number { max } | Form::Hex { max, .. } => Value::Number(up_to(*max, text(first)?)?),
        Form::Span { max, .. } => span(*max, text(first)?)?,
        Form::Ports => span(u16::MAX.into(), text(first)?)?,
        Form::Masked { zero } if text(first) == Some(zero) => Value::Number(0),
        Form::Masked { .. } => masked(text(first)?)?,
        Form::Word(known) => Value::Symbol(spelled(known, text(first)?)?.to_owned()),
        Form::Named(known) => Value::Number(named(known, text(first)?)?),
        Form::List(known) => list(known, text(first)?)?,
        Form::Text | Form::Quoted => Value::Text(Text::from(first)),
        Form::Other { read, .. } => read(family, words)?,
    })
}

/// The lower and upper end of a number or range.
pub(super) fn ends(value: &Value) -> Option<[u32; 2]> {
    match value {
        Value::Number(number) => Some([*number; 2]),
        Value::Range { from, to } => match (from.as_ref(), to.as_ref()) {
            (Value::Number(from), Value::Number(to)) => Some([*from, *to]),
            _ => None,
        },
        _ => None,
    }
}

fn up_to(max: u32, word: &str) -> Option<u32> {
    number(word).filter(|number| *number <= max)
}

/// `5`, `5:80`, `5:` or `:80`.
fn span(max: u32, word: &str) -> Option<Value> {
    let Some((from, to)) = word.split_once(':') else {
        return up_to(max, word).map(Value::Number);
    };
    let from = if from.is_empty() { 0 } else { up_to(max, from)? };
    let to = if to.is_empty() { max } else { up_to(max, to)? };
    Some(forms::numbers(from, to))
}

fn masked(word: &str) -> Option<Value> {
    let (value, mask) = match word.split_once('/') {
        Some((value, mask)) => (number(value)?, number(mask)?),
        None => (number(word)?, u32::MAX),
    };
    Some(forms::masked(value, mask))
}

/// The word that the tool prints for this spelling.
fn spelled(known: &'static [(&'static str, &'static str)], word: &str) -> Option<&'static str> {
    let found = known
        .iter()
        .find(|(spelling, _)| spelling.eq_ignore_ascii_case(word));
    found.map(|(_, canonical)| *canonical)
}

fn named(known: &[(u32, &str)], word: &str) -> Option<u32> {
    let found = known
        .iter()
        .find(|(_, name)| *name == word)
        .map(|(number, _)| *number);
    found.or_else(|| number64(word)?.try_into().ok())
}

fn list(known: &'static [(&'static str, &'static str)], words: &str) -> Option<Value> {
    let words = words.split(',').map(|word| {
        let canonical = spelled(known, word)?;
        Some(Value::Symbol(canonical.to_owned()))
    });
    words.collect::<Option<Vec<_>>>().map(forms::set)
}
