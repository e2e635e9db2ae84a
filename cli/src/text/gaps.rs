//! What an answer says nothing about.

use std::collections::BTreeMap;

use super::table::columns;

/// One thing that is not covered.
#[derive(Debug)]
pub(super) struct Gap {
    /// The section, a part of it, or a mechanism.
    pub(super) place: String,
    /// Why.
    pub(super) why: String,
    /// Whether it was asked for.
    pub(super) requested: bool,
}

/// What was asked for line by line, all else in one line for each reason.
pub(super) fn gaps(all: &[Gap]) -> String {
    if all.is_empty() {
        return "\nnot covered: nothing\n".to_owned();
    }
    let (requested, rest): (Vec<&Gap>, Vec<&Gap>) = all.iter().partition(|gap| gap.requested);
    let row = |gap: &&Gap| vec![gap.place.clone(), gap.why.clone()];
    let table: Vec<Vec<String>> = requested.iter().map(row).collect();
    let mut out = format!("\nnot covered\n{}", columns(&table, 2));
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for gap in rest {
        reasons.entry(&gap.why).or_default().push(&gap.place);
    }
    for (why, places) in reasons {
        out += &format!("  not requested, {why}: {}\n", places.join(", "));
    }
    out
}
