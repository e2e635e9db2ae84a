//! Writes the audit log, signs its heads, and checks it.

use netghost_core::artifact::json::Digest;
use netghost_core::audit::Event;
use sqlx::{AnyConnection, Row};

use crate::metrics;
use crate::store::{self, Error};

mod check;
mod heads;
mod rows;
mod witness;

pub use check::{CheckError, at_start, whole};
pub(crate) use heads::last_signed_us;
pub use heads::{announce_last, keep_signed, last_head, sign};
pub(crate) use rows::{PAGE, heads as head_rows, records};
pub use witness::{Conflict, witness};

/// Appends a record within the transaction of what it records: both are there, or neither.
pub async fn append(transaction: &mut AnyConnection, now_us: u64, event: Event) -> Result<(), Error> {
    // The update locks the row, so that appends come one after the other.
    let tail =
        sqlx::query("UPDATE audit_tail SET sequence = sequence + 1 WHERE one = 1 RETURNING sequence, hash")
            .fetch_one(&mut *transaction)
            .await?;
    let sequence: i64 = tail.try_get("sequence")?;
    let previous: String = tail.try_get("hash")?;
    let previous = Digest::parse(&previous).ok_or_else(|| Error::Damaged {
        what: "the tail of the audit log".to_owned(),
    })?;
    metrics::EVENTS.count(&event);
    let (record, hash) = event.record(store::value(sequence), now_us, previous)?;
    sqlx::query("INSERT INTO audit_records (sequence, record) VALUES ($1, $2)")
        .bind(sequence)
        .bind(record)
        .execute(&mut *transaction)
        .await?;
    sqlx::query("UPDATE audit_tail SET hash = $1 WHERE one = 1")
        .bind(hash.to_string())
        .execute(&mut *transaction)
        .await?;
    Ok(())
}
