//! nf_tables: from netlink messages to the rule model.
//!
//! Sources: `linux/netfilter/nf_tables.h` for messages and attributes; `nft`'s own datatypes for the meaning of set keys.

use super::model::{Ruleset, RulesetRuntime};
use super::unresolved;
use crate::raw::NetlinkRaw;
use crate::raw::attr::Malformed;
use crate::section::Gap;

pub mod consts;
mod expr;
pub(crate) mod field;
pub mod hidden;
mod implicit;
mod key_type;
mod lift;
pub mod message;
mod object;
mod order;
mod register;
mod set;
pub(crate) mod typed;
mod udata;
pub mod whole;

pub use lift::stream;

/// A decoded ruleset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifted {
    /// What is compared.
    pub config: Ruleset,
    /// What is not.
    pub runtime: RulesetRuntime,
}

/// Decodes the messages of tables, chains, rules, sets, elements, objects and flowtables.
///
/// An expression that is not understood stays whole as [`super::model::Opaque`]; a message that is cut or misses its name is
/// an error, since a rule that can't be placed can't be left out either.
pub fn lift(raw: &NetlinkRaw) -> Result<Lifted, Malformed> {
    let mut lifted = lift::Lift::new(raw)?.ruleset()?;
    super::set_names::resolve(&mut lifted.config, &raw.sets);
    Ok(lifted)
}

/// What of a ruleset was not read, or is not known to be the same: chains that are short, rules too large to be read, rules
/// that name something by number only.
pub fn gaps(raw: &NetlinkRaw, lifted: &Lifted) -> Result<Vec<Gap>, Malformed> {
    let mut gaps = whole::gaps(raw)?;
    gaps.extend(hidden::gaps(lifted));
    gaps.extend(unresolved::gaps(&lifted.config));
    Ok(gaps)
}

#[cfg(test)]
mod tests;
