//! From a document back to the snapshot.

use serde_json::{Map, Value};

use super::{DIGEST, SCHEMA};
use crate::artifact::json::{self, CanonicalError, Digest};
use crate::artifact::manifest::{self, Entry, LoadError, Manifest, ObjectError, Objects};
use crate::bytes::Text;
use crate::snapshot::Snapshot;

/// Why a document is not taken.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Not JSON, cut, or with a key that stands twice.
    #[error("not a whole JSON document")]
    Json(#[source] serde_json::Error),
    /// Another kind of document, a later version, or objects that don't fit.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A section's digest is not that of its content.
    #[error("section {section} was edited: its digest does not match")]
    EditedSection {
        /// The name that the section states.
        section: String,
    },
    /// The digest is not that of the whole, though each section's is right.
    #[error("the document was edited outside its sections: its digest does not match")]
    Edited,
    /// A field is missing or of the wrong form.
    #[error("{part} is not of the expected form")]
    Form {
        /// The section, or `the document`.
        part: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A value that no document of ours has, such as a number with a fraction.
    #[error("a value without canonical form")]
    Canonical(#[from] CanonicalError),
}

/// The snapshot of a document, every digest checked. Objects are restored as [`manifest::load`] does, so what an older
/// decoder made is decoded again.
pub fn from_document(bytes: &[u8]) -> Result<Snapshot, DocumentError> {
    manifest::check_schema(bytes, SCHEMA)?;
    let value = json::value::parse(bytes).map_err(DocumentError::Json)?;
    let sections = match value.get("sections") {
        Some(Value::Array(sections)) => sections.clone(),
        _ => return Err(form("the document", "there is no list of sections")),
    };
    let mut objects = Objects::new();
    let entries = sections
        .into_iter()
        .map(|section| entry(section, &mut objects))
        .collect::<Result<Vec<Entry>, DocumentError>>()?;
    let mut document = object(opened(value, || DocumentError::Edited)?, "the document")?;
    for shown in ["warnings", "digests"] {
        document.remove(shown);
    }
    document.insert("sections".to_owned(), Value::Array(Vec::new()));
    let mut manifest: Manifest = typed(document, "the document")?;
    manifest.sections = entries;
    let get = |digest: &Digest| objects.get(digest).cloned().ok_or(ObjectError::Missing);
    Ok(manifest::whole(manifest, &get, &manifest::redecode)?)
}

/// One section: its entry, and its objects by the digest of what stands there.
fn entry(section: Value, objects: &mut Objects) -> Result<Entry, DocumentError> {
    let name = called(&section);
    let edited = || DocumentError::EditedSection {
        section: name.clone(),
    };
    let mut section = object(opened(section, edited)?, &name)?;
    section.remove("tables");
    for part in ["config", "runtime", "raw"] {
        let value = section.remove(part).unwrap_or(Value::Null);
        if !value.is_null() {
            let bytes = json::value::to_vec(&value)?;
            objects.insert(Digest::of(&bytes), bytes);
        }
    }
    typed(section, &name)
}

/// The name that a section states, with that of its namespace.
fn called(section: &Value) -> String {
    let word = |field| section.get(field).and_then(Value::as_str);
    let name = word("name").unwrap_or("without a name");
    match word("namespace") {
        Some(namespace) => format!("{name} of the namespace {}", Text::from(namespace)),
        None => name.to_owned(),
    }
}

/// The value without its digest, which must be right.
fn opened(mut value: Value, edited: impl Fn() -> DocumentError) -> Result<Value, DocumentError> {
    let stated = match &mut value {
        Value::Object(fields) => fields.remove(DIGEST),
        _ => None,
    };
    let stated = stated.as_ref().and_then(Value::as_str).and_then(Digest::parse);
    // A number that was edited into a fraction has no canonical form; that too is an edit.
    let found = json::value::to_vec(&value).map_err(|_| edited())?;
    if stated == Some(Digest::of(&found)) {
        Ok(value)
    } else {
        Err(edited())
    }
}

fn object(value: Value, part: &str) -> Result<Map<String, Value>, DocumentError> {
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(form(part, "it is not an object")),
    }
}

fn typed<T: serde::de::DeserializeOwned>(fields: Map<String, Value>, part: &str) -> Result<T, DocumentError> {
    serde_json::from_value(Value::Object(fields)).map_err(|source| DocumentError::Form {
        part: part.to_owned(),
        source,
    })
}

fn form(part: &str, why: &str) -> DocumentError {
    let source = <serde_json::Error as serde::de::Error>::custom(why);
    DocumentError::Form {
        part: part.to_owned(),
        source,
    }
}
