//! Reading a table from what Azure Resource Manager or `az` printed.
//!
//! Shapes that are taken: `{"value": […]}`, `{"effectiveRoutes": […]}`, a bare list, a single entry. Whatever else there is in
//! place of a table is an error, never an empty table.

use serde_json::{Map, Value};

use super::table::Table;
use crate::azure::body::{field, shape};
use crate::section::Warning;

mod entry;

/// Why a text is no table of effective routes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It is HTML, cut off, or something else.
    #[error("this is not JSON ({why}); it begins with {begins:?}")]
    NotJson {
        /// What the parser met.
        why: String,
        /// The first characters.
        begins: String,
    },
    /// Azure answered with an error in place of the table.
    #[error("Azure refused ({code}): {message}")]
    Refused {
        /// The error's code.
        code: String,
        /// Its message.
        message: String,
    },
    /// It is JSON and no table of effective routes.
    #[error("these are no effective routes: {why}")]
    NotRoutes {
        /// What was met.
        why: String,
    },
}

/// Reads a table.
///
/// # Errors
/// Where the text is of no known shape.
pub fn parse(bytes: &[u8]) -> Result<Table, ParseError> {
    // What some editors put before UTF-8.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let body = serde_json::from_slice(bytes).map_err(|error| ParseError::NotJson {
        why: error.to_string(),
        begins: String::from_utf8_lossy(bytes).chars().take(60).collect(),
    })?;
    from_value(&body)
}

/// Reads a table from a body that is parsed already.
///
/// # Errors
/// Where it is of no known shape.
pub fn from_value(body: &Value) -> Result<Table, ParseError> {
    let mut table = Table::default();
    match body {
        Value::Array(entries) => list(entries, &mut table)?,
        Value::Object(object) => match refused(object) {
            Some(error) => return Err(error),
            None => envelope(object, &mut table)?,
        },
        other => return Err(no_routes(format!("{} where a table belongs", shape(other)))),
    }
    if table.entries == 0 {
        let message = "the table has no entries: nothing leaves this network interface";
        table.warn("EMPTY_TABLE", message.to_owned());
    }
    Ok(table)
}

/// An error of Azure's, alone or as the end of an operation that failed.
fn refused(object: &Map<String, Value>) -> Option<ParseError> {
    let text = |error: &Map<String, Value>, name| match field(error, name) {
        Some(Value::String(text)) => text.clone(),
        _ => String::new(),
    };
    match field(object, "error")? {
        Value::Object(error) => Some(ParseError::Refused {
            code: text(error, "code"),
            message: text(error, "message"),
        }),
        other => Some(no_routes(format!("an `error` that is {}", shape(other)))),
    }
}

fn envelope(object: &Map<String, Value>, table: &mut Table) -> Result<(), ParseError> {
    let named = |name: &str| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    let found = match (named("value"), named("effectiveRoutes")) {
        (Some(_), Some(_)) => return Err(no_routes("both `value` and `effectiveRoutes`".to_owned())),
        (found, None) | (None, found) => found,
    };
    match found {
        Some((_, Value::Array(entries))) => list(entries, table)?,
        Some((name, other)) => {
            let why = format!("`{name}` is {} where a list belongs", shape(other));
            return Err(no_routes(why));
        }
        None if entry::is_one(object) => {
            table.warn("SINGLE_ENTRY", "one entry without a list around it".to_owned());
            table.entries = 1;
            entry::read(0, &Value::Object(object.clone()), table);
        }
        None => return Err(no_routes(unlike(object))),
    }
    table.cut = match field(object, "nextLink") {
        None => None,
        Some(Value::String(link)) if link.is_empty() => None,
        Some(_) => Some("the body names a next page (nextLink), which is not in it".to_owned()),
    };
    Ok(())
}

fn list(entries: &[Value], table: &mut Table) -> Result<(), ParseError> {
    let known = |entry: &Value| entry.as_object().is_some_and(entry::is_one);
    if !entries.is_empty() && !entries.iter().any(known) {
        let first = entries.first().map_or("nothing", shape);
        let fields = entries.first().and_then(Value::as_object).map(unlike);
        return Err(no_routes(fields.unwrap_or_else(|| format!("a list of {first}"))));
    }
    table.entries = entries.len();
    for (at, value) in entries.iter().enumerate() {
        entry::read(at, value, table);
    }
    Ok(())
}

/// What an object has, where it has nothing of a route.
fn unlike(object: &Map<String, Value>) -> String {
    let names: Vec<&str> = object.keys().map(String::as_str).take(6).collect();
    if names.is_empty() {
        return "an empty object".to_owned();
    }
    let hint = if object.keys().any(|name| name.eq_ignore_ascii_case("properties")) {
        "; what a route table sets is not what takes effect"
    } else {
        ""
    };
    format!("an object with {}{hint}", names.join(", "))
}

fn no_routes(why: String) -> ParseError {
    ParseError::NotRoutes { why }
}

impl Table {
    fn warn(&mut self, code: &str, message: String) {
        self.warnings.push(Warning {
            code: code.to_owned(),
            message,
        });
    }
}

#[cfg(test)]
mod tests;
