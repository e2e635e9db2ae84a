//! Values in bodies of Azure that come in several shapes: absent or null, a string or a list of strings, a number or a word.
//!
//! None of these readers makes up a value: what is of no known shape is an error that names the field.

use serde_json::{Map, Value};

/// A field that is not of the form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct BadField {
    /// Where it stands: `value.3.properties.priority`.
    pub field: String,
    /// What is wrong with it.
    pub why: String,
}

impl BadField {
    /// An error of this field.
    pub fn new(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            why: why.into(),
        }
    }

    /// The same error of a field inside `outer`.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        self.field = format!("{outer}.{}", self.field);
        self
    }
}

/// The field, where it is there and not null. Names are compared without regard to letter case where no exact one exists:
/// Azure's own writers differ.
pub fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let exact = object.get(name).filter(|value| !value.is_null());
    exact.or_else(|| {
        let mut close = object
            .iter()
            .filter(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_null());
        close.next().map(|(_, value)| value)
    })
}

/// A string; `None` where it is absent or null.
///
/// # Errors
/// Where it is of another type.
pub fn string(object: &Map<String, Value>, name: &str) -> Result<Option<String>, BadField> {
    match field(object, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(BadField::new(
            name,
            format!("{} where a string belongs", shape(other)),
        )),
    }
}

/// Strings: from a list of them, from a single one, none where the field is absent or null.
///
/// # Errors
/// Where it, or one of its members, is of another type.
pub fn strings(object: &Map<String, Value>, name: &str) -> Result<Vec<String>, BadField> {
    match field(object, name) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        Some(Value::Array(members)) => members
            .iter()
            .enumerate()
            .map(|(at, member)| match member {
                Value::String(text) => Ok(text.clone()),
                other => Err(BadField::new(
                    format!("{name}.{at}"),
                    format!("{} where a string belongs", shape(other)),
                )),
            })
            .collect(),
        Some(other) => Err(BadField::new(
            name,
            format!("{} where a string or a list belongs", shape(other)),
        )),
    }
}

/// A whole number, also where it is written as a string of digits; `None` where the field is absent or null.
///
/// # Errors
/// Where it is of another type or form.
pub fn number(object: &Map<String, Value>, name: &str) -> Result<Option<u64>, BadField> {
    let bad = |why: String| Err(BadField::new(name, why));
    match field(object, name) {
        None => Ok(None),
        Some(Value::Number(number)) => match number.as_u64() {
            Some(number) => Ok(Some(number)),
            None => bad(format!("{number} is no whole number")),
        },
        Some(Value::String(text)) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse()
                .map(Some)
                .or_else(|_| bad(format!("{text} is too large")))
        }
        Some(Value::String(text)) => bad(format!("{text:?} is no number")),
        Some(other) => bad(format!("{} where a number belongs", shape(other))),
    }
}

/// True or false, also as a string of either word; `None` where the field is absent or null.
///
/// # Errors
/// Where it is of another type or word.
pub fn flag(object: &Map<String, Value>, name: &str) -> Result<Option<bool>, BadField> {
    match field(object, name) {
        None => Ok(None),
        Some(Value::Bool(set)) => Ok(Some(*set)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(other) => Err(BadField::new(
            name,
            format!("{} where true or false belongs", shape(other)),
        )),
    }
}

/// What kind of value this is, in words.
pub fn shape(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_string_is_a_list_of_one_and_null_of_none() {
        let body = object(json!({"one": "a", "many": ["a", "b"], "none": null, "Case": "c", "bad": [1]}));
        assert_eq!(strings(&body, "one").unwrap(), ["a"]);
        assert_eq!(strings(&body, "many").unwrap(), ["a", "b"]);
        assert!(strings(&body, "none").unwrap().is_empty() && strings(&body, "absent").unwrap().is_empty());
        assert_eq!(string(&body, "case").unwrap().as_deref(), Some("c"));
        assert_eq!(strings(&body, "bad").unwrap_err().field, "bad.0");
        assert_eq!(
            string(&body, "many").unwrap_err().within("value.3").field,
            "value.3.many"
        );
    }

    #[test]
    fn a_number_is_never_guessed() {
        let body = object(
            json!({"n": 100, "s": "100", "w": "high", "f": 1.5, "m": -1, "big": "99999999999999999999", "o": {}}),
        );
        assert_eq!(number(&body, "n").unwrap(), Some(100));
        assert_eq!(number(&body, "s").unwrap(), Some(100));
        assert_eq!(number(&body, "absent").unwrap(), None);
        for name in ["w", "f", "m", "big", "o"] {
            assert!(number(&body, name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_flag_may_be_a_word() {
        let body = object(json!({"t": true, "w": "False", "bad": "yes"}));
        assert_eq!(flag(&body, "t").unwrap(), Some(true));
        assert_eq!(flag(&body, "w").unwrap(), Some(false));
        assert!(flag(&body, "bad").is_err());
    }
}
