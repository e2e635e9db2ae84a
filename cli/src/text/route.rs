//! Effective routes, for people.

use netghost_core::azure::route::audit::Audit;
use netghost_core::azure::route::diff::{Change, Difference, Explanation};
use netghost_core::azure::route::{Lookup, Loss, Missing, Reason, Shown};
use netghost_core::section::Warning;

use super::comparison::plural;

/// The route that an address takes.
pub fn lookup(found: &Lookup) -> String {
    let mut out = format!("{}: {}", found.destination, found.result.as_str());
    out += &match &found.winner {
        Some(route) => format!(": {}\n  {}\n", route.line(), reason(found.reason)),
        None => format!(": {}\n", reason(found.reason)),
    };
    out += &list("\ntied\n", found.tied.iter().map(Shown::line));
    out += &list("\ncould be used\n", found.possible.iter().map(Shown::line));
    let lost = found
        .shadowed
        .iter()
        .map(|one| format!("{}  ({})", one.route.line(), loss(one.because)));
    out += &list("\nnot used, though it contains the address\n", lost);
    out += &list("\nnot active\n", found.invalid.iter().map(Shown::line));
    out + &missing(&found.missing) + &warnings(&found.warnings)
}

/// What is notable about a table.
pub fn audit(found: &Audit) -> String {
    let counts = &found.counts;
    let mut out = format!(
        "{} in {}: {} active ({} by people, {} by gateways, {} by the platform; {} IPv4, {} IPv6), {} invalid, {} not understood\n",
        plural(counts.routes, "route"),
        if counts.entries == 1 {
            "1 entry".to_owned()
        } else {
            format!("{} entries", counts.entries)
        },
        counts.active,
        counts.user,
        counts.bgp,
        counts.system,
        counts.ipv4,
        counts.ipv6,
        counts.invalid,
        counts.undecided
    );
    for default in &found.defaults {
        let route = default
            .winner
            .as_ref()
            .map_or_else(String::new, |route| format!(": {}", route.line()));
        out += &format!("default {}: {}{route}\n", default.prefix, default.result.as_str());
    }
    let findings = found.findings.iter();
    let findings: Vec<String> = findings
        .map(|one| format!("{:6}  {}  {}", one.severity.as_str(), one.code, one.message))
        .collect();
    out += &list("\nfindings\n", findings.into_iter());
    out += &list(
        "\ndrops packets, made by people\n",
        found.blackholes.user.iter().map(Shown::line),
    );
    out += &list(
        "\ndrops packets, made by the platform\n",
        found.blackholes.system.iter().map(Shown::line),
    );
    out += &list("\nto machines that forward\n", found.nva.iter().map(Shown::line));
    out += &list("\nof gateways\n", found.bgp.iter().map(Shown::line));
    out += &list(
        "\nno address takes it\n",
        found.never_used.iter().map(|one| one.route.line()),
    );
    out += &list("\nnot active\n", found.invalid.iter().map(|one| one.route.line()));
    out + &missing(&found.missing) + &warnings(&found.warnings)
}

/// What differs between two tables.
pub fn diff(found: &Difference, explanations: &[Explanation]) -> String {
    let mut out = format!(
        "{}: {}\n",
        found.verdict.as_str(),
        plural(found.changes.len(), "change")
    );
    let mut explanations = explanations.iter();
    for change in &found.changes {
        out += &one(change);
        if let Some(explanation) = explanations.next() {
            out += &format!("    {}\n", explanation.text);
            for row in &explanation.evidence {
                out += &format!("      {} ({}): {}: {}\n", row.role, row.side, row.path, row.text);
            }
        }
    }
    let effects = found.effects.iter().map(|effect| {
        let prefixes: Vec<String> = effect.prefixes.iter().map(ToString::to_string).collect();
        let stays = if effect.next_hop_changes {
            ""
        } else {
            "  (the next hop stays)"
        };
        format!(
            "{}: {} -> {}{stays}",
            prefixes.join(" "),
            effect.before.words(),
            effect.after.words()
        )
    });
    out += &list("\naddresses that take another route\n", effects);
    if !found.effects_complete {
        out += "  there may be more: not all is understood\n";
    }
    let gaps = found.not_covered.iter().map(|row| {
        let entry = row
            .entry
            .map_or_else(String::new, |entry| format!(" entry {entry}"));
        let path = row
            .path
            .as_ref()
            .map_or_else(String::new, |path| format!(" ({path})"));
        format!("{}{entry}{path}: {}", row.side, row.why)
    });
    out += &match found.not_covered.len() {
        0 => "\nnot covered: nothing\n".to_owned(),
        _ => list("\nnot covered\n", gaps),
    };
    for row in &found.warnings {
        out += &format!(
            "\nwarning: {}: {}: {}\n",
            row.side, row.warning.code, row.warning.message
        );
    }
    out
}

fn one(change: &Change) -> String {
    let mut out = format!(
        "\n  {} {}  [{}]\n",
        change.kind.as_str(),
        change.path,
        change.significance.as_str()
    );
    for (mark, route) in [('-', &change.before), ('+', &change.after)] {
        out += &route
            .iter()
            .map(|route| format!("    {mark} {}\n", route.line()))
            .collect::<String>();
    }
    out + &change
        .effect
        .iter()
        .map(|effect| format!("    {effect}\n"))
        .collect::<String>()
}

/// Lines under a heading; nothing where there are none.
fn list(heading: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: String = lines.map(|line| format!("  {line}\n")).collect();
    if lines.is_empty() {
        lines
    } else {
        format!("{heading}{lines}")
    }
}

fn missing(rows: &[Missing]) -> String {
    list("\nnot understood\n", rows.iter().map(Missing::line))
}

fn warnings(rows: &[Warning]) -> String {
    let line = |row: &Warning| format!("{}: {}", row.code, row.message);
    list("\nwarnings\n", rows.iter().map(line))
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::OnlyRoute => "no other active route contains the address",
        Reason::LongestPrefix => "its prefix is the longest that contains the address",
        Reason::Source => {
            "of this prefix, a route of a person comes before one of BGP, and that before one of the platform"
        }
        Reason::ServiceTag => "of this prefix, it names the prefix or the narrower service tag",
        Reason::SystemBeforeBgp => {
            "a platform route to the network comes before routes of BGP, even longer ones"
        }
        Reason::BgpOverride => "it overrides routes of BGP, even longer ones (hasBgpOverride)",
        Reason::ServiceEndpoint => {
            "a service endpoint's route is overridden neither by route tables nor by BGP"
        }
        Reason::NoRoute => "no active route contains the address; its packets are dropped",
        Reason::Tied => "no rule decides between these",
        Reason::Undecided => "it depends on what is not understood",
    }
}

fn loss(loss: Loss) -> &'static str {
    match loss {
        Loss::ShorterPrefix => "a longer prefix wins",
        Loss::Source => "the maker of another route comes first",
        Loss::ServiceTag => "a narrower tag, or the prefix itself, comes first",
        Loss::SystemBeforeBgp => "a platform route to the network comes before BGP",
        Loss::BgpOverride => "a route overrides BGP",
        Loss::ServiceEndpoint => "a service endpoint's route is not overridden",
    }
}
