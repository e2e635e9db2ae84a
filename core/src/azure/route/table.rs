//! A table of effective routes.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::Value;

use super::word::{Hop, Origin, State, Word};
use crate::azure::net::Net;
use crate::section::Warning;

/// The effective routes of one network interface.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// How many entries the body has. An entry of several prefixes is several routes.
    pub entries: usize,
    /// What is understood, in the order of the body.
    pub routes: Vec<Route>,
    /// What is not.
    pub undecided: Vec<Undecided>,
    /// Why the body is not the whole table: it names a next page. What stands there could be anything.
    pub cut: Option<String>,
    /// What was noticed that takes nothing away.
    pub warnings: Vec<Warning>,
}

/// A route: one prefix of one entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The entry's place in the body, from 0.
    pub entry: usize,
    /// Where it leads to.
    pub prefix: Net,
    /// The service tag whose prefix it is, where the entry names the tag and the body says what the tag holds.
    pub tag: Option<String>,
    /// What the entry says of all its prefixes.
    pub properties: Arc<Properties>,
}

/// A prefix of an entry that is not understood, or an entry whose prefixes are not.
#[derive(Debug, Clone, PartialEq)]
pub struct Undecided {
    /// The entry's place in the body, from 0.
    pub entry: usize,
    /// Its prefix; `None` where that could not be read, so that it could lead anywhere.
    pub prefix: Option<Net>,
    /// The service tag whose prefix it is.
    pub tag: Option<String>,
    /// What is not understood, for people.
    pub why: String,
    /// What is not understood, for selection.
    pub doubts: Vec<Doubt>,
    /// What could be read of the entry.
    pub properties: Arc<Properties>,
}

/// A part of an entry that is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doubt {
    /// Where it leads to.
    Prefix,
    /// Whether it is used.
    State,
    /// Who made it.
    Source,
    /// What kind of next hop it has.
    NextHopType,
    /// The next hop's addresses.
    NextHopAddresses,
    /// Whether it overrides routes of BGP.
    BgpOverride,
    /// Something that has no part in selection.
    Detail,
}

/// What an entry says of all its prefixes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Properties {
    /// The route's name in its route table; routes of the platform and of gateways have none.
    pub name: Option<String>,
    /// Who made it, as written.
    pub source: Word,
    /// Whether it is used, as written.
    pub state: Word,
    /// Where its packets go, as written.
    pub next_hop_type: Word,
    /// The next hop's addresses, in the order of the body; several share the packets.
    pub next_hop_ips: Vec<String>,
    /// True where it overrides routes of BGP whatever their length. Not there is false.
    pub has_bgp_override: bool,
    /// Whether the route table keeps routes of gateways out.
    pub disable_bgp_propagation: Option<bool>,
    /// The service tags that the route was made for.
    pub service_tags: Vec<String>,
    /// What the body says that tags hold.
    pub tag_map: BTreeMap<String, Vec<String>>,
    /// Fields that this version does not know, as they are.
    pub other: BTreeMap<String, Value>,
}

impl Table {
    /// True where every entry is understood and no page is missing.
    pub fn is_whole(&self) -> bool {
        self.cut.is_none() && self.undecided.is_empty()
    }
}

impl Properties {
    /// True where packets go the same way by both: one type of next hop and the same addresses in any order.
    pub fn same_way(&self, other: &Self) -> bool {
        self.next_hop_type == other.next_hop_type && self.hops() == other.hops()
    }

    /// The next hop's addresses, sorted, each once, in their usual form.
    pub fn hops(&self) -> Vec<String> {
        let usual = |address: &String| match address.parse::<IpAddr>() {
            Ok(address) => address.to_string(),
            Err(_) => address.clone(),
        };
        let mut hops: Vec<String> = self.next_hop_ips.iter().map(usual).collect();
        hops.sort();
        hops.dedup();
        hops
    }
}

impl Route {
    /// Who made it. Of a route that is understood this is never a guess.
    pub fn origin(&self) -> Option<Origin> {
        Origin::of(&self.properties.source)
    }

    /// True where it takes part in selection.
    pub fn is_active(&self) -> bool {
        State::of(&self.properties.state) == Some(State::Active)
    }

    /// Where its packets go.
    pub fn hop(&self) -> Hop {
        Hop::of(&self.properties.next_hop_type)
    }
}

impl Undecided {
    /// True where this is not understood.
    pub fn doubts(&self, doubt: Doubt) -> bool {
        self.doubts.contains(&doubt)
    }

    /// True where it is certain that Azure does not use it.
    pub fn is_out(&self) -> bool {
        !self.doubts(Doubt::State) && State::of(&self.properties.state) == Some(State::Invalid)
    }
}
