//! A clock that nobody sets.

use std::fs::read_to_string;

/// The boot, and the time since it in microseconds (CLOCK_BOOTTIME, as `/proc/uptime` shows it in hundredths of a second).
pub(super) fn boot() -> Option<(String, u64)> {
    let id = read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let text = read_to_string("/proc/uptime").ok()?;
    let (whole, hundredths) = text.split_whitespace().next()?.split_once('.')?;
    let (whole, hundredths): (u64, u64) = (whole.parse().ok()?, hundredths.parse().ok()?);
    Some((id.trim().to_owned(), whole * 1_000_000 + hundredths * 10_000))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_time_since_the_boot_goes_on() {
        let (id, first) = super::boot().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(30));
        let (same, second) = super::boot().unwrap();
        assert_eq!((id.len(), &id), (36, &same));
        assert!(second > first && second - first < 5_000_000);
    }
}
