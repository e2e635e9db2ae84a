//! Whether one list of matches takes every packet that another does.

use super::extent::{Extent, Sets, extent};
use crate::netfilter::model::{Item, Match, Op, Rule, Value};

/// Whether every packet that meets the later matches meets the earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cover {
    /// Every one.
    Whole,
    /// At least one may not.
    No,
    /// All but these fields say so, and these can't be compared.
    NotDecided(Vec<String>),
}

/// Fields with these beginnings say the same of a packet each time they are looked at, until something writes them.
const STEADY: [&str; 26] = [
    "ip.", "ip6.", "tcp.", "udp.", "udplite.", "sctp.", "dccp.", "th.", "icmp.", "icmpv6.", "igmp.", "esp.",
    "ah.", "comp.", "ether.", "vlan.", "arp.", "@ll,", "@nh,", "@th,", "frag.", "hbh.", "dst.", "mh.",
    "meta.", "ct.",
];

/// These don't: they follow the clock, chance or a counter.
const UNSTEADY: [&str; 12] = [
    "meta.time",
    "meta.hour",
    "meta.day",
    "meta.random",
    "meta.cpu",
    "ct.bytes",
    "ct.packets",
    "ct.avgpkt",
    "ct.count",
    "ct.original",
    "ct.reply",
    "expiration",
];

/// Whether a field says the same each time it is looked at.
pub(super) fn is_steady(field: &str) -> bool {
    // Addresses and ports of a direction never change; its counters do.
    let tuple = ["addr", "proto-src", "proto-dst", "l3proto"]
        .iter()
        .any(|end| field.ends_with(end));
    STEADY.iter().any(|start| field.starts_with(start))
        && (tuple && field.starts_with("ct.") || !UNSTEADY.iter().any(|word| field.contains(word)))
}

/// A match, with what it lets through worked out once.
#[derive(Debug)]
pub(crate) struct Asked<'r> {
    pub(crate) of: &'r Match,
    extent: Option<Extent>,
    steady: bool,
}

impl<'r> Asked<'r> {
    /// The matches that a packet meets before a rule does anything; comments ask nothing.
    pub(super) fn all(rule: &'r Rule, sets: Sets<'_>) -> Vec<Self> {
        let matches = rule.items.iter().map_while(|item| match item {
            Item::Match(one) => Some(one),
            _ => None,
        });
        let asks = matches.filter(|one| one.field.0 != "comment");
        asks.map(|of| Self {
            of,
            extent: extent(of, sets),
            steady: is_steady(&of.field.0),
        })
        .collect()
    }

    /// Whether it can be said what it lets through.
    pub(super) fn is_said(&self) -> bool {
        self.extent.is_some()
    }

    /// The field and the value, where it lets one number or address through; ports of all protocols are one field.
    pub(super) fn exact(&self) -> Option<(String, u128)> {
        let value = self.extent.as_ref()?.only()?;
        let field = self.of.field.0.as_str();
        let port = field.split_once('.').map(|(_, part)| part);
        let field = port
            .filter(|part| matches!(*part, "sport" | "dport"))
            .unwrap_or(field);
        Some((field.to_owned(), value))
    }
}

/// Compares two lists. `written`: whether a field may have been given another value between them.
pub(crate) fn cover(earlier: &[Asked<'_>], later: &[Asked<'_>], written: &dyn Fn(&str) -> bool) -> Cover {
    let says_protocol = earlier
        .iter()
        .any(|one| one.of.field.0 == "meta.l4proto" && one.of.op == Op::Eq);
    let mut open = Vec::new();
    for wide in earlier {
        let mut held = Held::No;
        for narrow in later {
            if same_field(&wide.of.field.0, &narrow.of.field.0, says_protocol) {
                held = held.or(one(wide, narrow, written));
            }
        }
        match held {
            Held::Yes => {}
            Held::No => return Cover::No,
            Held::Open => open.push(wide.of.field.0.clone()),
        }
    }
    if open.is_empty() {
        Cover::Whole
    } else {
        Cover::NotDecided(open)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Yes,
    No,
    Open,
}

impl Held {
    /// One match of several on a field is enough.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Open, _) | (_, Self::Open) => Self::Open,
            (Self::No, Self::No) => Self::No,
        }
    }
}

/// Ports have a name for each protocol and one for all.
fn same_field(wide: &str, narrow: &str, says_protocol: bool) -> bool {
    let port = |any: &str, of: &str| {
        let (protocol, part) = of.split_once('.').unwrap_or_default();
        matches!(protocol, "tcp" | "udp" | "udplite" | "sctp" | "dccp")
            && matches!(part, "sport" | "dport")
            && any.strip_prefix("th.") == Some(part)
    };
    // The narrower name also asks for the protocol: that must be asked for beside it, and so be compared by itself.
    wide == narrow || port(wide, narrow) || says_protocol && port(narrow, wide)
}

fn one(wide: &Asked<'_>, narrow: &Asked<'_>, written: &dyn Fn(&str) -> bool) -> Held {
    let settled = |value: &Value| !matches!(value, Value::SetName(_) | Value::Field(_) | Value::Parts(_));
    let alike = wide.of.op == narrow.of.op && wide.of.value == narrow.of.value && settled(&wide.of.value);
    let extents = wide.extent.as_ref().zip(narrow.extent.as_ref());
    let held = match extents.and_then(|(wide, narrow)| wide.holds(narrow)) {
        Some(held) => held || alike,
        None if alike => true,
        None => return Held::Open,
    };
    let sure = || wide.steady && !written(&wide.of.field.0) && !written(&narrow.of.field.0);
    match held {
        true if sure() => Held::Yes,
        true => Held::Open,
        false => Held::No,
    }
}
