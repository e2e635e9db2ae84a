//! Checking a certificate.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use netghost_core::artifact::certificate::{self, DriftVerdict, Predicate, Statement, VerifyError};
use netghost_core::artifact::dsse::EnvelopeError;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::PublicKey;
use serde_json::{Value, json};

use super::certificate::{document, not_a_certificate};
use super::source::{read, read_word};
use crate::error::Failure;
use crate::exit::Status;
use crate::output::Outcome;
use crate::text;

/// Checks a certificate's signature.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// The certificate, or `-` for standard input
    file: String,
    /// A public key in PEM that may have signed it; may be repeated
    #[arg(long = "key", value_name = "PUB", required = true)]
    keys: Vec<PathBuf>,
    /// What the certificate must state
    #[arg(long, value_enum, value_name = "VERDICT")]
    require: Option<Requirement>,
    /// A file that the certificate must be about; may be repeated
    #[arg(long = "subject", value_name = "FILE")]
    subjects: Vec<PathBuf>,
}

/// What a certificate must state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Requirement {
    /// Everything requested was compared and is equal
    #[value(name = "no_drift")]
    NoDrift,
}

/// Runs it.
pub fn run(args: &Verify) -> Result<Outcome, Failure> {
    let keys = args
        .keys
        .iter()
        .map(|path| key(path))
        .collect::<Result<Vec<_>, _>>()?;
    let bytes = read_word(&args.file)?;
    let verified = match certificate::verify(&bytes, &keys) {
        Ok(verified) => verified,
        Err(error) => return refused(error, &args.file),
    };
    let missing = missing(&args.subjects, &verified.statement)?;
    let status = worst(required(args.require, &verified.statement), missing.is_empty());
    let mut document = document(&verified.statement)?;
    if let Value::Object(fields) = &mut document {
        fields.insert("schema".to_owned(), json!("netghost.verification/v1"));
        fields.insert("verified".to_owned(), json!(true));
        fields.insert("keyid".to_owned(), json!(verified.keyid));
        fields.insert("required_met".to_owned(), json!(status == Status::Good));
        fields.insert("not_a_subject".to_owned(), json!(missing));
    }
    let mut text = format!("signature good, by key {}\n\n", verified.keyid);
    text += &text::certificate::statement(&verified.statement);
    for name in &missing {
        text += &format!("\nnot what the certificate is about: {name}\n");
    }
    if args.require.is_some() && status != Status::Good {
        text += "\nthe certificate does not state no_drift, or not of these files\n";
    }
    Ok(Outcome {
        status,
        document,
        text,
    })
}

pub(super) fn key(path: &Path) -> Result<PublicKey, Failure> {
    let pem = String::from_utf8(read(path)?).unwrap_or_default();
    PublicKey::from_pem(&pem).map_err(|error| {
        Failure::usage(
            "not_a_key",
            anyhow!(error).context(format!("cannot take {} as a key", path.display())),
        )
        .hint("give the public key, as the store publishes it under keys/")
    })
}

/// A signature that is no good is an answer; a file that is no certificate is not.
fn refused(error: VerifyError, file: &str) -> Result<Outcome, Failure> {
    match &error {
        VerifyError::Envelope(
            EnvelopeError::Unsigned | EnvelopeError::UnknownKey { .. } | EnvelopeError::BadSignature { .. },
        )
        | VerifyError::Verdict { .. } => {}
        _ => return Err(not_a_certificate(error, file)),
    }
    let why = format!("{:#}", anyhow!(error));
    Ok(Outcome {
        status: Status::Act,
        text: format!("NOT VERIFIED: {why}\n"),
        document: json!({"schema": "netghost.verification/v1", "verified": false, "why": why}),
    })
}

fn required(require: Option<Requirement>, statement: &Statement) -> Status {
    match (require, &statement.predicate) {
        (None, _) => Status::Good,
        (Some(Requirement::NoDrift), Predicate::Drift(drift)) => match drift.verdict {
            // Something that was set apart did change: whoever requires no drift decides that, not who muted it.
            DriftVerdict::NoDrift if !drift.muted.is_empty() => Status::Unknown,
            DriftVerdict::NoDrift => Status::Good,
            DriftVerdict::Drift => Status::Act,
            DriftVerdict::Unknown => Status::Unknown,
        },
        // A seal says nothing of drift.
        (Some(Requirement::NoDrift), Predicate::Seal(_)) => Status::Unknown,
    }
}

fn worst(required: Status, subjects: bool) -> Status {
    if subjects { required } else { Status::Act }
}

/// Files that are not among the subjects.
fn missing(paths: &[PathBuf], statement: &Statement) -> Result<Vec<String>, Failure> {
    let mut missing = Vec::new();
    for path in paths {
        let digest = Digest::of(&read(path)?);
        if !statement
            .subject
            .iter()
            .any(|subject| subject.digest.sha256 == digest)
        {
            missing.push(path.display().to_string());
        }
    }
    Ok(missing)
}
