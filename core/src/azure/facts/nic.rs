//! The section `nic`: the network interface and its subnets, as their resources stand in Azure Resource Manager.

use serde_json::{Map, Value as Json};

use super::value::properties;
use super::{Bodies, gap};
use crate::azure::body;
use crate::facts::{Fact, Lifted, Property};
use crate::section::Gap;

/// Lifts the bodies of `GET …/networkInterfaces/NAME` (the part `nic`) and of each of its subnets (parts `subnet …`).
pub(super) fn lift(bodies: &Bodies<'_>, out: &mut Lifted) {
    let gaps = out.gaps.len();
    let nics = bodies.named("nic", out);
    let subnets = bodies.beginning("subnet ", out);
    let mut config = Vec::new();
    let mut runtime = Vec::new();
    for (kind, (source, body)) in nics
        .into_iter()
        .map(|nic| ("nic", nic))
        .chain(subnets.into_iter().map(|subnet| ("subnet", subnet)))
    {
        match resource(kind, &body) {
            Ok(lifted) => {
                config.extend(lifted.0);
                runtime.push(lifted.1);
            }
            Err(why) => out.gaps.push(gap(source, &why.to_string())),
        }
    }
    out.config.facts.extend(config);
    out.runtime.facts.extend(runtime);
    out.gaps.iter_mut().skip(gaps).for_each(place);
}

/// Puts the gap of a part that was not read where its facts would stand: else what was read on the other side would look removed.
fn place(part: &mut Gap) {
    part.why = format!("{}: {}", part.path, part.why);
    part.path = match part.path.strip_prefix("subnet ") {
        Some("") => "subnet".to_owned(),
        Some(id) => format!("subnet/{}", id.to_lowercase()),
        // Which subnets are its own, only the interface says.
        None => String::new(),
    };
}

/// The facts of one resource: itself, and apart from it each of its IP configurations.
fn resource(kind: &str, body: &Json) -> Result<(Vec<Fact>, Fact), body::BadField> {
    let object = body
        .as_object()
        .ok_or_else(|| body::BadField::new(kind, format!("{} where an object belongs", body::shape(body))))?;
    let need = |name: &str| {
        let found = body::string(object, name)?;
        found.ok_or_else(|| body::BadField::new(name, "it is missing"))
    };
    let id = need("id")?;
    let inner = body::field(object, "properties").and_then(Json::as_object);
    let inner = inner.ok_or_else(|| body::BadField::new("properties", "it is missing"))?;
    let key = |last: &str| vec![id.to_lowercase().as_str().into(), last.into()];

    let mut facts = Vec::new();
    // A subnet lists every interface in it: those of others say nothing about this one.
    if kind == "nic" {
        let list = body::field(inner, "ipConfigurations").and_then(Json::as_array);
        let list = list.ok_or_else(|| body::BadField::new("properties.ipConfigurations", "it is no list"))?;
        for (at, one) in list.iter().enumerate() {
            facts.push(
                ip_configuration(one, &key)
                    .map_err(|bad| bad.within(&format!("properties.ipConfigurations.{at}")))?,
            );
        }
    }
    let kept = |name: &String| {
        !name.eq_ignore_ascii_case("ipConfigurations")
            && !name.eq_ignore_ascii_case("ipConfigurationProfiles")
    };
    let rest: Map<String, Json> = inner
        .iter()
        .filter(|(name, _)| kept(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let (mut config, mut runtime) = properties(&rest);
    for name in ["location", "tags", "zones", "extendedLocation"] {
        if let Some(value) = body::field(object, name) {
            config.push(Property::new(name, super::value::lifted(value)));
        }
    }
    if let Some(etag) = body::field(object, "etag") {
        runtime.push(Property::new("etag", super::value::lifted(etag)));
    }
    let plain = |properties| Fact {
        properties,
        ..Fact::new(kind, vec![id.to_lowercase().as_str().into()])
    };
    facts.push(plain(config));
    Ok((facts, plain(runtime)))
}

fn ip_configuration(
    one: &Json,
    key: &impl Fn(&str) -> Vec<crate::bytes::Text>,
) -> Result<Fact, body::BadField> {
    let object = one
        .as_object()
        .ok_or_else(|| body::BadField::new("", "it is no object"))?;
    let name = body::string(object, "name")?.ok_or_else(|| body::BadField::new("name", "it is missing"))?;
    let inner = body::field(object, "properties").and_then(Json::as_object);
    let inner = inner.ok_or_else(|| body::BadField::new("properties", "it is missing"))?;
    Ok(Fact {
        properties: properties(inner).0,
        ..Fact::new("ip-configuration", key(&name))
    })
}
