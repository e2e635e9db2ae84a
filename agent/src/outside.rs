//! What comes from outside the process, so that a test can put something else in its place.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use netghost_core::bytes::Text;
use netghost_core::snapshot::Target;
use rustix::time::{ClockId, clock_gettime};

/// The time since boot by CLOCK_BOOTTIME, which goes on while the machine is suspended and which nobody can set: every
/// lifetime is counted by it.
pub fn since_boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// The wall clock, microseconds since 1970 UTC: shown, never trusted.
pub fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// So many random bytes.
pub fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// Which host and which boot of it this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// `/proc/sys/kernel/random/boot_id`; empty where the kernel tells none.
    pub boot_id: String,
    /// The kernel's release.
    pub kernel: String,
}

impl Host {
    /// This host, by `/proc/sys/kernel`.
    pub fn this() -> Self {
        let read = |name: &str| {
            fs::read_to_string(format!("/proc/sys/kernel/{name}"))
                .map(|text| text.trim_end().to_owned())
                .unwrap_or_default()
        };
        Self {
            name: read("hostname"),
            boot_id: read("random/boot_id"),
            kernel: read("osrelease"),
        }
    }

    /// The host as a snapshot names it.
    pub fn target(&self) -> Target {
        let or_unknown = |text: &String| {
            if text.is_empty() {
                "unknown".to_owned()
            } else {
                text.clone()
            }
        };
        Target::Host {
            name: Text::from(or_unknown(&self.name)),
            boot_id: (!self.boot_id.is_empty()).then(|| self.boot_id.clone()),
            kernel: or_unknown(&self.kernel),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_since_boot_is_the_kernels() {
        let uptime = fs::read_to_string("/proc/uptime").unwrap();
        let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        let ours = since_boot().as_secs_f64();
        assert!((ours - seconds).abs() < 5.0, "{ours} against {seconds}");
    }

    #[test]
    fn this_host_has_a_boot() {
        let host = Host::this();
        assert_eq!(host.boot_id.len(), 36);
        assert!(!host.kernel.is_empty() && !host.name.is_empty());
    }
}
