//! What is in one table and not in the other, and which of that belongs together.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::rows::{Row, rows};
use super::{Change, Kind, NotCovered, SECTION, SideName, Significance};
use crate::azure::net::Net;
use crate::azure::route::{Shown, Table};

/// What is known to differ. What only seems to is added to `not_covered`.
pub(super) fn of(before: &Table, after: &Table, not_covered: &mut Vec<NotCovered>) -> Vec<Change> {
    if before.routes == after.routes {
        return Vec::new();
    }
    let (mut gone, mut new) = only(rows(before), rows(after));
    gone.retain(|row| known(row, SideName::Current, after, not_covered));
    new.retain(|row| known(row, SideName::Baseline, before, not_covered));
    let mut changes = paired(&mut gone, &mut new);
    changes.extend(gone.into_iter().map(|row| change(Some(&row), None)));
    changes.extend(new.into_iter().map(|row| change(None, Some(&row))));
    changes.sort_by_cached_key(|change| {
        let route = change.before.as_ref().or(change.after.as_ref());
        (
            route.and_then(|route| route.prefix),
            change.path.clone(),
            change.kind,
        )
    });
    changes
}

/// Two sorted lists without what they share.
fn only<'t>(one: Vec<Row<'t>>, other: Vec<Row<'t>>) -> (Vec<Row<'t>>, Vec<Row<'t>>) {
    let (mut one, mut other) = (one.into_iter().peekable(), other.into_iter().peekable());
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        let order = match (one.peek(), other.peek()) {
            (None, None) => return (left, right),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => one.cmp(other),
        };
        match order {
            Ordering::Less => left.extend(one.next()),
            Ordering::Greater => right.extend(other.next()),
            Ordering::Equal => {
                one.next();
                other.next();
            }
        }
    }
}

/// True where a route that `side` doesn't show is certainly not there.
fn known(row: &Row<'_>, side: SideName, table: &Table, not_covered: &mut Vec<NotCovered>) -> bool {
    let could_be = |prefix: Option<Net>| prefix.is_none_or(|prefix| prefix == row.prefix);
    let hides = table
        .undecided
        .iter()
        .find(|undecided| could_be(undecided.prefix));
    let place = match (hides, &table.cut) {
        (None, None) => return true,
        (Some(undecided), _) => format!("entry {}, which is not understood", undecided.entry),
        (None, Some(_)) => "a page that is missing".to_owned(),
    };
    let line = Shown::from(row.route).line();
    not_covered.push(NotCovered {
        section: SECTION,
        path: Some(row.prefix.to_string()),
        side,
        entry: hides.map(|undecided| undecided.entry),
        why: format!("{line} of the {} may stand in {place}", side.other()),
        requested: true,
    });
    false
}

/// By what two routes of one prefix and maker are taken for one that was modified, the closest first: by name, by next hop.
const CLOSENESS: [(bool, bool); 4] = [(true, true), (true, false), (false, true), (false, false)];

/// Takes out of both lists what belongs together: routes of one prefix and maker, then routes of one name.
fn paired<'t>(gone: &mut Vec<Row<'t>>, new: &mut Vec<Row<'t>>) -> Vec<Change> {
    let mut changes = Vec::new();
    for (by_name, by_hop) in CLOSENESS {
        let key = |row: &Row<'_>| {
            let said = &row.said;
            let hop = || (said.next_hop_type.clone(), said.next_hop_ips.clone());
            let name = by_name.then(|| said.name.clone());
            Some((Some(row.prefix), said.source.clone(), name, by_hop.then(hop)))
        };
        match_up(gone, new, key, false, &mut changes);
    }
    // A route table holds a name once, so a route of the same name with another prefix is the same route.
    let key = |row: &Row<'_>| {
        let name = row.said.name.clone()?;
        Some((None, row.said.source.clone(), Some(Some(name)), None))
    };
    match_up(gone, new, key, true, &mut changes);
    changes
}

type Key = (
    Option<Net>,
    String,
    Option<Option<String>>,
    Option<(String, Vec<String>)>,
);

/// Pairs routes of one key, in their order. `alone`: only where a key has one on either side.
fn match_up<'t>(
    gone: &mut Vec<Row<'t>>,
    new: &mut Vec<Row<'t>>,
    key: impl Fn(&Row<'_>) -> Option<Key>,
    alone: bool,
    changes: &mut Vec<Change>,
) {
    if gone.is_empty() || new.is_empty() {
        return;
    }
    let mut groups: BTreeMap<Key, (Vec<Row<'t>>, Vec<Row<'t>>)> = BTreeMap::new();
    let (mut gone_left, mut new_left) = (Vec::new(), Vec::new());
    for row in gone.drain(..) {
        match key(&row) {
            Some(key) => groups.entry(key).or_default().0.push(row),
            None => gone_left.push(row),
        }
    }
    for row in new.drain(..) {
        match key(&row) {
            Some(key) => groups.entry(key).or_default().1.push(row),
            None => new_left.push(row),
        }
    }
    for (ones, others) in groups.into_values() {
        let pairs = match (ones.len(), others.len()) {
            (1, 1) => 1,
            _ if alone => 0,
            (ones, others) => ones.min(others),
        };
        let both = ones.iter().zip(&others).take(pairs);
        changes.extend(both.map(|(before, after)| change(Some(before), Some(after))));
        gone_left.extend(ones.into_iter().skip(pairs));
        new_left.extend(others.into_iter().skip(pairs));
    }
    *gone = gone_left;
    *new = new_left;
}

fn change(before: Option<&Row<'_>>, after: Option<&Row<'_>>) -> Change {
    let fields = before.zip(after).map(|(one, other)| fields(one, other));
    let row = before.or(after);
    let path = row.map(|row| {
        let properties = &row.route.properties;
        let name = properties.name.iter().map(|name| format!(" {name}"));
        format!("{} {}{}", row.prefix, properties.source, name.collect::<String>())
    });
    Change {
        section: SECTION,
        kind: match (before, after) {
            (Some(_), Some(_)) => Kind::RouteModified,
            (Some(_), None) => Kind::RouteRemoved,
            (None, _) => Kind::RouteAdded,
        },
        path: path.unwrap_or_default(),
        before: before.map(|row| Shown::from(row.route)),
        after: after.map(|row| Shown::from(row.route)),
        fields: fields.unwrap_or_default(),
        significance: Significance::Unrated,
        effect: None,
        effects: Vec::new(),
        places: [before, after].map(|row| row.map(|row| row.place)),
    }
}

fn fields(one: &Row<'_>, other: &Row<'_>) -> Vec<&'static str> {
    let (a, b) = (&*one.said, &*other.said);
    let all = [
        ("prefix", one.prefix != other.prefix),
        (
            "service_tag",
            one.tag != other.tag || a.service_tags != b.service_tags,
        ),
        ("name", a.name != b.name),
        ("state", a.state != b.state),
        ("next_hop_type", a.next_hop_type != b.next_hop_type),
        ("next_hop_ips", a.next_hop_ips != b.next_hop_ips),
        ("has_bgp_override", a.has_bgp_override != b.has_bgp_override),
        (
            "disable_bgp_propagation",
            a.disable_bgp_propagation != b.disable_bgp_propagation,
        ),
        ("tag_map", a.tag_map != b.tag_map),
        ("other", a.other != b.other),
    ];
    all.into_iter()
        .filter(|(_, differs)| *differs)
        .map(|(name, _)| name)
        .collect()
}
