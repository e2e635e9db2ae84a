//! Other spellings of options, rewritten to the one that `iptables-save` prints.

use super::super::super::extension::Asked;
use super::super::super::tokens::Token;
use super::super::super::values;
use crate::netfilter::model::Family;

/// Words of `--set-tos` with their value; they leave the ECN bits alone.
const TOS_WORDS: [(&str, u32); 5] = [
    ("Minimize-Delay", 0x10),
    ("Maximize-Throughput", 0x08),
    ("Maximize-Reliability", 0x04),
    ("Minimize-Cost", 0x02),
    ("Normal-Service", 0x00),
];

/// Code points by class (RFC 2474, RFC 2597, RFC 3246).
const DSCP_CLASSES: [(&str, u32); 22] = [
    ("CS0", 0x00),
    ("CS1", 0x08),
    ("CS2", 0x10),
    ("CS3", 0x18),
    ("CS4", 0x20),
    ("CS5", 0x28),
    ("CS6", 0x30),
    ("CS7", 0x38),
    ("BE", 0x00),
    ("AF11", 0x0a),
    ("AF12", 0x0c),
    ("AF13", 0x0e),
    ("AF21", 0x12),
    ("AF22", 0x14),
    ("AF23", 0x16),
    ("AF31", 0x1a),
    ("AF32", 0x1c),
    ("AF33", 0x1e),
    ("AF41", 0x22),
    ("AF42", 0x24),
    ("AF43", 0x26),
    ("EF", 0x2e),
];

/// What `--hmark-tuple` stands for: for each part the option, and its value; empty for the length of an address.
const TUPLE: [(&str, &str, &str); 6] = [
    ("src", "--hmark-src-prefix", ""),
    ("dst", "--hmark-dst-prefix", ""),
    ("sport", "--hmark-sport-mask", "0xffff"),
    ("dport", "--hmark-dport-mask", "0xffff"),
    ("spi", "--hmark-spi-mask", "0xffffffff"),
    ("proto", "--hmark-proto-mask", "0xffff"),
];

/// The options in the words of `iptables-save`; `None` where a value is not understood.
pub(super) fn expand(family: Family, target: &str, asked: &Asked) -> Option<Asked> {
    let mut out = Vec::new();
    for (inverted, option, words) in &asked.0 {
        if *inverted {
            return None;
        }
        let word = words.first().and_then(Token::word).unwrap_or_default();
        let spelt = match (target, option.as_str()) {
            ("HMARK", "--hmark-tuple") => {
                out.extend(tuple(family, word)?);
                continue;
            }
            _ => respelt(target, option, word)?,
        };
        out.push(match spelt {
            Some((option, word)) => (false, option.to_owned(), vec![Token::plain(&word)]),
            None => (false, option.clone(), words.clone()),
        });
    }
    Some(Asked(out))
}

/// The option and value to put in this one's place; the inner `None` where it stays.
fn respelt(target: &str, option: &str, word: &str) -> Option<Option<(&'static str, String)>> {
    let tos = |value: u32, mask: u32| Some(Some(("--set-tos", format!("{value:#x}/{mask:#x}"))));
    match (target, option) {
        ("TOS", "--set-tos") => match TOS_WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) {
            Some((_, value)) => tos(*value, 0x3f),
            None => Some(None),
        },
        ("TOS", "--and-tos") => tos(0, !values::number(word)? & 0xff),
        ("TOS", "--or-tos") => values::number(word).and_then(|bits| tos(bits, bits)),
        ("TOS", "--xor-tos") => values::number(word).and_then(|bits| tos(bits, 0)),
        ("DSCP", "--set-dscp-class") => {
            let known = DSCP_CLASSES
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(word));
            known.map(|(_, code)| Some(("--set-dscp", format!("{code:#x}"))))
        }
        _ => Some(None),
    }
}

/// As [`Asked`] holds an option.
type Given = (bool, String, Vec<Token>);

fn tuple(family: Family, word: &str) -> Option<Vec<Given>> {
    let mut out = Vec::new();
    for part in word.split(',') {
        if part == "ct" {
            out.push((false, "--hmark-tuple".to_owned(), vec![Token::plain("ct")]));
            continue;
        }
        let (_, option, value) = TUPLE.iter().find(|(name, ..)| *name == part)?;
        let value = match family {
            _ if !value.is_empty() => value,
            Family::Ip6 => "128",
            _ => "32",
        };
        out.push((false, (*option).to_owned(), vec![Token::plain(value)]));
    }
    Some(out)
}
