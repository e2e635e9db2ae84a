//! The route that an address takes.

use std::net::IpAddr;

use serde::Serialize;

use super::select::{Decision, Loss, Rows};
use super::shown::{Missing, Shown};
use super::table::Table;
use super::word::Hop;
use crate::section::Warning;

/// The schema of [`Lookup`].
pub const SCHEMA: &str = "netghost.route-lookup/v1";

/// Which route an address takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lookup {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The address.
    pub destination: IpAddr,
    /// The answer.
    pub result: Answer,
    /// Why.
    pub reason: Reason,
    /// The route that is used, where one is.
    pub winner: Option<Shown>,
    /// Active routes that contain the address and lose, the longest prefix first.
    pub shadowed: Vec<Shadowed>,
    /// Routes between which no rule decides.
    pub tied: Vec<Shown>,
    /// Routes that could be used, where the answer is not known.
    pub possible: Vec<Shown>,
    /// Routes that contain the address and that Azure doesn't use.
    pub invalid: Vec<Shown>,
    /// What is not understood and could contain the address.
    pub missing: Vec<Missing>,
    /// What is notable.
    pub warnings: Vec<Warning>,
}

/// What is known of the route of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// One route is used.
    Winner,
    /// None contains the address: its packets are dropped.
    NoRoute,
    /// No rule decides between several.
    Tied,
    /// It depends on what is not understood.
    Unknown,
}

impl Answer {
    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Winner => "winner",
            Self::NoRoute => "no_route",
            Self::Tied => "tied",
            Self::Unknown => "unknown",
        }
    }
}

/// Why the answer is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No other route contains the address.
    OnlyRoute,
    /// The longest prefix wins.
    LongestPrefix,
    /// Of one prefix, the maker decides.
    Source,
    /// Of one prefix, the narrower service tag decides.
    ServiceTag,
    /// A platform route to the network comes before routes of BGP that are as long or longer.
    SystemBeforeBgp,
    /// A route with `hasBgpOverride` comes before routes of BGP that are as long or longer.
    BgpOverride,
    /// A service endpoint's route is not overridden.
    ServiceEndpoint,
    /// No route contains the address.
    NoRoute,
    /// No rule decides.
    Tied,
    /// Something that matters is not understood.
    Undecided,
}

/// A route that loses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shadowed {
    /// The route.
    #[serde(flatten)]
    pub route: Shown,
    /// By which rule.
    pub because: Loss,
}

impl Lookup {
    /// True where the route that is used drops the packets.
    pub fn is_blackhole(&self) -> bool {
        let hop = self
            .winner
            .iter()
            .filter_map(|route| route.next_hop_type.as_ref());
        hop.map(Hop::of).any(|hop| hop == Hop::Nowhere)
    }
}

/// Finds the route that an address takes.
pub fn lookup(table: &Table, destination: IpAddr) -> Lookup {
    let rows = Rows::of(table);
    let near = |(row, prefix): (usize, Option<crate::azure::net::Net>)| {
        prefix
            .is_none_or(|prefix| prefix.contains(destination))
            .then_some(row)
    };
    let usable: Vec<usize> = rows.usable().filter_map(near).collect();
    let unused: Vec<usize> = rows.unused().filter_map(near).collect();
    let decision = rows.decide(&usable);
    let losses = match decision {
        Decision::Unknown(_) => Vec::new(),
        _ => rows.losses(&usable, decision.rows()),
    };
    let mut found = Lookup {
        schema: SCHEMA,
        destination,
        result: answer(&decision),
        reason: reason(&rows, &decision, &losses),
        winner: None,
        shadowed: losses.iter().filter_map(|loss| shadowed(&rows, loss)).collect(),
        tied: Vec::new(),
        possible: Vec::new(),
        invalid: Shown::rows(&rows, &unused),
        missing: table.missing(Some(destination)),
        warnings: Vec::new(),
    };
    match &decision {
        Decision::Winner(all) => found.winner = all.first().and_then(|row| Shown::row(&rows, *row)),
        Decision::NoRoute => {}
        Decision::Tied(all) => found.tied = Shown::rows(&rows, all),
        Decision::Unknown(all) => found.possible = Shown::rows(&rows, all),
    }
    found.warnings = warnings(&found);
    let hidden = unused
        .iter()
        .filter(|row| would_change(&rows, &usable, &decision, **row));
    found
        .warnings
        .extend(hidden.filter_map(|row| invalid_shadow(&rows, *row)));
    found.warnings.dedup();
    found.warnings.extend(table.warnings.iter().cloned());
    found
}

