//! `TCA_OPTIONS`: what a qdisc or class was told, by kind.

use serde::{Deserialize, Serialize};

use super::kinds;
use super::netem::{self, Netem};
use super::schema::Names;
use super::setting::Setting;
use super::shaper::{self, Htb, HtbClass, Tbf};
use crate::bytes::{Big, Hex, Text};
use crate::raw::attr::{Malformed, attrs};
use crate::raw::lift::{Fields, exact};

/// What a qdisc or class was told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// What other kinds were told, in the order and with the words of `tc`.
    Settings {
        /// Each with its name.
        settings: Vec<Setting>,
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
    pub(super) own: Vec<Setting>,
}

impl From<Options> for Decoded {
    fn from(options: Options) -> Self {
        Self {
            options,
            prng_seed: None,
            direct_packets: None,
            level: None,
            own: Vec::new(),
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
    /// The index of a link that this reading does not have.
    NoLink(u32),
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
        Err(Stop::Unknown(why)) => Ok(opaque(kept(word, payload.unwrap_or_default()), why)),
        Err(Stop::NoLink(index)) => Err(Malformed::Value {
            what: "an interface index among the options",
            value: index.into(),
        }),
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
        _ => told(kinds::qdisc(word), payload),
    }
}

/// `struct tc_sfq_qopt_v1` ends in 24 bytes of counters (`struct tc_sfqred_stats`), which are no configuration even where
/// the rest is not understood.
fn kept<'a>(word: &str, payload: &'a [u8]) -> &'a [u8] {
    const WITHOUT_COUNTERS: usize = 48;
    match (word, payload.len()) {
        ("sfq", 72) => payload.get(..WITHOUT_COUNTERS).unwrap_or(payload),
        _ => payload,
    }
}

fn class(word: &str, payload: &[u8]) -> Result<Decoded, Stop> {
    match word {
        "htb" => shaper::htb_class(payload),
        _ => told(kinds::class(word), payload),
    }
}

/// By the tables; a kind that is in none has no options or is opaque.
fn told(form: Option<kinds::Form>, payload: &[u8]) -> Result<Decoded, Stop> {
    let Some(form) = form else {
        return match payload {
            [] => Ok(Options::None.into()),
            _ => Err(Stop::Unknown("options of this kind are not decoded".to_owned())),
        };
    };
    if payload.is_empty() {
        return Ok(Options::None.into());
    }
    let (settings, own) = kinds::decode(form, payload, Names::none())?;
    let mut decoded = Decoded::from(Options::Settings { settings });
    decoded.own = own;
    Ok(decoded)
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

pub(super) fn opaque(payload: &[u8], why: String) -> Decoded {
    let attributes: Result<Vec<_>, _> = attrs(payload).map(|attr| attr.map(|attr| attr.kind)).collect();
    Options::Opaque {
        payload: Hex(payload.to_vec()),
        // A structure is no list of attributes, and then no number is given.
        attributes: attributes.unwrap_or_default(),
        why,
    }
    .into()
}
