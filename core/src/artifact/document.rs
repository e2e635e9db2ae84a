//! A snapshot shown whole, `netghost.snapshot/v1`: what `host capture -o json` and `firewall parse -o json` print.
//!
//! For people and programs there are `tables`; beside them stand the same objects that a stored snapshot has (`config`,
//! `runtime`, `raw`), so that the document can be read back without loss. Its spelling is free, its content is not: each
//! section and the whole carry a digest of their canonical form. These digests tell an edit, not its author; for that there
//! are certificates.

use serde::Serialize;
use serde_json::{Map, Value};

use super::json::{self, CanonicalError, Digest};
use super::manifest::{self, Meta, StoreError};
use crate::bytes::Text;
use crate::section::Section;
use crate::snapshot::Snapshot;

mod read;
mod view;

pub use read::{DocumentError, from_document};

/// The schema of a snapshot shown whole.
pub const SCHEMA: &str = "netghost.snapshot/v1";

/// The field that holds the digest of everything beside it.
const DIGEST: &str = "digest";

/// Why a snapshot can't be shown. Each is a fault of the reader that made it.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// It can't be stored either.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A value has no JSON form.
    #[error("no JSON for this snapshot")]
    Json(#[from] serde_json::Error),
    /// A value has no canonical form.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
}

/// The document of `snapshot`. `digests.artifact` is the digest of the manifest that [`manifest::store`] writes for the same
/// arguments, `digests.config` that of everything the sections configure.
pub fn to_document(snapshot: &Snapshot, meta: &Meta) -> Result<Value, ShowError> {
    let stored = manifest::store(snapshot, meta)?;
    let mut document: Map<String, Value> = serde_json::from_slice(&stored.manifest_bytes)?;
    let sections = manifest::all(snapshot)
        .map(|(namespace, one)| section(namespace, one))
        .collect::<Result<Vec<Value>, _>>()?;
    let digests = Digests {
        config: manifest::snapshot_config_digest(snapshot)?,
        artifact: stored.artifact_digest(),
    };
    set(&mut document, "schema", &SCHEMA)?;
    set(&mut document, "sections", &sections)?;
    set(&mut document, "warnings", &warnings(snapshot))?;
    set(&mut document, "digests", &digests)?;
    seal(document)
}

#[derive(Serialize)]
struct Digests {
    config: Digest,
    artifact: Digest,
}

#[derive(Serialize)]
struct WarningRow<'a> {
    section: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a Text>,
    code: &'a str,
    message: &'a str,
}

fn warnings(snapshot: &Snapshot) -> Vec<WarningRow<'_>> {
    let mut rows = Vec::new();
    for (namespace, section) in manifest::all(snapshot) {
        rows.extend(section.warnings.iter().map(|warning| WarningRow {
            section: section.name.as_str(),
            namespace,
            code: &warning.code,
            message: &warning.message,
        }));
    }
    rows
}

fn section(namespace: Option<&Text>, section: &Section) -> Result<Value, ShowError> {
    let mut objects = manifest::Objects::new();
    let entry = manifest::entry(namespace, section, &mut objects)?;
    let inline = |digest: Option<Digest>| {
        let bytes = digest.and_then(|digest| objects.get(&digest));
        bytes.map_or(Ok(Value::Null), |bytes| serde_json::from_slice(bytes))
    };
    let Value::Object(mut document) = serde_json::to_value(&entry)? else {
        return Ok(Value::Null);
    };
    document.insert("config".to_owned(), inline(entry.config_digest)?);
    document.insert("runtime".to_owned(), inline(entry.runtime_digest)?);
    document.insert("raw".to_owned(), inline(entry.raw_digest)?);
    set(
        &mut document,
        "tables",
        &section.content.as_ref().map(view::tables),
    )?;
    seal(document)
}

fn set<T: Serialize>(document: &mut Map<String, Value>, key: &str, value: &T) -> Result<(), ShowError> {
    document.insert(key.to_owned(), serde_json::to_value(value)?);
    Ok(())
}

/// Adds the digest of everything in `document`.
fn seal(document: Map<String, Value>) -> Result<Value, ShowError> {
    let document = Value::Object(document);
    let digest = Digest::of(&json::value::to_vec(&document)?);
    let Value::Object(mut document) = document else {
        return Ok(document);
    };
    set(&mut document, DIGEST, &digest)?;
    Ok(Value::Object(document))
}

#[cfg(test)]
mod tests;
