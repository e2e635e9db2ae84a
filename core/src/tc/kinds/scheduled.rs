//! Qdiscs that map priorities to the device's queues, and those that send by the clock: `mqprio`, `taprio`, `cbs`, `etf`.

use super::Form;
use crate::bytes::Big;
use crate::raw::attr::attrs;
use crate::raw::lift::whole;
use crate::tc::options::{Stop, unknown};
use crate::tc::schema::{Attribute, Field, Out, Read, Show, attr, field, own, pad};
use crate::tc::setting::Value;

pub(super) const QDISCS: &[(&str, Form)] = &[
    ("mqprio", Form::Own(mqprio)),
    ("taprio", Form::Attributes(TAPRIO)),
    ("cbs", Form::Attributes(CBS)),
    ("etf", Form::Attributes(ETF)),
];

/// `TCA_CBS_PARMS`, `struct tc_cbs_qopt`; `offload` is printed last.
const CBS: &[Attribute] = &[own(1, cbs)];

fn cbs(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const PARMS: &[Field] = &[
        field("offload", Read::U8, Show::Number),
        field("", Read::Bytes(3), Show::Ignore),
        field("hicredit", Read::I32, Show::Signed),
        field("locredit", Read::I32, Show::Signed),
        field("idleslope", Read::I32, Show::Signed),
        field("sendslope", Read::I32, Show::Signed),
    ];
    out.structure(PARMS, payload)?;
    super::arrange(
        &mut out.settings,
        &["hicredit", "locredit", "sendslope", "idleslope"],
    );
    Ok(())
}

/// `CLOCK_*` (`linux/time.h`), as `tc` names them.
pub(in crate::tc) const CLOCKS: &[(i32, &str)] = &[
    (-1, "invalid"),
    (0, "REALTIME"),
    (1, "MONOTONIC"),
    (7, "BOOTTIME"),
    (11, "TAI"),
];

const ON_OFF: &[(i32, &str)] = &[(0, "off"), (1, "on")];

/// `TCA_ETF_PARMS`, `struct tc_etf_qopt`.
const ETF: &[Attribute] = &[own(1, etf)];

fn etf(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const PARMS: &[Field] = &[
        field("delta", Read::I32, Show::Signed),
        field("clockid", Read::I32, Show::Words(CLOCKS)),
        field(
            "flags",
            Read::U32,
            Show::Flags(&[(2, "offload"), (1, "deadline_mode"), (4, "skip_sock_check")]),
        ),
    ];
    out.structure(PARMS, payload)?;
    for name in ["offload", "deadline_mode", "skip_sock_check"] {
        let on = out.settings.iter().any(|setting| setting.name == name);
        out.settings.retain(|setting| setting.name != name);
        let word = ON_OFF.get(usize::from(on)).map(|(_, word)| *word);
        out.set(name, Value::Word(word.unwrap_or_default().to_owned()));
    }
    super::arrange(&mut out.settings, &["clockid", "delta"]);
    Ok(())
}

/// `struct tc_mqprio_qopt` without padding.
const QUEUES: &[Field] = &[
    field("num_tc", Read::U8, Show::Number),
    field("map", Read::Bytes(16), Show::Each),
    field("hw", Read::U8, Show::Number),
];

/// `sizeof(struct tc_mqprio_qopt)`: a byte, 16 bytes, a byte, and 16 counts and 16 offsets of two bytes.
const QUEUES_SIZE: usize = 82;

/// The traffic classes and which queues each has, as `tc` accepts them: count and offset.
fn queues(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    let (parms, counts) = payload
        .split_at_checked(18)
        .filter(|_| payload.len() == QUEUES_SIZE)
        .ok_or_else(|| Stop::Unknown("another form of struct tc_mqprio_qopt".to_owned()))?;
    let Some(classes) = parms.first().copied() else {
        return Ok(());
    };
    out.structure(QUEUES, parms)?;
    let (numbers, _) = counts.as_chunks::<2>();
    let number = |at: usize| {
        let bytes = numbers.get(at).copied().unwrap_or_default();
        Big(u16::from_ne_bytes(bytes).into())
    };
    let list = (0..usize::from(classes).min(16)).map(|class| {
        let (count, offset) = (number(class), number(class.saturating_add(16)));
        Value::Word(format!("{count}@{offset}"))
    });
    out.set("queues", Value::List(list.collect()));
    super::arrange(&mut out.settings, &["num_tc", "map", "queues"]);
    Ok(())
}

