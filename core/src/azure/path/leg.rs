//! One way: the route of an end to an address, and what it leads to.

use std::net::IpAddr;

use super::network::{peered, takes_forwarded};
use super::row::{Layer, Missing, Object, Place, Row, Status, Way};
use super::{End, Interface, Question, hop, internet};
use crate::azure::net::Net;
use crate::azure::route::{Answer, Hop, Lookup, Shown, lookup};
use crate::azure::tags::{HOST, METADATA, public};
use crate::section::SectionName;

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reach {
    /// To the other end, without anything in between.
    Direct,
    /// To the host under the machine.
    Platform,
    /// To the Internet.
    Internet,
    /// To a service, by its endpoint.
    Service,
    /// To a private endpoint.
    PrivateEndpoint,
    /// To machines that forward: their addresses.
    Appliance(Vec<String>),
    /// To a gateway.
    Gateway,
    /// Nowhere.
    Nowhere,
    /// What was read does not tell.
    Unknown,
}

impl Reach {
    /// True where something in between may translate addresses, so that the other end sees another source.
    pub(super) fn may_translate(&self) -> bool {
        matches!(self, Self::Appliance(_) | Self::Gateway | Self::Unknown)
    }
}

/// One way.
#[derive(Debug)]
pub(super) struct Leg<'q, 'a> {
    pub(super) question: &'q Question<'a>,
    pub(super) from: &'a Interface,
    pub(super) to: &'a End,
    pub(super) place: Place,
    pub(super) way: Way,
    pub(super) rows: Vec<Row>,
    pub(super) missing: Vec<Missing>,
}

/// True for the addresses by which the host under a machine serves it, whatever routes there are.
pub(super) fn is_platform(address: IpAddr) -> bool {
    let is = |text: &str| text.parse::<Net>().is_ok_and(|net| net.contains(address));
    is(HOST) || is(METADATA)
}

