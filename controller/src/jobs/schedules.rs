//! Schedules: sweeps that start by themselves.
//!
//! A run that is due is taken by a conditional update in the transaction that stores its job, so that two controllers on one
//! database start it once. Periods that were missed are not made up for. While a run holds the schedule's lease, which ends
//! with the run, at the latest some time after its deadline, no other begins.

use std::time::Duration;

use netghost_core::artifact::json;
use netghost_core::job::{Request, next_run};
use tonic::{Code, Status};

use super::start::{Asker, Plan, insert, no_random, plan};
use super::{Begun, spawn};
use crate::Controller;
use crate::store::Error;
use crate::store::schedules::{self, ScheduleRow};

/// How often it is looked what is due.
const TICK: Duration = Duration::from_secs(5);
/// How long a run may compare after its deadline before its lease is over.
const COMPARING_US: u64 = 600_000_000;

/// Starts what is due, again and again.
pub(super) async fn run(controller: Controller) {
    loop {
        if let Err(status) = tick(&controller).await {
            tracing::error!(error = %status, "the schedules could not be looked at");
        }
        tokio::time::sleep(TICK).await;
    }
}

/// Starts every sweep that is due by the controller's clock, and says how many.
pub async fn tick(controller: &Controller) -> Result<usize, Status> {
    let now_us = controller.outside.now_us();
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    let rows = schedules::list(&mut connection).await?;
    drop(connection);
    let mut begun = 0;
    for row in &rows {
        if let Err(error) = bring_back(controller, row, now_us).await {
            tracing::error!(
                schedule = row.name,
                error = &error as &dyn std::error::Error,
                "a schedule stays as it is"
            );
        }
    }
    for row in rows.into_iter().filter(|row| row.next_at_us <= now_us) {
        match due(controller, &row, now_us).await {
            Ok(true) => begun += 1,
            Ok(false) => {}
            // It stays due; the others have nothing to do with it.
            Err(status) => {
                tracing::error!(schedule = row.name, error = %status, "a sweep could not be started")
            }
        }
    }
    Ok(begun)
}

/// Sets a schedule right that ran while the clock was ahead: after a run the next one is at most a period away. When it runs
/// first is for whoever made it to say.
async fn bring_back(controller: &Controller, row: &ScheduleRow, now_us: u64) -> Result<(), Error> {
    let next_at_us = now_us.saturating_add(row.every_ms.saturating_mul(1_000));
    let ran = row.lease_until_us > 0;
    if !ran || row.next_at_us <= next_at_us {
        return Ok(());
    }
    let mut connection = controller.store.pool().acquire().await?;
    if schedules::skip(&mut connection, row, next_at_us).await? {
        tracing::warn!(
            schedule = row.name,
            was_us = row.next_at_us,
            next_at_us,
            "the clock was set back since the last run: the next one is a period from now"
        );
    }
    Ok(())
}

async fn due(controller: &Controller, row: &ScheduleRow, now_us: u64) -> Result<bool, Status> {
    let next_at_us = next_run(row.next_at_us, row.every_ms.saturating_mul(1_000), now_us);
    if !row.lease.is_empty() && row.lease_until_us > now_us {
        let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
        if schedules::skip(&mut connection, row, next_at_us).await? {
            tracing::warn!(
                schedule = row.name,
                run = row.lease,
                "a period is left out: the last run still runs"
            );
        }
        return Ok(false);
    }
    let request: Request = json::from_slice(row.request.as_bytes()).map_err(|_| Error::Damaged {
        what: format!("schedule {}", row.name),
    })?;
    let plan = match plan(controller, &request).await {
        // Whoever is meant may be gone, or Azure away: a run that can't say anything says so, and is seen.
        Err(status)
            if matches!(
                status.code(),
                Code::NotFound | Code::FailedPrecondition | Code::Unavailable
            ) =>
        {
            Plan {
                why: status.message().to_owned(),
                ..Plan::default()
            }
        }
        plan => plan?,
    };
    let id = controller.outside.id().map_err(no_random)?;
    let asker = Asker {
        name: row.created_by.clone(),
        actor: "controller".to_owned(),
    };
    let until_us = now_us
        .saturating_add(request.length_ms().saturating_mul(1_000))
        .saturating_add(COMPARING_US);
    let mut transaction = controller.store.begin().await?;
    let taken = schedules::take(&mut transaction, row, now_us, (next_at_us, id, until_us)).await?;
    if !taken || !insert(controller, &mut transaction, (id, &request, &asker), &plan).await? {
        transaction.rollback().await.map_err(Error::from)?;
        return Ok(false);
    }
    transaction.commit().await.map_err(Error::from)?;
    spawn(controller, id, Begun::Now);
    Ok(true)
}
