//! What differs between two snapshots, and what can't be said.
//!
//! Order matters inside a chain and between base chains of one hook and priority; everything else is matched by name or key.
//! A section that was not read whole on both sides never counts as equal: it is listed in `not_covered`, and the verdict is
//! `unknown` unless something else is known to differ.

use crate::section::SectionName;
use crate::snapshot::Snapshot;

mod align;
mod certify;
mod chain;
mod comparison;
mod entries;
pub mod fleet;
mod gaps;
mod ground;
mod hooks;
mod kind;
pub mod maker;
mod mute;
mod opaque;
mod pair;
mod ruleset;
mod sets;
mod side;
mod steps;

pub use certify::{CertifyError, Request};
pub use comparison::{
    Change, Comparison, CoveredSection, Digests, NotCovered, SCHEMA, Side, SideWarning, Significance, Verdict,
};
pub use kind::Kind;
pub use mute::{Mute, Muted};
pub use side::{ChainState, EntryState, RuleState, Stretch, TableState, Value};

/// Compares two snapshots of one place over the `requested` sections; nothing is muted.
pub fn compare(before: &Snapshot, after: &Snapshot, requested: &[SectionName]) -> Comparison {
    compare_muted(before, after, requested, &[])
}

/// As [`compare`]; changes inside chains that a pattern of `mutes` names are set apart and counted, and don't make drift.
pub fn compare_muted(
    before: &Snapshot,
    after: &Snapshot,
    requested: &[SectionName],
    mutes: &[Mute],
) -> Comparison {
    let mut names = requested.to_vec();
    names.sort();
    names.dedup();
    let mut found = Comparison::blank(before, after);
    for name in &names {
        ground::section(*name, before, after, &mut found);
    }
    ground::beyond(&names, before, after, &mut found);
    found.set_digests();
    found.mute(mutes);
    found.judge(&names);
    found
}

#[cfg(test)]
mod tests;
