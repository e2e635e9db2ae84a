//! Bodies: how they are written, and small ways into them.

use serde_json::Value;

/// Indented by two blanks, with CRLF at the ends of lines, as Microsoft.Network writes.
pub(crate) fn pretty(value: &Value) -> String {
    format!("{value:#}").replace('\n', "\r\n")
}

/// A list in `properties`.
pub(crate) fn part<'a>(body: &'a Value, list: &str) -> &'a [Value] {
    body.get("properties")
        .and_then(|properties| properties.get(list))
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The same to be changed, made where it is missing.
pub(crate) fn part_mut<'a>(body: &'a mut Value, list: &str) -> Option<&'a mut Vec<Value>> {
    let properties = body.as_object_mut()?.entry("properties");
    let properties = properties.or_insert_with(|| Value::Object(serde_json::Map::new()));
    let list = properties.as_object_mut()?.entry(list);
    list.or_insert_with(|| Value::Array(Vec::new())).as_array_mut()
}

/// A text at a pointer; empty when there is none.
pub(crate) fn text<'a>(body: &'a Value, pointer: &str) -> &'a str {
    body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a body has this name, in any case.
pub(crate) fn is_named(body: &Value, name: &str) -> bool {
    text(body, "/name").eq_ignore_ascii_case(name)
}

/// Sets a field of an object, or of its `properties`; nothing happens to what is no object.
pub(crate) fn set(body: &mut Value, field: &str, value: Value) {
    if let Some(object) = body.as_object_mut() {
        object.insert(field.to_owned(), value);
    }
}

/// Sets a field of `properties`.
pub(crate) fn set_property(body: &mut Value, field: &str, value: Value) {
    if let Some(object) = body.as_object_mut() {
        let properties = object
            .entry("properties")
            .or_insert_with(|| Value::Object(serde_json::Map::new()));
        set(properties, field, value);
    }
}

/// Puts a value at every place of a pointer in which `*` stands for each entry; says how often.
pub(crate) fn edit(body: &mut Value, pointer: &str, value: &Value) -> usize {
    let Some((first, rest)) = pointer.strip_prefix('/').map(|pointer| {
        let (first, rest) = pointer.split_once('/').unwrap_or((pointer, ""));
        (first, rest)
    }) else {
        return 0;
    };
    let further = (!rest.is_empty()).then(|| format!("/{rest}"));
    let place = |found: &mut Value| match &further {
        Some(pointer) => edit(found, pointer, value),
        None => {
            *found = value.clone();
            1
        }
    };
    match body {
        Value::Array(list) if first == "*" => list.iter_mut().map(place).sum(),
        Value::Array(list) => first
            .parse()
            .ok()
            .and_then(|index: usize| list.get_mut(index))
            .map_or(0, place),
        Value::Object(map) if first == "*" => map.values_mut().map(place).sum(),
        // What is set last may be new; the way to it may not.
        Value::Object(map) if further.is_none() => place(map.entry(first).or_insert(Value::Null)),
        Value::Object(map) => map.get_mut(first).map_or(0, place),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_edit_reaches_every_entry_or_one() {
        let mut body = json!({"value": [{"rules": [{"p": 1}, {"p": 2}]}, {"rules": []}]});
        assert_eq!(edit(&mut body, "/value/*/rules/*/p", &json!("high")), 2);
        assert_eq!(edit(&mut body, "/value/1/association", &json!(null)), 1);
        assert_eq!(edit(&mut body, "/value/7/rules", &json!(1)), 0);
        assert_eq!(
            body,
            json!({"value": [{"rules": [{"p": "high"}, {"p": "high"}]}, {"rules": [], "association": null}]})
        );
    }

    #[test]
    fn bodies_have_lines_as_azure_writes_them() {
        assert_eq!(pretty(&json!({"value": []})), "{\r\n  \"value\": []\r\n}");
        assert_eq!(pretty(&Value::Null), "null");
    }
}
