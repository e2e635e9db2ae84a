//! Security admin rules of network managers. Each configuration in the state counts as deployed.

use serde_json::Value;

use super::body::Body;
use super::rule::{DIRECTIONS, PROTOCOLS, ports};
use super::{Direction, Id, Ports, Protocol, Resources, Where, WorldError};

/// A rule of a network manager for all of some VNets.
#[derive(Debug, Clone)]
pub struct AdminRule {
    /// Its id.
    pub id: Id,
    /// The body as Azure shows it.
    pub body: Value,
    /// The VNets that it is for.
    pub vnets: Vec<Id>,
    /// The collection that it is in: its id and body.
    pub collection: (Id, Value),
    /// The lowest goes first.
    pub priority: u64,
    /// The way that the packets go.
    pub direction: Direction,
    /// What becomes of them.
    pub access: AdminAccess,
    /// Of which protocol they are.
    pub protocol: Protocol,
    /// Where they come from.
    pub sources: Vec<Where>,
    /// Where they go to.
    pub destinations: Vec<Where>,
    /// From which ports; empty stands for all.
    pub source_ports: Vec<Ports>,
    /// To which ports; empty stands for all.
    pub destination_ports: Vec<Ports>,
}

/// What an admin rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdminAccess {
    /// Leaves it to the security groups.
    Allow,
    /// Lets the packet through whatever they say.
    AlwaysAllow,
    /// Drops it whatever they say.
    Deny,
}

const RULES: &str = "microsoft.network/networkmanagers/securityadminconfigurations/rulecollections/rules";
const COLLECTIONS: &str = "microsoft.network/networkmanagers/securityadminconfigurations/rulecollections";
const MEMBERS: &str = "microsoft.network/networkmanagers/networkgroups/staticmembers";

pub(super) fn rules(resources: &Resources) -> Result<Vec<AdminRule>, WorldError> {
    let mut rules = Vec::new();
    for (id, value) in resources.of(RULES) {
        let collection = id
            .parent()
            .and_then(|parent| resources.of(COLLECTIONS).find(|(id, _)| **id == parent));
        let (collection, collection_body) =
            collection.ok_or_else(|| WorldError::missing("rule collection of", id))?;
        let vnets = members(resources, &Body::of(collection, collection_body)?.properties()?)?;
        let collection = (collection.clone(), collection_body.clone());
        rules.push(rule(id, value, vnets, collection)?);
    }
    rules.sort_by(|a, b| (a.priority, &a.id).cmp(&(b.priority, &b.id)));
    Ok(rules)
}

/// The VNets in the groups that the collection is for.
fn members(resources: &Resources, collection: &Body<'_>) -> Result<Vec<Id>, WorldError> {
    let mut vnets = Vec::new();
    for group in collection.objects("appliesToGroups")? {
        let group = Id::new(group.need("networkGroupId")?);
        for (id, member) in resources
            .of(MEMBERS)
            .filter(|(id, _)| id.parent().as_ref() == Some(&group))
        {
            vnets.push(Id::new(Body::of(id, member)?.properties()?.need("resourceId")?));
        }
    }
    Ok(vnets)
}

fn rule(id: &Id, value: &Value, vnets: Vec<Id>, collection: (Id, Value)) -> Result<AdminRule, WorldError> {
    let body = Body::of(id, value)?.properties()?;
    let accesses = [
        ("Allow", AdminAccess::Allow),
        ("AlwaysAllow", AdminAccess::AlwaysAllow),
        ("Deny", AdminAccess::Deny),
    ];
    Ok(AdminRule {
        id: id.clone(),
        body: value.clone(),
        vnets,
        collection,
        priority: body.number("priority")?,
        direction: body.word("direction", &DIRECTIONS)?,
        access: body.word("access", &accesses)?,
        protocol: body.word("protocol", &PROTOCOLS)?,
        sources: places(&body, "sources")?,
        destinations: places(&body, "destinations")?,
        source_ports: ports(&body, &body.texts("sourcePortRanges")?)?,
        destination_ports: ports(&body, &body.texts("destinationPortRanges")?)?,
    })
}

/// No address named stands for all, as the default of Azure's API is.
fn places(body: &Body<'_>, name: &str) -> Result<Vec<Where>, WorldError> {
    let mut places = Vec::new();
    for place in body.objects(name)? {
        let tag = place.word("addressPrefixType", &[("IPPrefix", false), ("ServiceTag", true)])?;
        let text = place.need("addressPrefix")?;
        let read: Where = place.parsed("addressPrefix", text)?;
        if tag != matches!(read, Where::Tag(_)) {
            return Err(place.bad("addressPrefix", "not of the type beside it"));
        }
        places.push(read);
    }
    if places.is_empty() {
        places.push(Where::Any);
    }
    Ok(places)
}