/// `TCA_MQPRIO_*`, which follow the structure and its padding.
fn mqprio(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    let (structure, rest) = payload
        .split_at_checked(QUEUES_SIZE)
        .ok_or_else(|| Stop::Unknown("another form of struct tc_mqprio_qopt".to_owned()))?;
    queues(structure, out)?;
    out.attributes(MQPRIO, rest.get(2..).unwrap_or_default())
}

const MQPRIO: &[Attribute] = &[
    attr(1, "mode", Read::U16, Show::Words(&[(0, "dcb"), (1, "channel")])),
    attr(
        2,
        "shaper",
        Read::U16,
        Show::Words(&[(0, "dcb"), (1, "bw_rlimit")]),
    ),
    own(3, least),
    own(4, most),
    own(5, traffic_class),
];

fn least(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    rates("min_rate", payload, out)
}

fn most(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    rates("max_rate", payload, out)
}

/// One rate for each traffic class, each in an attribute of the list's own number.
fn rates(name: &str, payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const LIST: &[Attribute] = &[
        attr(3, "", Read::U64, Show::Rate),
        attr(4, "", Read::U64, Show::Rate),
    ];
    let (settings, _) = out.group(LIST, payload)?;
    out.set(
        name,
        Value::List(settings.into_iter().map(|one| one.value).collect()),
    );
    Ok(())
}

/// `TCA_MQPRIO_TC_ENTRY_*` and `TCA_TAPRIO_TC_ENTRY_*`, which are alike but for the middle number.
fn traffic_class(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const ENTRY: &[Attribute] = &[
        attr(1, "index", Read::U32, Show::Number),
        attr(2, "fp", Read::U32, Show::Words(&[(1, "E"), (2, "P")])),
    ];
    let (settings, _) = out.group(ENTRY, payload)?;
    out.set("tc_entry", Value::Group(settings));
    Ok(())
}

/// `TCA_TAPRIO_ATTR_*`.
const TAPRIO: &[Attribute] = &[
    pad(6),
    own(1, queues),
    attr(5, "clockid", Read::I32, Show::Words(CLOCKS)),
    attr(10, "flags", Read::U32, Show::Bits),
    attr(11, "txtime-delay", Read::U32, Show::Number).unless(0),
    attr(3, "base-time", Read::I64, Show::Signed),
    attr(8, "cycle-time", Read::I64, Show::Signed),
    attr(9, "cycle-time-extension", Read::I64, Show::Signed),
    own(2, schedule),
    own(7, next_schedule),
    own(12, taprio_class),
];

fn taprio_class(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const ENTRY: &[Attribute] = &[
        attr(1, "index", Read::U32, Show::Number),
        attr(2, "max_sdu", Read::U32, Show::Number).unless(0),
        attr(3, "fp", Read::U32, Show::Words(&[(1, "E"), (2, "P")])).unless(1),
    ];
    let (settings, _) = out.group(ENTRY, payload)?;
    // The kernel lists all sixteen; most are told nothing.
    if settings.len() > 1 {
        out.set("tc_entry", Value::Group(settings));
    }
    Ok(())
}

/// The schedule that takes over from the present one.
fn next_schedule(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const NEXT: &[Attribute] = &[
        attr(3, "base-time", Read::I64, Show::Signed),
        attr(8, "cycle-time", Read::I64, Show::Signed),
        attr(9, "cycle-time-extension", Read::I64, Show::Signed),
        own(2, schedule),
        pad(6),
    ];
    let (settings, _) = out.group(NEXT, payload)?;
    out.set("admin", Value::Group(settings));
    Ok(())
}

/// `TCA_TAPRIO_SCHED_ENTRY_*`: which gates are open, and for how many nanoseconds.
fn schedule(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const ENTRY: &[Attribute] = &[
        attr(1, "index", Read::U32, Show::Number),
        attr(2, "cmd", Read::U8, Show::Words(&[(0, "S"), (1, "H"), (2, "R")])),
        attr(3, "gatemask", Read::U32, Show::Bits),
        attr(4, "interval", Read::U32, Show::Number),
    ];
    for entry in whole(attrs(payload))? {
        if entry.kind != 1 {
            return Err(unknown(entry.kind));
        }
        let (settings, _) = out.group(ENTRY, entry.value)?;
        out.set("sched-entry", Value::Group(settings));
    }
    Ok(())
}
