//! Queues that drop or mark by chance before they are full: `red`, `gred`, `choke`, `sfb`.

use super::{Form, arrange};
use crate::raw::attr::attrs;
use crate::raw::lift::whole;
use crate::tc::options::{Stop, unknown};
use crate::tc::schema::{Attribute, Field, Out, Read, Show, attr, field, own, pad, parms};
use crate::tc::setting::{Setting, Value, find};

pub(super) const QDISCS: &[(&str, Form)] = &[
    ("red", Form::Own(red)),
    ("choke", Form::Own(choke)),
    ("gred", Form::Own(gred)),
    ("sfb", Form::Attributes(SFB)),
];

/// `TC_RED_*`.
pub(super) const RED_FLAGS: &[(u64, &str)] = &[(1, "ecn"), (2, "harddrop"), (4, "adaptive"), (8, "nodrop")];

const RED_ORDER: &[&str] = &[
    "limit",
    "min",
    "max",
    "ecn",
    "harddrop",
    "adaptive",
    "nodrop",
    "ewma",
    "Plog",
    "probability",
    "Scell_log",
];

/// `struct tc_red_qopt` of `red`, in bytes.
const RED_PARMS: &[Field] = &[
    field("limit", Read::U32, Show::Bytes),
    field("min", Read::U32, Show::Bytes),
    field("max", Read::U32, Show::Bytes),
    field("ewma", Read::U8, Show::Number),
    field("Plog", Read::U8, Show::Number),
    field("Scell_log", Read::U8, Show::Number),
    field("flags", Read::U8, Show::Flags(RED_FLAGS)),
];

/// The same of `choke`, in packets.
const CHOKE_PARMS: &[Field] = &[
    field("limit", Read::U32, Show::Packets),
    field("min", Read::U32, Show::Packets),
    field("max", Read::U32, Show::Packets),
    field("ewma", Read::U8, Show::Number),
    field("Plog", Read::U8, Show::Number),
    field("Scell_log", Read::U8, Show::Number),
    field("flags", Read::U8, Show::Flags(RED_FLAGS)),
];

/// `TCA_RED_*`.
const RED: &[Attribute] = &[
    parms(1, RED_PARMS),
    attr(3, "probability", Read::U32, Show::Share(1 << 32)).unless(0),
    // `struct nla_bitfield32`: the flags again, with those that the structure has no room for.
    attr(4, "flags", Read::Struct(BITFIELD), Show::Ignore),
    attr(5, "qevent early_drop block", Read::U32, Show::Number).unless(0),
    attr(6, "qevent mark block", Read::U32, Show::Number).unless(0),
];
const BITFIELD: &[Field] = &[
    field("flags", Read::U32, Show::Flags(RED_FLAGS)),
    field("selector", Read::U32, Show::Ignore),
];

/// `TCA_CHOKE_*`.
const CHOKE: &[Attribute] = &[
    parms(1, CHOKE_PARMS),
    attr(3, "probability", Read::U32, Show::Share(1 << 32)).unless(0),
];

fn red(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    early(RED, payload, out)?;
    // An adaptive queue sets its probability itself.
    if find(&out.settings, "adaptive").is_some() {
        let (own, told) = std::mem::take(&mut out.settings)
            .into_iter()
            .partition(|setting| setting.name == "probability");
        out.settings = told;
        out.runtime.extend::<Vec<_>>(own);
    }
    Ok(())
}

fn choke(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    early(CHOKE, payload, out)
}

fn early(table: &'static [Attribute], payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    out.attributes(table, payload)?;
    tidy(&mut out.settings);
    Ok(())
}

/// One of each, and the old form of the probability only where the new one is not there.
fn tidy(settings: &mut Vec<Setting>) {
    arrange(settings, RED_ORDER);
    settings.dedup();
    if find(settings, "probability").is_some() {
        settings.retain(|setting| setting.name != "Plog");
    }
}

/// `TCA_SFB_*`.
const SFB: &[Attribute] = &[own(1, sfb)];

fn sfb(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    /// A millisecond in nanoseconds.
    const MS: u64 = 1_000_000;
    /// `SFB_MAX_PROB`.
    const CERTAIN: u64 = 0xffff;
    const PARMS: &[Field] = &[
        field("rehash", Read::U32, Show::Time(MS)),
        field("db", Read::U32, Show::Time(MS)),
        field("max", Read::U32, Show::Packets),
        field("target", Read::U32, Show::Packets),
        field("increment", Read::U32, Show::Share(CERTAIN)),
        field("decrement", Read::U32, Show::Share(CERTAIN)),
        field("limit", Read::U32, Show::Packets),
        field("penalty_rate", Read::U32, Show::Number),
        field("penalty_burst", Read::U32, Show::Packets),
    ];
    out.structure(PARMS, payload)?;
    arrange(
        &mut out.settings,
        &[
            "rehash",
            "db",
            "limit",
            "max",
            "target",
            "increment",
            "decrement",
            "penalty_rate",
            "penalty_burst",
        ],
    );
    Ok(())
}

/// `MAX_DPs`: how many virtual queues there are places for.
const QUEUES: usize = 16;
/// `sizeof(struct tc_gred_qopt)`.
const QUEUE_SIZE: usize = 52;

