//! What the log says of a change.

use std::collections::BTreeMap;

use serde::Serialize;

use super::event::Event;
use super::index::Index;
use super::origins::Origins;
use super::{KEPT_US, MARGIN_US, WRITTEN_AFTER_US};
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

    /// What is asked about a change since this moment, with the same margin, whether it is still kept or not.
    pub fn wanted(baseline_us: u64, now_us: u64) -> Self {
        Self {
            from_us: Big(baseline_us.saturating_sub(MARGIN_US)),
            to_us: Big(now_us.saturating_add(MARGIN_US)),
        }
    }

    /// What both have; nothing where that is no time at all.
    fn within(self, other: Self) -> Option<Self> {
        let from_us = self.from_us.0.max(other.from_us.0);
        let to_us = self.to_us.0.min(other.to_us.0);
        (from_us <= to_us).then_some(Self {
            from_us: Big(from_us),
            to_us: Big(to_us),
        })
    }
}

/// What became of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There are records that it may come from.
    Recorded,
    /// There is no record in the period searched, which is all of the time in question; `why` says what may come late.
    NoRecord,
    /// The log could not be read, or not whole, or is no longer kept for all of the time in question: there may be a record.
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
    /// Until when everything stood in the log as it was read: what was done later within the period searched may be missing.
    /// Null where that is none of it.
    pub settled_until_us: Option<Big>,
    /// The resources whose records were looked for.
    pub resources: Vec<String>,
    /// Why the answer is not whole.
    pub why: Option<String>,
}

/// A log of each subscription, or why there is none.
pub type Logs = BTreeMap<String, Result<Searched, String>>;

/// A log that was read.
#[derive(Debug, Clone)]
pub struct Searched {
    /// Its acts.
    pub index: Index,
    /// How many of its records were not understood.
    pub gaps: usize,
    /// What Azure was asked for.
    pub period: Period,
    /// When, microseconds since 1970 UTC.
    pub read_at_us: u64,
}

/// What was read of all logs that were asked.
#[derive(Debug, Default)]
struct Reading {
    found: Vec<Recorded>,
    searched: Option<Period>,
    settled_us: Option<u64>,
    /// Why the answer is not whole.
    why: Option<String>,
}

/// What the logs say of a change since `baseline_us` that may come from these resources, and that was made in `wanted`.
///
/// There is `no record` only where every log was read, whole, for all of that time.
pub fn attribute(origins: &Origins, logs: &Logs, wanted: Period, baseline_us: u64) -> Attribution {
    let mut read = Reading {
        why: origins
            .unknown()
            .map(|why| format!("not every resource that it may come from is known: {why}")),
        ..Reading::default()
    };
    for subscription in origins.subscriptions() {
        match logs.get(&subscription) {
            Some(Ok(log)) => read.log(origins, log, (wanted, baseline_us)),
            Some(Err(error)) => read.lacks(error),
            None => read.lacks(&format!("the log of subscription {subscription} was not read")),
        }
    }
    read.said(origins, wanted)
}

impl Reading {
    fn lacks(&mut self, why: &str) {
        self.why.get_or_insert_with(|| why.to_owned());
    }

    fn log(&mut self, origins: &Origins, log: &Searched, (wanted, baseline_us): (Period, u64)) {
        if log.period.from_us.0 > baseline_us {
            self.lacks(NOT_KEPT);
        }
        let Some(period) = wanted.within(log.period) else {
            return self.lacks("the time in question is none of what was read of the log");
        };
        // Of several logs what all of them have.
        self.searched = Some(match self.searched {
            Some(known) => known.within(period).unwrap_or(period),
            None => period,
        });
        let settled_us = log.read_at_us.saturating_sub(WRITTEN_AFTER_US);
        self.settled_us = Some(self.settled_us.map_or(settled_us, |known| known.min(settled_us)));
        events(origins, &log.index, (period, baseline_us), &mut self.found);
        if log.gaps > 0 {
            self.lacks(&format!("{} of the log's records were not understood", log.gaps));
        }
    }

    fn said(mut self, origins: &Origins, wanted: Period) -> Attribution {
        let (found, searched) = (&mut self.found, self.searched);
        found.sort_by(|a, b| (a.link, b.at_us.0, &a.resource).cmp(&(b.link, a.at_us.0, &b.resource)));
        let outcome = match (found.is_empty(), &self.why, searched) {
            (false, _, _) => Outcome::Recorded,
            (true, None, Some(_)) => Outcome::NoRecord,
            _ => Outcome::Unreadable,
        };
        let late = self.settled_us.filter(|settled| *settled < wanted.to_us.0);
        // Where the act itself is named, nothing that may come late is waited for.
        let is_named = found.iter().any(|event| event.link == Link::Direct);
        let more = found.len().saturating_sub(NAMED);
        found.truncate(NAMED);
        Attribution {
            outcome,
            more,
            searched,
            settled_until_us: late.filter(|_| searched.is_some()).map(Big),
            resources: origins.resources(),
            why: self.why.or_else(|| reserve(origins, late).filter(|_| !is_named)),
            events: self.found,
        }
    }
}

/// Why there may be a record that was read by nobody.
const NOT_KEPT: &str = "Azure keeps 90 days of the log, and the time in question began earlier: what was done before the period searched is not known";

/// With which reserve there is no record, although every log was read.
fn reserve(origins: &Origins, late: Option<u64>) -> Option<String> {
    let late = late.map(|_| {
        "Azure writes the log up to twenty minutes late: what was done in the twenty minutes before it was read may not stand in it yet"
    });
    let beyond = origins.beyond().then_some(
        "what a circuit in another subscription, or a router beyond a gateway, did stands in none of the logs that were read",
    );
    let parts: Vec<&str> = late.into_iter().chain(beyond).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
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
