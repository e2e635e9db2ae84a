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
    /// Calls whose answer has not come.
    flying: u32,
    /// True while the first call since the bucket was full is under way. Azure's own is full until it counts that call, and
    /// gains nothing before.
    begun: bool,
    /// The last call whose answer corrected the bucket.
    heard: u64,
}

/// A call that was let through: which one of the bucket.
#[derive(Debug, Clone, Copy)]
pub struct Ticket(u64);

impl Bucket {
    /// A full bucket.
    pub fn new(limit: Limit, now: Instant) -> Self {
        Self {
            limit,
            tokens: limit.burst,
            at: now,
            taken: 0,
            flying: 0,
            begun: false,
            heard: 0,
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
        self.begun = self.begun || self.tokens >= self.limit.burst;
        self.tokens -= 1.0;
        self.taken = self.taken.saturating_add(1);
        self.flying = self.flying.saturating_add(1);
        Ok(Ticket(self.taken))
    }

    /// True where a call whose token was taken before may be sent now: not where Azure named a time meanwhile. The token is
    /// then gone.
    pub fn passes(&self, now: Instant) -> bool {
        self.at <= now
    }

    /// A bucket with as much in it, and none of its calls under way.
    pub fn carried_over(&self) -> Self {
        Self {
            flying: 0,
            begun: false,
            ..self.clone()
        }
    }

    /// The answer of a call came, or nobody waits for it any more.
    pub fn landed(&mut self, now: Instant) {
        self.refill(now);
        self.begun = false;
        self.flying = self.flying.saturating_sub(1);
    }

    /// What Azure said is left, in the answer to the call of `ticket`, which has not landed yet. Which of the other calls under
    /// way were counted by then is not known, nor what was added since, so that the bucket holds a little less than Azure's.
    /// That costs a few calls once and not the rate, and a refusal costs seconds. An answer that a later one has overtaken
    /// says nothing new. The bucket is only ever lowered: others may use up the same limit, but nobody adds to it.
    pub fn correct(&mut self, ticket: Ticket, remaining: u32, now: Instant) {
        self.refill(now);
        if self.at > now || ticket.0 < self.heard {
            return;
        }
        self.heard = ticket.0;
        let others = self.flying.saturating_sub(1);
        self.tokens = self.tokens.min(f64::from(remaining) - f64::from(others));
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
        if !self.begun {
            let more = since.as_secs_f64() * self.limit.per_second;
            self.tokens = (self.tokens + more).min(self.limit.burst);
        }
        self.at = now;
    }
}

#[cfg(test)]
mod tests;
