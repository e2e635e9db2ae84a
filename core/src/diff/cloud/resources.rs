//! Changes of the network interface and its subnets as they are configured.
//!
//! What a group or a route table does shows in the effective rules and routes: there, not here, is its effect.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::diff::Kind;
use crate::diff::comparison::{Change, Comparison, Significance};
use crate::section::SectionName;

/// What a property means for packets.
enum Means {
    /// This, however it is set.
    Always(Significance, &'static str),
    /// This where it was switched on and that where it was switched off.
    Switch([(Significance, &'static str); 2]),
    /// What the changes of that section do.
    As(SectionName),
}

use Means::{Always, As, Switch};
use Significance::{High, Info, Low, Medium, Unrated};

/// By the kind of the fact and the property (Microsoft: "Network interfaces", "Virtual network subnets", in the reference of
/// Azure Resource Manager).
const MEANS: [(&str, &str, Means); 22] = [
    (
        "nic",
        "enableIPForwarding",
        Switch([
            (
                Medium,
                "it takes packets to other addresses than its own, as an appliance",
            ),
            (
                High,
                "packets to other addresses than its own, as routes bring them to an appliance, are dropped",
            ),
        ]),
    ),
    ("nic", "networkSecurityGroup", As(SectionName::EffectiveNsg)),
    (
        "nic",
        "enableAcceleratedNetworking",
        Always(Low, "packets take another way through the host, to the same end"),
    ),
    ("nic", "tags", Always(Info, "no packet fares otherwise")),
    (
        "nic",
        "virtualMachine",
        Always(
            High,
            "packets to its addresses come to another virtual machine, or to none",
        ),
    ),
    (
        "nic",
        "dnsSettings",
        Always(Unrated, "names are resolved by other servers"),
    ),
    (
        "ip-configuration",
        "privateIPAddress",
        Always(High, "packets to the old address don't come here any more"),
    ),
    (
        "ip-configuration",
        "privateIPAllocationMethod",
        Always(Info, "no packet fares otherwise while the address stays"),
    ),
    (
        "ip-configuration",
        "subnet",
        Always(
            High,
            "it stands in another subnet, with other addresses, rules and routes",
        ),
    ),
    (
        "ip-configuration",
        "publicIPAddress",
        Always(
            Medium,
            "connections from and to the Internet use another public address, or none",
        ),
    ),
    (
        "ip-configuration",
        "loadBalancerBackendAddressPools",
        Always(Medium, "other load balancers send it connections"),
    ),
    (
        "ip-configuration",
        "loadBalancerInboundNatRules",
        Always(Medium, "other ports of a load balancer lead here"),
    ),
    (
        "ip-configuration",
        "applicationGatewayBackendAddressPools",
        Always(Medium, "other gateways send it connections"),
    ),
    (
        "ip-configuration",
        "applicationSecurityGroups",
        Always(
            Unrated,
            "rules that name these groups, here and at other interfaces, match other packets",
        ),
    ),
    ("subnet", "networkSecurityGroup", As(SectionName::EffectiveNsg)),
    ("subnet", "routeTable", As(SectionName::EffectiveRoutes)),
    ("subnet", "serviceEndpoints", As(SectionName::EffectiveRoutes)),
    (
        "subnet",
        "natGateway",
        Always(
            Medium,
            "connections to the Internet leave by another public address, or by none",
        ),
    ),
    (
        "subnet",
        "defaultOutboundAccess",
        Always(
            Unrated,
            "machines without a way out of their own get one to the Internet, or get none any more",
        ),
    ),
    (
        "subnet",
        "privateEndpointNetworkPolicies",
        Always(
            Unrated,
            "whether rules and routes hold for private endpoints in the subnet is another",
        ),
    ),
    (
        "subnet",
        "serviceEndpointPolicies",
        Always(
            Unrated,
            "other accounts of services can be reached by service endpoints",
        ),
    ),
    (
        "subnet",
        "delegations",
        Always(
            Unrated,
            "services of Azure may set rules and routes of the subnet themselves",
        ),
    ),
];

/// What the changes of a section do, all together; `None` where it was not known whole.
type Follows<'f> = dyn Fn(SectionName) -> Option<Significance> + 'f;

/// Says of each change what it does. The changes of the other sections are rated already.
pub(super) fn rate(found: &mut Comparison) {
    let known = [SectionName::EffectiveNsg, SectionName::EffectiveRoutes].map(|section| {
        let whole = found.covered.iter().any(|row| row.section == section);
        let its = found.changes.iter().filter(|change| change.section == section);
        let all: Vec<Significance> = its.map(|change| change.significance).collect();
        let most = if all.contains(&Unrated) {
            Unrated
        } else {
            all.into_iter().max().unwrap_or(Info)
        };
        (section, whole.then_some(most))
    });
    let follows = |section| known.iter().find(|(name, _)| *name == section)?.1;
    for change in &mut found.changes {
        if change.section == SectionName::Nic && change.namespace.is_none() {
            (change.significance, change.effect) = worked_out(change, &follows);
        }
    }
}

fn worked_out(change: &Change, follows: &Follows<'_>) -> (Significance, Option<String>) {
    let [before, after] = [&change.before, &change.after].map(|side| super::entry(side.as_ref()));
    let config = after.or(before).map(|entry| &entry.config);
    let fact = config
        .and_then(|config| config.get("kind"))
        .and_then(Json::as_str);
    let [before, after] =
        [before, after].map(|entry| entry.map_or_else(BTreeMap::new, |entry| set(&entry.config)));
    let address = |side: &BTreeMap<&str, &Json>| {
        let value = side.get("privateIPAddress").and_then(|value| value.get("value"));
        value.and_then(Json::as_str).unwrap_or("an address").to_owned()
    };
    match (fact, change.kind) {
        (Some("ip-configuration"), Kind::FactAdded) => {
            (Medium, Some(format!("packets to {} come here", address(&after))))
        }
        (Some("ip-configuration"), Kind::FactRemoved) => (
            High,
            Some(format!(
                "packets to {} don't come here any more",
                address(&before)
            )),
        ),
        (Some(fact), Kind::FactChanged) => {
            let names = before
                .keys()
                .chain(after.keys().filter(|name| !before.contains_key(*name)));
            let differs = names.filter(|name| before.get(*name) != after.get(*name));
            together(differs.map(|name| means(fact, name, after.get(name).copied(), follows)))
        }
        _ => (Unrated, None),
    }
}

/// What is set, by name.
fn set(config: &Json) -> BTreeMap<&str, &Json> {
    let all = config
        .get("properties")
        .and_then(Json::as_array)
        .into_iter()
        .flatten();
    let pair = |property| {
        Some((
            Json::as_str(Json::get(property, "name")?)?,
            Json::get(property, "value")?,
        ))
    };
    all.filter_map(pair).collect()
}

fn means(fact: &str, name: &str, after: Option<&Json>, follows: &Follows<'_>) -> (Significance, String) {
    let known = MEANS
        .iter()
        .find(|(kind, property, _)| *kind == fact && property.eq_ignore_ascii_case(name));
    let Some((_, _, means)) = known else {
        return (Unrated, format!("what {name} does to packets is not known"));
    };
    match means {
        Always(significance, words) => (*significance, (*words).to_owned()),
        Switch([on, off]) => {
            let set = after.and_then(|value| value.get("value")).and_then(Json::as_str) == Some("true");
            let (significance, words) = if set { on } else { off };
            (*significance, (*words).to_owned())
        }
        As(section) => match follows(*section) {
            Some(Info) => (Info, format!("{name}: {section} has the same effect as before")),
            Some(most) => (most, format!("{name}: see the changes of {section}")),
            None => (Unrated, format!("{name}: {section} was not read whole")),
        },
    }
}

/// Several properties of one fact: the gravest counts, and below that one that is not known.
fn together(all: impl Iterator<Item = (Significance, String)>) -> (Significance, Option<String>) {
    let (ratings, words): (Vec<Significance>, Vec<String>) = all.unzip();
    let most = ratings.iter().copied().max().unwrap_or(Unrated);
    let rating = if most != High && ratings.contains(&Unrated) {
        Unrated
    } else {
        most
    };
    (rating, (!words.is_empty()).then(|| words.join("; ")))
}
