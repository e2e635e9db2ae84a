//! What filters do with packets: `struct tc_action` and its kinds (`linux/pkt_cls.h`, `linux/tc_act/*.h`).

use serde::{Deserialize, Serialize};

use super::options::{self, Options, Stop};
use super::schema::{Attribute, Names, Out, Read, Show, attr, pad, without};
use super::setting::{Setting, Value, find};
use super::stats::{self, Statistics};
use crate::bytes::{Hex, Text};
use crate::raw::attr::{Attr, Malformed, attrs};
use crate::raw::lift::{OpaqueAttribute, whole};

mod kinds;
mod packet;
mod police;
mod tunnel;

pub(super) use tunnel::options as tunnel_options;

/// One action of a filter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Action {
    /// `gact`, `mirred`.
    pub kind: Text,
    /// What it was told; what becomes of the packet afterwards stands last.
    pub options: Options,
    /// Actions with the same kind and number are one: they share rate, counters and fate. The kernel's own numbers are
    /// runtime; these count from 1 in the order of the filters. `None` for an action that one filter has alone.
    pub shared: Option<u32>,
    /// What its owner wrote beside it.
    pub cookie: Option<Hex>,
    /// `no_percpu`, `skip_hw`, `skip_sw`, `hw_stats …`.
    pub flags: Vec<Setting>,
    /// Attributes that this version does not know, sorted.
    pub other: Vec<OpaqueAttribute>,
}

/// Runtime of an action.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ActionRuntime {
    /// The number that the kernel knows it by, where it says it.
    pub index: Option<String>,
    /// Times in ticks of 1/100 s, references, ids.
    pub own: Vec<Setting>,
    /// What went through.
    pub statistics: Statistics,
}

/// A decoded action, before it is known which are shared.
#[derive(Debug, Clone)]
pub(super) struct Decoded {
    pub(super) action: Action,
    pub(super) runtime: ActionRuntime,
}

impl Decoded {
    /// Kind and number, if more than one filter has it.
    pub(super) fn shared_as(&self) -> Option<(Text, String)> {
        let bound = match find(&self.runtime.own, "bindcnt") {
            Some(Value::Signed(count)) => count.parse::<i64>().unwrap_or_default(),
            _ => 0,
        };
        let index = self.runtime.index.clone().filter(|_| bound > 1)?;
        Some((self.action.kind.clone(), index))
    }
}

// TCA_ACT_*.
const KIND: u16 = 1;
const OPTIONS: u16 = 2;
const STATS: u16 = 4;
const COOKIE: u16 = 6;
const FLAGS: u16 = 7;
const HW_STATS: u16 = 8;

/// The attributes whose form is fixed.
const FIXED: &[Attribute] = &[
    attr(KIND, "kind", Read::Rest, Show::Ignore),
    attr(OPTIONS, "options", Read::Rest, Show::Ignore),
    attr(STATS, "stats", Read::Rest, Show::Ignore),
    attr(COOKIE, "cookie", Read::Rest, Show::Ignore),
    attr(3, "index", Read::Rest, Show::Ignore),
    pad(5),
    attr(
        FLAGS,
        "flags",
        Read::Struct(&[
            super::schema::field(
                "flags",
                Read::U32,
                Show::Flags(&[(1, "no_percpu"), (2, "skip_hw"), (4, "skip_sw")]),
            ),
            super::schema::field("", Read::U32, Show::Ignore),
        ]),
        Show::Ignore,
    ),
    attr(
        HW_STATS,
        "hw_stats",
        Read::Struct(&[
            super::schema::field(
                "hw_stats",
                Read::U32,
                Show::Words(&[
                    (0, "disabled"),
                    (1, "immediate"),
                    (2, "delayed"),
                    (3, "immediate delayed"),
                ]),
            ),
            super::schema::field("", Read::U32, Show::Ignore),
        ]),
        Show::Ignore,
    ),
    attr(9, "used_hw_stats", Read::Rest, Show::Runtime),
    attr(10, "in_hw_count", Read::U32, Show::Runtime),
];

/// The actions of a filter, in their order.
pub(super) fn list(payload: &[u8], names: Names<'_>) -> Result<Vec<Decoded>, Stop> {
    let mut all = whole(attrs(payload))?;
    all.sort_by_key(|attr| attr.kind);
    all.into_iter().map(|attr| one(attr.value, names)).collect()
}

