//! An end from the sections of a snapshot, or from the bodies that Azure Resource Manager gave.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::{Interface, Nic, Read, no_admin_rules};
use crate::azure::body::field;
use crate::azure::nsg::Gate;
use crate::azure::tags::Tags;
use crate::azure::{admin, nsg, route};
use crate::raw::{HostRaw, PartRead, Raw};
use crate::section::{SectionName, State};
use crate::snapshot::Snapshot;

impl Interface {
    /// An end from what was read of its interface. A section that is not there, or of which no body could be had, is unread; a
    /// body of which a part is not understood counts for the rest.
    pub fn of_snapshot(snapshot: &Snapshot, address: IpAddr) -> Self {
        Self {
            address,
            nic: read(snapshot, SectionName::Nic, nic),
            routes: read(snapshot, SectionName::EffectiveRoutes, |raw| {
                route::from_value(&body(raw, "routes")?).map_err(|error| error.to_string())
            }),
            rules: read(snapshot, SectionName::EffectiveNsg, |raw| {
                nsg::parse(&body(raw, "rules")?).map_err(|error| error.to_string())
            }),
            admin: admin_rules(snapshot),
            tags: Tags::default(),
        }
    }
}

/// The admin rules; none, where it is proved that there are none.
fn admin_rules(snapshot: &Snapshot) -> Read<Gate> {
    let name = SectionName::AdminRules;
    let section = snapshot.sections.iter().find(|section| section.name == name);
    if section.is_some_and(|section| matches!(section.state, State::NotApplicable { .. })) {
        return Read::Captured(no_admin_rules());
    }
    read(snapshot, name, |raw| {
        let read = admin::parse(&pages(raw, "admin-rules")?);
        read.map(|(gate, _)| gate).map_err(|error| error.to_string())
    })
}

/// The interface and its subnets; a subnet that could not be read is left out, and its part of the answer is unknown.
fn nic(raw: &HostRaw) -> Result<Nic, String> {
    let subnets: Vec<Value> = raw
        .parts
        .iter()
        .filter(|part| part.source.starts_with("subnet "))
        .filter_map(|part| json(&part.read).ok())
        .collect();
    Nic::parse(&body(raw, "nic")?, &subnets).map_err(|error| error.to_string())
}

fn read<T>(snapshot: &Snapshot, name: SectionName, parse: impl Fn(&HostRaw) -> Result<T, String>) -> Read<T> {
    let Some(section) = snapshot.sections.iter().find(|section| section.name == name) else {
        return Read::Unread("it was not read".to_owned());
    };
    let raw = match (&section.state, &section.raw) {
        (State::Captured | State::Unreadable { .. }, Some(Raw::Host(raw))) => raw,
        (State::Unreadable { why } | State::Torn { why } | State::NotApplicable { why }, _) => {
            return Read::Unread(why.clone());
        }
        (State::Captured, _) => return Read::Unread("its bodies were not kept".to_owned()),
    };
    parse(raw).into()
}

/// The one body of this name.
fn body(raw: &HostRaw, source: &str) -> Result<Value, String> {
    raw.part(source)
        .map_or_else(|| Err("it was not asked for".to_owned()), json)
}

fn json(read: &PartRead) -> Result<Value, String> {
    match read {
        PartRead::File { content } => {
            let text = content.as_str().ok_or("it is no text")?;
            serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))
        }
        PartRead::Absent { why } | PartRead::Unreadable { why } => Err(why.clone()),
        PartRead::Messages { .. } => Err("messages where a body belongs".to_owned()),
    }
}

/// The pages whose names begin so, as one body. Only the last may name no other.
fn pages(raw: &HostRaw, start: &str) -> Result<Value, String> {
    let parts = raw.parts.iter().filter(|part| part.source.starts_with(start));
    let bodies: Vec<Value> = parts.map(|part| json(&part.read)).collect::<Result<_, _>>()?;
    let (last, before) = bodies.split_last().ok_or("it was not asked for")?;
    let mut whole: Map<String, Value> = match last {
        Value::Object(fields) => fields.clone(),
        _ if before.is_empty() => return Ok(last.clone()),
        _ => return Err("a page is no object".to_owned()),
    };
    let list = |page: &Value| -> Option<Vec<Value>> {
        let value = page.as_object().and_then(|fields| field(fields, "value"))?;
        value.as_array().cloned()
    };
    let Some(all) = bodies.iter().map(list).collect::<Option<Vec<_>>>() else {
        // One page of another form is the whole answer: an error of Azure's, say.
        return bodies
            .into_iter()
            .find(|page| list(page).is_none())
            .ok_or_else(String::new);
    };
    whole.retain(|name, _| !name.eq_ignore_ascii_case("value"));
    whole.insert(
        "value".to_owned(),
        Value::Array(all.into_iter().flatten().collect()),
    );
    Ok(Value::Object(whole))
}
