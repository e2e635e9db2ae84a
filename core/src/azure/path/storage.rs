//! A storage account as the end of a flow: its firewall asks by which subnet or public address a flow comes.
//!
//! Source: Microsoft, "Configure Azure Storage firewalls and virtual networks". A flow by a service endpoint comes with its subnet
//! and no public address. Rules of public addresses do not hold for flows from the account's own region. Who may ask is another
//! matter: keys, signatures and roles are no layer of the network.

use std::net::IpAddr;

use serde_json::Value;

use super::internet::leaves_by;
use super::leg::{Leg, Reach};
use super::nic::{inner, object};
use super::row::{Layer, Missing, Object, Path, Place, Row, Status, Way};
use super::{Around, End, Flow, Interface, Question, walk};
use crate::azure::body::{BadField, field, shape, string};
use crate::azure::id::ResourceId;
use crate::azure::net::Net;
use crate::azure::nsg::{FlowError, Protocol, Verdict};

/// What an account says of its network.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Its resource id.
    pub id: ResourceId,
    /// The host of its blobs.
    pub blob_host: Option<String>,
    /// `Enabled`, `Disabled` or `SecuredByPerimeter`, as Azure writes it; accounts older than the field do not say, and are
    /// enabled.
    pub public_access: Option<String>,
    /// What becomes of a flow that no rule names, `Allow` or `Deny` as Azure writes it; none: the body does not say.
    pub default_action: Option<String>,
    /// Public addresses that are let in.
    pub addresses: Vec<Net>,
    /// Subnets that are let in: the id in lower case, and the state of the rule.
    pub subnets: Vec<(String, Option<String>)>,
    /// How many private endpoints there are.
    pub private_endpoints: usize,
}

impl Account {
    /// Reads the body of a storage account.
    ///
    /// # Errors
    /// Where it is of another form.
    pub fn parse(body: &Value) -> Result<Self, BadField> {
        let outer = object(body, "storageAccount")?;
        let id = string(outer, "id")?.ok_or_else(|| BadField::new("id", "it is missing"))?;
        let fields = inner(outer)?;
        let (mut default_action, mut addresses, mut subnets) = (None, Vec::new(), Vec::new());
        if let Some(rules) = field(fields, "networkAcls").or_else(|| field(fields, "networkRuleSet")) {
            let rules = object(rules, "networkAcls")?;
            default_action = string(rules, "defaultAction")?;
            for rule in list(field(rules, "ipRules"), "ipRules")? {
                let rule = object(rule, "ipRules")?;
                let text = match string(rule, "value")? {
                    Some(text) => text,
                    // As `az` prints it.
                    None => string(rule, "ipAddressOrRange")?
                        .ok_or_else(|| BadField::new("ipRules.value", "it is missing"))?,
                };
                let bad = |_| BadField::new("ipRules.value", format!("{text:?} is no prefix"));
                addresses.push(text.parse().map_err(bad)?);
            }
            for rule in list(field(rules, "virtualNetworkRules"), "virtualNetworkRules")? {
                let rule = object(rule, "virtualNetworkRules")?;
                let subnet = match string(rule, "id")? {
                    Some(id) => id,
                    None => string(rule, "virtualNetworkResourceId")?
                        .ok_or_else(|| BadField::new("virtualNetworkRules.id", "it is missing"))?,
                };
                subnets.push((subnet.to_lowercase(), string(rule, "state")?));
            }
        }
        let endpoints = list(
            field(fields, "privateEndpointConnections"),
            "privateEndpointConnections",
        )?;
        let hosts = field(fields, "primaryEndpoints").and_then(Value::as_object);
        let blob = hosts.map(|hosts| string(hosts, "blob")).transpose()?.flatten();
        Ok(Self {
            id: id
                .parse()
                .map_err(|error| BadField::new("id", format!("{error}")))?,
            blob_host: blob.as_deref().and_then(host).map(str::to_owned),
            public_access: string(fields, "publicNetworkAccess")?,
            default_action,
            addresses,
            subnets,
            private_endpoints: endpoints.len(),
        })
    }
}

fn list<'a>(value: Option<&'a Value>, name: &str) -> Result<&'a [Value], BadField> {
    match value {
        None => Ok(&[]),
        Some(Value::Array(all)) => Ok(all),
        Some(other) => Err(BadField::new(
            name,
            format!("{} where a list belongs", shape(other)),
        )),
    }
}

/// `https://NAME/` without the rest.
fn host(address: &str) -> Option<&str> {
    let rest = address.split_once("://")?.1;
    let host = rest.split(['/', ':']).next()?;
    (!host.is_empty()).then_some(host)
}