impl<'q, 'a> Leg<'q, 'a> {
    pub(super) fn new(question: &'q Question<'a>, from: &'a Interface, place: Place) -> Self {
        let (to, way) = match place {
            Place::Destination => (question.source, Way::Back),
            Place::Source | Place::Between => (question.destination, Way::Forward),
        };
        Self {
            question,
            from,
            to,
            place,
            way,
            rows: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Adds the rows of the route and of what it leads to.
    pub(super) fn walk(&mut self) -> Reach {
        let address = self.to.address();
        if is_platform(address) {
            let why = "the host under the machine serves this address, whatever routes there are";
            self.route(Status::Pass, why);
            return Reach::Platform;
        }
        let table = match self.from.routes.as_result() {
            Ok(table) => table,
            Err(why) => {
                self.lacks(Layer::Route, Some(SectionName::EffectiveRoutes), why.to_owned());
                self.route(Status::Unknown, why);
                return Reach::Unknown;
            }
        };
        let found = lookup(table, address);
        let reach = self.answer(&found);
        match &reach {
            Reach::Appliance(hops) => {
                let delivered = hop::rows(self, hops);
                if delivered {
                    return Reach::Direct;
                }
            }
            Reach::Gateway => {
                let why = "what is behind the gateway was not read";
                self.unknown(Layer::NextHop, None, why.to_owned());
            }
            Reach::Internet if self.way == Way::Forward => {
                let row = internet::egress(self);
                self.rows.push(row);
            }
            Reach::Service if self.way == Way::Forward => self.service_policies(),
            _ => {}
        }
        let lost = matches!(
            reach,
            Reach::Direct | Reach::Internet | Reach::Service | Reach::PrivateEndpoint
        );
        if lost && self.is_foreign() {
            self.elsewhere();
        }
        reach
    }

    fn answer(&mut self, found: &Lookup) -> Reach {
        let all: Vec<&Shown> = match found.result {
            Answer::Winner => found.winner.iter().collect(),
            Answer::Tied => found.tied.iter().collect(),
            Answer::NoRoute => {
                let why = format!("no route contains {}", found.destination);
                self.route(Status::Block, &why);
                return Reach::Nowhere;
            }
            Answer::Unknown => return self.undecided(found),
        };
        let ends: Vec<(Status, String, Reach)> = all.iter().map(|shown| self.end(shown)).collect();
        let lines: Vec<String> = all.iter().map(|shown| shown.line()).collect();
        let Some((first, rest)) = ends.split_first() else {
            return Reach::Unknown;
        };
        let (status, why, reach) = first.clone();
        if rest.iter().any(|other| other != first) {
            let why = format!("no rule decides between {}", lines.join(" and "));
            self.unknown(Layer::Route, Some(SectionName::EffectiveRoutes), why);
            return Reach::Unknown;
        }
        let row = Row::new(Layer::Route, self.place, self.way, status, why);
        let mut row = row.object(self.object(all.first().copied(), lines.join("; ")));
        for shown in all {
            row = row.evidence(
                SectionName::EffectiveRoutes,
                Some(format!("entry {}", shown.entry)),
            );
        }
        if status == Status::Unknown {
            self.lacks(Layer::Route, None, row.why.clone());
        }
        self.rows.push(row);
        reach
    }

    fn undecided(&mut self, found: &Lookup) -> Reach {
        let section = Some(SectionName::EffectiveRoutes);
        for missing in &found.missing {
            self.lacks(Layer::Route, section, missing.line());
        }
        let possible: Vec<String> = found.possible.iter().map(Shown::line).collect();
        let why = format!(
            "which route is used is not known; these could be: {}",
            possible.join("; ")
        );
        if found.missing.is_empty() {
            self.lacks(Layer::Route, section, why.clone());
        }
        self.route(Status::Unknown, &why);
        Reach::Unknown
    }

    /// What a route does with packets to the other end.
    fn end(&self, route: &Shown) -> (Status, String, Reach) {
        let word = route.next_hop_type.clone().unwrap_or_default();
        let pass = |why: &str, reach| (Status::Pass, why.to_owned(), reach);
        let block = |why: &str| (Status::Block, why.to_owned(), Reach::Nowhere);
        let inside = self.to.interface().is_some() && !self.is_foreign();
        match Hop::of(&word) {
            Hop::Nowhere => block("the route drops its packets"),
            Hop::Network => self.within(route, &word),
            Hop::Internet if inside => block(
                "the route leads to the Internet, and the other end is the private address of an interface",
            ),
            Hop::Internet if !public().contains(self.to.address()) => {
                block("the route leads to the Internet, where this address is not routed")
            }
            Hop::Internet => pass("the route leads to the Internet", Reach::Internet),
            Hop::ServiceEndpoint if inside => block(
                "the route leads to a service, and the other end is the private address of an interface",
            ),
            Hop::ServiceEndpoint => pass("the route leads to the service by its endpoint", Reach::Service),
            Hop::Gateway => pass("the route leads to a gateway", Reach::Gateway),
            Hop::Appliance => pass(
                "the route leads to a machine that must forward",
                Reach::Appliance(route.next_hop_ips.clone()),
            ),
            Hop::Other if word.is("ConnectedGroup") => self.within(route, &word),
            Hop::Other if word.is("InterfaceEndpoint") => {
                pass("the route leads to a private endpoint", Reach::PrivateEndpoint)
            }
            Hop::Other => {
                let why = format!(
                    "what a next hop of the kind {:?} does is not known",
                    word.as_str()
                );
                (Status::Unknown, why, Reach::Unknown)
            }
        }
    }

    /// A route to the virtual network, or to one that is connected with it.
    fn within(&self, route: &Shown, word: &crate::azure::route::Word) -> (Status, String, Reach) {
        let own = word.is("VnetLocal");
        let address = self.to.address();
        let here = self
            .from
            .nic
            .captured()
            .and_then(|nic| nic.network(self.from.address));
        let there = self.to.nic().filter(|_| !self.is_foreign());
        let both = here.zip(there.and_then(|nic| nic.network(address)));
        let system = route.source.as_ref().is_some_and(|source| source.is("Default"));
        let fits = |(here, there): &(String, String)| (here == there) == own;
        match both {
            Some((here, there)) if own && system && here != there => {
                let why = "the address is one of the interface's own virtual network, and the other end is in another";
                (Status::Block, why.to_owned(), Reach::Nowhere)
            }
            Some(both) if !fits(&both) => {
                let why = format!(
                    "the route leads to {}, which does not fit the virtual networks of the two ends",
                    word.as_str()
                );
                (Status::Unknown, why, Reach::Direct)
            }
            None if there.is_some() => {
                let why = "in which virtual networks the two ends are was not read";
                (Status::Unknown, why.to_owned(), Reach::Direct)
            }
            _ if own => (
                Status::Pass,
                "the virtual network delivers it".to_owned(),
                Reach::Direct,
            ),
            Some(_) if word.is("ConnectedGroup") => {
                let why =
                    "which virtual networks are in one connected group with the interface's was not read";
                (Status::Unknown, why.to_owned(), Reach::Direct)
            }
            Some(both) => self.to_peer(&both),
            None => {
                let why = format!("the connected virtual network delivers it ({})", word.as_str());
                (Status::Pass, why, Reach::Direct)
            }
        }
    }

    /// A route to a peered network.
    fn to_peer(&self, (here, there): &(String, String)) -> (Status, String, Reach) {
        let networks = &self.question.around.networks;
        let found = peered(networks.get(here), (here, there), self.to.address());
        let taken = || !self.forwards() || takes_forwarded(networks.get(there), here);
        if found.0 != Status::Pass || taken() {
            return found;
        }
        let why =
            "whether the other network takes what the interface only forwards was not read, or it does not";
        (Status::Unknown, why.to_owned(), found.2)
    }

    /// True where the flow's source is none of the interface's addresses, which it forwards then.
    fn forwards(&self) -> bool {
        let nic = self.from.nic.captured();
        nic.is_some_and(|nic| nic.configuration(self.from.address).is_none())
    }

    /// What policies of the subnet may leave of its service endpoints.
    fn service_policies(&mut self) {
        let nic = self.from.nic.captured();
        let subnet = nic.and_then(|nic| nic.subnet(self.from.address));
        let why = match subnet {
            Some(subnet) if subnet.service_policies.is_empty() => return,
            Some(subnet) => format!(
                "which accounts the service endpoint policies of the subnet let through was not read: {}",
                subnet.service_policies.join(", ")
            ),
            None => "whether the subnet has service endpoint policies was not read".to_owned(),
        };
        self.unknown(Layer::Route, Some(SectionName::Nic), why);
    }

    /// True where the other end's address is none of its interface's: what is sent there comes to the interface only where a
    /// route names it as the next hop.
    fn is_foreign(&self) -> bool {
        let address = self.to.address();
        self.to
            .nic()
            .is_some_and(|nic| nic.configuration(address).is_none())
    }

    /// What is said of a reach that is not the interface for whose other end's address was asked.
    fn elsewhere(&mut self) {
        let why = format!(
            "{} is no address of the other end's interface, and the route does not lead there: where it goes was not read",
            self.to.address()
        );
        self.unknown(Layer::NextHop, Some(SectionName::EffectiveRoutes), why);
    }

    /// The route to edit: in the subnet's route table, where that has it; else the table, or the subnet that has none.
    fn object(&self, route: Option<&Shown>, text: String) -> Object {
        let subnet = self
            .from
            .nic
            .captured()
            .and_then(|nic| nic.subnet(self.from.address));
        let table = subnet.and_then(|subnet| subnet.route_table.clone());
        let is =
            |word: &str| route.is_some_and(|route| route.source.as_ref().is_some_and(|its| its.is(word)));
        let name = route
            .and_then(|route| route.name.as_deref())
            .filter(|name| !name.is_empty());
        let (kind, id) = match (table, name) {
            (Some(table), Some(name)) if is("User") => ("route", Some(format!("{table}/routes/{name}"))),
            (Some(table), _) => ("route", Some(table)),
            (None, _) => ("route", subnet.map(|subnet| subnet.id.to_string())),
        };
        Object { kind, id, text }
    }

    fn route(&mut self, status: Status, why: &str) {
        let mut row = Row::new(Layer::Route, self.place, self.way, status, why);
        if status == Status::Block {
            row = row.object(self.object(None, "the effective routes".to_owned()));
            row = row.evidence(SectionName::EffectiveRoutes, None);
        }
        self.rows.push(row);
    }

    pub(super) fn lacks(&mut self, layer: Layer, section: Option<SectionName>, why: String) {
        self.missing.push(Missing {
            place: self.place,
            layer,
            section,
            why,
        });
    }

    /// A row of something that is not known.
    pub(super) fn unknown(&mut self, layer: Layer, section: Option<SectionName>, why: String) {
        self.rows
            .push(Row::new(layer, self.place, self.way, Status::Unknown, &*why));
        self.lacks(layer, section, why);
    }
}
