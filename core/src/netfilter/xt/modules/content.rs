//! Modules that look into a packet's bytes, or let chance decide.

use super::calendar::TIME;
use super::state::{find, otherwise, together, unless};
use super::words::text;
use super::{Form, Module, Opt};
use crate::bytes::{Text, from_hex, to_hex};
use crate::netfilter::model::{Family, Match, Value};

const NUMBER16: Form = Form::Number { max: 0xffff };
const NUMBER: Form = Form::Number { max: u32::MAX };
const NODES: Form = Form::Number { max: 32 };

pub(super) const MODULES: &[Module] = &[
    TIME,
    together(
        "string",
        "string",
        string,
        &[
            Opt::new("--string", "pattern", Form::Quoted).not(),
            Opt::new("--hex-string", "pattern", HEX_STRING).not(),
            Opt::new("--algo", "algo", Form::Text),
            Opt::new("--from", "from", NUMBER16),
            Opt::new("--to", "to", NUMBER16),
            Opt::new("--icase", "icase", Form::Flag),
        ],
    ),
    together(
        "statistic",
        "statistic",
        statistic,
        &[
            Opt::new(
                "--mode",
                "mode",
                Form::Word(&[("random", "random"), ("nth", "nth")]),
            ),
            Opt::new("--probability", "probability", PROBABILITY).not(),
            Opt::new("--every", "every", NUMBER).not(),
            Opt::new("--packet", "packet", NUMBER),
        ],
    ),
    together(
        "cluster",
        "cluster",
        |_, parts| cluster(parts),
        &[
            Opt::new(
                "--cluster-local-nodemask",
                "nodes",
                Form::Hex {
                    max: u32::MAX,
                    digits: 8,
                },
            )
            .not(),
            Opt::new("--cluster-local-node", "nodes", NODE).not(),
            Opt::new("--cluster-total-nodes", "total", NODES),
            Opt::new(
                "--cluster-hash-seed",
                "seed",
                Form::Hex {
                    max: u32::MAX,
                    digits: 8,
                },
            ),
        ],
    ),
    together(
        "osf",
        "osf",
        |_, parts| find(parts, "genre").map(|_| ()),
        &[
            Opt::new("--genre", "genre", super::state::BARE).not(),
            Opt::new("--ttl", "ttl", Form::Number { max: 2 }),
            Opt::new("--log", "log", Form::Number { max: 2 }),
        ],
    ),
];

/// The longest pattern (`XT_STRING_MAX_PATTERN_SIZE`).
const PATTERN_MAX: usize = 128;

fn string(_: Family, parts: &mut Vec<Match>) -> Option<()> {
    find(parts, "algo")?;
    let Value::Text(pattern) = &find(parts, "pattern")?.value else {
        return None;
    };
    if !(1..=PATTERN_MAX).contains(&pattern.as_bytes().len()) {
        return None;
    }
    unless(parts, "from", &Value::Number(0));
    unless(parts, "to", &Value::Number(0xffff));
    Some(())
}

fn statistic(_: Family, parts: &mut Vec<Match>) -> Option<()> {
    let Value::Symbol(mode) = &find(parts, "mode")?.value else {
        return None;
    };
    let has = |field| find(parts, field).is_some();
    let fits = match mode.as_str() {
        "random" => has("probability") && !has("every") && !has("packet"),
        _ => has("every") && !has("probability"),
    };
    otherwise(parts, "packet", Value::Number(0));
    if find(parts, "probability").is_some() {
        parts.retain(|part| part.field.0 != "packet");
    }
    fits.then_some(())
}

fn cluster(parts: &[Match]) -> Option<()> {
    find(parts, "nodes")
        .and(find(parts, "total"))
        .and(find(parts, "seed"))
        .map(|_| ())
}

/// One node by its number: one bit of the mask.
const NODE: Form = Form::Other {
    words: 1,
    read: |_, words| {
        let node = super::words::number(text(words.first()?)?)?.checked_sub(1)?;
        1u32.checked_shl(node).map(Value::Number)
    },
    print: |_| None,
};

