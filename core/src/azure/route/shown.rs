//! Routes as they stand in answers.

use std::net::IpAddr;

use serde::Serialize;

use super::select::Rows;
use super::table::{Properties, Table, Undecided};
use super::word::Word;
use crate::azure::net::Net;

/// A route in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Where it leads to; `None` where that could not be read.
    pub prefix: Option<Net>,
    /// Who made it, as written.
    pub source: Option<Word>,
    /// Where its packets go, as written.
    pub next_hop_type: Option<Word>,
    /// The next hop's addresses.
    pub next_hop_ips: Vec<String>,
    /// Its name in its route table.
    pub name: Option<String>,
    /// Whether it is used, as written.
    pub state: Option<Word>,
    /// The service tag that it was made for.
    pub service_tag: Option<String>,
    /// True where it overrides routes of BGP whatever their length.
    pub has_bgp_override: bool,
    /// The entry's place in the body, from 0.
    pub entry: usize,
}

/// Something of a table that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The entry's place in the body, from 0; `None`: entries that are not in the body.
    pub entry: Option<usize>,
    /// Its prefix; `None` where it could lead anywhere.
    pub prefix: Option<Net>,
    /// What is not understood.
    pub why: String,
}

impl Shown {
    fn new(entry: usize, prefix: Option<Net>, tag: Option<&String>, properties: &Properties) -> Self {
        let word = |word: &Word| Some(word.clone()).filter(|word| !word.is_empty());
        Self {
            prefix,
            source: word(&properties.source),
            next_hop_type: word(&properties.next_hop_type),
            next_hop_ips: properties.next_hop_ips.clone(),
            name: properties.name.clone(),
            state: word(&properties.state),
            service_tag: tag.or(properties.service_tags.first()).cloned(),
            has_bgp_override: properties.has_bgp_override,
            entry,
        }
    }

    /// The row of this place.
    pub(super) fn row(rows: &Rows<'_>, row: usize) -> Option<Self> {
        let route = rows.route(row).map(Self::from);
        route.or_else(|| rows.undecided(row).map(Self::from))
    }

    /// The rows of these places.
    pub(super) fn rows(rows: &Rows<'_>, places: &[usize]) -> Vec<Self> {
        places.iter().filter_map(|row| Self::row(rows, *row)).collect()
    }

    /// Where its packets go: `VirtualAppliance 10.4.0.1`.
    pub fn way(&self) -> String {
        let kind = self
            .next_hop_type
            .as_ref()
            .map_or("an unknown next hop", Word::as_str);
        match self.next_hop_ips.as_slice() {
            [] => kind.to_owned(),
            addresses => format!("{kind} {}", addresses.join(", ")),
        }
    }

    /// In one line: `User 10.0.0.0/8 -> VirtualAppliance 10.4.0.1 (to-firewall)`.
    pub fn line(&self) -> String {
        let source = self.source.as_ref().map_or("unknown source", Word::as_str);
        let prefix = self
            .prefix
            .map_or("unknown prefix".to_owned(), |prefix| prefix.to_string());
        let tag = self
            .service_tag
            .as_ref()
            .map(|tag| format!(" [{tag}]"))
            .unwrap_or_default();
        let name = self
            .name
            .as_ref()
            .map(|name| format!(" ({name})"))
            .unwrap_or_default();
        let over = if self.has_bgp_override { ", over BGP" } else { "" };
        let state = match &self.state {
            Some(state) if state.is("Active") => String::new(),
            Some(state) => format!(", {state}"),
            None => ", state unknown".to_owned(),
        };
        format!("{source} {prefix}{tag} -> {}{name}{over}{state}", self.way())
    }
}

impl From<&super::Route> for Shown {
    fn from(route: &super::Route) -> Self {
        Self::new(
            route.entry,
            Some(route.prefix),
            route.tag.as_ref(),
            &route.properties,
        )
    }
}

impl From<&Undecided> for Shown {
    fn from(row: &Undecided) -> Self {
        Self::new(row.entry, row.prefix, row.tag.as_ref(), &row.properties)
    }
}

impl From<&Undecided> for Missing {
    fn from(row: &Undecided) -> Self {
        Self {
            entry: Some(row.entry),
            prefix: row.prefix,
            why: row.why.clone(),
        }
    }
}

impl Missing {
    /// In one line: `entry 3 (10.0.0.0/8): state: not given`.
    pub fn line(&self) -> String {
        let place = self.entry.map_or("the rest of the table".to_owned(), |entry| {
            format!("entry {entry}")
        });
        let prefix = self
            .prefix
            .map(|prefix| format!(" ({prefix})"))
            .unwrap_or_default();
        format!("{place}{prefix}: {}", self.why)
    }
}

impl Table {
    /// What is not understood; where an address is given, only what could contain it.
    pub fn missing(&self, around: Option<IpAddr>) -> Vec<Missing> {
        let near = |row: &&Undecided| match (row.prefix, around) {
            (Some(prefix), Some(address)) => prefix.contains(address),
            _ => true,
        };
        let cut = self.cut.iter().map(|why| Missing {
            entry: None,
            prefix: None,
            why: why.clone(),
        });
        cut.chain(self.undecided.iter().filter(near).map(Missing::from))
            .collect()
    }
}
