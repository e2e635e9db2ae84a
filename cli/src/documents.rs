//! What the controller answers, as the documents that the command writes. Wire types end here: a field that is not what it
//! must be is named, never guessed.

use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Tag;
use netghost_core::job::Way;
use netghost_proto::convert::{self, BadField};
use netghost_proto::v1;
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Failure;

pub mod actions;
pub mod agents;
pub mod approvers;
pub mod baselines;
pub mod controller;
pub mod jobs;
pub mod sweeps;
pub mod tokens;
pub mod windows;

/// A document: `schema` beside the fields of `body`.
pub fn document(schema: &'static str, body: impl Serialize) -> Result<Value, Failure> {
    let mut document = serde_json::to_value(body).map_err(|error| Failure::failed("internal", error))?;
    if let Value::Object(fields) = &mut document {
        fields.insert("schema".to_owned(), json!(schema));
    }
    Ok(document)
}

/// Tags from the wire.
fn tags(tags: &[v1::Tag]) -> Result<Vec<Tag>, BadField> {
    tags.iter().map(Tag::try_from).collect()
}

/// A text that is empty on the wire where there is none.
fn optional(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// A way that is empty on the wire where there is none.
fn way(field: &'static str, text: &str) -> Result<Option<Way>, BadField> {
    if text.is_empty() {
        return Ok(None);
    }
    let known = Way::parse(text).map(Some);
    known.ok_or_else(|| BadField::new(field, format!("{text:?} is no way to read a target")))
}

/// A digest that is empty on the wire where there is none.
fn digest(field: &'static str, bytes: &[u8]) -> Result<Option<Digest>, BadField> {
    convert::optional_digest(field, bytes)
}

/// A word that must be one of these.
fn word<const N: usize>(
    field: &'static str,
    text: String,
    allowed: [&'static str; N],
) -> Result<String, BadField> {
    if allowed.contains(&text.as_str()) {
        Ok(text)
    } else {
        let what = format!("{text:?} is none of {}", allowed.join(", "));
        Err(BadField::new(field, what))
    }
}
