//! Words for numbers and bits.

use crate::facts::Value;

/// Numbers or bits and their words.
pub(crate) type Words = &'static [(u64, &'static str)];

/// The word of a number; the number itself where it has none.
pub(crate) fn word(number: u64, words: Words) -> String {
    match words.iter().find(|(known, _)| *known == number) {
        Some((_, word)) => (*word).to_owned(),
        None => number.to_string(),
    }
}

/// The words of the bits that are set, in the table's order; those without a word together as one number.
pub(crate) fn bits(number: u64, words: Words) -> Value {
    let mut out: Vec<_> = words
        .iter()
        .filter(|(bit, _)| number & bit != 0)
        .map(|(_, word)| Value::word(word))
        .collect();
    let unknown = words.iter().fold(number, |left, (bit, _)| left & !bit);
    if unknown != 0 {
        out.push(Value::Word(format!("{unknown:#x}")));
    }
    Value::List(out)
}

/// `02:00:00:00:00:01`.
pub(crate) fn mac(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(":")
}
