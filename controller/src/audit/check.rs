//! Checks the log: its end at each start, the whole when asked for.

use netghost_core::artifact::json::Digest;
use netghost_core::audit::{AuditError, Head, HeadError, Verified, Verifier, Witnessed, origin};

use super::rows::{self, PAGE};
use crate::keys;
use crate::store::{self, Store};

/// So many records are checked at each start.
const AT_START: u64 = 1_000;

/// Why the log can't be trusted.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It can't be read.
    #[error("read the audit log")]
    Store(#[from] store::Error),
    /// It is not what was written.
    #[error(transparent)]
    Fault(#[from] AuditError),
    /// The row that says where it ends says otherwise than the records.
    #[error(
        "the audit log was cut or edited: its last record should be number {wanted}, the last one found is {found}"
    )]
    Tail {
        /// What the tail row says.
        wanted: u64,
        /// What there is.
        found: u64,
    },
    /// The last record is another than the tail row says.
    #[error("the audit log was rewritten: record {sequence} is not the one that was written last")]
    Rewritten {
        /// Its number.
        sequence: u64,
    },
    /// A record stands under another number.
    #[error("the audit log was edited: record {record} stands in the row of number {row}")]
    Row {
        /// The row's number.
        row: u64,
        /// The record's.
        record: u64,
    },
    /// The last head.
    #[error("the audit log's last head, at record {sequence}, is edited or forged")]
    Head {
        /// The number of its record.
        sequence: u64,
        /// What is wrong.
        #[source]
        source: HeadError,
    },
    /// The last head leads elsewhere.
    #[error(
        "the audit log was cut or rewritten: its last head signs another record {sequence} than is there"
    )]
    Signed {
        /// The number of its record.
        sequence: u64,
    },
}

/// Holds the tail row, the last records and the last head to each other.
pub async fn at_start(store: &Store) -> Result<(), CheckError> {
    let (tail, head) = ends(store).await?;
    let after = tail.sequence.saturating_sub(AT_START);
    let hash = match after {
        0 => origin(),
        // What stands before is not checked here: the first record that is, is held to it.
        _ => rows::hash(store, after).await?.ok_or(CheckError::Tail {
            wanted: tail.sequence,
            found: after.saturating_sub(1),
        })?,
    };
    let start = Witnessed {
        sequence: after,
        hash,
    };
    follow(store, Verifier::after(start), after, tail).await?;
    hold(store, head).await
}

/// Holds the last head to its row and its record.
async fn hold(store: &Store, head: Option<(u64, Vec<u8>)>) -> Result<(), CheckError> {
    let Some((sequence, signed)) = head else {
        return Ok(());
    };
    let keys = keys::public(store).await?;
    let head = Head::open(&signed, &keys).map_err(|source| CheckError::Head { sequence, source })?;
    if head.sequence.0 != sequence || rows::hash(store, sequence).await? != Some(head.hash) {
        return Err(CheckError::Signed { sequence });
    }
    Ok(())
}

/// Checks every record and head, against what witnesses saw too.
pub async fn whole(store: &Store, witnessed: &[Witnessed]) -> Result<Verified, CheckError> {
    let (tail, last) = ends(store).await?;
    hold(store, last).await?;
    let heads = rows::heads(store, 0, u64::MAX).await?;
    let heads: Vec<Vec<u8>> = heads.into_iter().map(|(_, signed)| signed).collect();
    let verifier = Verifier::new(&heads, &keys::public(store).await?, witnessed)?;
    Ok(follow(store, verifier, 0, tail).await?.finish()?)
}

async fn ends(store: &Store) -> Result<(Witnessed, Option<(u64, Vec<u8>)>), store::Error> {
    let mut connection = store.pool().acquire().await?;
    // The head first: a record that is appended in between has none.
    let head = rows::last_head(&mut connection).await?;
    Ok((rows::tail(&mut connection).await?, head))
}

/// Takes every record after this number. The log may grow meanwhile; what the tail row said must be among them.
async fn follow(
    store: &Store,
    mut verifier: Verifier,
    after: u64,
    tail: Witnessed,
) -> Result<Verifier, CheckError> {
    let mut found = after;
    let mut agrees = tail.sequence == after && (after > 0 || tail.hash == origin());
    loop {
        let page = rows::records(store, found + 1).await?;
        let last = u64::try_from(page.len()).unwrap_or(PAGE) < PAGE;
        for (row, record) in page {
            found = verifier.record(&record)?.sequence.0;
            if row != found {
                return Err(CheckError::Row { row, record: found });
            }
            if found == tail.sequence {
                agrees = Digest::of(&record) == tail.hash;
            }
        }
        if last {
            break;
        }
    }
    if found < tail.sequence {
        return Err(CheckError::Tail {
            wanted: tail.sequence,
            found,
        });
    }
    match agrees {
        true => Ok(verifier),
        false => Err(CheckError::Rewritten {
            sequence: tail.sequence,
        }),
    }
}
