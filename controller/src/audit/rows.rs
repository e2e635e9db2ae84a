//! The log's rows, as they are stored.

use netghost_core::artifact::json::Digest;
use netghost_core::audit::Witnessed;
use sqlx::{AnyConnection, Row};

use crate::store::{self, Error, Store};

/// So many records are read at a time.
pub(crate) const PAGE: u64 = 500;

/// The records from this number on, at most [`PAGE`] of them, in order: their numbers by row and their bytes.
pub(crate) async fn records(store: &Store, from: u64) -> Result<Vec<(u64, Vec<u8>)>, Error> {
    let rows = sqlx::query(
        "SELECT sequence, record AS bytes FROM audit_records WHERE sequence >= $1 ORDER BY sequence LIMIT $2",
    )
    .bind(store::column(from))
    .bind(store::column(PAGE))
    .fetch_all(store.pool())
    .await?;
    numbered(rows)
}

/// The signed heads of records with these numbers, both ends included, in order.
pub(crate) async fn heads(store: &Store, from: u64, to: u64) -> Result<Vec<(u64, Vec<u8>)>, Error> {
    let rows = sqlx::query(
        "SELECT sequence, signed AS bytes FROM audit_heads WHERE sequence >= $1 AND sequence <= $2 \
         ORDER BY sequence",
    )
    .bind(store::column(from))
    .bind(store::column(to))
    .fetch_all(store.pool())
    .await?;
    numbered(rows)
}

fn numbered(rows: Vec<sqlx::any::AnyRow>) -> Result<Vec<(u64, Vec<u8>)>, Error> {
    rows.into_iter()
        .map(|row| {
            let sequence: i64 = row.try_get("sequence")?;
            Ok((store::value(sequence), row.try_get("bytes")?))
        })
        .collect()
}

/// What the tail row says of the last record.
pub(super) async fn tail(connection: &mut AnyConnection) -> Result<Witnessed, Error> {
    let row = sqlx::query("SELECT sequence, hash FROM audit_tail WHERE one = 1")
        .fetch_optional(connection)
        .await?;
    let damaged = || Error::Damaged {
        what: "the tail of the audit log".to_owned(),
    };
    let row = row.ok_or_else(damaged)?;
    let sequence: i64 = row.try_get("sequence")?;
    let hash: String = row.try_get("hash")?;
    Ok(Witnessed {
        sequence: u64::try_from(sequence).map_err(|_| damaged())?,
        hash: Digest::parse(&hash).ok_or_else(damaged)?,
    })
}

/// The last signed head and the number of its record.
pub(super) async fn last_head(connection: &mut AnyConnection) -> Result<Option<(u64, Vec<u8>)>, Error> {
    let rows =
        sqlx::query("SELECT sequence, signed AS bytes FROM audit_heads ORDER BY sequence DESC LIMIT 1")
            .fetch_all(connection)
            .await?;
    Ok(numbered(rows)?.pop())
}

/// The hash of the stored record of this number.
pub(super) async fn hash(store: &Store, sequence: u64) -> Result<Option<Digest>, Error> {
    let row = sqlx::query("SELECT record FROM audit_records WHERE sequence = $1")
        .bind(store::column(sequence))
        .fetch_optional(store.pool())
        .await?;
    row.map(|row| {
        let record: Vec<u8> = row.try_get("record")?;
        Ok(Digest::of(&record))
    })
    .transpose()
}
