//! Qdiscs that serve classes by number, weight or curve: `hfsc`, `drr`, `qfq`, `ets`, `multiq`, `cbq`, `dsmark`, `mq`; and
//! queues with a limit and little more.

use super::Form;
use crate::tc::options::Stop;
use crate::tc::schema::{Attribute, Field, Out, Read, Show, attr, field, own, parms};
use crate::tc::setting::Value;

pub(super) const QDISCS: &[(&str, Form)] = &[
    ("pfifo_head_drop", Form::Structure(PACKETS, &[])),
    ("skbprio", Form::Structure(SKBPRIO, &[])),
    ("plug", Form::Structure(PLUG, &[])),
    ("multiq", Form::Structure(MULTIQ, &[])),
    ("hfsc", Form::Structure(HFSC, &[])),
    ("ets", Form::Attributes(ETS)),
    ("cbq", Form::Attributes(CBQ)),
    ("dsmark", Form::Attributes(DSMARK)),
    // Without options of their own.
    ("drr", Form::Attributes(&[])),
    ("qfq", Form::Attributes(&[])),
    ("mq", Form::Attributes(&[])),
    ("ingress", Form::Attributes(&[])),
    ("clsact", Form::Attributes(&[])),
    ("noqueue", Form::Attributes(&[])),
];

pub(super) const CLASSES: &[(&str, Form)] = &[
    ("hfsc", Form::Own(hfsc_class)),
    ("drr", Form::Attributes(DRR_CLASS)),
    ("qfq", Form::Attributes(QFQ_CLASS)),
    ("ets", Form::Attributes(ETS_CLASS)),
    ("cbq", Form::Attributes(CBQ)),
    ("dsmark", Form::Attributes(DSMARK_CLASS)),
    ("tbf", Form::Attributes(&[])),
    ("red", Form::Attributes(&[])),
    ("choke", Form::Attributes(&[])),
    ("sfb", Form::Attributes(&[])),
    ("prio", Form::Attributes(&[])),
    ("mq", Form::Attributes(&[])),
    ("mqprio", Form::Attributes(&[])),
    ("multiq", Form::Attributes(&[])),
    ("netem", Form::Attributes(&[])),
    ("taprio", Form::Attributes(&[])),
    ("cbs", Form::Attributes(&[])),
    ("skbprio", Form::Attributes(&[])),
];

const PACKETS: &[Field] = &[field("limit", Read::U32, Show::Packets)];
const SKBPRIO: &[Field] = &[field("limit", Read::U32, Show::Number)];
/// `struct tc_plug_qopt`.
const PLUG: &[Field] = &[
    field("action", Read::I32, Show::Signed),
    field("limit", Read::U32, Show::Bytes),
];
/// `struct tc_multiq_qopt`: what it has, and what the device would allow.
const MULTIQ: &[Field] = &[
    field("bands", Read::U16, Show::Number),
    field("internal_most_bands", Read::U16, Show::Number),
];
/// `struct tc_hfsc_qopt`.
const HFSC: &[Field] = &[field("default", Read::U16, Show::Minor).unless(0)];

/// `TCA_HFSC_*`.
const HFSC_CLASS: &[Attribute] = &[own(1, real_time), own(2, link_share), own(3, upper_limit)];

/// One curve for real time and link sharing alike is a service curve.
fn hfsc_class(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    out.attributes(HFSC_CLASS, payload)?;
    let settings = &mut out.settings;
    let position = |name: &str| settings.iter().position(|setting| setting.name == name);
    if let (Some(one), Some(other)) = (position("rt"), position("ls"))
        && settings.get(one).map(|setting| &setting.value)
            == settings.get(other).map(|setting| &setting.value)
    {
        settings.remove(other);
        if let Some(both) = settings.get_mut(one) {
            both.name = "sc".to_owned();
        }
    }
    Ok(())
}

fn real_time(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    curve("rt", payload, out)
}

fn link_share(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    curve("ls", payload, out)
}

fn upper_limit(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    curve("ul", payload, out)
}

/// `struct tc_service_curve`.
fn curve(name: &str, payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const CURVE: &[Field] = &[
        field("m1", Read::U32, Show::Rate),
        field("d", Read::U32, Show::Time(1000)),
        field("m2", Read::U32, Show::Rate),
    ];
    let mut inner = Out::new(out.names);
    inner.structure(CURVE, payload)?;
    out.set(name, Value::Group(inner.settings));
    Ok(())
}

