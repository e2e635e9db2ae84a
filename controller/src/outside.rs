//! What comes from outside the process, so that a test can put something else in its place.

use netghost_core::fleet::Id;

/// Clock and randomness.
#[derive(Debug, Clone, Copy)]
pub struct Outside {
    /// Microseconds since 1970 UTC.
    pub now_us: fn() -> u64,
    /// Fills a buffer with random bytes for keys, secrets and ids.
    pub fill: fn(&mut [u8]) -> Result<(), getrandom::Error>,
}

impl Outside {
    /// The system's.
    pub fn real() -> Self {
        Self {
            now_us,
            fill: getrandom::fill,
        }
    }

    /// Now, microseconds since 1970 UTC.
    pub fn now_us(&self) -> u64 {
        (self.now_us)()
    }

    /// So many random bytes.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], getrandom::Error> {
        let mut bytes = [0; N];
        (self.fill)(&mut bytes)?;
        Ok(bytes)
    }

    /// A new id.
    pub fn id(&self) -> Result<Id, getrandom::Error> {
        self.random().map(Id::from_random)
    }
}

fn now_us() -> u64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
