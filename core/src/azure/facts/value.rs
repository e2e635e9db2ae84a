//! Any JSON that Azure gives as the value of a property, so that a field which this version does not know is compared too.

use serde_json::{Map, Value as Json};

use std::collections::BTreeMap;

use crate::bytes::Text;
use crate::facts::{Fact, Property, Value};

/// Fields that say how the resource is being handled, not what it is set to.
const RUNTIME: [&str; 6] = [
    "etag",
    "provisioningState",
    "resourceGuid",
    "updateTag",
    "timeCreated",
    "changedTime",
];

/// The fields of an object as properties, sorted by name; null is as good as absent. What is runtime comes apart.
pub(super) fn properties(object: &Map<String, Json>) -> (Vec<Property>, Vec<Property>) {
    let set = object.iter().filter(|(_, value)| !value.is_null());
    let mut all: Vec<Property> = set
        .map(|(name, value)| Property::new(name, lifted(value)))
        .collect();
    all.sort();
    all.into_iter().partition(|property| {
        !RUNTIME
            .iter()
            .any(|name| name.eq_ignore_ascii_case(&property.name))
    })
}

/// One value. Lists are sorted: Azure promises no order for what it lists of a network interface or a subnet.
pub(super) fn lifted(value: &Json) -> Value {
    match value {
        Json::Null => Value::Word("null".to_owned()),
        Json::Bool(set) => Value::word(set),
        Json::Number(number) => number.as_u64().map_or_else(|| Value::word(number), Value::number),
        Json::String(text) => Value::Text(text.as_str().into()),
        Json::Array(members) => {
            let mut members: Vec<Value> = members.iter().map(lifted).collect();
            members.sort();
            Value::List(members)
        }
        Json::Object(object) => Value::Group(properties(object).0),
    }
}

/// A list in which order and repetition say nothing.
pub(super) fn texts(members: &[String]) -> Value {
    let mut members: Vec<&str> = members.iter().map(String::as_str).collect();
    members.sort_unstable();
    members.dedup();
    Value::List(
        members
            .into_iter()
            .map(|member| Value::Text(member.into()))
            .collect(),
    )
}

/// Facts that can be told apart: of several with one key, each but the first has its number added, so that one that goes away
/// is missed.
pub(super) fn distinct(mut facts: Vec<Fact>) -> Vec<Fact> {
    facts.sort();
    let mut seen: BTreeMap<(String, Vec<Text>), usize> = BTreeMap::new();
    for fact in &mut facts {
        let times = seen.entry((fact.kind.clone(), fact.key.clone())).or_default();
        *times += 1;
        if *times > 1 {
            fact.key.push(format!("#{times}").as_str().into());
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unknown_fields_take_part_and_runtime_does_not() {
        let body = json!({"etag": "W/1", "newThing": {"b": [2, 1], "a": null}, "on": true, "off": null});
        let (config, runtime) = properties(body.as_object().unwrap());
        let list = Value::List(vec![Value::number(1u8), Value::number(2u8)]);
        let group = Value::Group(vec![Property::new("b", list)]);
        assert_eq!(
            config,
            [
                Property::new("newThing", group),
                Property::new("on", Value::word("true"))
            ]
        );
        assert_eq!(runtime, [Property::new("etag", Value::Text("W/1".into()))]);
    }

    #[test]
    fn the_order_of_a_list_says_nothing() {
        assert_eq!(
            lifted(&json!([{"id": "b"}, {"id": "a"}])),
            lifted(&json!([{"id": "a"}, {"id": "b"}]))
        );
        assert_ne!(lifted(&json!(["a", "a"])), lifted(&json!(["a"])));
    }
}