/// `a|00 ff|b`: bytes between bars are hexadecimal.
const HEX_STRING: Form = Form::Other {
    words: 1,
    read: |_, words| read_hex(words.first()?).map(|bytes| Value::Text(Text::from(bytes))),
    print: |value| match value {
        Value::Text(pattern) => Some(format!("\"|{}|\"", to_hex(pattern.as_bytes())).into_bytes()),
        _ => None,
    },
};

fn read_hex(word: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut parts = word.split(|byte| *byte == b'|').enumerate().peekable();
    while let Some((place, part)) = parts.next() {
        let is_hex = place % 2 == 1;
        // A bar that nothing closes.
        if is_hex && parts.peek().is_none() {
            return None;
        }
        if is_hex {
            let digits: String = text(part)?.chars().filter(|c| *c != ' ').collect();
            bytes.extend(from_hex(&digits.to_ascii_lowercase())?);
        } else {
            bytes.extend_from_slice(part);
        }
    }
    // A backslash takes the next byte as it is; no save tool prints one.
    (!word.contains(&b'\\')).then_some(bytes)
}

/// The kernel holds a probability as a number of 2^31 (`linux/netfilter/xt_statistic.h`), and so does the model; the tool
/// prints eleven places after the point.
const PROBABILITY: Form = Form::Other {
    words: 1,
    read: |_, words| read_probability(text(words.first()?)?).map(Value::Number),
    print: |value| match value {
        Value::Number(number) if *number <= ONE => Some(decimal_words(*number).into_bytes()),
        _ => None,
    },
};

const ONE: u32 = 1 << 31;
const PLACES: u32 = 11;

fn read_probability(word: &str) -> Option<u32> {
    let (whole, places) = word.split_once('.').unwrap_or((word, ""));
    if places.len() > 18 || (whole.is_empty() && places.is_empty()) {
        return None;
    }
    let digits = |word: &str| match word {
        "" => Some(0),
        word => super::words::decimal(word).map(u128::from),
    };
    let scale = 10u128.checked_pow(u32::try_from(places.len()).ok()?)?;
    let number = digits(whole)?.checked_mul(scale)?.checked_add(digits(places)?)?;
    // Rounded to the nearest, halves up.
    let rounded = (number * u128::from(ONE) * 2 + scale) / (scale * 2);
    u32::try_from(rounded).ok().filter(|number| *number <= ONE)
}

fn decimal_words(number: u32) -> String {
    let scale = 10u64.pow(PLACES);
    let wide = u128::from(number) * u128::from(scale);
    let (whole, rest) = (wide >> 31, wide % u128::from(ONE));
    let half = u128::from(ONE) / 2;
    // As the C library rounds: to the nearest, halves to the even.
    let up = rest > half || (rest == half && whole % 2 == 1);
    let places = whole + u128::from(up);
    format!(
        "{}.{:011}",
        places / u128::from(scale),
        places % u128::from(scale)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_go_both_ways() {
        for (number, shown) in [
            (644_245_094, "0.29999999981"),
            (1 << 30, "0.50000000000"),
            (1, "0.00000000047"),
            (0, "0.00000000000"),
            (ONE, "1.00000000000"),
        ] {
            assert_eq!(decimal_words(number), shown);
            assert_eq!(read_probability(shown), Some(number));
        }
        assert_eq!(read_probability("0.3"), Some(644_245_094));
        for wrong in ["", ".", "-1", "1.1", "x"] {
            assert_eq!(read_probability(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_pattern_may_be_hexadecimal_in_parts() {
        assert_eq!(read_hex(b"a|00 fF|b"), Some(b"a\x00\xffb".to_vec()));
        assert_eq!(read_hex(b"|c3|"), Some(vec![0xc3]));
        assert_eq!(read_hex(b"a|00"), None);
    }
}
