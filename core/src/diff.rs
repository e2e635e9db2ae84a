//! What differs between two snapshots, and what can't be said.
//!
//! Order matters inside a chain and between base chains of one hook and priority; everything else is matched by name or key.
//! A section that was not read whole on both sides never counts as equal: it is listed in `not_covered`, and the verdict is
//! `unknown` unless something else is known to differ.

use std::collections::BTreeSet;

use crate::artifact::manifest::Manifest;
use crate::namespace::{Asked, MECHANISM};
use crate::section::SectionName;
use crate::snapshot::Snapshot;

mod align;
mod certify;
mod chain;
mod cloud;
mod comparison;
mod entries;
mod explain;
pub mod fleet;
mod gaps;
mod ground;
mod hooks;
mod kind;
pub mod maker;
mod mute;
mod namespaces;
mod opaque;
mod pair;
pub mod persisted;
mod ruleset;
mod sets;
mod side;
mod steps;

pub use certify::{CertifyError, Request};
pub use comparison::{
    Change, Comparison, CoveredSection, Digests, NotCovered, SCHEMA, Side, SideWarning, Significance, Verdict,
};
pub use explain::{Evidence, Explanation, Role, explain};
pub use kind::Kind;
pub use mute::{Mute, Muted};
pub use side::{ChainState, EntryState, RuleState, Stretch, TableState, Value};

/// Compares two snapshots of one place over the `requested` sections; nothing is muted.
pub fn compare(before: &Snapshot, after: &Snapshot, requested: &[SectionName]) -> Comparison {
    compare_muted(before, after, requested, &[])
}

/// As [`compare`]; changes inside chains that a pattern of `mutes` names are set apart and counted, and don't make drift. Other
/// network namespaces are compared as the baseline asked for them.
pub fn compare_muted(
    before: &Snapshot,
    after: &Snapshot,
    requested: &[SectionName],
    mutes: &[Mute],
) -> Comparison {
    let namespaces = before.namespaces.as_ref().map(|namespaces| &namespaces.asked);
    let scope = Scope {
        sections: requested,
        namespaces,
        mutes,
    };
    compare_scope(before, after, &scope)
}

/// What a comparison is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The sections.
    pub sections: &'a [SectionName],
    /// The other network namespaces, in which the same sections are compared; `None`: none of them.
    pub namespaces: Option<&'a Asked>,
    /// Which changes are set apart.
    pub mutes: &'a [Mute],
}

/// Compares two snapshots of one place over what is asked for.
pub fn compare_scope(before: &Snapshot, after: &Snapshot, scope: &Scope<'_>) -> Comparison {
    compare_known(before, after, scope, [None; 2])
}

/// A snapshot with the manifest that it was loaded by: [`load`](crate::artifact::manifest::load) has held the digests in it to what they stand for.
#[derive(Debug, Clone, Copy)]
pub struct Loaded<'a> {
    /// The manifest.
    pub manifest: &'a Manifest,
    /// The snapshot.
    pub snapshot: &'a Snapshot,
}

/// As [`compare_muted`], of what was stored: configurations of one digest are one, and are not looked at.
pub fn compare_stored(
    before: Loaded<'_>,
    after: Loaded<'_>,
    requested: &[SectionName],
    mutes: &[Mute],
) -> Comparison {
    let namespaces = before.snapshot.namespaces.as_ref();
    let scope = Scope {
        sections: requested,
        namespaces: namespaces.map(|namespaces| &namespaces.asked),
        mutes,
    };
    let manifests = [before, after].map(|loaded| Some(loaded.manifest));
    compare_known(before.snapshot, after.snapshot, &scope, manifests)
}

fn compare_known(
    before: &Snapshot,
    after: &Snapshot,
    scope: &Scope<'_>,
    manifests: [Option<&Manifest>; 2],
) -> Comparison {
    let mut names = scope.sections.to_vec();
    names.sort();
    names.dedup();
    let mut found = Comparison::blank(before, after);
    for name in &names {
        let sides = [before.section(*name), after.section(*name)];
        let known = ground::known(sides, manifests);
        ground::section(*name, sides, known, &after.target.name(), &mut found);
    }
    below_links(&mut found.changes);
    cloud::rate(&mut found, before, after);
    ground::beyond(&names, before, after, &mut found);
    if let Some(asked) = scope.namespaces {
        // Each of them is told of below.
        let told = |row: &NotCovered| row.mechanism.as_deref() == Some(MECHANISM);
        found.not_covered.retain(|row| !told(row));
        namespaces::compare(&names, asked, (before, after), &mut found);
    }
    found.set_digests();
    found.mute(scope.mutes);
    found.judge(&names);
    found
}

/// The kernel parameters of a link come and go with it: that is one change.
fn below_links(changes: &mut Vec<Change>) {
    let links = |kind: Kind| -> BTreeSet<String> {
        let of = changes.iter().filter(|change| change.kind == kind);
        of.map(|change| change.path.clone()).collect()
    };
    let (came, went) = (links(Kind::LinkAdded), links(Kind::LinkRemoved));
    changes.retain(|change| {
        let mut parts = change.path.split('/');
        // A fact of a link: its kind, the directory, the link.
        let (Some("sysctl"), Some(_), Some(link), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return true;
        };
        match (change.section, change.kind) {
            (SectionName::Sysctls, Kind::FactAdded) => !came.contains(link),
            (SectionName::Sysctls, Kind::FactRemoved) => !went.contains(link),
            _ => true,
        }
    });
}

#[cfg(test)]
mod tests;
