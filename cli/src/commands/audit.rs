//! The audit log: who did what.

use std::path::PathBuf;

use netghost_core::artifact::json;
use netghost_core::audit::Record;
use netghost_proto::v1;
use serde_json::json;

use super::Call;
use crate::documents::document;
use crate::error::Failure;
use crate::exit::Status;
use crate::output::Outcome;
use crate::{examples, text};

mod export;
mod verify;

/// The schema of some records.
pub const SCHEMA: &str = "netghost.audit/v1";

/// The audit log.
#[derive(Debug, clap::Subcommand)]
pub enum Audit {
    /// Show records
    #[command(after_help = examples::AUDIT_SHOW)]
    Show {
        /// The first record
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
        from: u64,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
        limit: u64,
    },
    /// Check the whole log: that no record was edited, removed or reordered, and that it leads to the last head seen here
    #[command(after_help = examples::AUDIT_VERIFY)]
    Verify(verify::Verify),
    /// Write the whole log into a directory, with its heads and keys
    #[command(after_help = examples::AUDIT_EXPORT)]
    Export {
        /// The directory, which must not exist
        directory: PathBuf,
    },
}

/// Runs one of them.
pub fn run(command: &Audit, call: &Call<'_>) -> Result<Outcome, Failure> {
    match command {
        Audit::Show { from, limit } => show(*from, *limit, call),
        Audit::Verify(args) => verify::run(args, call),
        Audit::Export { directory } => export::run(directory, call),
    }
}

/// Records and heads as they are stored.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) records: Vec<Vec<u8>>,
    pub(super) heads: Vec<Vec<u8>>,
}

/// Reads records, and the heads over them.
pub(super) fn read(fleet: &mut crate::fleet::Fleet, from: u64, limit: u64) -> Result<Log, Failure> {
    fleet.call(async |client| {
        let request = v1::ReadAuditRequest { from, limit };
        let mut entries = client.read_audit(request).await?.into_inner();
        let mut log = Log::default();
        while let Some(entry) = entries.message().await? {
            match entry.kind {
                Some(v1::audit_entry::Kind::Record(bytes)) => log.records.push(bytes.to_vec()),
                Some(v1::audit_entry::Kind::Head(bytes)) => log.heads.push(bytes.to_vec()),
                None => return Err(tonic::Status::internal("an entry of the audit log is empty")),
            }
        }
        Ok(log)
    })
}

fn show(from: u64, limit: u64, call: &Call<'_>) -> Result<Outcome, Failure> {
    let log = read(&mut call.anywhere()?, from, limit)?;
    let record = |bytes: &Vec<u8>| {
        json::from_slice::<Record>(bytes).map_err(|error| {
            Failure::act("edited", error)
                .hint("`netghost audit verify` tells which records are not as they were written")
        })
    };
    let records: Result<Vec<Record>, Failure> = log.records.iter().map(record).collect();
    let records = records?;
    Ok(Outcome {
        status: Status::Good,
        text: text::fleet::audit(&records),
        document: document(SCHEMA, json!({ "records": records }))?,
    })
}
