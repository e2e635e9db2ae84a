//! What is counted, and where it is read.

use std::collections::BTreeMap;

use sqlx::Row;

use super::exposition::{Kind, Page};
use super::ready;
use crate::fleet::status;
use crate::store::{self, Error, Store};
use crate::{Controller, metrics};

/// The whole page.
pub(super) async fn all(controller: &Controller, since_us: u64) -> Result<String, Error> {
    let mut page = Page::default();
    let version = vec![("version", env!("CARGO_PKG_VERSION"))];
    page.many(
        "netghost_build_info",
        Kind::Gauge,
        "The running version.",
        [(version, 1)],
    );
    page.one(
        "netghost_start_time_seconds",
        Kind::Gauge,
        "When the process started, seconds since 1970 UTC.",
        since_us / 1_000_000,
    );
    fleet(&mut page, controller).await?;
    jobs(&mut page, &controller.store).await?;
    audit(&mut page, controller).await?;
    process(&mut page, &controller.store);
    Ok(page.text())
}

async fn fleet(page: &mut Page, controller: &Controller) -> Result<(), Error> {
    page.one(
        "netghost_agents",
        Kind::Gauge,
        "Agents that are enrolled, neither revoked nor removed.",
        status::agents(&controller.store).await?,
    );
    let connected = u64::try_from(controller.links.count()).unwrap_or(u64::MAX);
    page.one(
        "netghost_agents_connected",
        Kind::Gauge,
        "Agents with an open control stream.",
        connected,
    );
    Ok(())
}

async fn jobs(page: &mut Page, store: &Store) -> Result<(), Error> {
    page.one(
        "netghost_jobs_running",
        Kind::Gauge,
        "Jobs that have not ended.",
        status::running_jobs(store).await?,
    );
    let ended = counts(
        store,
        "SELECT kind AS a, verdict AS b, COUNT(*) AS n FROM jobs WHERE state = 'ended' GROUP BY kind, verdict",
    )
    .await?;
    page.many(
        "netghost_jobs_ended_total",
        Kind::Counter,
        "Jobs that ended, by kind and verdict.",
        ended
            .iter()
            .map(|((kind, verdict), n)| (vec![("kind", kind.as_str()), ("verdict", verdict.as_str())], *n)),
    );
    let commands = counts(
        store,
        "SELECT CASE WHEN code = '' THEN 'captured' ELSE 'failed' END AS a, code AS b, COUNT(*) AS n \
         FROM commands GROUP BY code",
    )
    .await?;
    page.many(
        "netghost_commands_ended_total",
        Kind::Counter,
        "Commands that agents answered, by outcome; the code says why one failed.",
        commands
            .iter()
            .map(|((outcome, code), n)| (vec![("outcome", outcome.as_str()), ("code", code.as_str())], *n)),
    );
    Ok(())
}

/// Rows of two words and a count.
async fn counts(store: &Store, query: &'static str) -> Result<BTreeMap<(String, String), u64>, Error> {
    let rows = sqlx::query(query).fetch_all(store.pool()).await?;
    rows.into_iter()
        .map(|row| {
            let count: i64 = row.try_get("n")?;
            Ok(((row.try_get("a")?, row.try_get("b")?), store::value(count)))
        })
        .collect()
}

async fn audit(page: &mut Page, controller: &Controller) -> Result<(), Error> {
    let row = sqlx::query(
        "SELECT sequence, (SELECT COALESCE(MAX(sequence), 0) FROM audit_heads) AS signed \
         FROM audit_tail WHERE one = 1",
    )
    .fetch_one(controller.store.pool())
    .await?;
    let (records, signed): (i64, i64) = (row.try_get("sequence")?, row.try_get("signed")?);
    page.one(
        "netghost_audit_records_total",
        Kind::Counter,
        "Records in the audit log.",
        store::value(records),
    );
    page.one(
        "netghost_audit_unsigned_records",
        Kind::Gauge,
        "Records after the last signed head: more than a few for more than some seconds is a fault.",
        store::value(records.saturating_sub(signed)),
    );
    if let Some(at_us) = crate::audit::last_signed_us(&controller.store).await? {
        page.one(
            "netghost_audit_head_age_seconds",
            Kind::Gauge,
            "How long ago the last head was signed; a log at rest needs no new one.",
            controller.outside.now_us().saturating_sub(at_us) / 1_000_000,
        );
    }
    let events = metrics::EVENTS.all();
    page.many(
        "netghost_events_total",
        Kind::Counter,
        "What this process wrote to the audit log, by action and outcome: enrolments, denials, commands.",
        events
            .iter()
            .map(|((action, outcome), n)| (vec![("action", action.as_str()), ("outcome", *outcome)], *n)),
    );
    page.one(
        "netghost_audit_conflicts_total",
        Kind::Counter,
        "Heads seen by agents that the audit log does not lead to.",
        metrics::AUDIT_CONFLICTS.get(),
    );
    page.one(
        "netghost_audit_head_failures_total",
        Kind::Counter,
        "Heads that could not be signed and stored.",
        metrics::HEAD_FAILURES.get(),
    );
    Ok(())
}

fn process(page: &mut Page, store: &Store) {
    page.one(
        "netghost_uploaded_bytes_total",
        Kind::Counter,
        "Bytes that agents uploaded.",
        metrics::UPLOADED_BYTES.get(),
    );
    page.one(
        "netghost_database_errors_total",
        Kind::Counter,
        "Queries that the database refused.",
        metrics::DATABASE_ERRORS.get(),
    );
    // Not known is left out, not zero.
    if let Ok(free) = ready::free(store) {
        page.one(
            "netghost_disk_free_bytes",
            Kind::Gauge,
            "Free space on the disk of the store.",
            free,
        );
    }
}
