//! IPsec policies and associations (`linux/xfrm.h`). Keys are taken out by [`without_keys`] before anything is kept.
//!
//! Policies of sockets come and go with their programs, and associations that a daemon negotiated are replaced before their
//! lifetime ends: both are runtime. An association without an end was set by somebody.

use crate::facts::{Fact, Facts, Lifted, Value};
use crate::raw::HostRaw;
use crate::raw::attr::Attr;
use crate::raw::lift::{Fault, Fields, LiftError};

mod association;
mod policy;
mod redact;
mod structs;

pub use redact::without_keys;

/// The part that holds the policies.
pub const POLICIES: &str = "xfrm policies";
/// The part that holds the associations, without keys.
pub const ASSOCIATIONS: &str = "xfrm associations";
/// The part that holds what becomes of packets without a policy.
pub const DEFAULTS: &str = "xfrm defaults";

/// `XFRM_MSG_NEWSA`, `XFRM_MSG_NEWPOLICY`, `XFRM_MSG_GETDEFAULT`.
const NEW_ASSOCIATION: u16 = 0x10;
const NEW_POLICY: u16 = 0x13;
const GET_DEFAULT: u16 = 0x28;

/// Decodes policies, associations and defaults.
///
/// # Errors
/// Where a message is malformed, of another type, or names a link that is not there.
pub fn lift(raw: &HostRaw) -> Result<Lifted, LiftError> {
    let (mut config, mut runtime, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
    raw.each((POLICIES, "policy"), &[NEW_POLICY], &mut gaps, |payload| {
        let (set, state) = policy::policy(raw, payload)?;
        config.extend(set);
        runtime.push(state);
        Ok(())
    })?;
    raw.each(
        (ASSOCIATIONS, "state"),
        &[NEW_ASSOCIATION],
        &mut gaps,
        |payload| {
            let (set, state) = association::association(raw, payload)?;
            config.extend(set);
            runtime.push(state);
            Ok(())
        },
    )?;
    raw.each((DEFAULTS, "default"), &[GET_DEFAULT], &mut gaps, |payload| {
        config.push(defaults(payload)?);
        Ok(())
    })?;
    Ok(Lifted {
        config: Facts::new(config),
        runtime: Facts::new(runtime),
        gaps,
        ..Lifted::default()
    })
}

/// `struct xfrm_userpolicy_default`, in the words of `ip xfrm policy getdefault`.
fn defaults(payload: &[u8]) -> Result<Fact, Fault> {
    let mut fields = Fields::new(payload, "struct xfrm_userpolicy_default");
    let mut fact = Fact::new("default", Vec::new());
    for name in ["in", "fwd", "out"] {
        let action = match fields.u8()? {
            1 => "block".to_owned(),
            2 => "accept".to_owned(),
            other => other.to_string(),
        };
        fact = fact.with(name, Value::Word(action));
    }
    Ok(fact)
}

fn find<'a>(all: &[Attr<'a>], kind: u16) -> Option<Attr<'a>> {
    all.iter().copied().find(|attr| attr.kind == kind)
}

#[cfg(test)]
mod tests;