/// The answer of a decision.
pub(super) fn answer(decision: &Decision) -> Answer {
    match decision {
        Decision::Winner(_) => Answer::Winner,
        Decision::NoRoute => Answer::NoRoute,
        Decision::Tied(_) => Answer::Tied,
        Decision::Unknown(_) => Answer::Unknown,
    }
}

fn shadowed(rows: &Rows<'_>, (row, because): &(usize, Loss)) -> Option<Shadowed> {
    let route = Shown::row(rows, *row)?;
    Some(Shadowed {
        route,
        because: *because,
    })
}

/// The rule that decided: the strongest by which a route lost that is as long as the winner or longer.
fn reason(rows: &Rows<'_>, decision: &Decision, losses: &[(usize, Loss)]) -> Reason {
    let winner = match decision {
        Decision::NoRoute => return Reason::NoRoute,
        Decision::Tied(_) => return Reason::Tied,
        Decision::Unknown(_) => return Reason::Undecided,
        Decision::Winner(all) => all.first().and_then(|row| rows.prefix(*row)),
    };
    let length = winner.map(crate::azure::net::Net::length);
    let close = |row: usize| rows.prefix(row).map(crate::azure::net::Net::length) >= length;
    let strongest = losses
        .iter()
        .filter(|(row, _)| close(*row))
        .map(|(_, loss)| *loss)
        .max();
    match strongest {
        None | Some(Loss::ShorterPrefix) if losses.is_empty() => Reason::OnlyRoute,
        None | Some(Loss::ShorterPrefix) => Reason::LongestPrefix,
        Some(Loss::Source) => Reason::Source,
        Some(Loss::ServiceTag) => Reason::ServiceTag,
        Some(Loss::SystemBeforeBgp) => Reason::SystemBeforeBgp,
        Some(Loss::BgpOverride) => Reason::BgpOverride,
        Some(Loss::ServiceEndpoint) => Reason::ServiceEndpoint,
    }
}

/// True where a route that is not used would take the place of what is, if it were.
pub(super) fn would_change(rows: &Rows<'_>, usable: &[usize], decision: &Decision, row: usize) -> bool {
    let now = rows.decide_with(usable, row);
    !now.is_empty() && now.iter().all(|winner| !decision.rows().contains(winner))
}

fn warnings(found: &Lookup) -> Vec<Warning> {
    let mut all = Vec::new();
    let mut warn = |code: &str, message: String| {
        all.push(Warning {
            code: code.to_owned(),
            message,
        });
    };
    if let Some(winner) = &found.winner {
        let hop = winner.next_hop_type.as_ref().map_or(Hop::Other, Hop::of);
        if hop == Hop::Nowhere {
            warn("BLACKHOLE", format!("{}: packets are dropped", winner.line()));
        }
        if hop == Hop::Appliance {
            let message =
                "packets go to a machine that must forward them (IP forwarding on its interface and in it)";
            warn("NVA", format!("{}: {message}", winner.line()));
        }
        let several = winner
            .next_hop_type
            .as_ref()
            .is_some_and(|word| word.is("VirtualApplianceEcmp"));
        if winner.next_hop_ips.len() > 1 || several {
            warn(
                "ECMP",
                format!("{}: the next hops share the flows", winner.line()),
            );
        }
    }
    let same_kind = |one: &Shown| {
        found
            .tied
            .iter()
            .all(|other| other.next_hop_type == one.next_hop_type)
    };
    if found.tied.first().is_some_and(same_kind) {
        let message =
            "next hops of one kind, which may share the flows: which of them takes one can't be told";
        warn("ECMP", message.to_owned());
    }
    const PLATFORM: [&str; 2] = ["168.63.129.16", "169.254.169.254"];
    if PLATFORM.contains(&found.destination.to_string().as_str()) {
        let message =
            "the platform's own address, which the host under the machine answers whatever the table says";
        warn("PLATFORM_ADDRESS", message.to_owned());
    }
    all
}

fn invalid_shadow(rows: &Rows<'_>, row: usize) -> Option<Warning> {
    let route = Shown::row(rows, row)?;
    Some(Warning {
        code: "INVALID_SHADOW".to_owned(),
        message: format!("{}: it would be used if it were Active", route.line()),
    })
}
