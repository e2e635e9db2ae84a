//! Sweeps: their schedules and their runs.

use netghost_core::bytes::Big;
use netghost_core::fleet::Selector;
use netghost_core::job::Layer;
use netghost_proto::convert::{self, BadField};
use netghost_proto::v1;
use serde::Serialize;

use super::jobs::Job;

/// The schema of schedules and runs.
pub const SCHEMA: &str = "netghost.sweeps/v1";

/// Schedules, and runs, newest first.
#[derive(Debug, Default, Serialize)]
pub struct Sweeps {
    /// Sorted by name.
    pub schedules: Vec<Schedule>,
    /// Without targets.
    pub runs: Vec<Job>,
}

/// A sweep that the controller starts by itself.
#[derive(Debug, Serialize)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// What is compared with.
    pub baseline: String,
    /// Which VMs.
    pub selector: Selector,
    /// Which layers; none: whatever the baseline holds.
    pub layers: Vec<Layer>,
    /// How often, milliseconds.
    pub every_ms: Big,
    /// How long one run may take, milliseconds; `null`: the controller's default.
    pub deadline_ms: Option<Big>,
    /// How many VMs at a time; `null`: the controller's default.
    pub concurrency: Option<u32>,
    /// By how much each VM's start may be put off, milliseconds.
    pub jitter_ms: Big,
    /// Chains whose changes are set apart.
    pub mute_chains: Vec<String>,
    /// When it runs next, microseconds since 1970 UTC.
    pub next_at_us: Big,
    /// Who made it.
    pub created_by: String,
}

impl TryFrom<v1::Schedule> for Schedule {
    type Error = BadField;

    fn try_from(schedule: v1::Schedule) -> Result<Self, BadField> {
        let sweep = schedule
            .sweep
            .ok_or_else(|| BadField::new("sweep", "is missing"))?;
        let selector = schedule
            .selector
            .ok_or_else(|| BadField::new("selector", "is missing"))?;
        Ok(Self {
            name: schedule.name,
            baseline: sweep.baseline,
            selector: Selector::try_from(&selector)?,
            layers: convert::layers(&schedule.layers)?,
            every_ms: Big(schedule.every_ms),
            deadline_ms: Some(Big(schedule.deadline_ms)).filter(|_| schedule.deadline_ms > 0),
            concurrency: Some(sweep.concurrency).filter(|count| *count > 0),
            jitter_ms: Big(sweep.jitter_ms),
            mute_chains: sweep.mute_chains,
            next_at_us: Big(schedule.next_at_us),
            created_by: schedule.created_by,
        })
    }
}

/// Schedules from the wire, sorted by name.
pub fn schedules(list: v1::ScheduleList) -> Result<Vec<Schedule>, BadField> {
    let rows: Result<Vec<Schedule>, BadField> = list.schedules.into_iter().map(Schedule::try_from).collect();
    let mut rows = rows?;
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(rows)
}

/// Runs from the wire, in their order.
pub fn runs(list: v1::RunList) -> Result<Vec<Job>, BadField> {
    list.runs.into_iter().map(Job::try_from).collect()
}
