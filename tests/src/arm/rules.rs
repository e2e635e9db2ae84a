//! Parts of resources as they are kept: security rules and routes checked, all given their ids.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::body;
use super::refusal::Refusal;

/// A field, what it may say, and how it is spelled.
type Words = (&'static str, &'static [&'static str]);

const PROTOCOL: Words = ("protocol", &["Tcp", "Udp", "Icmp", "Esp", "Ah", "*"]);
const ACCESS: Words = ("access", &["Allow", "Deny"]);
const DIRECTION: Words = ("direction", &["Inbound", "Outbound"]);
const NEXT_HOP: Words = (
    "nextHopType",
    &[
        "VirtualNetworkGateway",
        "VnetLocal",
        "Internet",
        "VirtualAppliance",
        "None",
    ],
);

/// Lists that the answer shows even where they are empty.
const PLURALS: &[&str] = &[
    "sourcePortRanges",
    "destinationPortRanges",
    "sourceAddressPrefixes",
    "destinationAddressPrefixes",
];

/// A part with its id, checked.
pub(crate) fn shaped(
    list: &str,
    name: &str,
    holder: &str,
    kind: &str,
    asked: Value,
) -> Result<Value, Refusal> {
    if name.is_empty() {
        return Err(Refusal::format(format!("An entry of {list} has no name.")));
    }
    if !asked.get("properties").is_some_and(Value::is_object) {
        return Err(Refusal::format(format!("{name} in {list} has no properties.")));
    }
    let mut one = asked;
    match list {
        "securityRules" => security_rule(name, &mut one)?,
        "routes" => route(&mut one)?,
        _ => {}
    }
    body::set(&mut one, "name", name.into());
    body::set(&mut one, "id", format!("{holder}/{list}/{name}").into());
    body::set(&mut one, "type", format!("{kind}/{list}").into());
    body::set_property(&mut one, "provisioningState", "Succeeded".into());
    Ok(one)
}

/// Two rules of one priority and direction, or two routes of one prefix, can't stand beside each other.
pub(crate) fn no_conflict(list: &str, one: &Value, others: &[Value]) -> Result<(), Refusal> {
    let name = body::text(one, "/name");
    let same = |field: &str, other: &Value| {
        one.pointer(field).is_some() && one.pointer(field) == other.pointer(field)
    };
    let rival = others
        .iter()
        .filter(|other| !body::is_named(other, name))
        .find(|other| match list {
            "securityRules" => same("/properties/priority", other) && same("/properties/direction", other),
            "routes" => same("/properties/addressPrefix", other),
            _ => false,
        });
    let Some(rival) = rival.map(|rival| body::text(rival, "/name")) else {
        return Ok(());
    };
    Err(if list == "routes" {
        // No record shows Azure's own code.
        Refusal::format(format!("Route {name} has the address prefix of route {rival}."))
    } else {
        let message = format!(
            "Security rule {name} conflicts with rule {rival}. Rules cannot have the same Priority and Direction. To learn \
             more about Network Security Groups security rules, see aka.ms/nsgrules"
        );
        // The code is that of reports; its status is nowhere recorded.
        Refusal::provider(400, "SecurityRuleConflict", message)
    })
}

fn security_rule(name: &str, rule: &mut Value) -> Result<(), Refusal> {
    for words in [PROTOCOL, ACCESS, DIRECTION] {
        spell(rule, words)?;
    }
    let priority = rule.pointer("/properties/priority");
    let number = priority.and_then(Value::as_u64);
    let number =
        number.ok_or_else(|| Refusal::format("The priority of a security rule must be a number."))?;
    if !(100..=4096).contains(&number) {
        let message =
            format!("Security rule has invalid Priority. Value provided: {number} Allowed range 100-4096.");
        // This code and the next two are from memory of reports, not from recorded traffic.
        return Err(Refusal::provider(400, "SecurityRuleInvalidPriority", message));
    }
    for (one, many) in [
        ("sourcePortRange", "sourcePortRanges"),
        ("destinationPortRange", "destinationPortRanges"),
    ] {
        for port in values(rule, one, many)? {
            if !is_port_range(&port) {
                let message = format!(
                    "Security rule has invalid Port range. Value provided: {port}. Value should be an integer OR integer \
                     range with '-' delimiter. Valid range 0-65535."
                );
                return Err(Refusal::provider(400, "SecurityRuleInvalidPortRange", message));
            }
        }
    }
    for (one, many, groups) in [
        (
            "sourceAddressPrefix",
            "sourceAddressPrefixes",
            "sourceApplicationSecurityGroups",
        ),
        (
            "destinationAddressPrefix",
            "destinationAddressPrefixes",
            "destinationApplicationSecurityGroups",
        ),
    ] {
        let prefixes = values(rule, one, many)?;
        if prefixes.is_empty() && body::part(rule, groups).is_empty() {
            return Err(Refusal::format(format!(
                "Security rule {name} says neither {one} nor {groups}."
            )));
        }
        if let Some(bad) = prefixes.iter().find(|prefix| !is_prefix_or_tag(prefix)) {
            let message = format!("Security rule has invalid Address prefix. Value provided: {bad}");
            return Err(Refusal::provider(
                400,
                "SecurityRuleInvalidAddressPrefix",
                message,
            ));
        }
    }
    for list in PLURALS {
        if body::part(rule, list).is_empty() {
            body::set_property(rule, list, json!([]));
        }
    }
    Ok(())
}

fn route(route: &mut Value) -> Result<(), Refusal> {
    spell(route, NEXT_HOP)?;
    let prefix = body::text(route, "/properties/addressPrefix");
    if !is_prefix_or_tag(prefix) || prefix == "*" {
        return Err(Refusal::format(format!(
            "Route has the invalid address prefix '{prefix}'."
        )));
    }
    let appliance = body::text(route, "/properties/nextHopType") == "VirtualAppliance";
    let address = body::text(route, "/properties/nextHopIpAddress");
    if appliance && address.parse::<IpAddr>().is_err() {
        return Err(Refusal::format(format!(
            "A next hop of type VirtualAppliance needs an address; '{address}' is none."
        )));
    }
    if route.pointer("/properties/hasBgpOverride").is_none() {
        body::set_property(route, "hasBgpOverride", false.into());
    }
    Ok(())
}

/// Spells a word as Azure does, in whichever case it came.
fn spell(one: &mut Value, (field, words): Words) -> Result<(), Refusal> {
    let said = body::text(one, &format!("/properties/{field}"));
    let known = words.iter().find(|word| word.eq_ignore_ascii_case(said));
    let known = known.ok_or_else(|| {
        Refusal::format(format!(
            "Cannot parse the request: '{said}' is not a value of {field}."
        ))
    })?;
    body::set_property(one, field, (*known).into());
    Ok(())
}

/// What a field and its plural say together.
fn values(rule: &Value, one: &str, many: &str) -> Result<Vec<String>, Refusal> {
    let single = rule
        .pointer(&format!("/properties/{one}"))
        .filter(|value| !value.is_null());
    let texts = single
        .into_iter()
        .chain(body::part(rule, many))
        .map(|value| match value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            other => Err(Refusal::format(format!("{one} can't be {other}."))),
        });
    texts
        .filter(|text| text.as_ref().map_or(true, |text| !text.is_empty()))
        .collect()
}

fn is_port_range(text: &str) -> bool {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    text == "*"
        || from
            .parse::<u16>()
            .is_ok_and(|from| to.parse::<u16>().is_ok_and(|to| from <= to))
}

/// An address, a prefix, `*`, or a word that may be a service tag.
fn is_prefix_or_tag(text: &str) -> bool {
    let (address, length) = text.split_once('/').unwrap_or((text, "0"));
    if let Ok(address) = address.parse::<IpAddr>() {
        let most = if address.is_ipv4() { 32 } else { 128 };
        return length.parse::<u8>().is_ok_and(|length| length <= most);
    }
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_';
    text == "*"
        || (text
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
            && text.bytes().all(is_word))
}

/// The rules that every network security group has.
pub(crate) fn defaults(group: &str) -> Value {
    let rule = |name: &str, priority: u32, direction: &str, from: &str, to: &str, access: &str| {
        json!({
            "name": name, "id": format!("{group}/defaultSecurityRules/{name}"),
            "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
            "properties": {
                "provisioningState": "Succeeded", "protocol": "*", "sourcePortRange": "*", "destinationPortRange": "*",
                "sourceAddressPrefix": from, "destinationAddressPrefix": to, "access": access, "priority": priority,
                "direction": direction, "sourcePortRanges": [], "destinationPortRanges": [],
                "sourceAddressPrefixes": [], "destinationAddressPrefixes": [],
            },
        })
    };
    json!([
        rule(
            "AllowVnetInBound",
            65000,
            "Inbound",
            "VirtualNetwork",
            "VirtualNetwork",
            "Allow"
        ),
        rule(
            "AllowAzureLoadBalancerInBound",
            65001,
            "Inbound",
            "AzureLoadBalancer",
            "*",
            "Allow"
        ),
        rule("DenyAllInBound", 65500, "Inbound", "*", "*", "Deny"),
        rule(
            "AllowVnetOutBound",
            65000,
            "Outbound",
            "VirtualNetwork",
            "VirtualNetwork",
            "Allow"
        ),
        rule(
            "AllowInternetOutBound",
            65001,
            "Outbound",
            "*",
            "Internet",
            "Allow"
        ),
        rule("DenyAllOutBound", 65500, "Outbound", "*", "*", "Deny"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(change: &Value) -> Result<Value, Refusal> {
        let mut properties = json!({"protocol": "tcp", "access": "allow", "direction": "inbound", "priority": 900,
            "sourcePortRange": "*", "destinationPortRange": "80", "sourceAddressPrefix": "*",
            "destinationAddressPrefix": "10.0.0.0/8"});
        for (field, value) in change.as_object().unwrap() {
            properties[field] = value.clone();
        }
        shaped("securityRules", "r", "/g", "K", json!({"properties": properties}))
    }

    #[test]
    fn a_rule_is_spelled_and_completed() {
        let kept = rule(&json!({})).unwrap();
        assert_eq!(kept["properties"]["access"], "Allow");
        assert_eq!(kept["properties"]["protocol"], "Tcp");
        assert_eq!(kept["properties"]["sourceAddressPrefixes"], json!([]));
        assert_eq!(
            (&kept["id"], &kept["type"]),
            (&json!("/g/securityRules/r"), &json!("K/securityRules"))
        );
    }

    #[test]
    fn a_rule_that_says_nothing_or_nonsense_is_refused() {
        for (change, code) in [
            (json!({"priority": 99}), "SecurityRuleInvalidPriority"),
            (json!({"priority": "high"}), "InvalidRequestFormat"),
            (json!({"direction": "sideways"}), "InvalidRequestFormat"),
            (
                json!({"destinationPortRange": "90-80"}),
                "SecurityRuleInvalidPortRange",
            ),
            (
                json!({"destinationPortRange": "65536"}),
                "SecurityRuleInvalidPortRange",
            ),
            (
                json!({"sourceAddressPrefix": "10.0.0.0/33"}),
                "SecurityRuleInvalidAddressPrefix",
            ),
            (json!({"sourceAddressPrefix": null}), "InvalidRequestFormat"),
        ] {
            assert_eq!(rule(&change).unwrap_err().code, code, "{change}");
        }
        assert!(rule(&json!({"sourceAddressPrefix": "VirtualNetwork"})).is_ok());
        assert!(
            rule(&json!({"sourceAddressPrefix": null, "sourceApplicationSecurityGroups": [{"id": "/a"}]}))
                .is_ok()
        );
    }

    #[test]
    fn equal_priorities_of_one_direction_conflict() {
        let (first, mut second) = (rule(&json!({})).unwrap(), rule(&json!({})).unwrap());
        second["name"] = json!("s");
        let refusal = no_conflict("securityRules", &second, std::slice::from_ref(&first)).unwrap_err();
        assert_eq!(refusal.code, "SecurityRuleConflict");
        second["properties"]["direction"] = json!("Outbound");
        assert!(no_conflict("securityRules", &second, std::slice::from_ref(&first)).is_ok());
        assert!(
            no_conflict("securityRules", &first.clone(), &[first]).is_ok(),
            "itself is no rival"
        );
    }

    #[test]
    fn a_route_needs_what_its_next_hop_needs() {
        let route = |properties: Value| shaped("routes", "r", "/t", "K", json!({"properties": properties}));
        assert!(route(json!({"addressPrefix": "0.0.0.0/0", "nextHopType": "virtualappliance"})).is_err());
        assert!(route(json!({"addressPrefix": "0.0.0.0/0", "nextHopType": "Mars"})).is_err());
        assert!(route(json!({"addressPrefix": "nowhere/0", "nextHopType": "None"})).is_err());
        let kept = route(json!({"addressPrefix": "0.0.0.0/0", "nextHopType": "none"})).unwrap();
        assert_eq!(kept["properties"]["nextHopType"], "None");
        assert_eq!(kept["properties"]["hasBgpOverride"], false);
    }
}
