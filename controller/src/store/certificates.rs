//! Certificates that were issued. A client's certificate is taken only if it stands here.

use netghost_core::fleet::Id;
use sqlx::{AnyConnection, Row};

use super::{Error, column, identities, value};
use crate::pki::{Issued, PublicKey};

/// How long after its end a certificate is kept, microseconds: longer than one may recover by it.
const KEPT_US: u64 = 40 * 24 * 3_600_000_000;

/// A certificate as it stands in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is.
    pub identity: Id,
    /// Its bytes.
    pub der: Vec<u8>,
    /// When it runs out, microseconds since 1970 UTC.
    pub not_after_us: u64,
}

/// The certificate with this serial number.
pub async fn by_serial(connection: &mut AnyConnection, serial: &str) -> Result<Option<Certificate>, Error> {
    let row = sqlx::query("SELECT identity, der, not_after_us FROM certificates WHERE serial = $1")
        .bind(serial.to_owned())
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        Ok(Certificate {
            identity: identities::id(&row, "identity")?,
            der: row.try_get("der")?,
            not_after_us: value(row.try_get("not_after_us")?),
        })
    })
    .transpose()
}

/// Keeps one that was issued, and forgets those of this identity that ran out long ago.
pub async fn insert(
    connection: &mut AnyConnection,
    identity: Id,
    key: &PublicKey,
    issued: &Issued,
    now_us: u64,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM certificates WHERE identity = $1 AND not_after_us < $2")
        .bind(identity.to_string())
        .bind(column(now_us.saturating_sub(KEPT_US)))
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO certificates (serial, identity, spki, not_before_us, not_after_us, der) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(issued.serial.clone())
    .bind(identity.to_string())
    .bind(key.digest().to_string())
    .bind(column(issued.validity.not_before_us))
    .bind(column(issued.validity.not_after_us))
    .bind(issued.der.clone())
    .execute(connection)
    .await?;
    Ok(())
}
