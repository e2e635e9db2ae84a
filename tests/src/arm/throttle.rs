//! Throttling as Azure Resource Manager does it since 2024: a token bucket per subscription, principal and kind of operation, and
//! one of fifteen times its size for the whole subscription.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Size and refill of a kind of bucket.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// What a full bucket holds.
    pub size: f64,
    /// What comes back each second.
    pub per_second: f64,
}

/// What the buckets hold. The defaults are the published ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// GET and HEAD.
    pub reads: Rate,
    /// PUT, PATCH and POST.
    pub writes: Rate,
    /// DELETE.
    pub deletes: Rate,
    /// How much larger the bucket of the whole subscription is.
    pub global: f64,
    /// Queries of Resource Graph, per principal.
    pub graph: Rate,
    /// Updates of one virtual machine.
    pub machine: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        let rate = |size, per_second| Rate { size, per_second };
        Self {
            reads: rate(250.0, 25.0),
            writes: rate(200.0, 10.0),
            deletes: rate(200.0, 10.0),
            global: 15.0,
            graph: rate(15.0, 3.0),
            machine: rate(12.0, 0.2),
        }
    }
}

/// What a bucket says when something is taken out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// There was one; so many are left.
    Left(u64),
    /// There was none; after so many whole seconds there is.
    Wait(u64),
}

#[derive(Debug)]
struct Bucket {
    holds: f64,
    at: Instant,
}

impl Bucket {
    fn refill(&mut self, rate: Rate, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.holds = (self.holds + passed * rate.per_second).min(rate.size);
        self.at = self.at.max(now);
    }
}

/// All buckets, by name; one that nobody has taken from is full.
#[derive(Debug, Default)]
pub(crate) struct Buckets(BTreeMap<String, Bucket>);

impl Buckets {
    /// Takes one out of the bucket of that name.
    pub(crate) fn take(&mut self, name: &str, rate: Rate, now: Instant) -> Taken {
        let bucket = self.0.entry(name.to_owned()).or_insert(Bucket {
            holds: rate.size,
            at: now,
        });
        bucket.refill(rate, now);
        if bucket.holds >= 1.0 {
            bucket.holds -= 1.0;
            return Taken::Left(whole(bucket.holds));
        }
        let missing = (1.0 - bucket.holds) / rate.per_second.max(f64::MIN_POSITIVE);
        Taken::Wait(whole(missing.min(3600.0).ceil()).max(1))
    }
}

/// A number that is not negative, without its fraction.
fn whole(number: f64) -> u64 {
    Duration::try_from_secs_f64(number).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_refills_at_its_rate() {
        let rate = Rate {
            size: 3.0,
            per_second: 2.0,
        };
        let (mut buckets, start) = (Buckets::default(), Instant::now());
        let after = |ms| start + Duration::from_millis(ms);
        assert_eq!(buckets.take("a", rate, start), Taken::Left(2));
        assert_eq!(buckets.take("a", rate, start), Taken::Left(1));
        assert_eq!(buckets.take("a", rate, start), Taken::Left(0));
        assert_eq!(buckets.take("a", rate, after(100)), Taken::Wait(1));
        assert_eq!(
            buckets.take("b", rate, start),
            Taken::Left(2),
            "another bucket is full"
        );
        assert_eq!(buckets.take("a", rate, after(500)), Taken::Left(0));
        assert_eq!(
            buckets.take("a", rate, after(60_000)),
            Taken::Left(2),
            "never more than its size"
        );
    }

    #[test]
    fn a_bucket_without_refill_asks_for_an_hour() {
        let rate = Rate {
            size: 0.0,
            per_second: 0.0,
        };
        assert_eq!(
            Buckets::default().take("a", rate, Instant::now()),
            Taken::Wait(3600)
        );
    }
}
