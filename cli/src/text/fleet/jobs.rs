//! Jobs.

use super::{lines, or_none, table, way};
use crate::clock;
use crate::documents::jobs::{Job, Target};

/// A job with its targets.
pub fn job(job: &Job) -> String {
    let rows = [
        ("job", job.job.to_string()),
        ("started", clock::shown(job.started_at_us.0)),
        (
            "ended",
            job.ended_at_us
                .map_or_else(|| "it still runs".to_owned(), |time| clock::shown(time.0)),
        ),
        ("by", job.asked_by.clone()),
        ("ticket", or_none(job.ticket.as_deref())),
    ];
    let verdict = job.verdict.as_deref().unwrap_or(&job.state);
    let mut out = format!("{} {}: {verdict}\n{}\n", job.kind, job.baseline, lines(&rows));
    let row = |target: &Target| {
        let verdict = target.verdict.as_deref();
        [
            target.called().to_owned(),
            way(target.way),
            verdict.unwrap_or(&target.state).to_owned(),
            or_none(target.why.as_deref()),
        ]
    };
    out += &table(
        ["TARGET", "BY", "STATE", "WHY"],
        job.targets.iter().map(row).collect(),
        "it has no targets",
    );
    if let Some(why) = &job.why {
        out += &format!("\n{why}\n");
    }
    out
}

/// A target in one line of progress.
pub fn target(name: &str, state: &str, why: &str) -> String {
    let why = if why.is_empty() {
        String::new()
    } else {
        format!(": {why}")
    };
    format!("{name}: {state}{why}")
}
