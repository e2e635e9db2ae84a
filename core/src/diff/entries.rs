//! Sections that are lists of entries with a key: qdiscs and classes, links, routes.

use serde::Serialize;

use super::Kind;
use super::comparison::Change;
use super::gaps::Gaps;
use super::pair::by_key;
use super::side::Value;
use crate::host::{links::LinksConfig, routes::RoutesConfig};
use crate::section::SectionName;
use crate::tc::TcConfig;

/// How the entries of one list are compared.
#[allow(dead_code, reason = "the entries of these sections have no fields yet")]
#[derive(Clone, Copy)]
struct List<K> {
    section: SectionName,
    added: Kind,
    removed: Kind,
    changed: Kind,
    key: K,
}

#[allow(dead_code, reason = "the entries of these sections have no fields yet")]
impl<K> List<K> {
    /// Changes by key; `path` names an entry for people.
    fn compare<'a, T, Key>(
        self,
        before: &'a [T],
        after: &'a [T],
        path: impl Fn(&T) -> String,
        gaps: &Gaps,
    ) -> Result<Vec<Change>, String>
    where
        T: PartialEq + Serialize,
        K: Fn(&'a T) -> Key,
        Key: Ord,
    {
        let mut out = Vec::new();
        for (one, other) in by_key(before, after, self.key) {
            let Some(named) = other.or(one) else { continue };
            let path = path(named);
            if one == other || gaps.touch(&path) {
                continue;
            }
            let kind = match (one, other) {
                (Some(_), Some(_)) => self.changed,
                (Some(_), None) => self.removed,
                _ => self.added,
            };
            let value = |entry: &T| serde_json::to_value(entry).map(Value::Entry);
            let (one, other) = (one.map(value).transpose(), other.map(value).transpose());
            let change = Change::new(self.section, kind, path);
            out.push(change.before(one.map_err(text)?).after(other.map_err(text)?));
        }
        Ok(out)
    }
}

#[allow(dead_code, reason = "the entries of these sections have no fields yet")]
fn text(error: serde_json::Error) -> String {
    format!("an entry has no JSON form: {error}")
}

/// Queueing disciplines and classes.
pub(super) fn tc(before: &TcConfig, after: &TcConfig, gaps: &Gaps) -> Result<Vec<Change>, String> {
    let _unused = (before, after, gaps);
    Ok(Vec::new())
}

/// Network interfaces.
pub(super) fn links(before: &LinksConfig, after: &LinksConfig, gaps: &Gaps) -> Result<Vec<Change>, String> {
    let _unused = (before, after, gaps);
    Ok(Vec::new())
}

/// Routes.
pub(super) fn routes(
    before: &RoutesConfig,
    after: &RoutesConfig,
    gaps: &Gaps,
) -> Result<Vec<Change>, String> {
    let _unused = (before, after, gaps);
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(PartialEq, Serialize)]
    struct Entry {
        name: &'static str,
        mtu: u32,
    }

    fn compare(before: &[Entry], after: &[Entry]) -> Vec<Change> {
        let list = List {
            section: SectionName::Links,
            added: Kind::LinkAdded,
            removed: Kind::LinkRemoved,
            changed: Kind::LinkChanged,
            key: |entry: &Entry| entry.name,
        };
        list.compare(before, after, |entry| entry.name.to_owned(), &Gaps::default())
            .unwrap()
    }

    #[test]
    fn entries_are_matched_by_key_not_by_place() {
        let before = [
            Entry { name: "lo", mtu: 1 },
            Entry {
                name: "eth0",
                mtu: 1500,
            },
        ];
        let after = [
            Entry {
                name: "eth0",
                mtu: 9000,
            },
            Entry { name: "lo", mtu: 1 },
            Entry {
                name: "tun0",
                mtu: 1400,
            },
        ];
        let found = compare(&before, &after);
        let seen: Vec<_> = found
            .iter()
            .map(|change| (change.kind, change.path.as_str()))
            .collect();
        assert_eq!(seen, [(Kind::LinkChanged, "eth0"), (Kind::LinkAdded, "tun0")]);
        assert_eq!(
            found[0].before,
            Some(Value::Entry(serde_json::json!({"name": "eth0", "mtu": 1500})))
        );
    }

    #[test]
    fn one_of_two_entries_with_one_key_is_not_lost() {
        let before = [Entry { name: "x", mtu: 1 }, Entry { name: "x", mtu: 2 }];
        let after = [Entry { name: "x", mtu: 1 }];
        assert_eq!(compare(&before, &after)[0].kind, Kind::LinkRemoved);
    }
}
