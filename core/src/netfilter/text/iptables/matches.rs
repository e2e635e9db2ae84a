//! Matches, gathered into `-m MODULE OPTIONS…`.

use super::unsayable;
use super::words::{bare, masked, save_string};
use crate::bytes::to_hex;
use crate::netfilter::model::{Item, LimitUnit, Match, Op, Opaque, Statement, Value};
use crate::netfilter::names::{TCP_FLAGS, flag_bits};

mod header;
mod modules;

pub(super) use header::header;
pub(in crate::netfilter::text) use header::{address, interface};

/// One option of a module.
struct Asked {
    module: &'static str,
    /// Options of one module stand in this order; one that would go back opens the module again.
    rank: u8,
    words: Vec<u8>,
    /// A word that belongs to the whole module and stands last.
    tail: &'static str,
}

/// Prints what stands between the header and the target.
pub(super) fn print(line: &mut Vec<u8>, steps: &[&Item]) {
    let mut open: Option<Asked> = None;
    let mut rest = steps;
    while let Some((first, after)) = rest.split_first() {
        let (option, used) = match modules::icmp(rest) {
            Some((option, used)) => (Some(option), used),
            None => (option(first), 1),
        };
        rest = rest.get(used.max(1)..).unwrap_or(after);
        let continues = matches!((&open, &option), (Some(open), Some(next))
            if open.module == next.module && open.tail == next.tail && open.rank < next.rank);
        if !continues {
            close(line, open.take());
        }
        match option {
            Some(option) => {
                if !continues {
                    line.extend_from_slice(b" -m ");
                    line.extend_from_slice(option.module.as_bytes());
                }
                if !option.words.is_empty() {
                    line.push(b' ');
                    line.extend_from_slice(&option.words);
                }
                open = Some(option);
            }
            None => alone(line, first),
        }
    }
    close(line, open);
}

fn close(line: &mut Vec<u8>, open: Option<Asked>) {
    if let Some(tail) = open.map(|open| open.tail).filter(|tail| !tail.is_empty()) {
        line.push(b' ');
        line.extend_from_slice(tail.as_bytes());
    }
}

/// A step that belongs to no module known here.
fn alone(line: &mut Vec<u8>, item: &Item) {
    if matches!(item, Item::Statement(Statement::Counter { name: None })) {
        return;
    }
    line.push(b' ');
    match item {
        Item::Opaque(opaque) if opaque.kind == "match" => line.extend(opaque_words("-m", opaque)),
        other => line.extend(unsayable(other)),
    }
}

/// `-m NAME WORDS`, or brackets where there are only bytes.
pub(super) fn opaque_words(option: &str, opaque: &Opaque) -> Vec<u8> {
    let mut words = format!("{option} ").into_bytes();
    bare(&mut words, opaque.name.as_bytes());
    match (&opaque.text, opaque.revision) {
        (Some(text), _) if text.is_empty() => {}
        (Some(text), _) => {
            words.push(b' ');
            words.extend_from_slice(text.as_bytes());
        }
        (None, revision) => {
            let revision = revision
                .map(|revision| format!(" revision {revision}"))
                .unwrap_or_default();
            words.extend(format!(" [opaque{revision} {}]", to_hex(&opaque.payload.0)).into_bytes());
        }
    }
    words
}

fn option(item: &Item) -> Option<Asked> {
    match item {
        Item::Match(step) => modules::of_match(step),
        Item::Statement(Statement::Limit {
            rate,
            unit,
            burst,
            bytes: false,
            over: false,
        }) => {
            let unit = match unit {
                LimitUnit::Second => "sec",
                LimitUnit::Minute => "min",
                LimitUnit::Hour => "hour",
                LimitUnit::Day => "day",
                LimitUnit::Week => return None,
            };
            let mut words = format!("--limit {rate}/{unit}");
            if *burst != 5 {
                words.push_str(&format!(" --limit-burst {burst}"));
            }
            Some(Asked {
                module: "limit",
                rank: 0,
                words: words.into_bytes(),
                tail: "",
            })
        }
        Item::Statement(Statement::Quota { bytes, over }) => {
            let sign = if *over { "! " } else { "" };
            Some(Asked {
                module: "quota",
                rank: 0,
                words: format!("{sign}--quota {bytes}").into_bytes(),
                tail: "",
            })
        }
        _ => None,
    }
}

/// The sign of negation where an option needs it.
fn not(op: Op) -> Option<&'static str> {
    match op {
        Op::Eq | Op::In | Op::Any => Some(""),
        Op::Ne | Op::NotIn | Op::None => Some("! "),
        _ => None,
    }
}

/// `FIN,SYN`, `NONE`, in the order of the bits; iptables has no words for the two newer flags.
fn tcp_flag_words(value: &Value) -> Option<String> {
    let Value::Flags(names) = value else { return None };
    let bits = flag_bits(&TCP_FLAGS, names)?;
    let set: Vec<String> = TCP_FLAGS
        .iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, name)| name.to_ascii_uppercase())
        .collect();
    match bits {
        0 => Some("NONE".to_owned()),
        0x40.. => None,
        _ => Some(set.join(",")),
    }
}

/// A mark in the words of `--mark`.
fn mark_words(value: &Value) -> Option<String> {
    let (value, mask) = masked(value)?;
    Some(if mask == u32::MAX {
        format!("{value:#x}")
    } else {
        format!("{value:#x}/{mask:#x}")
    })
}

/// `--comment`.
fn comment_words(step: &Match) -> Option<Vec<u8>> {
    let (Op::Eq, Value::Text(text)) = (step.op, &step.value) else {
        return None;
    };
    if step.field.0 != "comment" {
        return None;
    }
    let mut words = b"--comment ".to_vec();
    save_string(&mut words, text.as_bytes());
    Some(words)
}
