//! Findings of an audit, with how grave they are.

use serde::Serialize;

use super::{Audit, Invalid, NeverUsed, Shown, Tie};
use crate::azure::net::Net;
use crate::azure::route::lookup::Answer;
use crate::azure::route::word::Hop;

/// Something that a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A fixed word.
    pub code: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// For people.
    pub message: String,
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something does nothing, or may surprise.
    Low,
    /// Something is to be looked at: packets are dropped, or it can't be told where they go.
    Medium,
    /// No packet leaves.
    High,
}

impl Severity {
    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// How many prefixes a message names.
const NAMED: usize = 4;

pub(super) fn of(found: &Audit) -> Vec<Finding> {
    let mut all = Vec::new();
    if found.counts.active == 0 && found.missing.is_empty() {
        let message = "no route is active: no packet leaves this network interface";
        all.push(finding("NO_ROUTES", Severity::High, message.to_owned()));
    }
    all.extend(
        found
            .blackholes
            .user
            .iter()
            .map(|route| user_blackhole(route, found)),
    );
    all.extend(found.invalid.iter().filter_map(invalid));
    all.extend(found.ties.iter().map(tie));
    all.extend(
        found
            .never_used
            .iter()
            .filter(|idle| is_made_by_a_person(&idle.route))
            .map(never_used),
    );
    all.extend(found.defaults.iter().filter_map(default));
    if !found.blackholes.system.is_empty() {
        let count = found.blackholes.system.len();
        let message =
            format!("{count} of the platform's routes drop what goes to ranges that nothing here uses");
        all.push(finding("SYSTEM_BLACKHOLE", Severity::Info, message));
    }
    // Stable: of one severity they stay in the order above.
    all.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    all
}

fn finding(code: &'static str, severity: Severity, message: String) -> Finding {
    Finding {
        code,
        severity,
        message,
    }
}

fn is_made_by_a_person(route: &Shown) -> bool {
    route.source.as_ref().is_some_and(|source| source.is("User"))
}

fn user_blackhole(route: &Shown, found: &Audit) -> Finding {
    let idle = found.never_used.iter().any(|idle| idle.route == *route);
    let (severity, what) = if idle {
        (Severity::Low, "drops packets, and no address takes it")
    } else {
        (Severity::Medium, "drops packets")
    };
    finding("USER_BLACKHOLE", severity, format!("{}: {what}", route.line()))
}

fn invalid(one: &Invalid) -> Option<Finding> {
    (!one.would_be_used.is_empty()).then(|| {
        let places = named(&one.would_be_used);
        let message = format!(
            "{}: it would be used for {places} if it were Active",
            one.route.line()
        );
        finding("INVALID_SHADOW", Severity::Medium, message)
    })
}

fn tie(one: &Tie) -> Finding {
    let routes: Vec<String> = one.routes.iter().map(Shown::line).collect();
    let (code, severity, what) = if one.same_kind {
        ("ECMP", Severity::Low, "next hops of one kind may share the flows")
    } else {
        (
            "TIE",
            Severity::Medium,
            "no rule says which of the routes is used",
        )
    };
    finding(
        code,
        severity,
        format!("{}: {what}: {}", named(&one.prefixes), routes.join("; ")),
    )
}

fn never_used(idle: &NeverUsed) -> Finding {
    let instead: Vec<String> = idle.instead.iter().take(NAMED).map(Shown::line).collect();
    let message = format!(
        "{}: no address takes it; used instead: {}",
        idle.route.line(),
        instead.join("; ")
    );
    finding("NEVER_USED", Severity::Low, message)
}

fn default(one: &super::Default) -> Option<Finding> {
    let prefix = one.prefix;
    match (one.result, &one.winner) {
        (Answer::NoRoute, _) if prefix.is_ipv4() => {
            let message = format!("no {prefix}: what no other route contains is dropped");
            Some(finding("NO_DEFAULT_ROUTE", Severity::Info, message))
        }
        (Answer::Winner, Some(route))
            if route.next_hop_type.as_ref().map(Hop::of) == Some(Hop::Appliance) =>
        {
            let message = format!(
                "{}: all that no other route contains goes through it",
                route.line()
            );
            Some(finding("DEFAULT_BY_NVA", Severity::Info, message))
        }
        _ => None,
    }
}

/// A few of them.
pub(in crate::azure::route) fn named(prefixes: &[Net]) -> String {
    let mut names: Vec<String> = prefixes.iter().take(NAMED).map(Net::to_string).collect();
    if let Some(more) = prefixes.len().checked_sub(NAMED).filter(|more| *more > 0) {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}
