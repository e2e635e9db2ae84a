//! Checks the whole log against its heads, their keys, and the last head that was seen here.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::PublicKey;
use netghost_core::artifact::sums;
use netghost_core::audit::{self, AuditError, Head, Verified, Witnessed, export};
use netghost_core::bytes::Big;
use serde::Serialize;

use super::{Log, read};
use crate::commands::Call;
use crate::documents::document;
use crate::error::Failure;
use crate::exit::Status;
use crate::fleet::contexts::keep;
use crate::output::Outcome;

/// The schema of the answer.
const SCHEMA: &str = "netghost.audit_verification/v1";
/// The last head that was verified here.
const HEAD: &str = "head.dsse.json";

/// Checks the whole log.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// Check what `audit export` wrote here, not the controller's log
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,
    /// A public key in PEM that may have signed an export's heads; may be repeated. Without it, the keys that the context
    /// has pinned
    #[arg(long = "key", value_name = "PUB", requires = "export")]
    keys: Vec<PathBuf>,
}

/// The answer.
#[derive(Debug, Serialize)]
struct Answer {
    /// Whether the log is what was written.
    verified: bool,
    /// What is wrong: `edited`, `removed`, `forged`, `rewritten` or `cut`.
    fault: Option<&'static str>,
    /// At which record.
    at: Option<Big>,
    /// What is wrong, for people.
    why: Option<String>,
    records: Option<Big>,
    heads: Option<Big>,
    /// Records after the last signed head.
    unsigned: Option<Big>,
    last: Option<Digest>,
    /// The head of an earlier check that the log was held to.
    witnessed: Option<Big>,
}

/// Runs it.
pub(super) fn run(args: &Verify, call: &Call<'_>) -> Result<Outcome, Failure> {
    if let Some(directory) = &args.export {
        return exported(directory, &args.keys, call);
    }
    let mut fleet = call.anywhere()?;
    let keys = fleet.keys()?;
    let log = read(&mut fleet, 1, 0)?;
    let place = fleet.place().seen.join(HEAD);
    let seen = seen(&place, &keys)?;
    let found = audit::verify(&log.records, &log.heads, &keys, seen.as_slice());
    if found.is_ok()
        && let Some(head) = log.heads.last()
    {
        keep(&place, head)?;
    }
    outcome(found, seen)
}

/// The head of the last check.
fn seen(path: &Path, keys: &[PublicKey]) -> Result<Option<Witnessed>, Failure> {
    let signed = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        signed => signed
            .with_context(|| format!("cannot read {}", path.display()))
            .map_err(|error| Failure::failed("context", error))?,
    };
    let head = Head::open(&signed, keys)
        .with_context(|| format!("the head in {}, which was good when it was kept", path.display()))
        .map_err(|error| Failure::act("bad_signature", error))?;
    Ok(Some(Witnessed {
        sequence: head.sequence.0,
        hash: head.hash,
    }))
}

fn outcome(found: Result<Verified, AuditError>, seen: Option<Witnessed>) -> Result<Outcome, Failure> {
    let witnessed = seen.map(|seen| Big(seen.sequence));
    let (status, text, answer) = match found {
        Ok(verified) => (Status::Good, good(&verified, seen), of(&verified, witnessed)),
        Err(error) => {
            let why = format!("{:#}", error_chain(&error));
            let text = format!("NOT AS IT WAS WRITTEN: {why}\n");
            let answer = Answer {
                verified: false,
                fault: Some(error.fault.word()),
                at: Some(Big(error.sequence)),
                why: Some(why),
                records: None,
                heads: None,
                unsigned: None,
                last: None,
                witnessed,
            };
            (Status::Act, text, answer)
        }
    };
    Ok(Outcome {
        status,
        text,
        document: document(SCHEMA, answer)?,
    })
}

fn of(verified: &Verified, witnessed: Option<Big>) -> Answer {
    Answer {
        verified: true,
        fault: None,
        at: None,
        why: None,
        records: Some(Big(verified.records)),
        heads: Some(Big(verified.heads)),
        unsigned: Some(Big(verified.unsigned)),
        last: Some(verified.last),
        witnessed,
    }
}

fn good(verified: &Verified, seen: Option<Witnessed>) -> String {
    let seen = seen.map_or_else(
        || "no earlier head is known here to hold it to".to_owned(),
        |seen| {
            format!(
                "it leads to the head seen here before, of record {}",
                seen.sequence
            )
        },
    );
    format!(
        "the audit log is as it was written: {} records, {} signed heads, {} records after the last head\n  {seen}\n  \
         last record {}\n",
        verified.records, verified.heads, verified.unsigned, verified.last
    )
}

fn exported(directory: &Path, given: &[PathBuf], call: &Call<'_>) -> Result<Outcome, Failure> {
    let files = files(directory)?;
    let export = match export::read(&files) {
        Ok(export) => export,
        Err(error) => return not_as_exported(&error, directory),
    };
    let (keys, place) = if given.is_empty() {
        let seen = crate::fleet::seen(call.world, call.wanted)?;
        (crate::fleet::pinned_keys(&seen)?, Some(seen.join(HEAD)))
    } else {
        let keys: Result<Vec<PublicKey>, Failure> = given
            .iter()
            .map(|path| crate::commands::verify::key(path))
            .collect();
        (keys?, None)
    };
    if keys.is_empty() {
        let error = anyhow!("there is no key to check the heads with");
        return Err(
            Failure::usage("no_key", error).hint("log in to the controller, or give its key with --key")
        );
    }
    let log = Log {
        records: export.records.iter().map(|bytes| bytes.to_vec()).collect(),
        heads: export.heads.iter().map(|bytes| bytes.to_vec()).collect(),
    };
    // An export can be older than what was seen: then it is not held to it.
    let seen = place.map(|place| seen(&place, &keys)).transpose()?.flatten();
    let seen = seen.filter(|seen| seen.sequence <= u64::try_from(log.records.len()).unwrap_or(0));
    outcome(
        audit::verify(&log.records, &log.heads, &keys, seen.as_slice()),
        seen,
    )
}

/// The files of an export; what is no file is none of it.
fn files(directory: &Path) -> Result<export::Files, Failure> {
    let mut files = BTreeMap::new();
    for path in crate::commands::baseline::digests(directory)?.into_keys() {
        let bytes = fs::read(directory.join(&path))
            .with_context(|| format!("cannot read {path} in {}", directory.display()))
            .map_err(|error| Failure::usage("unreadable", error))?;
        files.insert(path, bytes);
    }
    if files.contains_key(sums::NAME) {
        return Ok(files);
    }
    let error = anyhow!("{} has no {}", directory.display(), sums::NAME);
    Err(Failure::format(error).hint("give a directory that `netghost audit export` wrote"))
}

/// Files that are not those that were exported: an answer, since somebody edited them.
fn not_as_exported(error: &export::ExportError, directory: &Path) -> Result<Outcome, Failure> {
    let why = format!("{}: {error}", directory.display());
    let answer = Answer {
        verified: false,
        fault: Some("edited"),
        at: None,
        why: Some(why.clone()),
        records: None,
        heads: None,
        unsigned: None,
        last: None,
        witnessed: None,
    };
    Ok(Outcome {
        status: Status::Act,
        text: format!("NOT AS IT WAS WRITTEN: {why}\n"),
        document: document(SCHEMA, answer)?,
    })
}

/// The error with its causes in one line.
fn error_chain(error: &AuditError) -> anyhow::Error {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(&error.fault);
    while let Some(error) = next {
        text += &format!(": {error}");
        next = error.source();
    }
    anyhow!(text)
}
