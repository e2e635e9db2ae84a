//! Where the other ends of a virtual network's peerings lie: what is done there is in the logs of their subscriptions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::azure::body::{BadField, field, shape, string};
use crate::azure::id::ResourceId;

/// The subscriptions of a network's peers, by the network's id in lower case, or why they are not known.
pub type Peers = BTreeMap<String, Result<BTreeSet<String>, String>>;

/// The subscriptions in which the peers of a virtual network lie, of the network's own body.
///
/// # Errors
/// Where the body is of no known form, or a peering does not name its other end: it could be anywhere.
pub fn peers(vnet: &Value) -> Result<BTreeSet<String>, BadField> {
    let properties = inner(object(vnet, "body")?, "properties")?;
    let name = "virtualNetworkPeerings";
    let list = field(properties, name);
    let list = list.ok_or_else(|| BadField::new(name, "it is missing"))?;
    let Value::Array(list) = list else {
        return Err(BadField::new(
            name,
            format!("{} where a list belongs", shape(list)),
        ));
    };
    let numbered = list.iter().enumerate();
    numbered
        .map(|(at, peering)| other_end(peering).map_err(|bad| bad.within(&format!("{name}.{at}"))))
        .collect()
}

fn other_end(peering: &Value) -> Result<String, BadField> {
    let properties = inner(object(peering, "peering")?, "properties")?;
    let remote = inner(properties, "remoteVirtualNetwork")?;
    let id = string(remote, "id")?.ok_or_else(|| BadField::new("id", "it is missing"))?;
    let id: ResourceId = id
        .parse()
        .map_err(|error| BadField::new("id", format!("{error}")))?;
    Ok(id.subscription().to_lowercase())
}

fn object<'a>(value: &'a Value, name: &str) -> Result<&'a Map<String, Value>, BadField> {
    let wrong = || BadField::new(name, format!("{} where an object belongs", shape(value)));
    value.as_object().ok_or_else(wrong)
}

fn inner<'a>(outer: &'a Map<String, Value>, name: &str) -> Result<&'a Map<String, Value>, BadField> {
    let value = field(outer, name).ok_or_else(|| BadField::new(name, "it is missing"))?;
    object(value, name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(peerings: &Value) -> Value {
        json!({"properties": {"virtualNetworkPeerings": peerings}})
    }

    #[test]
    fn every_peer_is_found_in_its_subscription() {
        let peering = |subscription: &str| {
            let id = format!(
                "/subscriptions/{subscription}/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/hub"
            );
            json!({"properties": {"remoteVirtualNetwork": {"id": id}}})
        };
        assert_eq!(peers(&with(&json!([]))).unwrap(), BTreeSet::new());
        let found = peers(&with(&json!([peering("S2"), peering("s1"), peering("s2")]))).unwrap();
        assert_eq!(found, BTreeSet::from(["s1".to_owned(), "s2".to_owned()]));
    }

    #[test]
    fn what_does_not_name_its_peers_is_refused() {
        for body in [
            json!(null),
            json!("x"),
            json!({}),
            json!({"properties": {}}),
            json!({"properties": []}),
            with(&json!(null)),
            with(&json!({})),
            with(&json!([null])),
            with(&json!([{}])),
            with(&json!([{"properties": {"remoteVirtualNetwork": null}}])),
            with(&json!([{"properties": {"remoteVirtualNetwork": {"id": 7}}}])),
            with(&json!([{"properties": {"remoteVirtualNetwork": {"id": "hub"}}}])),
        ] {
            assert!(peers(&body).is_err(), "{body}");
        }
    }
}
