//! Queues that share fairly between flows, and those that keep delay low: `fq`, `fq_codel`, `sfq`, `cake`, `codel`, `pie`,
//! `fq_pie`, `hhf`.

use super::{Form, arrange};
use crate::tc::options::Stop;
use crate::tc::schema::{Attribute, Field, Out, Read, Show, attr, field, own, pad};
use crate::tc::setting::{Setting, Value, find};

/// A microsecond in nanoseconds.
const US: u64 = 1000;
/// Not set, in 32 bits.
const NONE: u64 = 0xffff_ffff;

pub(super) const QDISCS: &[(&str, Form)] = &[
    ("fq", Form::Attributes(FQ)),
    ("fq_codel", Form::Attributes(FQ_CODEL)),
    ("sfq", Form::Structure(SFQ, SFQ_ORDER)),
    ("cake", Form::Own(cake)),
    ("codel", Form::Attributes(CODEL)),
    ("pie", Form::Attributes(PIE)),
    ("fq_pie", Form::Attributes(FQ_PIE)),
    ("hhf", Form::Attributes(HHF)),
];

/// `TCA_FQ_*`; 16 to 18 came with Linux 6.7 and later.
const FQ: &[Attribute] = &[
    attr(1, "limit", Read::U32, Show::Packets),
    attr(2, "flow_limit", Read::U32, Show::Packets),
    attr(8, "buckets", Read::U32, Show::Power),
    attr(10, "orphan_mask", Read::U32, Show::Number),
    attr(
        5,
        "",
        Read::U32,
        Show::Keywords(&[(0, "nopacing"), (1, "pacing")]),
    )
    .unless(1),
    attr(16, "bands", Read::Struct(PRIORITY_BANDS), Show::Ignore),
    own(17, weights),
    attr(3, "quantum", Read::U32, Show::Bytes),
    attr(4, "initial_quantum", Read::U32, Show::Bytes),
    attr(7, "maxrate", Read::U32, Show::Rate).unless(NONE),
    attr(6, "defrate", Read::U32, Show::Rate).unless(0),
    attr(11, "low_rate_threshold", Read::U32, Show::Rate).unless(0),
    attr(9, "refill_delay", Read::U32, Show::Time(US)),
    attr(12, "ce_threshold", Read::U32, Show::Time(US)).unless(NONE),
    attr(13, "timer_slack", Read::U32, Show::Time(1)),
    attr(14, "horizon", Read::U32, Show::Time(US)),
    attr(
        15,
        "",
        Read::U8,
        Show::Keywords(&[(0, "horizon_cap"), (1, "horizon_drop")]),
    ),
    attr(18, "offload_horizon", Read::U32, Show::Time(US)).unless(0),
];

/// `struct tc_prio_qopt`, with the bands in front.
pub(super) const PRIORITY_BANDS: &[Field] = &[
    field("bands", Read::U32, Show::Number),
    field("priomap", Read::Bytes(16), Show::Each),
];

fn weights(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    let mut inner = Out::new(out.names);
    const THREE: &[Field] = &[
        field("", Read::I32, Show::Signed),
        field("", Read::I32, Show::Signed),
        field("", Read::I32, Show::Signed),
    ];
    inner.structure(THREE, payload)?;
    out.set(
        "weights",
        Value::List(inner.settings.into_iter().map(|one| one.value).collect()),
    );
    Ok(())
}

/// `TCA_CODEL_*`.
const CODEL: &[Attribute] = &[
    attr(2, "limit", Read::U32, Show::Packets),
    attr(1, "target", Read::U32, Show::Time(US)),
    attr(5, "ce_threshold", Read::U32, Show::Time(US)),
    attr(3, "interval", Read::U32, Show::Time(US)),
    attr(4, "ecn", Read::U32, Show::Flag),
];

/// `TCA_FQ_CODEL_*`.
const FQ_CODEL: &[Attribute] = &[
    attr(2, "limit", Read::U32, Show::Packets),
    attr(5, "flows", Read::U32, Show::Number),
    attr(6, "quantum", Read::U32, Show::Number),
    attr(1, "target", Read::U32, Show::Time(US)),
    attr(7, "ce_threshold", Read::U32, Show::Time(US)),
    attr(10, "ce_threshold_selector", Read::U8, Show::Bits).unless(0),
    attr(11, "ce_threshold_mask", Read::U8, Show::Bits).unless(0),
    attr(3, "interval", Read::U32, Show::Time(US)),
    attr(9, "memory_limit", Read::U32, Show::Bytes),
    attr(4, "ecn", Read::U32, Show::Flag),
    attr(8, "drop_batch", Read::U32, Show::Number),
];

/// `TCA_PIE_*`.
const PIE: &[Attribute] = &[
    attr(2, "limit", Read::U32, Show::Packets),
    attr(1, "target", Read::U32, Show::Time(US)),
    attr(3, "tupdate", Read::U32, Show::Time(US)),
    attr(4, "alpha", Read::U32, Show::Number),
    attr(5, "beta", Read::U32, Show::Number),
    attr(6, "ecn", Read::U32, Show::Flag),
    attr(7, "bytemode", Read::U32, Show::Flag),
    attr(8, "dq_rate_estimator", Read::U32, Show::Flag),
];

