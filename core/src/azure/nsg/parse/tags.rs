//! What tags stand for, where an entry says so.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::azure::body::{field, shape, strings};
use crate::azure::net::Net;

/// The entry's `tagMap`: tags with their prefixes, in an object or in a string that holds one. An empty string is an empty
/// map.
pub(super) fn read(entry: &Map<String, Value>) -> Result<BTreeMap<String, Vec<Net>>, String> {
    let inside;
    let map = match field(entry, "tagMap") {
        None => return Ok(BTreeMap::new()),
        Some(Value::String(text)) if text.is_empty() => return Ok(BTreeMap::new()),
        Some(Value::Object(map)) => map,
        Some(Value::String(text)) => {
            inside = serde_json::from_str::<Map<String, Value>>(text)
                .map_err(|_| "a string that holds no map of tags".to_owned())?;
            &inside
        }
        Some(other) => return Err(format!("{} where a map of tags belongs", shape(other))),
    };
    let mut tags = BTreeMap::new();
    for name in map.keys() {
        let prefixes = strings(map, name).map_err(|error| error.to_string())?;
        let nets: Result<Vec<Net>, _> = prefixes.iter().map(|prefix| prefix.parse()).collect();
        tags.insert(
            name.to_lowercase(),
            nets.map_err(|error| format!("{name}: {error}"))?,
        );
    }
    Ok(tags)
}
