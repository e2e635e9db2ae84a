//! How a drift check or a sweep has ended: its document and its certificate, both checked here.

use std::path::PathBuf;

use anyhow::anyhow;
use netghost_core::artifact::certificate::Predicate;
use netghost_core::artifact::json::Digest;
use netghost_core::diff::fleet::{SCHEMA, answer};
use serde_json::Value;

use super::drift::job_outcome;
use crate::documents::jobs::Job;
use crate::error::Failure;
use crate::exit::Status;
use crate::fleet::Fleet;
use crate::output::{Outcome, write_new};
use crate::text;

mod explain;

/// What is wanted beside the answer.
#[derive(Debug, Default)]
pub(super) struct Wanted<'a> {
    /// A file for the certificate.
    pub(super) certificate: Option<&'a PathBuf>,
    /// What each change means for traffic.
    pub(super) explain: bool,
}

/// The answer of a job that has ended.
pub(super) fn ended(fleet: &mut Fleet, job: Job, wanted: &Wanted<'_>) -> Result<Outcome, Failure> {
    if job.kind == "baseline" {
        return Err(bad_certificate(&format!(
            "job {} is stored as no comparison",
            job.job
        )));
    }
    let (Some(digest), Some(verdict)) = (job.document, job.verdict.as_deref()) else {
        return without_document(&job, wanted);
    };
    let mut document = document(fleet, &digest, &job, verdict)?;
    let status = status(verdict)?;
    let (bytes, keyid) = certificate(fleet, &job, &document, verdict)?;
    // The certificate is over the document as it is stored, without explanations.
    if wanted.explain {
        explain::explain(fleet, &mut document);
    }
    let mut text = text::fleet::check(&document);
    if let Some(path) = wanted.certificate {
        write_new(path, &bytes)?;
        text += &format!("\ncertificate {}, signed by key {keyid}\n", path.display());
    } else {
        text += &format!("\nsigned by key {keyid}\n");
    }
    Ok(Outcome {
        status,
        document,
        text,
    })
}

/// A job can end without having compared anything.
fn without_document(job: &Job, wanted: &Wanted<'_>) -> Result<Outcome, Failure> {
    match &job.why {
        Some(why) if job.verdict.as_deref() != Some("unknown") => Err(Failure::failed(
            "job_failed",
            anyhow!("{why}").context(format!("job {} failed", job.job)),
        )),
        _ if wanted.certificate.is_some() => Err(no_certificate(job)),
        _ => job_outcome(job),
    }
}

fn no_certificate(job: &Job) -> Failure {
    let why = job.why.as_deref().unwrap_or("it compared nothing");
    Failure::failed(
        "no_certificate",
        anyhow!("job {} made no certificate: {why}", job.job),
    )
}

fn document(fleet: &mut Fleet, digest: &Digest, job: &Job, verdict: &str) -> Result<Value, Failure> {
    let bad = |what: &str| {
        Failure::failed("bad_answer", anyhow!("the document of job {} {what}", job.job))
            .hint("use a command and a controller of one version")
    };
    let bytes = fleet.object(digest)?;
    let document: Value = serde_json::from_slice(&bytes).map_err(|_| bad("is not JSON"))?;
    let is = |field: &str, value: &str| document.get(field).and_then(Value::as_str) == Some(value);
    if !is("schema", SCHEMA) {
        return Err(bad("has another schema"));
    }
    if !is("verdict", verdict) || !is("job", &job.job.to_string()) {
        return Err(bad("is another job's"));
    }
    Ok(document)
}

fn status(verdict: &str) -> Result<Status, Failure> {
    match verdict {
        "no_drift" => Ok(Status::Good),
        "drift" => Ok(Status::Act),
        "unknown" => Ok(Status::Unknown),
        other => Err(Failure::failed(
            "bad_answer",
            anyhow!("a comparison can't end {other:?}"),
        )),
    }
}

/// The certificate's bytes and signer: it must be over this document of this job, and state what the job does.
fn certificate(
    fleet: &mut Fleet,
    job: &Job,
    document: &Value,
    verdict: &str,
) -> Result<(Vec<u8>, Digest), Failure> {
    let Some(digest) = job.certificate else {
        return Err(uncertified(job, verdict));
    };
    let (bytes, verified) = fleet.certificate(&digest)?;
    let Predicate::Drift(drift) = &verified.statement.predicate else {
        return Err(bad_certificate(&format!("the certificate {digest} is a seal")));
    };
    let stated = drift.verdict.to_string();
    if stated != verdict {
        let what = format!("the certificate {digest} states {stated}, the job {verdict}");
        return Err(bad_certificate(&what));
    }
    let shown = answer(job.job, document).ok();
    let named = document.get("certificate").and_then(Value::as_str);
    if shown.is_none() || drift.answer != shown || named != Some(digest.to_string().as_str()) {
        let what = format!(
            "the certificate {digest} is not over the document of job {}",
            job.job
        );
        return Err(bad_certificate(&what));
    }
    Ok((bytes, verified.keyid))
}

/// A verdict that nobody signed.
pub(super) fn uncertified(job: &Job, verdict: &str) -> Failure {
    bad_certificate(&format!("job {} states {verdict} without a certificate", job.job))
}

fn bad_certificate(what: &str) -> Failure {
    Failure::act("bad_certificate", anyhow!("{what}"))
        .hint("the controller's store was edited: restore it from a backup")
}
