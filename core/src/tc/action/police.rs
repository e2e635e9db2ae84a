//! `police` (`struct tc_police`, `TCA_POLICE_*`, `linux/pkt_cls.h`).

use crate::bytes::Big;
use crate::tc::TICK_NS;
use crate::tc::options::Stop;
use crate::tc::schema::{Attribute, Field, Out, Read, Show, attr, field, own, pad};
use crate::tc::setting::{Setting, Value, find};
use crate::tc::shaper::RateSpec;

use super::kinds::times;

/// The structure is read after the attributes that widen its rates.
pub(super) const POLICE: &[Attribute] = &[
    attr(8, "wide_rate", Read::U64, Show::Rate),
    attr(9, "wide_peakrate", Read::U64, Show::Rate),
    own(1, parameters),
    attr(10, "pkts_rate", Read::U64, Show::Number),
    own(11, packets),
    attr(4, "avrate", Read::U32, Show::Rate),
    own(5, conforming),
    times(6),
    pad(7),
];

/// `struct tc_ratespec`, twice.
const RATE: &[Field] = &[
    field("", Read::U8, Show::Ignore),
    field(
        "linklayer",
        Read::U8,
        Show::Words(&[(0, "unspec"), (1, "ethernet"), (2, "atm")]),
    )
    .unless(0),
    field("overhead", Read::U16, Show::Number).unless(0),
    field("", Read::I16, Show::Ignore),
    field("mpu", Read::U16, Show::Number).unless(0),
    field("rate", Read::U32, Show::Number),
];

/// `struct tc_police` up to its rates, between them, and behind them.
const HEAD: &[Field] = &[
    field("index", Read::U32, Show::Runtime),
    field("conform-exceed", Read::I32, Show::Control),
    field("limit", Read::U32, Show::Number).unless(0),
    field("burst", Read::U32, Show::Number),
    field("mtu", Read::U32, Show::Bytes),
];
const TAIL: &[Field] = &[
    field("refcnt", Read::I32, Show::Runtime),
    field("bindcnt", Read::I32, Show::Runtime),
    field("capab", Read::U32, Show::Bits).unless(0),
];

fn parameters(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    let wide = std::mem::take(&mut out.settings);
    let rest = out.fields(HEAD, payload)?;
    let mut rate = Out::new(out.names);
    let rest = rate.fields(RATE, rest)?;
    let mut peak = Out::new(out.names);
    let rest = peak.fields(RATE, rest)?;
    out.structure(TAIL, rest)?;
    let bytes_per_s = |narrow: &[Setting], name: &str| match (find(&wide, name), find(narrow, "rate")) {
        (Some(Value::Rate(rate)), _) | (None, Some(Value::Number(rate))) => *rate,
        _ => Big(0),
    };
    let (speed, peak_speed) = (
        bytes_per_s(&rate.settings, "wide_rate"),
        bytes_per_s(&peak.settings, "wide_peakrate"),
    );
    let ticks = match find(&out.settings, "burst") {
        Some(Value::Number(ticks)) => ticks.0,
        _ => 0,
    };
    let spec = RateSpec {
        rate_bytes_per_s: speed,
        ..RateSpec::default()
    };
    let burst = spec.bytes_in(Big(ticks.saturating_mul(TICK_NS)));
    out.settings.retain(|setting| setting.name != "burst");
    if speed.0 != 0 {
        out.settings
            .insert(0, Setting::new("burst", Value::Bytes(Big(burst))));
        out.settings.insert(0, Setting::new("rate", Value::Rate(speed)));
    }
    if peak_speed.0 != 0 {
        out.set("peakrate", Value::Rate(peak_speed));
    }
    rate.settings.retain(|setting| setting.name != "rate");
    out.settings.append(&mut rate.settings);
    // Without a bound on the size of packets the field is all ones.
    out.settings
        .retain(|setting| setting.value != Value::Bytes(Big(u32::MAX.into())));
    Ok(())
}

/// The depth of the bucket for packets is kept as the time that it takes to fill.
fn packets(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const BURST: &[Field] = &[field("ticks", Read::U64, Show::Number)];
    let mut inner = Out::new(out.names);
    inner.structure(BURST, payload)?;
    let number = |settings: &[Setting], name: &str| match find(settings, name) {
        Some(Value::Number(number)) => *number,
        _ => Big(0),
    };
    let rate = RateSpec {
        rate_bytes_per_s: number(&out.settings, "pkts_rate"),
        ..RateSpec::default()
    };
    let ticks = number(&inner.settings, "ticks");
    let burst = rate.bytes_in(Big(ticks.0.saturating_mul(TICK_NS)));
    out.set("pkts_burst", Value::Number(Big(burst)));
    Ok(())
}

/// `TCA_POLICE_RESULT`: what becomes of what is within the rate; behind a slash, as `tc` writes it.
fn conforming(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const RESULT: &[Field] = &[field("within", Read::I32, Show::Control)];
    let mut inner = Out::new(out.names);
    inner.structure(RESULT, payload)?;
    let within = inner.settings.first().map(|setting| setting.value.to_string());
    let exceed = out
        .settings
        .iter_mut()
        .find(|setting| setting.name == "conform-exceed");
    if let (Some(within), Some(exceed)) = (within, exceed) {
        let both = format!("{}/{within}", exceed.value);
        exceed.value = Value::Word(both);
    }
    Ok(())
}
