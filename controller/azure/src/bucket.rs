//! Azure Resource Manager's own throttle, kept on this side: one token bucket of what a subscription may be asked.
//!
//! Pure: the time is given in. The limits are those of "Understand how Azure Resource Manager throttles requests" (2024).

use std::time::{Duration, Instant};

/// What a call counts as. Actions by POST count as writes: the header of remaining writes falls with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counts {
    /// GET.
    Read,
    /// PUT, PATCH and every POST.
    Write,
    /// DELETE.
    Delete,
    /// A query of Resource Graph, which has a limit of its own.
    Graph,
}

impl Counts {
    /// What Azure lets one principal do in one subscription and region.
    pub fn limit(self) -> Limit {
        match self {
            Self::Read => Limit::new(250.0, 25.0),
            Self::Write | Self::Delete => Limit::new(200.0, 10.0),
            Self::Graph => Limit::new(15.0, 3.0),
        }
    }
}

/// The size of a bucket, in calls, and how many calls are added each second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    burst: f64,
    per_second: f64,
}

impl Limit {
    /// A limit. What is below one call, or no number, is taken as one call: a bucket that never fills would wait for ever.
    pub fn new(burst: f64, per_second: f64) -> Self {
        let at_least = |value: f64, least: f64| if value >= least { value } else { least };
        Self {
            burst: at_least(burst, 1.0),
            per_second: at_least(per_second, 0.01),
        }
    }
}

/// The bucket. It never lets more through than the limit, and never before a time that Azure named.
#[derive(Debug, Clone)]
pub struct Bucket {
    limit: Limit,
    tokens: f64,
    /// Up to when tokens were added. In the future while the bucket is paused.
    at: Instant,
    taken: u64,
}

/// A call that was let through: which one of the bucket, and when.
#[derive(Debug, Clone, Copy)]
pub struct Ticket {
    number: u64,
    at: Instant,
}

impl Bucket {
    /// A full bucket.
    pub fn new(limit: Limit, now: Instant) -> Self {
        Self {
            limit,
            tokens: limit.burst,
            at: now,
            taken: 0,
        }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// How long there will be none, at the least.
    pub fn take(&mut self, now: Instant) -> Result<Ticket, Duration> {
        self.refill(now);
        if let Some(paused) = self.at.checked_duration_since(now).filter(|wait| !wait.is_zero()) {
            return Err(paused);
        }
        if self.tokens < 1.0 {
            let wait = (1.0 - self.tokens) / self.limit.per_second;
            // A whole millisecond more than nothing, so that the waiting never becomes a busy loop.
            return Err(Duration::try_from_secs_f64(wait)
                .unwrap_or(Duration::from_secs(100))
                .max(Duration::from_millis(1)));
        }
        self.tokens -= 1.0;
        self.taken = self.taken.wrapping_add(1);
        Ok(Ticket {
            number: self.taken,
            at: now,
        })
    }

    /// The ticket of a call that is sent now, some time after its token was taken; `None` where Azure named a time meanwhile
    /// before which nothing may pass. The token is then gone.
    pub fn sent(&self, ticket: Ticket, now: Instant) -> Option<Ticket> {
        (self.at <= now).then_some(Ticket { at: now, ..ticket })
    }

    /// What Azure said is left. It said so when it counted the call of `ticket`: since then the calls taken later were
    /// counted too, and as much was added as the time allows. The bucket is only ever lowered: others may use up the same
    /// limit, but nobody adds to it.
    pub fn correct(&mut self, ticket: &Ticket, remaining: u32, now: Instant) {
        self.refill(now);
        if self.at > now {
            return;
        }
        let added = now.saturating_duration_since(ticket.at).as_secs_f64() * self.limit.per_second;
        let later = self.taken.wrapping_sub(ticket.number);
        let later = f64::from(u32::try_from(later).unwrap_or(u32::MAX));
        // Azure shows whole calls: nearly one more may be there.
        let there = f64::from(remaining) + 1.0 + added - later;
        self.tokens = self.tokens.min(there);
    }

    /// Nothing more before `until`; then one call, and further ones as the bucket fills.
    pub fn pause(&mut self, until: Instant) {
        if until > self.at {
            self.at = until;
            self.tokens = 1.0;
        }
    }

    fn refill(&mut self, now: Instant) {
        let Some(since) = now.checked_duration_since(self.at) else {
            return;
        };
        let more = since.as_secs_f64() * self.limit.per_second;
        self.tokens = (self.tokens + more).min(self.limit.burst);
        self.at = now;
    }
}

#[cfg(test)]
mod tests;
