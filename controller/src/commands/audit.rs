//! `netghost-controller audit`.

use clap::Subcommand;
use netghost_controller::audit::{self, CheckError};
use netghost_core::audit::Verified;
use serde_json::json;

use super::failure::Failure;
use super::{Answer, Common, examples, local};

/// The audit log.
#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Check every record and every signed head
    #[command(after_help = examples::AUDIT_VERIFY)]
    Verify,
}

impl Audit {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let Self::Verify = self;
        let config = local::config_as_owner(common)?;
        local::authority(&config)?;
        local::block_on(async {
            let store = local::store(&config).await?;
            let checked = audit::whole(&store, &[]).await;
            store.pool().close().await;
            match checked {
                Ok(verified) => Ok(good(&verified)),
                Err(CheckError::Store(error)) => Err(Failure::failed("store", error)),
                Err(error) => Ok(bad(&error)),
            }
        })
    }
}

fn good(verified: &Verified) -> Answer {
    Answer {
        status: 0,
        document: json!({
            "schema": "netghost.audit_check/v1",
            "verdict": "good",
            "records": verified.records.to_string(),
            "heads": verified.heads.to_string(),
            "unsigned": verified.unsigned.to_string(),
            "last": verified.last.to_string(),
            "why": null,
        }),
        text: format!(
            "{} records, {} signed heads, {} records after the last head: as they were written\n",
            verified.records, verified.heads, verified.unsigned
        ),
        next: None,
    }
}

fn bad(error: &CheckError) -> Answer {
    let why = chain(error);
    Answer {
        status: 1,
        document: json!({
            "schema": "netghost.audit_check/v1",
            "verdict": "bad",
            "records": null,
            "heads": null,
            "unsigned": null,
            "last": null,
            "why": why,
        }),
        text: format!("{why}\n"),
        next: Some(
            "The store was edited or damaged. Keep it as evidence, and restore a backup into an empty directory.".to_owned(),
        ),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(at) = source {
        let more = at.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = at.source();
    }
    text
}