/// What becomes of a flow from an interface to a storage account, of whose public endpoint this is an address. `from`: the
/// public address that the interface has of its own, where that is known.
///
/// # Errors
/// Where the addresses are of two families.
pub fn walk_storage(
    source: &Interface,
    (account, address): (&Account, IpAddr),
    from: Option<IpAddr>,
    flow: Flow,
    around: &Around,
) -> Result<Path, FlowError> {
    let question = Question {
        source: &End::Nic(Box::new(source.clone())),
        destination: &End::Outside(address),
        flow,
        around,
    };
    let mut path = walk(&question)?;
    let reach = Leg::new(&question, source, Place::Source).walk();
    let from = leaves_by(source, &reach, from);
    let mut found = asked(account, source, &reach, from);
    if found.0 == Status::Pass && !serves(flow) {
        let why = "which ports beside 80 and 443 of TCP its endpoint serves was not read";
        found = (Status::Unknown, why.to_owned());
    }
    let (status, why) = found;
    let row = Row::new(
        Layer::StorageRules,
        Place::Destination,
        Way::Forward,
        status,
        &*why,
    );
    let row = row.object(Object {
        kind: "storage-account",
        id: Some(account.id.to_string()),
        text: format!("the network rules of {}", account.id.name()),
    });
    let at = path.layers.iter().position(|row| row.direction == Way::Back);
    path.layers.insert(at.unwrap_or(path.layers.len()), row);
    match status {
        Status::Block => {
            path.verdict = Verdict::Deny;
            path.parts.clear();
        }
        Status::Unknown => {
            path.missing.push(Missing {
                place: Place::Destination,
                layer: Layer::StorageRules,
                section: None,
                why,
            });
            path.allow_nothing();
        }
        Status::Pass | Status::Degrade | Status::NotApplicable => {}
    }
    if account.private_endpoints > 0 {
        let why = "the account has private endpoints: whether the source comes to one of them instead is told by its own names";
        path.not_known(Place::Destination, Layer::PrivateEndpoint, why);
        for row in path.layers.iter_mut().filter(|row| row.status == Status::Block) {
            row.assumes = Some("the source's names lead to the public address of the account");
        }
        path.verdict = Verdict::Unknown;
        path.parts.clear();
    }
    Ok(path)
}

/// Whether the flow is of a kind that every endpoint of an account takes.
fn serves(flow: Flow) -> bool {
    let of_web = |port| matches!(port, 80 | 443);
    flow.protocol == Protocol::Tcp && flow.ports.is_some_and(|(low, high)| low == high && of_web(low))
}

/// What the account's firewall does.
fn asked(account: &Account, source: &Interface, reach: &Reach, from: Option<IpAddr>) -> (Status, String) {
    let is = |word: &Option<String>, known: &str| {
        word.as_ref().is_some_and(|word| word.eq_ignore_ascii_case(known))
    };
    let unknown = |why: String| (Status::Unknown, why);
    let block = |why: &str| (Status::Block, why.to_owned());
    if is(&account.public_access, "Disabled") {
        return block("public access is disabled: only private endpoints lead to the account");
    }
    if let Some(other) = account
        .public_access
        .as_ref()
        .filter(|word| !word.eq_ignore_ascii_case("Enabled"))
    {
        return unknown(format!(
            "what public access of the kind {other:?} lets in was not read"
        ));
    }
    if is(&account.default_action, "Allow") {
        return (Status::Pass, "the account lets in what no rule names".to_owned());
    }
    if !is(&account.default_action, "Deny") {
        return unknown("the account does not say what it does with flows that no rule names".to_owned());
    }
    match reach {
        Reach::Service => of_subnet(account, source),
        Reach::Internet if account.addresses.is_empty() => block(
            "the account lets in subnets with a service endpoint alone, and the flow comes by the Internet",
        ),
        Reach::Internet => match from {
            Some(from) if account.addresses.iter().any(|net| net.contains(from)) => unknown(format!(
                "the account lets {from} in from other regions than its own, and in which the source is was not read"
            )),
            Some(from) => block(&format!(
                "no rule of the account names {from}, by which the flow comes"
            )),
            None => unknown("by which public address the flow comes was not read".to_owned()),
        },
        _ => unknown("by which way the flow comes to the account is not known".to_owned()),
    }
}

/// By a service's endpoint only the subnet counts.
fn of_subnet(account: &Account, source: &Interface) -> (Status, String) {
    let nic = source.nic.captured();
    let Some(subnet) = nic.and_then(|nic| nic.subnet_id(source.address)) else {
        let why = "from which subnet the flow comes was not read".to_owned();
        return (Status::Unknown, why);
    };
    let rule = account.subnets.iter().find(|(id, _)| *id == subnet.key());
    match rule {
        Some((_, Some(state))) if state.eq_ignore_ascii_case("Succeeded") => (
            Status::Pass,
            format!("a rule lets the subnet {} in", subnet.name()),
        ),
        Some((_, state)) => {
            let state = state.as_deref().unwrap_or("not said");
            let why = format!(
                "the state of the rule for the subnet {} is {state}",
                subnet.name()
            );
            (Status::Unknown, why)
        }
        None => {
            let why = format!(
                "no rule lets the subnet {} in, by whose service endpoint the flow comes",
                subnet.name()
            );
            (Status::Block, why)
        }
    }
}