fn one(payload: &[u8], names: Names<'_>) -> Result<Decoded, Stop> {
    let all = whole(attrs(payload))?;
    let value = |number: u16| all.iter().find(|attr| attr.kind == number);
    let kind = value(KIND).ok_or(Malformed::Missing { what: "TCA_ACT_KIND" })?;
    let told = value(OPTIONS).map(|attr| attr.value).unwrap_or_default();
    let mut decoded = told_to(kind.text(), told, names)?;
    let mut out = Out::new(names);
    let known: Vec<u16> = FIXED.iter().map(|row| row.number).collect();
    let strangers: Vec<u16> = all
        .iter()
        .map(|attr| attr.kind)
        .filter(|number| !known.contains(number))
        .collect();
    let rest = without(payload, &strangers)?;
    if out.attributes(FIXED, &rest).is_ok() {
        decoded.action.flags = out.settings;
        decoded.runtime.own.extend(out.runtime);
    } else {
        let flags = all.iter().filter(|attr| matches!(attr.kind, FLAGS | HW_STATS));
        decoded.action.other.extend(flags.map(|attr| (*attr).into()));
    }
    let others = all.iter().filter(|attr| strangers.contains(&attr.kind));
    decoded.action.other.extend(others.map(|attr| (*attr).into()));
    decoded.action.other.sort();
    decoded.action.cookie = value(COOKIE).map(|attr| Hex(attr.value.to_vec()));
    if let Some(stats) = value(STATS) {
        decoded.runtime.statistics = stats::decode("", false, *stats)?;
    }
    Ok(decoded)
}

/// An action by its kind and its options.
pub(super) fn told_to(kind: Text, payload: &[u8], names: Names<'_>) -> Result<Decoded, Stop> {
    let mut out = Out::new(names);
    let table = kinds::table(kind.as_str().unwrap_or_default());
    let outcome = match table {
        Some(table) => out.attributes(table, payload),
        None => Err(Stop::Unknown("actions of this kind are not decoded".to_owned())),
    };
    let options = match outcome {
        Ok(()) => {
            if kind.as_str() != Some("gact") {
                control_last(&mut out.settings);
            }
            Options::Settings {
                settings: out.settings,
            }
        }
        Err(Stop::Unknown(why)) => {
            let (kept, times) = still(table, payload)?;
            out.runtime = times;
            options::opaque(&kept, why).options
        }
        Err(stop) => return Err(stop),
    };
    let index = match find(&out.runtime, "index") {
        Some(Value::Signed(index)) => Some(index.clone()),
        _ => None,
    };
    out.runtime.retain(|setting| setting.name != "index");
    Ok(Decoded {
        action: Action {
            kind,
            options,
            shared: None,
            cookie: None,
            flags: Vec::new(),
            other: Vec::new(),
        },
        runtime: ActionRuntime {
            index,
            own: out.runtime,
            statistics: Statistics::default(),
        },
    })
}

/// What becomes of the packet is written last, but by `gact`, which does nothing else.
fn control_last(settings: &mut [Setting]) {
    settings.sort_by_key(|setting| setting.name == "control" || setting.name == "conform-exceed");
}

/// The attributes that stand still, and the times among them: those that the table says, or of a kind that has none, those
/// of the size of `struct tcf_t`, which every action has.
fn still(table: Option<&'static [Attribute]>, payload: &[u8]) -> Result<(Vec<u8>, Vec<Setting>), Stop> {
    const TIMES: usize = 32;
    let moves = |attr: &Attr<'_>| match table {
        Some(table) => table
            .iter()
            .any(|row| row.number == attr.kind && matches!(row.field.show, Show::Runtime)),
        None => attr.value.len() == TIMES,
    };
    let moving: Vec<_> = whole(attrs(payload))?.into_iter().filter(moves).collect();
    let numbers: Vec<u16> = moving.iter().map(|attr| attr.kind).collect();
    let times = moving
        .iter()
        .map(|attr| Setting::new("times", Value::Raw(Hex(attr.value.to_vec()))))
        .collect();
    Ok((without(payload, &numbers)?, times))
}
