use super::*;
use proptest::prelude::*;

const STEP: Duration = Duration::from_millis(1);

fn writes(now: Instant) -> Bucket {
    Bucket::new(Counts::Write.limit(), now)
}

/// Takes what is there at `now`, and says how much that was.
fn drain(bucket: &mut Bucket, now: Instant) -> u32 {
    let mut taken = 0;
    while bucket.take(now).is_ok() {
        taken += 1;
        bucket.landed(now);
    }
    taken
}

#[test]
fn a_full_bucket_gives_its_burst_and_then_its_rate() {
    let start = Instant::now();
    let mut bucket = writes(start);
    assert_eq!(drain(&mut bucket, start), 200);
    let wait = bucket.take(start).unwrap_err();
    assert!(
        wait <= Duration::from_millis(100) && wait > Duration::from_millis(90),
        "{wait:?}"
    );
    assert_eq!(drain(&mut bucket, start + Duration::from_secs(3)), 30);
    assert_eq!(drain(&mut bucket, start + Duration::from_secs(1000)), 200);
}

#[test]
fn nothing_passes_before_the_time_that_azure_named() {
    let start = Instant::now();
    let mut bucket = writes(start);
    let until = start + Duration::from_secs(17);
    bucket.take(start).unwrap();
    bucket.pause(until);
    // An earlier time does not shorten the wait.
    bucket.pause(start + Duration::from_secs(1));
    assert_eq!(bucket.take(start).unwrap_err(), Duration::from_secs(17));
    // Nor does a call whose token was taken before.
    assert!(!bucket.passes(until - STEP) && bucket.passes(until));
    assert_eq!(bucket.take(until - STEP).unwrap_err(), STEP);
    assert_eq!(drain(&mut bucket, until), 1);
    assert_eq!(drain(&mut bucket, until + Duration::from_secs(1)), 10);
}

#[test]
fn what_azure_has_left_lowers_the_bucket_and_never_raises_it() {
    let start = Instant::now();
    let mut bucket = writes(start);
    let ticket = bucket.take(start).unwrap();
    bucket.correct(ticket, 1199, start);
    assert_eq!(drain(&mut bucket.clone(), start), 199);
    bucket.correct(ticket, 5, start);
    assert_eq!(drain(&mut bucket.clone(), start), 5);
    // A pause stays one, whatever an older answer says.
    bucket.pause(start + Duration::from_secs(9));
    bucket.correct(ticket, 100, start);
    assert!(bucket.take(start).is_err());
}

#[test]
fn calls_that_azure_may_not_have_counted_are_taken_off() {
    let start = Instant::now();
    let mut bucket = writes(start);
    let first = bucket.take(start).unwrap();
    for _ in 0..10 {
        bucket.take(start).unwrap();
    }
    bucket.correct(first, 50, start);
    assert_eq!(drain(&mut bucket, start), 40);
}

#[test]
fn a_full_bucket_gains_nothing_before_azure_counts_its_first_call() {
    let start = Instant::now();
    let mut bucket = writes(start);
    bucket.take(start).unwrap();
    let later = start + Duration::from_secs(2);
    assert!(bucket.take(later).is_ok());
    bucket.landed(later);
    assert_eq!(drain(&mut bucket.clone(), later), 198);
    assert_eq!(drain(&mut bucket, later + Duration::from_millis(150)), 199);
}

#[test]
fn an_answer_that_a_later_one_overtook_says_nothing_new() {
    let start = Instant::now();
    let mut bucket = writes(start);
    let slow = bucket.take(start).unwrap();
    let quick = bucket.take(start).unwrap();
    bucket.correct(quick, 100, start);
    bucket.landed(start);
    bucket.correct(slow, 1, start);
    assert_eq!(drain(&mut bucket, start), 99);
}

/// Azure's side, as it publishes it.
struct Azure {
    tokens: f64,
    at: Instant,
    limit: Limit,
}

impl Azure {
    fn ask(&mut self, now: Instant, others: f64) -> Option<u32> {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + since * (self.limit.per_second - others)).clamp(0.0, self.limit.burst);
        self.at = now;
        if self.tokens < 1.0 {
            return None;
        }
        self.tokens -= 1.0;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the burst"
        )]
        Some(self.tokens as u32)
    }
}

/// One client for a minute against Azure's own bucket: how many calls were let through, and how many refused.
fn minute(left: f64, others: f64, latency: Duration, width: usize) -> (u32, u32) {
    let start = Instant::now();
    let mut bucket = writes(start);
    let mut azure = Azure {
        tokens: left,
        at: start,
        limit: Counts::Write.limit(),
    };
    let (mut done, mut refused) = (0, 0);
    let mut flying: Vec<(Instant, Ticket, Option<u32>)> = Vec::new();
    let mut now = start;
    while now < start + Duration::from_secs(60) {
        flying.retain(|(arrives, ticket, answer)| {
            if *arrives > now {
                return true;
            }
            match answer {
                Some(remaining) => bucket.correct(*ticket, *remaining, now),
                None => bucket.pause(now + Duration::from_secs(1)),
            }
            bucket.landed(now);
            false
        });
        while flying.len() < width {
            let Ok(ticket) = bucket.take(now) else { break };
            let answer = azure.ask(now, others);
            *if answer.is_some() { &mut done } else { &mut refused } += 1;
            // Answers come in another order than calls go out.
            let latency = latency.mul_f64(0.3 + 1.4 * f64::from(done * 7 % 11) / 11.0);
            flying.push((now + latency, ticket, answer));
        }
        now += 5 * STEP;
    }
    (done, refused)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However slow the answers and however many at once: alone on the limit, at least nine tenths of what Azure would
    /// give are used; what others used up before costs one window's width of refusals.
    #[test]
    fn the_limit_is_used_and_kept(left in 0u32..=200, latency in 1u64..2_000, width in 4usize..64) {
        let (done, refused) = minute(f64::from(left), 0.0, Duration::from_millis(latency), width);
        let carried = width as f64 / (latency as f64 / 1000.0) * 60.0;
        let possible = (f64::from(left) + 600.0).min(carried);
        prop_assert!(f64::from(done) >= possible * 0.9 - 2.0 * width as f64, "{done} of {possible}");
        prop_assert!(refused as usize <= width, "{refused}");
    }

    /// With others on the same limit, few calls are refused, and most of the rest is used.
    #[test]
    fn the_limit_may_be_shared(others in 1u32..8, latency in 1u64..500) {
        let (done, refused) = minute(200.0, f64::from(others), Duration::from_millis(latency), 16);
        let possible = 200.0 + 60.0 * (10.0 - f64::from(others));
        prop_assert!(f64::from(done) >= possible * 0.7, "{done} of {possible}");
        prop_assert!(refused <= 90, "{refused}");
    }

    /// In no stretch of time does more pass than the burst and what was added.
    #[test]
    fn never_more_than_the_limit(steps in proptest::collection::vec((0u64..3_000, 0u32..40, 0u32..300), 1..60)) {
        let start = Instant::now();
        let mut bucket = writes(start);
        let (mut now, mut taken) = (start, 0u32);
        for (wait, wanted, remaining) in steps {
            now += Duration::from_millis(wait);
            for _ in 0..wanted {
                if let Ok(ticket) = bucket.take(now) {
                    taken += 1;
                    bucket.correct(ticket, remaining, now);
                    bucket.landed(now);
                }
            }
            let allowed = 200.0 + now.duration_since(start).as_secs_f64() * 10.0;
            prop_assert!(f64::from(taken) <= allowed + 1e-6, "{taken} of {allowed}");
        }
    }
}
