//! Tells whether a log is what was written.

use std::collections::VecDeque;

use super::{Head, HeadError, Record, SCHEMA, origin};
use crate::artifact::json::{self, Digest, ReadError};
use crate::artifact::key::PublicKey;

/// A head that somebody saw: the log must always lead to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Witnessed {
    /// The number of the last record under it.
    pub sequence: u64,
    /// The hash of that record.
    pub hash: Digest,
}

/// A log without a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Whose log it is, as the heads say; nothing if there is no head.
    pub controller: Option<String>,
    /// How many records.
    pub records: u64,
    /// The hash of the last one; [`origin`] if there is none.
    pub last: Digest,
    /// How many heads.
    pub heads: u64,
    /// How many records stand after the last head: for these nothing is signed.
    pub unsigned: u64,
}

/// A fault in a log.
#[derive(Debug, thiserror::Error)]
#[error("the audit log at record {sequence}: {fault}")]
pub struct AuditError {
    /// At which record, or at the head of which record.
    pub sequence: u64,
    /// What.
    #[source]
    pub fault: Fault,
}

/// What is wrong in a log.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The stored bytes are no record as this program writes them.
    #[error("edited: not a record as it was written")]
    Record(#[source] ReadError),
    /// A record of another schema.
    #[error("edited: of the schema {found:?}, not {SCHEMA}")]
    Schema {
        /// The schema it states.
        found: String,
    },
    /// Another record stands in its place.
    #[error("removed, repeated or out of order: number {found} stands in its place")]
    Number {
        /// The number of the record that was found there.
        found: u64,
    },
    /// It does not hold the hash of the record before.
    #[error("edited: it does not continue the record before, so one of the two is not what was written")]
    Broken,
    /// The head is not one, or nobody known signed it.
    #[error("the head is edited or forged")]
    Head(#[source] HeadError),
    /// The head does not hold the hash of the head before.
    #[error("a head before this one was removed, or the heads are out of order")]
    HeadBefore,
    /// A head of another log.
    #[error("the head belongs to controller {found:?}, those before to another")]
    HeadOf {
        /// Whose it says it is.
        found: String,
    },
    /// The record is not the one that was signed.
    #[error("rewritten: the head signs another record")]
    Signed,
    /// The log leads to another record than a witness saw.
    #[error("rewritten: a witness saw another record here")]
    Rewritten,
    /// The log ends before a head that was signed or seen.
    #[error("cut: it ends after {records} records")]
    Cut {
        /// How many records are left.
        records: u64,
    },
    /// The heads end before one that a witness saw.
    #[error("the heads were cut: a witness saw one here")]
    HeadsCut,
}

impl Fault {
    /// A fixed word for programs: `edited`, `removed`, `forged`, `rewritten` or `cut`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Record(_) | Self::Schema { .. } | Self::Broken => "edited",
            Self::Number { .. } | Self::HeadBefore => "removed",
            Self::Head(_) | Self::HeadOf { .. } => "forged",
            Self::Signed | Self::Rewritten => "rewritten",
            Self::Cut { .. } | Self::HeadsCut => "cut",
        }
    }

    fn at(self, sequence: u64) -> AuditError {
        AuditError {
            sequence,
            fault: self,
        }
    }
}

/// Reads a log record by record, holding one at a time.
#[derive(Debug)]
pub struct Verifier {
    controller: Option<String>,
    heads: VecDeque<Witnessed>,
    witnessed: VecDeque<Witnessed>,
    verified: u64,
    signed: u64,
    records: u64,
    last: Digest,
}

impl Verifier {
    /// Takes all heads of the log, in order, each held to its signature by one of `keys` and to the head before; and what
    /// witnesses saw.
    pub fn new<B: AsRef<[u8]>>(
        heads: &[B],
        keys: &[PublicKey],
        witnessed: &[Witnessed],
    ) -> Result<Self, AuditError> {
        let mut witnessed = witnessed.to_vec();
        witnessed.sort_unstable();
        let mut this = Self {
            controller: None,
            heads: VecDeque::with_capacity(heads.len()),
            witnessed: witnessed.into(),
            verified: 0,
            signed: 0,
            records: 0,
            last: origin(),
        };
        let mut previous = origin();
        for signed in heads {
            this.head(signed.as_ref(), keys, previous)?;
            previous = Digest::of(signed.as_ref());
        }
        // A head with nothing under it is a witness of nothing: every log leads to it.
        this.witnessed.retain(|seen| seen.sequence > 0);
        match this.witnessed.back() {
            Some(seen) if seen.sequence > this.signed => Err(Fault::HeadsCut.at(seen.sequence)),
            _ => Ok(this),
        }
    }