/// `TCA_FQ_PIE_*`.
const FQ_PIE: &[Attribute] = &[
    attr(1, "limit", Read::U32, Show::Packets),
    attr(2, "flows", Read::U32, Show::Number),
    attr(3, "target", Read::U32, Show::Time(US)),
    attr(4, "tupdate", Read::U32, Show::Time(US)),
    attr(5, "alpha", Read::U32, Show::Number),
    attr(6, "beta", Read::U32, Show::Number),
    attr(7, "quantum", Read::U32, Show::Bytes),
    attr(8, "memory_limit", Read::U32, Show::Bytes),
    attr(9, "ecn_prob", Read::U32, Show::Number),
    attr(10, "ecn", Read::U32, Show::Flag),
    attr(11, "bytemode", Read::U32, Show::Flag),
    attr(12, "dq_rate_estimator", Read::U32, Show::Flag),
];

/// `TCA_HHF_*`.
const HHF: &[Attribute] = &[
    attr(1, "limit", Read::U32, Show::Packets),
    attr(2, "quantum", Read::U32, Show::Bytes),
    attr(3, "hh_limit", Read::U32, Show::Number),
    attr(4, "reset_timeout", Read::U32, Show::Time(US)),
    attr(5, "admit_bytes", Read::U32, Show::Bytes),
    attr(6, "evict_timeout", Read::U32, Show::Time(US)),
    attr(7, "non_hh_weight", Read::U32, Show::Number),
];

/// `struct tc_sfq_qopt_v1`; what follows `max_P` counts.
const SFQ: &[Field] = &[
    field("quantum", Read::U32, Show::Bytes),
    field("perturb", Read::I32, Show::Seconds).unless(0),
    field("limit", Read::U32, Show::Packets),
    field("divisor", Read::U32, Show::Number),
    field("flows", Read::U32, Show::Number),
    field("depth", Read::U32, Show::Number),
    field("headdrop", Read::U32, Show::Flag),
    field("redflowlimit", Read::U32, Show::Bytes).unless(0),
    field("min", Read::U32, Show::Bytes).unless(0),
    field("max", Read::U32, Show::Bytes).unless(0),
    field("ewma", Read::U8, Show::Number).unless(0),
    field("internal_plog", Read::U8, Show::Number).unless(0),
    field("internal_scell_log", Read::U8, Show::Number).unless(0),
    field("flags", Read::U8, Show::Flags(super::random::RED_FLAGS)),
    field("probability", Read::U32, Show::Share(1 << 32)).unless(0),
    field("prob_drop", Read::U32, Show::Runtime),
    field("forced_drop", Read::U32, Show::Runtime),
    field("prob_mark", Read::U32, Show::Runtime),
    field("forced_mark", Read::U32, Show::Runtime),
    field("prob_mark_head", Read::U32, Show::Runtime),
    field("forced_mark_head", Read::U32, Show::Runtime),
];
const SFQ_ORDER: &[&str] = &[
    "limit",
    "quantum",
    "depth",
    "headdrop",
    "flows",
    "divisor",
    "perturb",
    "redflowlimit",
    "ewma",
    "min",
    "max",
    "probability",
    "ecn",
    "harddrop",
];

/// `TCA_CAKE_*`.
const CAKE: &[Attribute] = &[
    pad(1),
    attr(2, "bandwidth", Read::U64, Show::Rate).unless(0),
    attr(9, "autorate-ingress", Read::U32, Show::Flag),
    attr(3, "", Read::U32, Show::Keywords(DIFFSERV)),
    attr(5, "", Read::U32, Show::Keywords(FLOW_MODES)),
    attr(11, "", Read::U32, Show::Keywords(&[(0, "nonat"), (1, "nat")])),
    attr(13, "", Read::U32, Show::Keywords(&[(0, "nowash"), (1, "wash")])),
    attr(15, "ingress", Read::U32, Show::Flag),
    attr(16, "", Read::U32, Show::Keywords(ACK_FILTERS)),
    attr(
        17,
        "",
        Read::U32,
        Show::Keywords(&[(0, "no-split-gso"), (1, "split-gso")]),
    ),
    attr(7, "rtt", Read::U32, Show::Time(US)),
    attr(12, "raw", Read::Rest, Show::Flag),
    attr(
        4,
        "",
        Read::U32,
        Show::Keywords(&[(0, "noatm"), (1, "atm"), (2, "ptm")]),
    ),
    attr(6, "overhead", Read::I32, Show::Signed),
    attr(14, "mpu", Read::U32, Show::Number).unless(0),
    attr(10, "memlimit", Read::U32, Show::Bytes).unless(0),
    attr(18, "fwmark", Read::U32, Show::Bits).unless(0),
    attr(8, "internal_target", Read::U32, Show::Time(US)),
];
const DIFFSERV: &[(i32, &str)] = &[
    (0, "diffserv3"),
    (1, "diffserv4"),
    (2, "diffserv8"),
    (3, "besteffort"),
    (4, "precedence"),
];
const FLOW_MODES: &[(i32, &str)] = &[
    (0, "flowblind"),
    (1, "srchost"),
    (2, "dsthost"),
    (3, "hosts"),
    (4, "flows"),
    (5, "dual-srchost"),
    (6, "dual-dsthost"),
    (7, "triple-isolate"),
];
const ACK_FILTERS: &[(i32, &str)] = &[
    (0, "no-ack-filter"),
    (1, "ack-filter"),
    (2, "ack-filter-aggressive"),
];

/// `cake` says `raw` beside a framing that is then not used, and nothing where the bandwidth has no bound.
fn cake(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    out.attributes(CAKE, payload)?;
    if find(&out.settings, "raw").is_some() {
        out.settings
            .retain(|setting| setting.value != Value::Keyword("noatm".to_owned()));
    }
    if find(&out.settings, "bandwidth").is_none() {
        let unlimited = Value::Word("unlimited".to_owned());
        out.settings.push(Setting::new("bandwidth", unlimited));
    }
    arrange(&mut out.settings, &["bandwidth"]);
    Ok(())
}
