//! What each change means for addresses, with the routes that show it.

use serde::Serialize;

use super::{Change, Difference, Effect, Kind, SideName, Significance, Way};
use crate::azure::route::audit::named;
use crate::azure::route::{Answer, Shown};

/// What one change means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// A few sentences.
    pub text: String,
    /// What they rest on.
    pub evidence: Vec<Evidence>,
}

/// A route that stands in one of the tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// In which.
    pub side: SideName,
    /// What it is to the change: `changed`, `used`, `not_decided`.
    pub role: &'static str,
    /// The addresses that it is about, or its own prefix.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// Explains each change, in the order of the changes.
pub fn explain(found: &Difference) -> Vec<Explanation> {
    found.changes.iter().map(|change| one(change, found)).collect()
}

fn one(change: &Change, found: &Difference) -> Explanation {
    let effects: Vec<&Effect> = change
        .effects
        .iter()
        .filter_map(|place| found.effects.get(*place))
        .collect();
    let mut sentences = vec![happened(change)];
    let mut evidence: Vec<Evidence> = [
        (SideName::Baseline, &change.before),
        (SideName::Current, &change.after),
    ]
    .into_iter()
    .filter_map(|(side, route)| {
        route
            .as_ref()
            .map(|route| shown(side, "changed", &change.path, route))
    })
    .collect();
    for effect in &effects {
        sentences.push(moved(effect));
        let places = named(&effect.prefixes);
        for (side, way) in [
            (SideName::Baseline, &effect.before),
            (SideName::Current, &effect.after),
        ] {
            evidence.extend(way.routes().map(|route| shown(side, "used", &places, route)));
        }
    }
    if effects.is_empty() && change.significance == Significance::Info {
        sentences.push("Every address takes the route that it took before.".to_owned());
    }
    if !found.effects_complete {
        sentences.push("Where other addresses go now can't be told: not all is understood.".to_owned());
        evidence.extend(found.not_covered.iter().map(|row| Evidence {
            side: row.side,
            role: "not_decided",
            path: row.path.clone().unwrap_or_default(),
            text: row.why.clone(),
        }));
    }
    Explanation {
        text: sentences.join(" "),
        evidence,
    }
}

fn shown(side: SideName, role: &'static str, path: &str, route: &Shown) -> Evidence {
    Evidence {
        side,
        role,
        path: path.to_owned(),
        text: route.line(),
    }
}

fn happened(change: &Change) -> String {
    let path = &change.path;
    match change.kind {
        Kind::RouteAdded => format!("{path} is new."),
        Kind::RouteRemoved => format!("{path} is gone."),
        Kind::RouteModified => format!("{path} changed in {}.", change.fields.join(", ")),
    }
}

fn moved(effect: &Effect) -> String {
    let places = named(&effect.prefixes);
    let by = |way: &Way| match (&way.winner, way.result) {
        (Some(route), _) => format!(", by {}", route.line()),
        (None, Answer::Tied) => ", and no rule says which".to_owned(),
        _ => String::new(),
    };
    let (before, after) = (&effect.before, &effect.after);
    if effect.next_hop_changes {
        format!(
            "{places}: was {}{}; is {}{}.",
            before.words(),
            by(before),
            after.words(),
            by(after)
        )
    } else {
        format!(
            "{places}: the next hop stays {}, now{}.",
            after.words(),
            by(after)
        )
    }
}