/// `struct tc_gred_sopt`.
const GRED_SETUP: &[Field] = &[
    field("vqs", Read::U32, Show::Number),
    field("default", Read::U32, Show::Number),
    field("grio", Read::U8, Show::Flag),
    field("flags", Read::U8, Show::Flags(RED_FLAGS)),
    field("", Read::U16, Show::Ignore),
];

/// `struct tc_gred_qopt`.
const GRED_QUEUE: &[Field] = &[
    field("limit", Read::U32, Show::Bytes),
    field("min", Read::U32, Show::Bytes),
    field("max", Read::U32, Show::Bytes),
    field("vq", Read::U32, Show::Number),
    field("backlog", Read::U32, Show::Runtime),
    field("qave", Read::U32, Show::Runtime),
    field("forced", Read::U32, Show::Runtime),
    field("early", Read::U32, Show::Runtime),
    field("other", Read::U32, Show::Runtime),
    field("pdrop", Read::U32, Show::Runtime),
    field("ewma", Read::U8, Show::Number),
    field("Plog", Read::U8, Show::Number),
    field("Scell_log", Read::U8, Show::Number),
    field("prio", Read::U8, Show::Number),
    field("packets", Read::U32, Show::Runtime),
    field("bytesin", Read::U32, Show::Runtime),
];

/// `TCA_GRED_*`: three lists side by side, one place for each virtual queue.
fn gred(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    let all = whole(attrs(payload))?;
    let value = |number: u16| all.iter().find(|attr| attr.kind == number).map(|attr| attr.value);
    if let Some(stranger) = all.iter().find(|attr| !matches!(attr.kind, 1 | 3..=6)) {
        return Err(unknown(stranger.kind));
    }
    out.structure(GRED_SETUP, value(3).unwrap_or_default())?;
    if let Some(limit) = value(5) {
        const LIMIT: &[Field] = &[field("limit", Read::U32, Show::Bytes)];
        out.structure(LIMIT, limit)?;
    }
    arrange(&mut out.settings, &["vqs", "default", "grio", "limit"]);
    let flags = queue_flags(value(6).unwrap_or_default(), out)?;
    let (queues, odd) = value(1).unwrap_or_default().as_chunks::<QUEUE_SIZE>();
    if queues.len() != QUEUES || !odd.is_empty() {
        return Err(Stop::Unknown("another number of virtual queues".to_owned()));
    }
    let (shares, _) = value(4).unwrap_or_default().as_chunks::<4>();
    for (place, queue) in queues.iter().enumerate() {
        let share = shares.get(place).copied().map(u32::from_ne_bytes);
        gred_queue(place, queue, share.unwrap_or_default(), &flags, out)?;
    }
    Ok(())
}

/// A place without a queue has a number beyond the last one.
fn gred_queue(
    place: usize,
    queue: &[u8],
    share: u32,
    flags: &[(usize, Vec<Setting>)],
    out: &mut Out<'_>,
) -> Result<(), Stop> {
    let mut inner = Out::new(out.names);
    inner.structure(GRED_QUEUE, queue)?;
    let number = u64::try_from(place).unwrap_or(u64::MAX);
    if find(&inner.settings, "vq") != Some(&Value::Number(crate::bytes::Big(number))) {
        return Ok(());
    }
    if share != 0 {
        let of = crate::bytes::Big(1 << 32);
        inner.set(
            "probability",
            Value::Share {
                parts: crate::bytes::Big(share.into()),
                of,
            },
        );
    }
    let own = flags.iter().find(|(at, _)| *at == place);
    inner
        .settings
        .extend(own.map(|(_, own)| own.clone()).unwrap_or_default());
    tidy(&mut inner.settings);
    arrange(&mut inner.settings, &["vq", "prio"]);
    let first = inner.settings.remove(0);
    let name = format!("vq {number}");
    debug_assert_eq!(first.name, "vq", "the number stands first");
    out.runtime.push(Setting::new(&name, Value::Group(inner.runtime)));
    out.set(&name, Value::Group(inner.settings));
    Ok(())
}

/// `TCA_GRED_VQ_*` (nested twice): the number of a queue, its flags, and counters.
fn queue_flags(payload: &[u8], out: &Out<'_>) -> Result<Vec<(usize, Vec<Setting>)>, Stop> {
    const ENTRY: &[Attribute] = &[
        pad(1),
        attr(2, "vq", Read::U32, Show::Runtime),
        attr(12, "flags", Read::U32, Show::Flags(RED_FLAGS)),
        pad(3),
        pad(4),
        pad(5),
        pad(6),
        pad(7),
        pad(8),
        pad(9),
        pad(10),
        pad(11),
    ];
    let mut rows = Vec::new();
    for entry in whole(attrs(payload))? {
        let (settings, runtime) = out.group(ENTRY, entry.value)?;
        let number = match find(&runtime, "vq") {
            Some(Value::Signed(number)) => number.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| Stop::Unknown("a virtual queue without number".to_owned()))?;
        rows.push((number, settings));
    }
    Ok(rows)
}
