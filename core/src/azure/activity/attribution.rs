//! What the log says of a change.

use std::collections::BTreeMap;

use serde::Serialize;

use super::event::Event;
use super::index::Index;
use super::origins::Origins;
use super::{KEPT_US, MARGIN_US};
use crate::bytes::Big;

/// How many records are named; all are counted.
const NAMED: usize = 10;

/// A stretch of time, microseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Period {
    /// From.
    pub from_us: Big,
    /// To.
    pub to_us: Big,
}

impl Period {
    /// What is searched for a change since this moment: with a margin for clocks, and no further back than Azure keeps.
    pub fn since(baseline_us: u64, now_us: u64) -> Self {
        // An hour less than the whole, since Azure refuses a start that is too early.
        let oldest = now_us.saturating_sub(KEPT_US - 3_600_000_000);
        let to_us = now_us.saturating_add(MARGIN_US);
        Self {
            from_us: Big(baseline_us.saturating_sub(MARGIN_US).max(oldest).min(to_us)),
            to_us: Big(to_us),
        }
    }
}

/// What became of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There are records that it may come from.
    Recorded,
    /// There is no record in the period searched.
    NoRecord,
    /// The log could not be read, or not whole: there may be a record.
    Unreadable,
}

/// How a record hangs together with a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// It is of a resource that the change shows, since the baseline.
    Direct,
    /// It is of a resource that can have this effect, or stands so near before the baseline that only the clocks tell.
    Possible,
}

/// A record that a change may come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// How it hangs together with the change.
    pub link: Link,
    /// Who asked; null for an act of Azure itself.
    pub caller: Option<String>,
    /// When, microseconds since 1970 UTC by Azure's clock.
    pub at_us: Big,
    /// What was asked.
    pub operation: String,
    /// How it ended, as far as the log says.
    pub status: Option<String>,
    /// The resource.
    pub resource: String,
    /// What joins the records of one request.
    pub correlation: Option<String>,
}

/// What the Activity Log says of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attribution {
    /// What became of the search.
    pub outcome: Outcome,
    /// The records, the direct ones first, then the latest first.
    pub events: Vec<Recorded>,
    /// How many there are beyond those named.
    pub more: usize,
    /// What was searched; null where nothing was.
    pub searched: Option<Period>,
    /// The resources whose records were looked for.
    pub resources: Vec<String>,
    /// Why the answer is not whole.
    pub why: Option<String>,
}

/// A log of each subscription, or why there is none.
pub type Logs = BTreeMap<String, Result<Searched, String>>;

/// A log that was read.
#[derive(Debug, Clone, Default)]
pub struct Searched {
    /// Its acts.
    pub index: Index,
    /// How many of its records were not understood.
    pub gaps: usize,
}

/// What the logs say of a change since `baseline_us` that may come from these resources.
pub fn attribute(origins: &Origins, logs: &Logs, period: Period, baseline_us: u64) -> Attribution {
    let mut found: Vec<Recorded> = Vec::new();
    let mut why: Option<String> = origins
        .lacking
        .as_ref()
        .map(|why| format!("not every resource that it may come from is known: {why}"));
    let mut searched = false;
    for subscription in origins.subscriptions() {
        match logs.get(&subscription) {
            Some(Ok(log)) => {
                searched = true;
                events(origins, &log.index, (period, baseline_us), &mut found);
                if log.gaps > 0 {
                    let gaps = log.gaps;
                    why.get_or_insert_with(|| format!("{gaps} of the log's records were not understood"));
                }
            }
            Some(Err(error)) => {
                why.get_or_insert_with(|| error.clone());
            }
            None => {
                why.get_or_insert_with(|| format!("the log of subscription {subscription} was not read"));
            }
        }
    }
    found.sort_by(|a, b| (a.link, b.at_us.0, &a.resource).cmp(&(b.link, a.at_us.0, &b.resource)));
    let outcome = match (found.is_empty(), &why, searched) {
        (false, _, _) => Outcome::Recorded,
        (true, None, true) => Outcome::NoRecord,
        _ => Outcome::Unreadable,
    };
    let more = found.len().saturating_sub(NAMED);
    found.truncate(NAMED);
    Attribution {
        outcome,
        events: found,
        more,
        searched: searched.then_some(period),
        resources: origins.resources(),
        why: why.or_else(|| older(period, baseline_us)),
    }
}

/// Where the baseline is older than the log, `no record` is of the period searched only.
fn older(period: Period, baseline_us: u64) -> Option<String> {
    (period.from_us.0 > baseline_us)
        .then(|| "the baseline is older than what Azure keeps of the log, which is 90 days".to_owned())
}

fn events(origins: &Origins, index: &Index, (period, baseline_us): (Period, u64), found: &mut Vec<Recorded>) {
    let mut add = |link: Link, event: &Event| {
        if !(period.from_us.0..=period.to_us.0).contains(&event.at_us) {
            return false;
        }
        let link = if event.at_us < baseline_us {
            Link::Possible
        } else {
            link
        };
        let event = recorded(link, event);
        if !found.contains(&event) {
            found.push(event);
        }
        link == Link::Direct
    };
    let exact = origins.exact.iter().flat_map(|id| index.on(id));
    let itself = origins.below.iter().flat_map(|id| index.on(id));
    let below = origins.below.iter().flat_map(|id| index.below(id));
    // Every one is added, not only those up to the first that is direct.
    let all = exact.chain(itself).chain(below);
    let direct = all.filter(|event| add(Link::Direct, event)).count();
    if direct == 0 {
        let possible = origins.kinds.iter().flat_map(|kind| index.of_kind(kind));
        possible.for_each(|event| {
            add(Link::Possible, event);
        });
    }
}

fn recorded(link: Link, event: &Event) -> Recorded {
    Recorded {
        link,
        caller: event.caller.clone(),
        at_us: Big(event.at_us),
        operation: event.operation.clone(),
        status: event.status.clone(),
        resource: event.resource.clone(),
        correlation: event.correlation.clone(),
    }
}
