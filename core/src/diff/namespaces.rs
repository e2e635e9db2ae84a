//! The other network namespaces of two snapshots, matched by name: each pair is compared section by section, and one more or
//! fewer is a change.

use super::comparison::{Change, Comparison, NotCovered, Side};
use super::side::Value;
use super::{Kind, below_links, ground};
use crate::bytes::Text;
use crate::namespace::name::is_of_this_boot;
use crate::namespace::{Asked, Namespace, Namespaces};
use crate::section::SectionName;
use crate::snapshot::{Snapshot, Target};

/// Compares the namespaces that were asked for.
pub(super) fn compare(
    requested: &[SectionName],
    asked: &Asked,
    (before, after): (&Snapshot, &Snapshot),
    found: &mut Comparison,
) {
    let sides = match (&before.namespaces, &after.namespaces) {
        (Some(before), Some(after)) => (before, after),
        (one, other) => {
            let missing = [(Side::Baseline, one.is_none()), (Side::Current, other.is_none())];
            let sides = missing.into_iter().filter(|(_, missing)| *missing);
            let why: Vec<String> = sides
                .map(|(side, _)| format!("{side}: the other network namespaces are not in the snapshot"))
                .collect();
            let row = not_covered(None, after, why.join("; "));
            found.not_covered.push(row);
            return;
        }
    };
    let requested = requested.iter().copied().filter(|name| name.is_of_namespace());
    let scope = Scope {
        requested: requested.collect(),
        after,
        one_boot: one_boot(&before.target, &after.target),
    };
    for (side, namespaces) in [(Side::Baseline, sides.0), (Side::Current, sides.1)] {
        if let Some(why) = lacking(namespaces, asked) {
            found
                .not_covered
                .push(not_covered(None, after, format!("{side}: {why}")));
        }
    }
    for name in names(asked, sides.0, sides.1) {
        scope.one(&name, sides, found);
    }
}

/// Why a side may lack namespaces that were asked for.
fn lacking(namespaces: &Namespaces, asked: &Asked) -> Option<String> {
    let list = namespaces.why.clone();
    list.or_else(|| {
        (!namespaces.asked.covers(asked)).then(|| "only some namespaces were asked for".to_owned())
    })
}

/// Every name that either side has or that was asked for, sorted.
fn names(asked: &Asked, before: &Namespaces, after: &Namespaces) -> Vec<Text> {
    let there = before
        .all
        .iter()
        .chain(&after.all)
        .map(|namespace| &namespace.name);
    let mut names: Vec<Text> = there.filter(|name| asked.includes(name)).cloned().collect();
    if let Asked::Named(asked) = asked {
        names.extend(asked.iter().cloned());
    }
    names.sort();
    names.dedup();
    names
}

/// Inodes mean the same only while the kernel runs.
fn one_boot(before: &Target, after: &Target) -> bool {
    match (before, after) {
        (Target::Host { boot_id: one, .. }, Target::Host { boot_id: other, .. }) => {
            one.is_some() && one == other
        }
        _ => false,
    }
}

fn not_covered(namespace: Option<&Text>, after: &Snapshot, why: String) -> NotCovered {
    NotCovered {
        section: Some(SectionName::Namespaces),
        mechanism: None,
        path: namespace.map(|name| format!("namespace/{name}")),
        target: after.target.name(),
        why,
        requested: true,
        namespace: namespace.cloned(),
    }
}

struct Scope<'a> {
    requested: Vec<SectionName>,
    after: &'a Snapshot,
    one_boot: bool,
}

impl Scope<'_> {
    fn one(&self, name: &Text, (before, after): (&Namespaces, &Namespaces), found: &mut Comparison) {
        let not_covered = |why: String| not_covered(Some(name), self.after, why);
        if is_of_this_boot(name) && !self.one_boot {
            let why = "known by its inode alone, which says nothing after another start of the host";
            return found.not_covered.push(not_covered(why.to_owned()));
        }
        let sides = [(Side::Baseline, before), (Side::Current, after)];
        let unread = sides.into_iter().filter_map(|(side, namespaces)| {
            let namespace = namespaces.find(name)?;
            let why = namespace.state.why()?;
            Some(format!("{side}: {}: {why}", namespace.state.word()))
        });
        let unread: Vec<String> = unread.collect();
        if !unread.is_empty() {
            return found.not_covered.push(not_covered(unread.join("; ")));
        }
        match (before.find(name), after.find(name)) {
            (Some(one), Some(other)) => self.pair(one, other, found),
            (Some(one), None) if after.why.is_none() && after.asked.includes(name) => {
                found
                    .changes
                    .push(change(Kind::NamespaceRemoved, one).before(value(one)));
            }
            (None, Some(other)) if before.why.is_none() && before.asked.includes(name) => {
                found
                    .changes
                    .push(change(Kind::NamespaceAdded, other).after(value(other)));
            }
            (Some(_), None) => found.not_covered.push(not_covered(format!(
                "{}: not in a list that is not whole",
                Side::Current
            ))),
            (None, Some(_)) => found.not_covered.push(not_covered(format!(
                "{}: not in a list that is not whole",
                Side::Baseline
            ))),
            // Asked for by its name, and there on neither side: equal, as far as both lists are whole.
            (None, None) => {}
        }
    }

    fn pair(&self, before: &Namespace, after: &Namespace, found: &mut Comparison) {
        let mut part = Comparison::empty();
        for name in &self.requested {
            let sides = [before.section(*name), after.section(*name)];
            ground::section(*name, sides, (None, None), &self.after.target.name(), &mut part);
        }
        below_links(&mut part.changes);
        part.set_namespace(&before.name);
        ground::mechanisms(
            &self.requested,
            [&before.coverage, &after.coverage],
            (&self.after.target.name(), Some(&before.name)),
            &mut part.not_covered,
        );
        // What is said of the host already.
        let told = |row: &NotCovered| {
            found.not_covered.iter().any(|there| {
                !row.requested
                    && there.namespace.is_none()
                    && (&there.mechanism, &there.why) == (&row.mechanism, &row.why)
            })
        };
        part.not_covered.retain(|row| !told(row));
        found.changes.append(&mut part.changes);
        found.not_covered.append(&mut part.not_covered);
        found.covered.append(&mut part.covered);
    }
}

fn change(kind: Kind, namespace: &Namespace) -> Change {
    let path = format!("namespace/{}", namespace.name);
    Change {
        namespace: Some(namespace.name.clone()),
        ..Change::new(SectionName::Namespaces, kind, path)
    }
}

/// What a namespace that came or went holds, as far as it was read.
fn value(namespace: &Namespace) -> Value {
    let sections = namespace.sections.iter().map(|section| {
        let digest = section.content.as_ref();
        let digest = digest.and_then(|content| crate::artifact::object::config_digest(content).ok());
        match digest {
            Some(digest) => format!("{} {}: sha256 {digest}", section.name, section.state.word()),
            None => format!("{} {}", section.name, section.state.word()),
        }
    });
    Value::Words(sections.collect())
}
