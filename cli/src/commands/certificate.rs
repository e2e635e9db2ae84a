//! Certificates in files.

use netghost_core::artifact::certificate::{self, Predicate, Statement, VerifyError};
use serde_json::{Value, json};

use super::source::read_word;
use crate::error::Failure;
use crate::examples;
use crate::exit::Status;
use crate::output::Outcome;
use crate::text;

/// Certificates in files.
#[derive(Debug, clap::Subcommand)]
pub enum Certificate {
    /// Show what a certificate claims, without checking who signed it
    #[command(after_help = examples::CERTIFICATE_SHOW)]
    Show {
        /// The certificate, or `-` for standard input
        file: String,
    },
}

/// Runs it.
pub fn run(command: &Certificate) -> Result<Outcome, Failure> {
    let Certificate::Show { file } = command;
    let (statement, keyids) =
        certificate::peek(&read_word(file)?).map_err(|error| not_a_certificate(error, file))?;
    let mut document = document(&statement)?;
    if let Value::Object(fields) = &mut document {
        fields.insert("schema".to_owned(), json!("netghost.certificate/v1"));
        fields.insert("signature".to_owned(), json!("not_checked"));
        fields.insert("keyids".to_owned(), json!(keyids));
    }
    let mut text = text::certificate::statement(&statement);
    text += &format!("\nsignature not checked; states key {}\n", keyids.join(", "));
    Ok(Outcome {
        status: Status::Good,
        document,
        text,
    })
}

pub(super) fn not_a_certificate(error: VerifyError, file: &str) -> Failure {
    Failure::format(error).context(format!("cannot take {file} as a certificate"))
}

/// A statement for programs.
pub(super) fn document(statement: &Statement) -> Result<Value, Failure> {
    let (kind, predicate) = match &statement.predicate {
        Predicate::Drift(drift) => (certificate::DRIFT, serde_json::to_value(drift)),
        Predicate::Seal(seal) => (certificate::SEAL, serde_json::to_value(seal)),
    };
    let internal = |error| Failure::failed("internal", anyhow::Error::from(error));
    Ok(json!({
        "subject": serde_json::to_value(&statement.subject).map_err(internal)?,
        "predicateType": kind,
        "predicate": predicate.map_err(internal)?,
    }))
}
