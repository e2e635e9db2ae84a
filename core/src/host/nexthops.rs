//! Nexthop objects, which routes and forwarding entries refer to, from `RTM_NEWNEXTHOP` messages (`linux/nexthop.h`).
//!
//! Their numbers are configuration: routes name them by it, and who makes them usually gives them.

use super::routes::words;
use crate::bytes::Text;
use crate::facts::attributes::{Form, Spec, Width, apart, decode, moves, set};
use crate::facts::{Fact, Facts, Lifted, Property, Value};
use crate::raw::HostRaw;
use crate::raw::attr::{Malformed, attrs};
use crate::raw::lift::{Fault, Fields, LiftError, whole};

/// The name of the part that holds the messages.
pub const SOURCE: &str = "nexthops";

/// `RTM_NEWNEXTHOP`.
const NEW_NEXTHOP: u16 = 104;
/// `NHA_ID`.
const ID: u16 = 1;

/// `NHA_*`. The timers are in hundredths of a second.
const ATTRIBUTES: &[Spec] = &[
    apart(ID),
    set(2, "group", Form::Other(group)),
    set(3, "type", Form::Word(Width::Two, &[(1, "resilient")])).unless(0),
    set(4, "blackhole", Form::Flag),
    set(6, "via", Form::Ip),
    set(5, "dev", Form::Link),
    set(7, "encap_type", Form::U16),
    set(8, "encap", Form::Bytes),
    // The bridge or VRF that the device is in follows from the link.
    apart(10),
    set(11, "fdb", Form::Flag),
    set(12, "resilient", Form::Nested(RESILIENT)),
    // NHA_OP_FLAGS only asks; NHA_GROUP_STATS counts; NHA_HW_STATS_USED is the driver's.
    apart(14),
    moves(15, "stats", Form::Bytes),
    set(16, "hw_stats", Form::U32).unless(0),
    moves(17, "hw_stats_used", Form::U32),
];

/// `NHA_RES_GROUP_*`.
const RESILIENT: &[Spec] = &[
    apart(0),
    set(1, "buckets", Form::U16),
    set(2, "idle_timer", Form::U32),
    set(3, "unbalanced_timer", Form::U32),
    moves(4, "unbalanced_time", Form::U64),
];

/// Decodes the messages of a dump of nexthop objects.
///
/// # Errors
/// Where a message is malformed, of another type, or names a link that is not there.
pub fn lift(raw: &HostRaw) -> Result<Lifted, LiftError> {
    let (mut config, mut runtime, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
    raw.each((SOURCE, "nexthop"), &[NEW_NEXTHOP], &mut gaps, |payload| {
        let (set, state) = nexthop(raw, payload)?;
        config.push(set);
        runtime.push(state);
        Ok(())
    })?;
    Ok(Lifted {
        config: Facts::new(config),
        runtime: Facts::new(runtime),
        gaps,
        ..Lifted::default()
    })
}

fn nexthop(raw: &HostRaw, payload: &[u8]) -> Result<(Fact, Fact), Fault> {
    // `struct nhmsg`.
    let mut header = Fields::new(payload, "struct nhmsg");
    let (_family, scope, protocol, _) = (header.u8()?, header.u8()?, header.u8()?, header.u8()?);
    let flags = header.u32()?;
    let all = whole(attrs(header.rest()))?;
    let id = all.iter().find(|attr| attr.kind == ID);
    let id = id.ok_or(Malformed::Missing { what: "NHA_ID" })?.ne32("NHA_ID")?;
    let decoded = decode(raw, ATTRIBUTES, &all)?;
    let key: Vec<Text> = vec![id.to_string().into()];
    let mut config = Fact::new("nexthop", key.clone());
    config.properties = decoded.config;
    let listed =
        |all: Vec<String>| (!all.is_empty()).then(|| Value::List(all.into_iter().map(Value::Word).collect()));
    config = config
        .with_some("scope", (scope != 0).then(|| Value::Word(words::scope(scope))))
        .with_some(
            "proto",
            (protocol != 0).then(|| Value::Word(words::protocol(protocol))),
        )
        .with_some("flags", listed(words::config_flags(flags)));
    config.other = decoded.other;
    let mut state = Fact::new("nexthop", key).with_some("flags", listed(words::runtime_flags(flags)));
    state.properties.extend(decoded.runtime);
    Ok((config, state))
}

/// An array of `struct nexthop_grp`: each has a number, its weight less one in two bytes that are apart, and two that are 0.
fn group(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let mut members = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let mut fields = Fields::new(rest, "struct nexthop_grp");
        let id = fields.u32()?;
        let (low, high, reserved) = (fields.u8()?, fields.u8()?, fields.u16()?);
        if reserved != 0 {
            return Ok(None);
        }
        let weight = u32::from(u16::from_le_bytes([low, high])).saturating_add(1);
        members.push((id, weight));
        rest = fields.rest();
    }
    // The order in which the members were given says nothing: shares are by weight.
    members.sort_unstable();
    let value = |(id, weight): (u32, u32)| {
        Value::Group(vec![
            Property::new("id", Value::number(id)),
            Property::new("weight", Value::number(weight)),
        ])
    };
    Ok(Some(Value::List(members.into_iter().map(value).collect())))
}

#[cfg(test)]
mod tests;
