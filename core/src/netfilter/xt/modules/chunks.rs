//! `--chunk-types` of `-m sctp`: which chunks a packet must hold, some with flags.

use super::Form;
use super::words::text;
use crate::netfilter::model::{Family, Value};
use crate::netfilter::xt::forms;

/// `any LIST`, `all LIST` or `only LIST`.
pub(in crate::netfilter::xt) const CHUNKS: Form = Form::Other {
    words: 2,
    read,
    print,
};

/// How the chunks of a packet are compared (`SCTP_CHUNK_MATCH_*`, `linux/netfilter/xt_sctp.h`).
const SCOPES: [(u32, &str); 3] = [(1, "any"), (2, "all"), (4, "only")];

/// Chunk types with their number and their flags from the lowest bit on (RFC 9260, 8260, 5061, 3758, 4820, 6525).
const TYPES: [(u8, &str, &str); 22] = [
    (0, "DATA", "EBUI"),
    (1, "INIT", ""),
    (2, "INIT_ACK", ""),
    (3, "SACK", ""),
    (4, "HEARTBEAT", ""),
    (5, "HEARTBEAT_ACK", ""),
    (6, "ABORT", "T"),
    (7, "SHUTDOWN", ""),
    (8, "SHUTDOWN_ACK", ""),
    (9, "ERROR", ""),
    (10, "COOKIE_ECHO", ""),
    (11, "COOKIE_ACK", ""),
    (12, "ECN_ECNE", ""),
    (13, "ECN_CWR", ""),
    (14, "SHUTDOWN_COMPLETE", "T"),
    (64, "I_DATA", "EBUI"),
    (128, "ASCONF_ACK", ""),
    (130, "RE_CONFIG", ""),
    (132, "PAD", ""),
    (192, "FORWARD_TSN", ""),
    (193, "ASCONF", ""),
    (194, "I_FORWARD_TSN", ""),
];

/// How many chunks of one match may have flags (`XT_NUM_SCTP_FLAGS`).
pub(in crate::netfilter::xt) const FLAG_SLOTS: usize = 4;

/// Which chunks are asked for.
pub(in crate::netfilter::xt) enum Asked {
    /// All of them.
    All,
    /// Some, with the flags that count and those of them that must be set.
    Some(Vec<(u8, u8, u8)>),
}

/// The chunks as a value; `None` if the tool has no word for one of them.
pub(in crate::netfilter::xt) fn value(scope: u32, asked: &Asked) -> Option<Value> {
    let (_, scope) = SCOPES.iter().find(|(number, _)| *number == scope)?;
    let types = match asked {
        Asked::All => vec![Value::Symbol("ALL".to_owned())],
        Asked::Some(chunks) => chunks
            .iter()
            .map(|(kind, mask, flags)| word(*kind, *mask, *flags).map(Value::Symbol))
            .collect::<Option<Vec<_>>>()?,
    };
    let scope = Value::Symbol((*scope).to_owned());
    Some(Value::Concat(vec![scope, forms::set(types)]))
}

/// `DATA:Ube`: a letter for each flag that counts, small where it must not be set.
fn word(kind: u8, mask: u8, flags: u8) -> Option<String> {
    let (_, name, letters) = TYPES.iter().find(|(number, ..)| *number == kind)?;
    let known = 1u32
        .checked_shl(u32::try_from(letters.len()).ok()?)?
        .checked_sub(1)?;
    if u32::from(mask | flags) & !known != 0 || flags & !mask != 0 {
        return None;
    }
    let mut word = (*name).to_owned();
    if mask != 0 {
        word.push(':');
    }
    for (bit, letter) in letters.chars().enumerate().collect::<Vec<_>>().into_iter().rev() {
        match (mask >> bit & 1, flags >> bit & 1) {
            (1, 1) => word.push(letter),
            (1, _) => word.push(letter.to_ascii_lowercase()),
            _ => {}
        }
    }
    Some(word)
}

fn read(_: Family, words: &[&[u8]]) -> Option<Value> {
    let [scope, list] = words else { return None };
    let (scope, list) = (text(scope)?.to_ascii_lowercase(), text(list)?);
    let (number, _) = SCOPES.iter().find(|(_, name)| *name == scope)?;
    let mut chunks: Vec<(u8, u8, u8)> = Vec::new();
    match list.to_ascii_uppercase().as_str() {
        "ALL" => return value(*number, &Asked::All),
        "NONE" => {}
        _ => {
            for one in list.split(',') {
                let (kind, mask, flags) = chunk(one)?;
                // A chunk said again replaces what was said of its flags.
                chunks.retain(|(known, ..)| *known != kind);
                chunks.push((kind, mask, flags));
            }
        }
    }
    let flagged = chunks.iter().filter(|(_, mask, _)| *mask != 0).count();
    (flagged <= FLAG_SLOTS).then(|| value(*number, &Asked::Some(chunks)))?
}

fn chunk(word: &str) -> Option<(u8, u8, u8)> {
    let (name, flags) = word.split_once(':').unwrap_or((word, ""));
    let (kind, _, letters) = TYPES
        .iter()
        .find(|(_, known, _)| known.eq_ignore_ascii_case(name))?;
    let (mut mask, mut set) = (0, 0);
    for letter in flags.chars() {
        let bit = 1u8 << letters.find(letter.to_ascii_uppercase())?;
        mask |= bit;
        set = if letter.is_ascii_uppercase() {
            set | bit
        } else {
            set & !bit
        };
    }
    Some((*kind, mask, set))
}

fn print(value: &Value) -> Option<Vec<u8>> {
    let Value::Concat(both) = value else { return None };
    let [Value::Symbol(scope), Value::Set(types)] = both.as_slice() else {
        return None;
    };
    let mut placed = Vec::new();
    for one in types {
        let Value::Symbol(word) = one else { return None };
        let name = word.split(':').next().unwrap_or_default();
        let place = TYPES.iter().position(|(_, known, _)| *known == name);
        placed.push((place.or_else(|| (name == "ALL").then_some(0))?, word.as_str()));
    }
    placed.sort_unstable();
    let list: Vec<&str> = placed.into_iter().map(|(_, word)| word).collect();
    let list = if list.is_empty() {
        "NONE".to_owned()
    } else {
        list.join(",")
    };
    Some(format!("{scope} {list}").into_bytes())
}
