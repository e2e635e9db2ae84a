//! Sweeps.

use super::{or_none, selector, table};
use crate::documents::jobs::Job;
use crate::documents::sweeps::{Schedule, Sweeps};
use crate::{clock, span};

/// The schedules, then the runs.
pub fn sweeps(all: &Sweeps) -> String {
    let schedule = |schedule: &Schedule| {
        [
            schedule.name.clone(),
            schedule.baseline.clone(),
            span::shown(schedule.every_ms.0),
            what(schedule),
            clock::shown(schedule.next_at_us.0),
            schedule.created_by.clone(),
        ]
    };
    let run = |run: &Job| {
        let verdict = run.verdict.as_deref();
        [
            run.job.to_string(),
            or_none(run.schedule.as_deref()),
            run.baseline.clone(),
            clock::shown(run.started_at_us.0),
            verdict.unwrap_or(&run.state).to_owned(),
        ]
    };
    let schedules = table(
        ["SCHEDULE", "BASELINE", "EVERY", "WHAT", "NEXT", "BY"],
        all.schedules.iter().map(schedule).collect(),
        "nothing is scheduled",
    );
    let runs = table(
        ["RUN", "SCHEDULE", "BASELINE", "STARTED", "VERDICT"],
        all.runs.iter().map(run).collect(),
        "no sweep has run",
    );
    format!("{schedules}\n{runs}")
}

/// What is swept, and which layers of it where that was said.
fn what(schedule: &Schedule) -> String {
    let layers: Vec<&str> = schedule.layers.iter().map(|layer| layer.as_str()).collect();
    let layers = if layers.is_empty() {
        String::new()
    } else {
        format!(" ({})", layers.join(", "))
    };
    format!("{}{layers}", selector(&schedule.selector))
}
