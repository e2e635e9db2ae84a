//! Endpoints and limits of Multipath TCP, from the generic netlink family `mptcp_pm` (`linux/mptcp.h`).
//!
//! An endpoint's number is the kernel's unless somebody gives one, which can't be told: it is runtime.

use crate::bytes::Text;
use crate::facts::attributes::{Form, Spec, apart, decode, moves, set};
use crate::facts::{Fact, Facts, Lifted, Value};
use crate::raw::HostRaw;
use crate::raw::attr::{Attr, Malformed, attrs};
use crate::raw::lift::{Fault, LiftError, whole};

/// The part that holds the endpoints.
pub const ENDPOINTS: &str = "mptcp endpoints";
/// The part that holds the limits.
pub const LIMITS: &str = "mptcp limits";
/// The generic netlink family.
pub const FAMILY: &str = "mptcp_pm";

/// `struct genlmsghdr`.
const HEADER: usize = 4;
/// `MPTCP_PM_ATTR_ADDR`.
const ADDRESS: u16 = 1;

/// `MPTCP_PM_ADDR_ATTR_*`.
const ENDPOINT: &[Spec] = &[
    apart(1),
    apart(3),
    apart(4),
    apart(5),
    apart(FLAGS),
    set(7, "dev", Form::Link).unless(0),
    moves(2, "id", Form::U8),
];
const FLAGS: u16 = 6;
/// `MPTCP_PM_ADDR_FLAG_*`.
const WORDS: [(u32, &str); 5] = [
    (1, "signal"),
    (2, "subflow"),
    (4, "backup"),
    (8, "fullmesh"),
    (32, "laminar"),
];
/// `MPTCP_PM_ADDR_FLAG_IMPLICIT`: made by the kernel for an address that it used.
const IMPLICIT: u32 = 16;

/// `MPTCP_PM_ATTR_*` of the limits.
const LIMIT: &[Spec] = &[
    set(2, "add_addr_accepted", Form::U32),
    set(3, "subflows", Form::U32),
];

/// Decodes the endpoints and the limits.
///
/// # Errors
/// Where a message is malformed or names a link that is not there.
pub fn lift(raw: &HostRaw) -> Result<Lifted, LiftError> {
    let (mut config, mut runtime, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
    raw.each((ENDPOINTS, "endpoint"), &[0], &mut gaps, |payload| {
        let (set, state) = endpoint(raw, &body(payload)?)?;
        config.extend(set);
        runtime.push(state);
        Ok(())
    })?;
    raw.each((LIMITS, "limits"), &[0], &mut gaps, |payload| {
        let decoded = decode(raw, LIMIT, &body(payload)?)?;
        config.push(Fact {
            properties: decoded.config,
            other: decoded.other,
            ..Fact::new("limits", Vec::new())
        });
        Ok(())
    })?;
    Ok(Lifted {
        config: Facts::new(config),
        runtime: Facts::new(runtime),
        gaps,
        ..Lifted::default()
    })
}

fn body(payload: &[u8]) -> Result<Vec<Attr<'_>>, Malformed> {
    let body = payload.get(HEADER..).ok_or(Malformed::Short {
        what: "struct genlmsghdr",
        have: payload.len(),
        need: HEADER,
    })?;
    whole(attrs(body))
}

fn endpoint(raw: &HostRaw, message: &[Attr<'_>]) -> Result<(Option<Fact>, Fact), Fault> {
    let find = |all: &[Attr<'_>], kinds: &[u16]| all.iter().position(|attr| kinds.contains(&attr.kind));
    let missing = |what: &'static str| Malformed::Missing { what };
    let at = find(message, &[ADDRESS]).ok_or(missing("MPTCP_PM_ATTR_ADDR"))?;
    let told = message.get(at).ok_or(missing("MPTCP_PM_ATTR_ADDR"))?;
    let all = whole(told.nested())?;
    let get = |kinds: &[u16]| find(&all, kinds).and_then(|at| all.get(at));
    let address = get(&[3, 4]).ok_or(missing("MPTCP_PM_ADDR_ATTR_ADDR4 or _ADDR6"))?;
    let address = address.ip("an endpoint's address")?;
    let port = get(&[5])
        .map(|attr| attr.ne16("MPTCP_PM_ADDR_ATTR_PORT"))
        .transpose()?;
    let flags = get(&[FLAGS])
        .map(|attr| attr.ne32("MPTCP_PM_ADDR_ATTR_FLAGS"))
        .transpose()?
        .unwrap_or(0);
    let mut key = vec![Text::from(address.to_string())];
    key.extend(
        port.filter(|port| *port != 0)
            .map(|port| Text::from(format!("port {port}"))),
    );
    let decoded = decode(raw, ENDPOINT, &all)?;
    let mut config = Fact::new("endpoint", key.clone());
    config.properties = decoded.config;
    for (bit, word) in WORDS {
        config = config.with_flag(word, flags & bit != 0);
    }
    let known = WORDS.iter().fold(IMPLICIT, |all, (bit, _)| all | bit);
    let unknown = flags & !known;
    let unknown = (unknown != 0).then(|| Value::Word(format!("{unknown:#x}")));
    config = config.with_some("flags", unknown);
    config.other = decoded.other;
    let mut runtime = Fact::new("endpoint", key).with_flag("implicit", flags & IMPLICIT != 0);
    runtime.properties.extend(decoded.runtime);
    Ok(((flags & IMPLICIT == 0).then_some(config), runtime))
}

#[cfg(test)]
mod tests;
