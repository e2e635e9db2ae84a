//! Ends the program, with the case that hangs, when one takes too long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any case may take, on a busy machine and without optimisation.
const LONGEST: Duration = Duration::from_secs(30);

/// Watches the calling thread's cases.
pub(crate) struct Watch {
    /// The case's seed.
    seed: Arc<AtomicU64>,
    /// How many were begun.
    begun: Arc<AtomicU64>,
    slowest: (Duration, u64),
    since: Instant,
}

impl Watch {
    pub(crate) fn new(what: &'static str) -> Self {
        let (seed, begun) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let watched = (Arc::clone(&seed), Arc::clone(&begun));
        thread::spawn(move || guard(what, &watched.0, &watched.1));
        Self {
            seed,
            begun,
            slowest: (Duration::ZERO, 0),
            since: Instant::now(),
        }
    }

    pub(crate) fn begin(&mut self, seed: u64) {
        self.seed.store(seed, Ordering::SeqCst);
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.since = Instant::now();
    }

    pub(crate) fn end(&mut self) {
        let took = (self.since.elapsed(), self.seed.load(Ordering::SeqCst));
        self.slowest = self.slowest.max(took);
    }

    /// The longest that a case took, and its seed.
    pub(crate) fn slowest(&self) -> (Duration, u64) {
        self.slowest
    }
}

fn guard(what: &str, seed: &Arc<AtomicU64>, begun: &Arc<AtomicU64>) {
    static SAID: Once = Once::new();
    let mut last = (u64::MAX, Instant::now());
    // Nobody else holds them any more when the cases are done.
    while Arc::strong_count(seed) > 1 {
        let now = begun.load(Ordering::SeqCst);
        if now != last.0 {
            last = (now, Instant::now());
        } else if now > 0 && last.1.elapsed() > LONGEST {
            let seed = seed.load(Ordering::SeqCst);
            SAID.call_once(|| println!("{what}: a case does not end: NETGHOST_SEED={seed}"));
            std::process::abort();
        }
        thread::sleep(Duration::from_millis(200));
    }
}
