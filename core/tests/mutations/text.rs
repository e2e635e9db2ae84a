//! Changes of text: of its bytes, its words and its lines.

use crate::chance::Chance;
use crate::change;

/// What turns over in parsers of text.
const ODD: [&str; 26] = [
    "\"",
    "'",
    "\\",
    "{",
    "}",
    "[",
    "]",
    "(",
    "!",
    "! !",
    ",",
    ":",
    "-",
    "--",
    "/",
    "@",
    "$",
    "#",
    "\n",
    "\0",
    "\u{feff}",
    "ü☂",
    "99999999999999999999",
    "-1",
    "0x",
    "include \"x\"",
];

/// Changes a text in one place or in as many as `most`; `other` lends lines.
pub(crate) fn change(chance: &mut Chance, most: usize, text: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..=chance.below(most) {
        match chance.below(8) {
            0..=2 => change::bytes(chance, text),
            3 => insert(chance, text),
            4 => words(chance, text),
            5 | 6 => lines(chance, text, other),
            _ => repeat(chance, text),
        }
    }
}

fn insert(chance: &mut Chance, text: &mut Vec<u8>) {
    let at = chance.below(text.len() + 1);
    let odd = ODD[chance.below(ODD.len())];
    text.splice(at..at, odd.bytes());
}

/// The byte `with` between, which is kept.
fn split(text: &[u8], with: u8) -> Vec<Vec<u8>> {
    text.split_inclusive(|byte| *byte == with)
        .map(<[u8]>::to_vec)
        .collect()
}

fn words(chance: &mut Chance, text: &mut Vec<u8>) {
    let mut words = split(text, b' ');
    let (at, other) = (chance.below(words.len()), chance.below(words.len()));
    if words.is_empty() {
        return;
    }
    match chance.below(4) {
        0 => drop(words.remove(at)),
        1 => words.swap(at, other),
        2 => words[at] = words[other].clone(),
        _ => {
            let word = words[at].clone();
            words.insert(other, word);
        }
    }
    *text = words.concat();
}

fn lines(chance: &mut Chance, text: &mut Vec<u8>, other: &[u8]) {
    let (mut ours, theirs) = (split(text, b'\n'), split(other, b'\n'));
    if ours.is_empty() || theirs.is_empty() {
        return;
    }
    let at = chance.below(ours.len());
    match chance.below(4) {
        0 => drop(ours.remove(at)),
        1 => {
            let second = chance.below(ours.len());
            ours.swap(at, second);
        }
        2 => ours.insert(at, theirs[chance.below(theirs.len())].clone()),
        _ => ours[at] = theirs[chance.below(theirs.len())].clone(),
    }
    *text = ours.concat();
}

/// One byte or odd piece many times: what nests must not exhaust the stack.
fn repeat(chance: &mut Chance, text: &mut Vec<u8>) {
    let at = chance.below(text.len() + 1);
    let piece = if chance.one_in(2) {
        ODD[chance.below(ODD.len())].as_bytes().to_vec()
    } else {
        let end = (at + 1 + chance.below(12)).min(text.len());
        text[at.min(end)..end].to_vec()
    };
    let many = piece.repeat([3, 100, 5000][chance.below(3)]);
    text.splice(at..at, many);
}
