//! The connection table: how full it is, connections it expects, helpers that run in user space and timeout policies, from
//! `linux/netfilter/nfnetlink_{conntrack,cthelper,cttimeout}.h`.
//!
//! The default timeouts are parameters, in the section `sysctls`.

use crate::bytes::{Big, Text};
use crate::facts::{Fact, Facts, Lifted, Property, Value};
use crate::raw::lift::{Fault, Fields, LiftError};
use crate::raw::{HostRaw, RawMessage};
use crate::section::{Gap, Warning};

mod expectation;
mod helper;
mod timeout;

/// How many connections there are.
pub const COUNT: &str = "/proc/sys/net/netfilter/nf_conntrack_count";
/// How many there may be; 0 is no bound.
pub const MAX: &str = "/proc/sys/net/netfilter/nf_conntrack_max";
/// The part with a message for each CPU.
pub const STATISTICS: &str = "statistics";
/// The part with the expected connections.
pub const EXPECTATIONS: &str = "expectations";
/// The part with the helpers.
pub const HELPERS: &str = "helpers";
/// The part with the timeout policies.
pub const TIMEOUTS: &str = "timeouts";

// `nfnl_subsys << 8 | message`, as answers have them.
const STATISTICS_TYPE: u16 = 1 << 8 | 4;
const EXPECTATION_TYPE: u16 = 2 << 8;
const TIMEOUT_TYPE: u16 = 8 << 8;
const HELPER_TYPE: u16 = 9 << 8;

/// `sizeof(struct nfgenmsg)`.
const HEADER: usize = 4;

/// `CTA_STATS_*`, with the words of `conntrack -S`.
const COUNTERS: [(u16, &str); 15] = [
    (1, "searched"),
    (2, "found"),
    (3, "new"),
    (4, "invalid"),
    (5, "ignore"),
    (6, "delete"),
    (7, "delete_list"),
    (8, "insert"),
    (9, "insert_failed"),
    (10, "drop"),
    (11, "early_drop"),
    (12, "error"),
    (13, "search_restart"),
    (14, "clash_resolve"),
    (15, "chaintoolong"),
];

/// Decodes what was read.
///
/// # Errors
/// Where a message is malformed or of another type, or a file holds no number.
pub fn lift(raw: &HostRaw) -> Result<Lifted, LiftError> {
    let mut out = Lifted::default();
    let (mut config, mut runtime) = (Vec::new(), Vec::new());
    let count = number(raw, COUNT, &mut out.gaps)?;
    let max = number(raw, MAX, &mut out.gaps)?;
    config.extend(max.map(|max| Fact::new("conntrack", Vec::new()).with("max", Value::Number(Big(max)))));
    runtime.extend(
        count.map(|count| Fact::new("conntrack", Vec::new()).with("count", Value::Number(Big(count)))),
    );
    out.warnings.extend(fullness(count, max));
    each(raw, STATISTICS, STATISTICS_TYPE, &mut out.gaps, |payload| {
        runtime.push(statistics(payload)?);
        Ok(())
    })?;
    each(raw, EXPECTATIONS, EXPECTATION_TYPE, &mut out.gaps, |payload| {
        runtime.push(expectation::fact(payload)?);
        Ok(())
    })?;
    each(raw, HELPERS, HELPER_TYPE, &mut out.gaps, |payload| {
        config.push(helper::fact(payload)?);
        Ok(())
    })?;
    each(raw, TIMEOUTS, TIMEOUT_TYPE, &mut out.gaps, |payload| {
        let (policy, uses) = timeout::facts(payload)?;
        config.push(policy);
        runtime.push(uses);
        Ok(())
    })?;
    out.config = Facts::new(config);
    out.runtime = Facts::new(runtime);
    Ok(out)
}

/// Runs over the messages of a part, all of which have this type.
fn each(
    raw: &HostRaw,
    source: &str,
    message_type: u16,
    gaps: &mut Vec<Gap>,
    mut take: impl FnMut(&[u8]) -> Result<(), Fault>,
) -> Result<(), LiftError> {
    for (position, message) in raw.messages(source, source, gaps)?.iter().enumerate() {
        let RawMessage {
            message_type: found,
            payload,
        } = message;
        if *found != message_type {
            return Err(LiftError::Type {
                position,
                message_type: *found,
            });
        }
        take(&payload.0).map_err(|fault| fault.at(position))?;
    }
    Ok(())
}

fn number(raw: &HostRaw, source: &str, gaps: &mut Vec<Gap>) -> Result<Option<u64>, LiftError> {
    let Some(text) = raw.file(source, "conntrack", gaps)? else {
        return Ok(None);
    };
    let number = text.as_str().and_then(|text| text.trim().parse().ok());
    number.map(Some).ok_or_else(|| LiftError::Part {
        part: source.to_owned(),
        why: format!("no number: {text}"),
    })
}

/// A full table drops the first packet of every new connection.
fn fullness(count: Option<u64>, max: Option<u64>) -> Option<Warning> {
    let (count, max) = (count?, max.filter(|max| *max > 0)?);
    let code = match count {
        _ if count >= max => "CONNTRACK_FULL",
        _ if u128::from(count) * 100 >= u128::from(max) * 95 => "CONNTRACK_NEARLY_FULL",
        _ => return None,
    };
    Some(Warning {
        code: code.to_owned(),
        message: format!("{count} of at most {max} connections: a full table drops the packets of new ones"),
    })
}

/// What one CPU counted; its number stands in `res_id`.
fn statistics(payload: &[u8]) -> Result<Fact, Fault> {
    let mut header = Fields::new(payload, "struct nfgenmsg");
    let (_family_and_version, cpu) = (header.u16()?, u16::from_be(header.u16()?));
    let mut fact = Fact::new("statistics", vec![Text::from("cpu"), Text::from(cpu.to_string())]);
    for attr in crate::raw::attr::attrs(payload.get(HEADER..).unwrap_or_default()) {
        let attr = attr?;
        match COUNTERS.iter().find(|(kind, _)| *kind == attr.kind) {
            Some((_, word)) => {
                let value = Value::number(attr.be32("CTA_STATS")?);
                fact.properties.push(Property::new(word, value));
            }
            None => fact.other.push(attr.into()),
        }
    }
    Ok(fact)
}

/// `ipv4`, `ipv6`, or the number of another.
fn family_word(family: u16) -> String {
    match family {
        2 => "ipv4".to_owned(),
        10 => "ipv6".to_owned(),
        other => other.to_string(),
    }
}

/// The protocols that are tracked, by `IPPROTO_*`.
fn protocol_word(protocol: u8) -> String {
    match protocol {
        1 => "icmp".to_owned(),
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        33 => "dccp".to_owned(),
        47 => "gre".to_owned(),
        58 => "icmpv6".to_owned(),
        132 => "sctp".to_owned(),
        136 => "udplite".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
