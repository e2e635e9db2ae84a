//! Tables and chains.

use super::comparison::Change;
use super::gaps::Gaps;
use super::pair::by_key;
use super::side::{self, Value};
use super::{Kind, chain, hooks, maker, sets};
use crate::netfilter::model::{OpaqueAttribute, Plane, Ruleset, Table};
use crate::netfilter::twin::ByChain;
use crate::section::SectionName;

/// What all changes of a ruleset share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) section: SectionName,
    pub(super) gaps: &'a Gaps,
    pub(super) before: Plane,
    pub(super) after: Plane,
    /// What the rules of chains have alike, where a walk found it already.
    pub(super) runs: &'a ByChain<'a>,
}

impl Scope<'_> {
    pub(super) fn change(&self, kind: Kind, path: impl Into<String>) -> Change {
        Change::new(self.section, kind, path.into())
    }
}

/// A table that is on both sides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tables<'a> {
    pub(super) before: &'a Table,
    pub(super) after: &'a Table,
}

/// Everything that differs between two rulesets of one section. `runs`: what a walk over these two found of their chains, or nothing.
pub(super) fn compare(
    section: SectionName,
    before: &Ruleset,
    after: &Ruleset,
    gaps: &Gaps,
    runs: &ByChain<'_>,
) -> Vec<Change> {
    let scope = Scope {
        section,
        gaps,
        before: before.plane,
        after: after.plane,
        runs,
    };
    let mut out = Vec::new();
    out.extend(plane(&scope));
    for pair in by_key(&before.tables, &after.tables, |table| (table.family, &table.name)) {
        out.extend(match pair {
            (Some(one), Some(other)) => tables(
                &scope,
                Tables {
                    before: one,
                    after: other,
                },
            ),
            (Some(one), None) => whole(&scope, Kind::TableRemoved, one).into_iter().collect(),
            (None, Some(other)) => whole(&scope, Kind::TableAdded, other).into_iter().collect(),
            (None, None) => Vec::new(),
        });
    }
    out.extend(hooks::compare(&scope, &before.hook_order, &after.hook_order));
    out
}

fn plane(scope: &Scope<'_>) -> Option<Change> {
    let stated = |plane: Plane| match plane {
        Plane::Legacy => Some("legacy"),
        Plane::Nft => Some("nft"),
        Plane::Unstated => None,
    };
    let (one, other) = (stated(scope.before)?, stated(scope.after)?);
    (one != other).then(|| {
        scope
            .change(Kind::PlaneChanged, "plane")
            .before(Value::Word(one))
            .after(Value::Word(other))
    })
}

/// The path of a table.
pub(super) fn table_path(table: &Table) -> String {
    format!("{}/{}", table.family, table.name)
}

/// A table with all that is in it, as one change.
fn whole(scope: &Scope<'_>, kind: Kind, table: &Table) -> Option<Change> {
    let path = table_path(table);
    if scope.gaps.hide(&path) {
        return None;
    }
    let mut change = scope.change(kind, path);
    change.maker = maker::of_table(&table.name);
    let plane = if kind == Kind::TableAdded {
        scope.after
    } else {
        scope.before
    };
    let state = Value::Table(Box::new(side::table(plane, table)));
    Some(if kind == Kind::TableAdded {
        change.after(state)
    } else {
        change.before(state)
    })
}

fn tables(scope: &Scope<'_>, pair: Tables<'_>) -> Vec<Change> {
    let path = table_path(pair.before);
    if scope.gaps.hide(&path) {
        return Vec::new();
    }
    let (one, other) = (pair.before, pair.after);
    let mut out = Vec::new();
    if one.flags != other.flags {
        let change = scope.change(Kind::TableFlagsChanged, path.clone());
        out.push(
            change
                .before(Value::Words(one.flags.clone()))
                .after(Value::Words(other.flags.clone())),
        );
    }
    out.extend(comment(scope, &path, &one.comment, &other.comment));
    out.extend(attributes(scope, &path, &one.opaque, &other.opaque));
    for chains in by_key(&one.chains, &other.chains, |chain| &chain.name) {
        out.extend(chain::compare(scope, pair, chains));
    }
    out.extend(sets::compare(scope, pair));
    out.extend(sets::objects(scope, pair));
    let maker = maker::of_table(&other.name);
    for change in &mut out {
        change.maker = change.maker.or(maker);
    }
    out
}

/// A comment that is another.
pub(super) fn comment(
    scope: &Scope<'_>,
    path: &str,
    before: &Option<crate::bytes::Text>,
    after: &Option<crate::bytes::Text>,
) -> Option<Change> {
    (before != after).then(|| {
        scope
            .change(Kind::CommentChanged, path)
            .before(before.clone().map(Value::Text))
            .after(after.clone().map(Value::Text))
    })
}

/// Attributes that are not known, where they differ.
pub(super) fn attributes(
    scope: &Scope<'_>,
    path: &str,
    before: &[OpaqueAttribute],
    after: &[OpaqueAttribute],
) -> Option<Change> {
    let words = |attributes: &[OpaqueAttribute]| {
        let word = |one: &OpaqueAttribute| format!("{}: {}", one.number, one.payload);
        Value::Words(attributes.iter().map(word).collect())
    };
    (before != after).then(|| {
        scope
            .change(Kind::AttributesChanged, path)
            .before(words(before))
            .after(words(after))
    })
}
