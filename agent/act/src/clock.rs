//! The one clock: how long this boot has lasted. Wall clocks take no part in any decision.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use netghost_core::gate::Moment;
use rustix::time::{ClockId, clock_gettime};

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Tells which boot this is and how long it has lasted.
#[derive(Clone)]
pub struct Clock {
    boot_id: PathBuf,
    since_boot: Arc<dyn Fn() -> Duration + Send + Sync>,
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl Default for Clock {
    /// This kernel's: CLOCK_BOOTTIME, which goes on in suspend and which nobody can set.
    fn default() -> Self {
        Self::new(Path::new(BOOT_ID), boottime)
    }
}

impl Clock {
    /// A clock of the caller's making, for tests.
    pub fn new(boot_id: &Path, since_boot: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self {
            boot_id: boot_id.to_owned(),
            since_boot: Arc::new(since_boot),
        }
    }

    /// Now.
    ///
    /// # Errors
    /// The kernel does not say which boot this is.
    pub fn now(&self) -> Result<Moment, String> {
        let id = fs::read_to_string(&self.boot_id)
            .map_err(|error| format!("read {}: {error}", self.boot_id.display()))?;
        match id.trim() {
            "" => Err(format!("{} is empty", self.boot_id.display())),
            id => Ok(Moment {
                boot_id: id.to_owned(),
                since_boot: (self.since_boot)(),
            }),
        }
    }
}

/// CLOCK_BOOTTIME.
pub fn boottime() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Whole microseconds.
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
