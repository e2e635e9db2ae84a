//! Schedules.

use netghost_core::artifact::json;
use netghost_core::artifact::name::Name;
use netghost_core::audit::{Event, Outcome};
use netghost_core::job::{Request, SHORTEST_PERIOD_MS, Via, Work};
use netghost_proto::convert::{BadField, layers, via};
use netghost_proto::v1;
use tonic::Status;

use super::jobs::{selector, sweep};
use crate::Controller;
use crate::audit;
use crate::caller::User;
use crate::store::schedules::{self, ScheduleRow};
use crate::store::{Error, baselines};

/// The longest period, milliseconds: a year.
const LONGEST_PERIOD_MS: u64 = 366 * 24 * 60 * 60 * 1_000;

/// Makes a schedule. It runs first when it says so, else at once. Asking for the same again is one schedule.
pub(super) async fn schedule_sweep(
    controller: &Controller,
    user: &User,
    asked: v1::Schedule,
) -> Result<v1::Schedule, Status> {
    let every_ms = asked.every_ms;
    if !(SHORTEST_PERIOD_MS..=LONGEST_PERIOD_MS).contains(&every_ms) {
        let what = format!("between {SHORTEST_PERIOD_MS} (a minute) and {LONGEST_PERIOD_MS} (a year)");
        return Err(BadField::new("every_ms", what).into());
    }
    let next_at_us = asked.next_at_us;
    let (name, request) = request(asked)?;
    request
        .check()
        .map_err(|bad| Status::invalid_argument(bad.to_string()))?;
    let now_us = controller.outside.now_us();
    let bytes = json::to_vec(&request).map_err(Error::from)?;
    let row = ScheduleRow {
        name: name.to_string(),
        request: String::from_utf8_lossy(&bytes).into_owned(),
        every_ms,
        next_at_us: if next_at_us == 0 { now_us } else { next_at_us },
        created_by: user.name.clone(),
        lease: String::new(),
        lease_until_us: 0,
    };
    let mut transaction = controller.store.begin().await?;
    let baseline = request.work.baseline();
    if baselines::baseline(&mut transaction, baseline.as_str())
        .await?
        .is_none()
    {
        return Err(Status::not_found(format!(
            "there is no baseline {baseline}: `netghost baseline list` shows all"
        )));
    }
    if !schedules::insert(&mut transaction, &row).await? {
        let there = schedules::schedule(&mut transaction, name.as_str()).await?;
        return match there.filter(|there| there.request == row.request && there.every_ms == every_ms) {
            Some(there) => Ok(wire(there)?),
            None => Err(Status::already_exists(format!(
                "there is another schedule {name}: remove it first, or choose another name"
            ))),
        };
    }
    let event = Event::new(user.actor(), "schedule.create", Outcome::Done)
        .target(&name)
        .with("baseline", baseline)
        .with("every_ms", every_ms);
    audit::append(&mut transaction, now_us, event).await?;
    transaction.commit().await.map_err(Error::from)?;
    Ok(wire(row)?)
}

fn request(asked: v1::Schedule) -> Result<(Name, Request), BadField> {
    let name = Name::parse(&asked.name).map_err(|error| BadField::new("name", error))?;
    let job = asked
        .sweep
        .ok_or_else(|| BadField::new("sweep", "say what is to be compared"))?;
    let request = Request {
        work: sweep(job, Some(name.clone()))?,
        selector: selector(asked.selector.as_ref())?,
        ticket: String::new(),
        note: String::new(),
        deadline_ms: asked.deadline_ms,
        layers: layers(&asked.layers)?,
        via: via(&asked.via)?,
    };
    Ok((name, request))
}

pub(super) async fn list_schedules(
    controller: &Controller,
    _user: &User,
    _request: v1::ListSchedulesRequest,
) -> Result<v1::ScheduleList, Status> {
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    let rows = schedules::list(&mut connection).await?;
    Ok(v1::ScheduleList {
        schedules: rows.into_iter().map(wire).collect::<Result<_, _>>()?,
    })
}

/// Removes a schedule. A run that it started goes on.
pub(super) async fn remove_schedule(
    controller: &Controller,
    user: &User,
    request: v1::RemoveScheduleRequest,
) -> Result<v1::Schedule, Status> {
    let mut transaction = controller.store.begin().await?;
    let row = schedules::schedule(&mut transaction, &request.name).await?;
    let row = row.ok_or_else(|| {
        let name: String = request.name.escape_debug().take(80).collect();
        Status::not_found(format!(
            "there is no schedule {name}: `netghost sweep list` shows all"
        ))
    })?;
    schedules::remove(&mut transaction, &row.name).await?;
    let event = Event::new(user.actor(), "schedule.remove", Outcome::Done).target(&row.name);
    audit::append(&mut transaction, controller.outside.now_us(), event).await?;
    transaction.commit().await.map_err(Error::from)?;
    Ok(wire(row)?)
}

fn wire(row: ScheduleRow) -> Result<v1::Schedule, Error> {
    let damaged = || Error::Damaged {
        what: format!("schedule {}", row.name),
    };
    let request: Request = json::from_slice(row.request.as_bytes()).map_err(|_| damaged())?;
    let Work::Sweep {
        baseline,
        mute_chains,
        concurrency,
        jitter_ms,
        ..
    } = request.work
    else {
        return Err(damaged());
    };
    Ok(v1::Schedule {
        sweep: Some(v1::SweepJob {
            baseline: baseline.to_string(),
            concurrency,
            jitter_ms,
            mute_chains,
            schedule: row.name.clone(),
        }),
        name: row.name,
        selector: Some(v1::Selector::from(&request.selector)),
        every_ms: row.every_ms,
        deadline_ms: request.deadline_ms,
        next_at_us: row.next_at_us,
        created_by: row.created_by,
        layers: request.layers.iter().map(ToString::to_string).collect(),
        via: if request.via == Via::Auto {
            String::new()
        } else {
            request.via.to_string()
        },
    })
}
