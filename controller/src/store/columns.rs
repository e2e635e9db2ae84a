//! Ids and digests in columns.

use netghost_core::artifact::json::Digest;
use netghost_core::azure::id::ResourceId;
use netghost_core::fleet::Id;
use netghost_core::job::Way;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::Error;

/// A digest or another value as a column holds it; nothing is the empty text.
pub(crate) fn text<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// The value in a column, if there is one, as this reads it.
fn optional<T>(row: &AnyRow, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Error> {
    let text: String = row.try_get(name)?;
    if text.is_empty() {
        return Ok(None);
    }
    read(&text).map(Some).ok_or_else(|| Error::Damaged {
        what: format!("{text:?} in column {name}"),
    })
}

/// The resource id in a column, if there is one.
pub(crate) fn resource(row: &AnyRow, name: &str) -> Result<Option<ResourceId>, Error> {
    optional(row, name, |text| text.parse().ok())
}

/// The way in a column, if there is one.
pub(crate) fn way(row: &AnyRow, name: &str) -> Result<Option<Way>, Error> {
    optional(row, name, Way::parse)
}

/// The id in a column.
pub(crate) fn id(row: &AnyRow, name: &str) -> Result<Id, Error> {
    let text: String = row.try_get(name)?;
    Id::parse(&text).map_err(|_| Error::Damaged {
        what: format!("the id {text:?} in column {name}"),
    })
}

/// The digest in a column, if there is one.
pub(crate) fn optional_digest(row: &AnyRow, name: &str) -> Result<Option<Digest>, Error> {
    let text: String = row.try_get(name)?;
    if text.is_empty() {
        return Ok(None);
    }
    Digest::parse(&text).map(Some).ok_or_else(|| Error::Damaged {
        what: format!("the digest {text:?} in column {name}"),
    })
}

/// The digest in a column that always holds one.
pub(crate) fn digest(row: &AnyRow, name: &str) -> Result<Digest, Error> {
    optional_digest(row, name)?.ok_or_else(|| Error::Damaged {
        what: format!("column {name}, which holds no digest,"),
    })
}
