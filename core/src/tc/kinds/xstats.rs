//! What each kind counts for itself (`TCA_STATS_APP`; `linux/pkt_sched.h`). Kernels differ in the size of these structures;
//! one of a size that is not listed stays bytes.

use crate::bytes::Hex;
use crate::tc::schema::{Attribute, Field, Names, Out, Read, Show, attr, field, pad};
use crate::tc::setting::{Setting, Value};

/// The counters of a kind, or their bytes.
pub(in crate::tc) fn own(kind: &str, is_class: bool, payload: &[u8]) -> Vec<Setting> {
    let mut out = Out::new(Names::none());
    if kind == "cake" && !is_class && out.attributes(CAKE, payload).is_ok() {
        return out.runtime;
    }
    let forms = FORMS
        .iter()
        .filter(|form| form.0 == kind && form.1 == is_class)
        .map(|form| form.2);
    for fields in forms {
        let mut out = Out::new(Names::none());
        if out.structure(fields, payload).is_ok() {
            return out.runtime;
        }
    }
    vec![Setting::new("own", Value::Raw(Hex(payload.to_vec())))]
}

const fn u(name: &'static str) -> Field {
    field(name, Read::U32, Show::Runtime)
}

const fn wide(name: &'static str) -> Field {
    field(name, Read::U64, Show::Runtime)
}

const fn signed(name: &'static str) -> Field {
    field(name, Read::I32, Show::Runtime)
}

/// Kind, whether of a class, fields.
const FORMS: &[(&str, bool, &[Field])] = &[
    ("fq", false, FQ),
    ("fq", false, FQ_BANDS),
    ("fq_codel", false, FQ_CODEL),
    ("fq_codel", true, FQ_CODEL_FLOW),
    ("codel", false, CODEL),
    ("pie", false, PIE),
    ("fq_pie", false, FQ_PIE),
    ("hhf", false, HHF),
    ("red", false, RED),
    ("choke", false, CHOKE),
    ("sfb", false, SFB),
    ("sfq", true, &[signed("allot")]),
    ("htb", true, HTB_CLASS),
    ("hfsc", true, HFSC_CLASS),
    ("drr", true, &[u("deficit")]),
    ("qfq", true, &[u("weight"), u("lmax")]),
    ("cbq", false, CBQ),
    ("cbq", true, CBQ),
];

const FQ: &[Field] = &[
    wide("gc_flows"),
    wide("highprio_packets"),
    wide("tcp_retrans"),
    wide("throttled"),
    wide("flows_plimit"),
    wide("pkts_too_long"),
    wide("allocation_errors"),
    field("time_next_delayed_flow", Read::I64, Show::Runtime),
    u("flows"),
    u("inactive_flows"),
    u("throttled_flows"),
    u("unthrottle_latency_ns"),
    wide("ce_mark"),
    wide("horizon_drops"),
    wide("horizon_caps"),
];
/// Since Linux 6.7.
const FQ_BANDS: &[Field] = &[
    field("", Read::Struct(FQ), Show::Runtime),
    wide("fastpath_packets"),
    wide("band0_drops"),
    wide("band1_drops"),
    wide("band2_drops"),
    u("band0_packets"),
    u("band1_packets"),
    u("band2_packets"),
    field("", Read::U32, Show::Ignore),
];
const FQ_CODEL: &[Field] = &[
    field("", Read::U32, Show::Ignore),
    u("maxpacket"),
    u("drop_overlimit"),
    u("ecn_mark"),
    u("new_flow_count"),
    u("new_flows_len"),
    u("old_flows_len"),
    u("ce_mark"),
    u("memory_usage"),
    u("drop_overmemory"),
];
const FQ_CODEL_FLOW: &[Field] = &[
    field("", Read::U32, Show::Ignore),
    signed("deficit"),
    u("ldelay"),
    u("count"),
    u("lastcount"),
    u("dropping"),
    signed("drop_next"),
    // The rest of the union that the qdisc's counters fill.
    field("", Read::Bytes(12), Show::Ignore),
];
const CODEL: &[Field] = &[
    u("maxpacket"),
    u("count"),
    u("lastcount"),
    u("ldelay"),
    signed("drop_next"),
    u("drop_overlimit"),
    u("ecn_mark"),
    u("dropping"),
    u("ce_mark"),
];
const PIE: &[Field] = &[
    wide("prob"),
    u("delay"),
    u("avg_dq_rate"),
    u("dq_rate_estimating"),
    u("packets_in"),
    u("dropped"),
    u("overlimit"),
    u("maxq"),
    u("ecn_mark"),
];
const FQ_PIE: &[Field] = &[
    u("packets_in"),
    u("dropped"),
    u("overlimit"),
    u("overmemory"),
    u("ecn_mark"),
    u("new_flow_count"),
    u("new_flows_len"),
    u("old_flows_len"),
    u("memory_usage"),
];
const HHF: &[Field] = &[
    u("drop_overlimit"),
    u("hh_overlimit"),
    u("hh_tot_count"),
    u("hh_cur_count"),
];
const RED: &[Field] = &[u("early"), u("pdrop"), u("other"), u("marked")];
const CHOKE: &[Field] = &[u("early"), u("pdrop"), u("other"), u("marked"), u("matched")];
const SFB: &[Field] = &[
    u("earlydrop"),
    u("penaltydrop"),
    u("bucketdrop"),
    u("queuedrop"),
    u("childdrop"),
    u("marked"),
    u("maxqlen"),
    u("maxprob"),
    u("avgprob"),
];
const HTB_CLASS: &[Field] = &[
    u("lends"),
    u("borrows"),
    u("giants"),
    signed("tokens"),
    signed("ctokens"),
];
const HFSC_CLASS: &[Field] = &[wide("work"), wide("rtwork"), u("period"), u("level")];
const CBQ: &[Field] = &[
    u("borrows"),
    u("overactions"),
    signed("avgidle"),
    signed("undertime"),
];

