//! What a network security group is associated with.

use serde_json::{Map, Value};

use crate::azure::body::{field, shape};
use crate::azure::nsg::model::GateKind;

/// Where the gate stands, and the resource that it is associated with. Azure's writers leave out what does not hold, or write
/// null for it; what is not null decides.
pub(super) fn read(entry: &Map<String, Value>) -> Result<(GateKind, Option<String>), String> {
    let association = match field(entry, "association") {
        Some(Value::Object(association)) => association,
        Some(other) => return Err(format!("{} where an association belongs", shape(other))),
        None => return Err("the entry does not say what it is associated with".to_owned()),
    };
    let named = |name| reference(field(association, name));
    let manager = named("networkManager");
    match (named("subnet"), named("networkInterface"), manager) {
        (Some(subnet), None, None) => Ok((GateKind::Subnet, Some(subnet))),
        (None, Some(nic), None) => Ok((GateKind::Nic, Some(nic))),
        (None, None, Some(manager)) => Ok((GateKind::Admin, Some(manager))),
        (None, None, None) => Err("it names neither a subnet nor a network interface".to_owned()),
        _ => Err("it names more than one of a subnet, a network interface and a network manager".to_owned()),
    }
}

/// The resource id in `{"id": "…"}` or in a bare string.
pub(super) fn reference(value: Option<&Value>) -> Option<String> {
    let id = match value? {
        Value::Object(fields) => field(fields, "id")?.as_str()?,
        Value::String(id) => id.as_str(),
        _ => return None,
    };
    (!id.is_empty()).then(|| id.to_owned())
}
