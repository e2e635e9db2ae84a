//! Conversions between the domain and the wire.

use netghost_core::artifact::json::Digest;
use netghost_core::azure::selector as azure;
use netghost_core::fleet::{Id, Selector, Tag};
use netghost_core::job::{Layer, Via};

use crate::v1;

/// A field of a message that is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field {field}: {what}")]
pub struct BadField {
    /// Its name in the .proto file.
    pub field: &'static str,
    /// What is wrong with it.
    pub what: String,
}

impl BadField {
    /// The field of this name is wrong in this way.
    pub fn new(field: &'static str, what: impl std::fmt::Display) -> Self {
        Self {
            field,
            what: what.to_string(),
        }
    }
}

impl From<BadField> for tonic::Status {
    fn from(bad: BadField) -> Self {
        Self::invalid_argument(bad.to_string())
    }
}

/// A SHA-256 on the wire: 32 bytes.
pub fn digest(field: &'static str, bytes: &[u8]) -> Result<Digest, BadField> {
    <[u8; 32]>::try_from(bytes)
        .map(Digest::from)
        .map_err(|_| BadField::new(field, format_args!("a SHA-256 has 32 bytes, not {}", bytes.len())))
}

/// A SHA-256 on the wire that may be absent: no bytes, or 32.
pub fn optional_digest(field: &'static str, bytes: &[u8]) -> Result<Option<Digest>, BadField> {
    if bytes.is_empty() {
        return Ok(None);
    }
    digest(field, bytes).map(Some)
}

/// An id on the wire: a UUID as text.
pub fn id(field: &'static str, text: &str) -> Result<Id, BadField> {
    Id::parse(text).map_err(|error| BadField::new(field, error))
}

impl From<&Tag> for v1::Tag {
    fn from(tag: &Tag) -> Self {
        Self {
            key: tag.key.as_str().to_owned(),
            value: tag.value.as_str().to_owned(),
        }
    }
}

impl TryFrom<&v1::Tag> for Tag {
    type Error = BadField;

    fn try_from(tag: &v1::Tag) -> Result<Self, BadField> {
        Self::new(&tag.key, &tag.value).map_err(|error| BadField::new("tags", error))
    }
}

impl From<&Selector> for v1::Selector {
    fn from(selector: &Selector) -> Self {
        Self {
            names: selector.names.clone(),
            tags: selector.tags.iter().map(v1::Tag::from).collect(),
            all: selector.all,
            azure: selector.azure.clone(),
            members: selector.members,
        }
    }
}

impl TryFrom<&v1::Selector> for Selector {
    type Error = BadField;

    fn try_from(selector: &v1::Selector) -> Result<Self, BadField> {
        Ok(Self {
            names: selector.names.clone(),
            tags: selector
                .tags
                .iter()
                .map(Tag::try_from)
                .collect::<Result<_, _>>()?,
            all: selector.all,
            azure: azure_words(&selector.azure)?,
            members: selector.members,
        })
    }
}

/// What is meant in Azure, in its one spelling, sorted, each once.
fn azure_words(words: &[String]) -> Result<Vec<String>, BadField> {
    let parse = |word: &String| word.parse::<azure::Selector>();
    let parsed: Result<Vec<_>, _> = words.iter().map(parse).collect();
    let parsed = parsed.map_err(|error| BadField::new("azure", error))?;
    let mut words: Vec<String> = parsed.iter().map(ToString::to_string).collect();
    words.sort();
    words.dedup();
    Ok(words)
}

/// The layers of these words, sorted.
pub fn layers(words: &[String]) -> Result<Vec<Layer>, BadField> {
    let layer = |word: &String| {
        Layer::parse(word).ok_or_else(|| BadField::new("layers", "the layers are host and azure"))
    };
    let mut layers: Vec<Layer> = words.iter().map(layer).collect::<Result<_, _>>()?;
    layers.sort();
    layers.dedup();
    Ok(layers)
}

/// The way of this word; none is `auto`.
pub fn via(word: &str) -> Result<Via, BadField> {
    if word.is_empty() {
        return Ok(Via::Auto);
    }
    Via::parse(word).ok_or_else(|| BadField::new("via", "the ways are auto, agent, run-command and ssh"))
}