    /// Takes up a log after this record, which is believed: for a look at its end. Nothing is held to heads.
    pub fn after(record: Witnessed) -> Self {
        Self {
            controller: None,
            heads: VecDeque::new(),
            witnessed: VecDeque::new(),
            verified: 0,
            signed: 0,
            records: record.sequence,
            last: record.hash,
        }
    }

    fn head(&mut self, signed: &[u8], keys: &[PublicKey], previous: Digest) -> Result<(), AuditError> {
        let head = Head::open(signed, keys).map_err(|error| Fault::Head(error).at(self.signed + 1))?;
        let sequence = head.sequence.0;
        if head.previous != previous || sequence <= self.signed {
            return Err(Fault::HeadBefore.at(sequence));
        }
        if *self.controller.get_or_insert_with(|| head.controller.clone()) != head.controller {
            return Err(Fault::HeadOf {
                found: head.controller,
            }
            .at(sequence));
        }
        self.signed = sequence;
        self.verified += 1;
        self.heads.push_back(Witnessed {
            sequence,
            hash: head.hash,
        });
        Ok(())
    }

    /// Takes the next record's stored bytes.
    pub fn record(&mut self, bytes: &[u8]) -> Result<Record, AuditError> {
        let sequence = self.records + 1;
        let record: Record = json::from_slice(bytes).map_err(|error| Fault::Record(error).at(sequence))?;
        if record.schema != SCHEMA {
            return Err(Fault::Schema { found: record.schema }.at(sequence));
        }
        if record.sequence.0 != sequence {
            let found = record.sequence.0;
            return Err(Fault::Number { found }.at(sequence));
        }
        if record.previous != self.last {
            return Err(Fault::Broken.at(sequence));
        }
        self.records = sequence;
        self.last = Digest::of(bytes);
        let here = Witnessed {
            sequence,
            hash: self.last,
        };
        if !take(&mut self.heads, here) {
            return Err(Fault::Signed.at(sequence));
        }
        if !take(&mut self.witnessed, here) {
            return Err(Fault::Rewritten.at(sequence));
        }
        Ok(record)
    }

    /// There are no more records.
    pub fn finish(self) -> Result<Verified, AuditError> {
        let records = self.records;
        match self.heads.front().or(self.witnessed.front()) {
            Some(beyond) => Err(Fault::Cut { records }.at(beyond.sequence)),
            None => Ok(Verified {
                controller: self.controller,
                records,
                last: self.last,
                heads: self.verified,
                unsigned: records - self.signed,
            }),
        }
    }
}

/// Takes what was said of this record from the front; false if it says something else.
fn take(said: &mut VecDeque<Witnessed>, here: Witnessed) -> bool {
    while said.front().is_some_and(|front| front.sequence == here.sequence) {
        if said.pop_front().is_some_and(|front| front.hash != here.hash) {
            return false;
        }
    }
    true
}

/// Checks a whole log: every record canonical, numbered from 1 without a gap, holding the hash of the one before; every head
/// signed by one of `keys`, holding the hash of the head before, and leading to the record of its number; and that the log
/// still leads to every head that was witnessed.
///
/// What it can't tell: a tail that was cut off or rewritten after the last head that is left, where no witness saw a later
/// one.
pub fn verify<B: AsRef<[u8]>, H: AsRef<[u8]>>(
    records: impl IntoIterator<Item = B>,
    heads: &[H],
    keys: &[PublicKey],
    witnessed: &[Witnessed],
) -> Result<Verified, AuditError> {
    let mut verifier = Verifier::new(heads, keys, witnessed)?;
    for record in records {
        verifier.record(record.as_ref())?;
    }
    verifier.finish()
}
