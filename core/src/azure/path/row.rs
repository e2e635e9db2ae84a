//! What a path says.

use serde::Serialize;

use crate::azure::nsg::Verdict;
use crate::section::SectionName;

/// What a layer does to the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Status {
    /// It lets it through.
    #[serde(rename = "PASS")]
    Pass,
    /// It stops it.
    #[serde(rename = "BLOCK")]
    Block,
    /// It lets it through and may harm it.
    #[serde(rename = "DEGRADE")]
    Degrade,
    /// What was read does not tell.
    #[serde(rename = "UNKNOWN")]
    Unknown,
    /// There is no such layer for this flow.
    #[serde(rename = "not_applicable")]
    NotApplicable,
}

impl Status {
    /// As it stands in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Block => "BLOCK",
            Self::Degrade => "DEGRADE",
            Self::Unknown => "UNKNOWN",
            Self::NotApplicable => "not_applicable",
        }
    }
}

/// Which layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// The layers within the virtual machine: its firewall, routes, queues and sockets.
    Guest,
    /// The network interface, and whether the address is one of its own.
    Nic,
    /// Security admin rules of Azure Virtual Network Manager.
    AdminRules,
    /// The network security group of the network interface.
    NicNsg,
    /// The network security group of the subnet.
    SubnetNsg,
    /// A network security group of which it is not known where it stands.
    Nsg,
    /// The effective route.
    Route,
    /// The machine or gateway that the route leads to.
    NextHop,
    /// How the flow gets a public address on its way out.
    Egress,
    /// The public address by which the flow comes in.
    PublicAddress,
    /// A private endpoint.
    PrivateEndpoint,
    /// The network rules of a storage account.
    StorageRules,
    /// Whether both ways lead through the same machine.
    Symmetry,
}

/// At which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Where the flow begins.
    Source,
    /// Neither.
    Between,
    /// Where it goes.
    Destination,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The flow.
    Forward,
    /// Its reply.
    Back,
}

/// What decides at a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Object {
    /// `rule`, `route`, `network-security-group`, `subnet`, `network-interface` and so on.
    pub kind: &'static str,
    /// The resource to edit. Of a rule that every group has of its own, its group; of a route of the platform, the route table
    /// in which another could be set, or the subnet that has none.
    pub id: Option<String>,
    /// In words.
    pub text: String,
}

/// Where in what was read it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Evidence {
    /// Of which end.
    #[serde(rename = "where")]
    pub place: Place,
    /// In which section.
    pub section: SectionName,
    /// The entry or the rule in it.
    pub at: Option<String>,
}

/// What becomes of some of the ports at a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The ports: `8080-8085`.
    pub ports: String,
    /// What becomes of them.
    pub status: Status,
    /// What decides.
    pub object: Option<Object>,
    /// Why.
    pub why: String,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Which.
    pub layer: Layer,
    /// At which end.
    #[serde(rename = "where")]
    pub place: Place,
    /// Which way.
    pub direction: Way,
    /// What it does.
    pub status: Status,
    /// What decides.
    pub object: Option<Object>,
    /// Why, in words.
    pub why: String,
    /// Where that stands.
    pub evidence: Vec<Evidence>,
    /// What the status takes for granted that was not read. A row that blocks so does not make the path DENY.
    pub assumes: Option<&'static str>,
    /// Where ports come to different ends or by different rules: each part.
    pub parts: Vec<Part>,
    /// The status for each of the parts in which the flow's ports are asked; empty: the same for all.
    #[serde(skip)]
    pub(super) each: Vec<Status>,
}

impl Layer {
    /// As it stands in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Nic => "nic",
            Self::AdminRules => "admin-rules",
            Self::NicNsg => "nic-nsg",
            Self::SubnetNsg => "subnet-nsg",
            Self::Nsg => "nsg",
            Self::Route => "route",
            Self::NextHop => "next-hop",
            Self::Egress => "egress",
            Self::PublicAddress => "public-address",
            Self::PrivateEndpoint => "private-endpoint",
            Self::StorageRules => "storage-rules",
            Self::Symmetry => "symmetry",
        }
    }
}

impl Place {
    /// As it stands in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Between => "between",
            Self::Destination => "destination",
        }
    }
}

impl Row {
    pub(super) fn new(
        layer: Layer,
        place: Place,
        direction: Way,
        status: Status,
        why: impl Into<String>,
    ) -> Self {
        Self {
            layer,
            place,
            direction,
            status,
            object: None,
            why: why.into(),
            evidence: Vec::new(),
            assumes: None,
            parts: Vec::new(),
            each: Vec::new(),
        }
    }

    pub(super) fn object(mut self, object: Object) -> Self {
        self.object = Some(object);
        self
    }

    pub(super) fn evidence(mut self, section: SectionName, at: Option<String>) -> Self {
        let place = self.place;
        self.evidence.push(Evidence { place, section, at });
        self
    }

    /// What it does to one of the parts of the flow's ports.
    pub(super) fn status_of(&self, part: usize) -> Status {
        self.each.get(part).copied().unwrap_or(self.status)
    }
}

/// Something that would have to be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Missing {
    /// Of which end.
    #[serde(rename = "where")]
    pub place: Place,
    /// For which layer.
    pub layer: Layer,
    /// In which section, where it is part of one.
    pub section: Option<SectionName>,
    /// What, and why it is not there.
    pub why: String,
}

/// What becomes of some of the ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartVerdict {
    /// The ports: `8080-8085`.
    pub ports: String,
    /// What becomes of them.
    pub verdict: Verdict,
}

/// What becomes of a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Path {
    /// For all of the ports that were asked for; UNKNOWN where they come to different ends, see `parts`.
    pub verdict: Verdict,
    /// True where a layer lets it through and may harm it.
    pub degraded: bool,
    /// Every layer, in the order in which the flow and then its reply meet them.
    pub layers: Vec<Row>,
    /// What would have to be read for certainty, whatever the verdict.
    pub missing: Vec<Missing>,
    /// Where ports come to different ends: each part.
    pub parts: Vec<PartVerdict>,
}

impl Path {
    /// The layers that block.
    pub fn blocking(&self) -> impl Iterator<Item = &Row> {
        self.layers.iter().filter(|row| row.status == Status::Block)
    }
}
