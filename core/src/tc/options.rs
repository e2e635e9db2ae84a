//! `TCA_OPTIONS`: what a qdisc or class was told, by kind.

use serde::{Deserialize, Serialize};

use super::netem::{self, Netem};
use super::shaper::{self, Htb, HtbClass, Tbf};
use crate::bytes::{Big, Hex, Text};
use crate::raw::attr::{Malformed, attrs};
use crate::raw::lift::{Fields, exact};

/// What a qdisc or class was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Options {
    /// Nothing: the kind takes no options, or this class has none.
    None,
    /// Delays, loses, doubles, reorders and damages packets.
    Netem(Box<Netem>),
    /// A token bucket.
    Tbf(Tbf),
    /// A tree of token buckets.
    Htb(Htb),
    /// One token bucket of that tree.
    HtbClass(HtbClass),
    /// Bands by priority: `prio` and `pfifo_fast` (`struct tc_prio_qopt`).
    Bands {
        /// How many there are; the first is served first.
        bands: u32,
        /// The band of each of the 16 priorities.
        priority_map: Vec<u8>,
    },
    /// `pfifo` (`struct tc_fifo_qopt`).
    Packets {
        /// How many packets may wait.
        limit_packets: u32,
    },
    /// `bfifo` (`struct tc_fifo_qopt`).
    Bytes {
        /// How many bytes may wait.
        limit_bytes: u32,
    },
    /// Options that this version does not decode, whole.
    Opaque {
        /// The payload of `TCA_OPTIONS`.
        payload: Hex,
        /// The attribute numbers in it, where it is a list of attributes.
        attributes: Vec<u16>,
        /// What was not understood.
        why: String,
    },
}

/// Options, and what stands among them that is runtime.
#[derive(Debug, Clone)]
pub(super) struct Decoded {
    pub(super) options: Options,
    pub(super) prng_seed: Option<Big>,
    pub(super) direct_packets: Option<u32>,
    pub(super) level: Option<u32>,
}

impl From<Options> for Decoded {
    fn from(options: Options) -> Self {
        Self {
            options,
            prng_seed: None,
            direct_packets: None,
            level: None,
        }
    }
}

/// Why options did not decode.
#[derive(Debug)]
pub(super) enum Stop {
    /// Bytes are missing: the message can't be trusted.
    Malformed(Malformed),
    /// Whole, but not understood: kept as it is.
    Unknown(String),
}

impl From<Malformed> for Stop {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Value { .. } => Self::Unknown(malformed.to_string()),
            other => Self::Malformed(other),
        }
    }
}

pub(super) fn unknown(number: u16) -> Stop {
    Stop::Unknown(format!("attribute {number} is not known"))
}

pub(super) fn decode(kind: &Text, is_class: bool, payload: Option<&[u8]>) -> Result<Decoded, Malformed> {
    let word = kind.as_str().unwrap_or_default();
    let outcome = match payload {
        Some(payload) if is_class => class(word, payload),
        Some(payload) => qdisc(word, payload),
        None if needs_options(word, is_class) => {
            return Err(Malformed::Missing { what: "TCA_OPTIONS" });
        }
        None => Ok(Options::None.into()),
    };
    match outcome {
        Ok(decoded) => Ok(decoded),
        Err(Stop::Malformed(malformed)) => Err(malformed),
        Err(Stop::Unknown(why)) => Ok(opaque(payload.unwrap_or_default(), why)),
    }
}

fn needs_options(word: &str, is_class: bool) -> bool {
    if is_class {
        word == "htb"
    } else {
        matches!(
            word,
            "netem" | "tbf" | "htb" | "prio" | "pfifo_fast" | "pfifo" | "bfifo"
        )
    }
}

fn qdisc(word: &str, payload: &[u8]) -> Result<Decoded, Stop> {
    match word {
        "netem" => netem::decode(payload),
        "tbf" => Ok(Options::Tbf(shaper::tbf(payload)?).into()),
        "htb" => shaper::htb(payload),
        "prio" | "pfifo_fast" => bands(payload),
        "pfifo" => limit(payload).map(|limit_packets| Options::Packets { limit_packets }.into()),
        "bfifo" => limit(payload).map(|limit_bytes| Options::Bytes { limit_bytes }.into()),
        "sfq" => Ok(sfq(payload)),
        _ => none_or_unknown(payload),
    }
}

/// `struct tc_sfq_qopt_v1` ends in 24 bytes of counters (`struct tc_sfqred_stats`), which are no configuration.
fn sfq(payload: &[u8]) -> Decoded {
    const WITHOUT_COUNTERS: usize = 48;
    let kept = match payload.len() {
        72 => payload.get(..WITHOUT_COUNTERS).unwrap_or(payload),
        _ => payload,
    };
    opaque(
        kept,
        "options of this kind are not decoded; its counters are left out".to_owned(),
    )
}

fn class(word: &str, payload: &[u8]) -> Result<Decoded, Stop> {
    match word {
        "htb" => shaper::htb_class(payload),
        _ => none_or_unknown(payload),
    }
}

fn none_or_unknown(payload: &[u8]) -> Result<Decoded, Stop> {
    if payload.is_empty() {
        Ok(Options::None.into())
    } else {
        Err(Stop::Unknown("options of this kind are not decoded".to_owned()))
    }
}

fn bands(payload: &[u8]) -> Result<Decoded, Stop> {
    let bytes = exact::<20>(payload, "struct tc_prio_qopt")?;
    let mut fields = Fields::new(&bytes, "struct tc_prio_qopt");
    Ok(Options::Bands {
        bands: fields.u32()?,
        priority_map: fields.rest().to_vec(),
    }
    .into())
}

fn limit(payload: &[u8]) -> Result<u32, Stop> {
    Ok(u32::from_ne_bytes(exact(payload, "struct tc_fifo_qopt")?))
}

fn opaque(payload: &[u8], why: String) -> Decoded {
    let attributes: Result<Vec<_>, _> = attrs(payload).map(|attr| attr.map(|attr| attr.kind)).collect();
    Options::Opaque {
        payload: Hex(payload.to_vec()),
        // A structure is no list of attributes, and then no number is given.
        attributes: attributes.unwrap_or_default(),
        why,
    }
    .into()
}