/// `TCA_DRR_*`.
const DRR_CLASS: &[Attribute] = &[attr(1, "quantum", Read::U32, Show::Bytes)];
/// `TCA_QFQ_*`.
const QFQ_CLASS: &[Attribute] = &[
    attr(1, "weight", Read::U32, Show::Number),
    attr(2, "maxpkt", Read::U32, Show::Number),
];
/// `TCA_ETS_*` of a class.
const ETS_CLASS: &[Attribute] = &[attr(4, "quantum", Read::U32, Show::Number)];

/// `TCA_ETS_*`.
const ETS: &[Attribute] = &[
    attr(1, "bands", Read::U8, Show::Number),
    attr(2, "strict", Read::U8, Show::Number).unless(0),
    own(3, quanta),
    own(5, priomap),
];

fn quanta(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const BAND: &[Attribute] = &[attr(4, "", Read::U32, Show::Number)];
    each("quanta", BAND, payload, out)
}

fn priomap(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const BAND: &[Attribute] = &[attr(6, "", Read::U8, Show::Number)];
    each("priomap", BAND, payload, out)
}

fn each(name: &str, band: &'static [Attribute], payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    let (settings, _) = out.group(band, payload)?;
    if !settings.is_empty() {
        out.set(
            name,
            Value::List(settings.into_iter().map(|one| one.value).collect()),
        );
    }
    Ok(())
}

/// `struct tc_cbq_lssopt`.
const CBQ_SHARING: &[Field] = &[
    field("", Read::U8, Show::Ignore),
    field("flags", Read::U8, Show::Flags(&[(1, "bounded"), (2, "isolated")])),
    field("ewma", Read::U8, Show::Number),
    field("level", Read::U8, Show::Runtime),
    field("maxidle", Read::U32, Show::Number),
    field("minidle", Read::U32, Show::Number),
    field("offtime", Read::U32, Show::Number),
    field("avpkt", Read::U32, Show::Number),
];
/// `struct tc_cbq_wrropt`.
const CBQ_TURNS: &[Field] = &[
    field("", Read::U8, Show::Ignore),
    field("prio", Read::U8, Show::Number),
    field("cpriority", Read::U8, Show::Number),
    field("", Read::U8, Show::Ignore),
    field("allot", Read::U32, Show::Bytes),
    field("weight", Read::U32, Show::Number),
];
/// `struct tc_cbq_fopt`.
const CBQ_SPLIT: &[Field] = &[
    field("split", Read::U32, Show::Class),
    field("defmap", Read::U32, Show::Bits),
    field("", Read::U32, Show::Ignore),
];
/// `struct tc_cbq_ovl`.
const CBQ_OVER: &[Field] = &[
    field("strategy", Read::U8, Show::Number),
    field("priority2", Read::U8, Show::Number),
    field("", Read::U16, Show::Ignore),
    field("penalty", Read::U32, Show::Number),
];
/// `struct tc_cbq_police`.
const CBQ_POLICE: &[Field] = &[
    field("police", Read::U8, Show::Number),
    field("", Read::U8, Show::Ignore),
    field("", Read::U16, Show::Ignore),
];
/// `TCA_CBQ_*`, which Linux had until 6.2.
const CBQ: &[Attribute] = &[
    own(5, cbq_rate),
    parms(1, CBQ_SHARING),
    parms(2, CBQ_TURNS),
    parms(3, CBQ_SPLIT),
    parms(4, CBQ_OVER),
    parms(7, CBQ_POLICE),
    attr(6, "internal_rate_table", Read::Rest, Show::Raw),
];

fn cbq_rate(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    out.structure(RATE_SPEC, payload)
}

/// `struct tc_ratespec`.
const RATE_SPEC: &[Field] = &[
    field("cell_log", Read::U8, Show::Number).unless(0),
    field(
        "linklayer",
        Read::U8,
        Show::Words(&[(0, "unaware"), (1, "ethernet"), (2, "atm")]),
    ),
    field("overhead", Read::U16, Show::Bytes).unless(0),
    field("cell_align", Read::I16, Show::Signed).unless(0),
    field("mpu", Read::U16, Show::Bytes).unless(0),
    field("rate", Read::U32, Show::Rate),
];

/// `TCA_DSMARK_*`, which Linux had until 6.2.
const DSMARK: &[Attribute] = &[
    attr(1, "indices", Read::U16, Show::Bits),
    attr(2, "default_index", Read::U16, Show::Bits),
    attr(3, "set_tc_index", Read::Rest, Show::Flag),
];
const DSMARK_CLASS: &[Attribute] = &[
    attr(4, "mask", Read::U8, Show::Bits),
    attr(5, "value", Read::U8, Show::Bits),
];