/// `TCA_CAKE_STATS_*`.
const CAKE: &[Attribute] = &[
    pad(1),
    attr(2, "capacity_estimate", Read::U64, Show::Runtime),
    attr(3, "memory_limit", Read::U32, Show::Runtime),
    attr(4, "memory_used", Read::U32, Show::Runtime),
    attr(5, "avg_netoff", Read::U32, Show::Runtime),
    attr(6, "min_netlen", Read::U32, Show::Runtime),
    attr(7, "max_netlen", Read::U32, Show::Runtime),
    attr(8, "min_adjlen", Read::U32, Show::Runtime),
    attr(9, "max_adjlen", Read::U32, Show::Runtime),
    attr(10, "tins", Read::Nest(CAKE_TINS), Show::Runtime),
    attr(11, "deficit", Read::I32, Show::Runtime),
    attr(12, "cobalt_count", Read::U32, Show::Runtime),
    attr(13, "dropping", Read::U32, Show::Runtime),
    attr(14, "drop_next_us", Read::I32, Show::Runtime),
    attr(15, "p_drop", Read::U32, Show::Runtime),
    attr(16, "blue_timer_us", Read::I32, Show::Runtime),
];

/// One number for each tin: 1 to 8.
const CAKE_TINS: &[Attribute] = &[
    attr(1, "", Read::Nest(CAKE_TIN), Show::Runtime),
    attr(2, "", Read::Nest(CAKE_TIN), Show::Runtime),
    attr(3, "", Read::Nest(CAKE_TIN), Show::Runtime),
    attr(4, "", Read::Nest(CAKE_TIN), Show::Runtime),
    attr(5, "", Read::Nest(CAKE_TIN), Show::Runtime),
    attr(6, "", Read::Nest(CAKE_TIN), Show::Runtime),
    attr(7, "", Read::Nest(CAKE_TIN), Show::Runtime),
    attr(8, "", Read::Nest(CAKE_TIN), Show::Runtime),
];

/// `TCA_CAKE_TIN_STATS_*`; the counters of the tins follow one another, the first tin's first.
const CAKE_TIN: &[Attribute] = &[
    pad(1),
    attr(2, "sent_packets", Read::U32, Show::Runtime),
    attr(3, "sent_bytes", Read::U64, Show::Runtime),
    attr(4, "dropped_packets", Read::U32, Show::Runtime),
    attr(5, "dropped_bytes", Read::U64, Show::Runtime),
    attr(6, "acks_dropped_packets", Read::U32, Show::Runtime),
    attr(7, "acks_dropped_bytes", Read::U64, Show::Runtime),
    attr(8, "ecn_marked_packets", Read::U32, Show::Runtime),
    attr(9, "ecn_marked_bytes", Read::U64, Show::Runtime),
    attr(10, "backlog_packets", Read::U32, Show::Runtime),
    attr(11, "backlog_bytes", Read::U32, Show::Runtime),
    attr(12, "threshold_rate", Read::U64, Show::Runtime),
    attr(13, "target_us", Read::U32, Show::Runtime),
    attr(14, "interval_us", Read::U32, Show::Runtime),
    attr(15, "way_indirect_hits", Read::U32, Show::Runtime),
    attr(16, "way_misses", Read::U32, Show::Runtime),
    attr(17, "way_collisions", Read::U32, Show::Runtime),
    attr(18, "peak_delay_us", Read::U32, Show::Runtime),
    attr(19, "avg_delay_us", Read::U32, Show::Runtime),
    attr(20, "base_delay_us", Read::U32, Show::Runtime),
    attr(21, "sparse_flows", Read::U32, Show::Runtime),
    attr(22, "bulk_flows", Read::U32, Show::Runtime),
    attr(23, "unresponsive_flows", Read::U32, Show::Runtime),
    attr(24, "max_skblen", Read::U32, Show::Runtime),
    attr(25, "flow_quantum", Read::U32, Show::Runtime),
];
