//! `tbf` and `htb` as they are asked for (`linux/pkt_sched.h`).

use super::attributes::{Out, find, put_word, split, word};
use super::{WriteError, unsupported};

/// A tick in nanoseconds.
const TICK_NS: u128 = 64;
const SECOND_NS: u128 = 1_000_000_000;
/// `sizeof(struct tc_tbf_qopt)`.
const TBF: usize = 36;
/// `TC_LINKLAYER_ETHERNET`.
const ETHERNET: u8 = 1;

// TCA_TBF_*.
const PARMS: u16 = 1;
const RATE64: u16 = 4;
const PEAK64: u16 = 5;
const BURST: u16 = 6;
const PEAK_BURST: u16 = 7;

/// `TCA_OPTIONS` of a new one.
pub(super) fn new_tbf(rate: u32, burst: u32, limit: u32) -> Result<Vec<u8>, WriteError> {
    let mut parms = vec![0u8; TBF];
    if let Some(layer) = parms.get_mut(1) {
        *layer = ETHERNET;
    }
    let ticks = u128::from(burst)
        .saturating_mul(SECOND_NS)
        .checked_div(u128::from(rate))
        .map(|ns| ns / TICK_NS)
        .and_then(|ticks| u32::try_from(ticks).ok())
        .ok_or_else(|| unsupported("a bucket that takes more than 274 s to fill".to_owned()))?;
    let placed = [(8, rate), (24, limit), (28, ticks)].map(|(at, value)| put_word(&mut parms, at, value));
    if placed.contains(&None) {
        return Err(unsupported("a structure that is too short".to_owned()));
    }
    let mut out = Out::default();
    out.push(PARMS, &parms)?;
    out.push(BURST, &burst.to_ne_bytes())?;
    Ok(out.0)
}

/// What a dump says, as it is asked for. The depth in bytes, which bounds the size of packets too, is not told, only the time that it
/// takes to fill, in ticks: the largest depth with that time is taken, so that no packet is too large that was not before.
pub(super) fn tbf(payload: &[u8]) -> Result<Vec<u8>, WriteError> {
    let all = split(payload)?;
    let parms = find(&all, PARMS)
        .filter(|parms| parms.value.len() == TBF)
        .ok_or_else(|| unsupported("a tbf without its parameters".to_owned()))?;
    let mut out = Out::default();
    for attribute in &all {
        if !matches!(attribute.number(), BURST | PEAK_BURST) {
            out.keep(*attribute)?;
        }
    }
    let wide =
        |number| find(&all, number).and_then(|rate| rate.value.try_into().ok().map(u64::from_ne_bytes));
    // The peak rate's structure follows that of the rate.
    for (number, at, ticks_at, wide) in [(BURST, 0, 28, wide(RATE64)), (PEAK_BURST, 12, 32, wide(PEAK64))] {
        if let Some(depth) = depth(parms.value, at, ticks_at, wide) {
            out.push(number, &depth.to_ne_bytes())?;
        }
    }
    Ok(out.0)
}

/// The largest number of bytes that this `struct tc_ratespec` sends in so many ticks. None where cells or a least size come in:
/// the kernel then makes it from the time.
fn depth(parms: &[u8], at: usize, ticks_at: usize, wide: Option<u64>) -> Option<u32> {
    let head = word(parms, at)?.to_ne_bytes();
    let sizes = word(parms, at.checked_add(4)?)?.to_ne_bytes();
    let narrow = word(parms, at.checked_add(8)?)?;
    let rate = u128::from(wide.unwrap_or_else(|| narrow.into()));
    let [_, layer, overhead_low, overhead_high] = head;
    let least = u16::from_ne_bytes([*sizes.get(2)?, *sizes.get(3)?]);
    if rate == 0 || layer > ETHERNET || least != 0 {
        return None;
    }
    let ticks = u64::from(word(parms, ticks_at)?);
    let most_ns = u128::from(ticks).checked_mul(TICK_NS)?.checked_add(TICK_NS - 1)?;
    let overhead = u64::from(u16::from_ne_bytes([overhead_low, overhead_high]));
    let reckoned = u64::try_from(most_ns.checked_mul(rate)? / SECOND_NS).ok()?;
    let pace = Pace::new(u64::try_from(rate).ok()?);
    // The kernel's own reckoning is a little short now and then.
    let near = (0..4).filter_map(|less| reckoned.checked_add(2)?.checked_sub(less));
    let mut fits = near.filter(|bytes| pace.ticks(*bytes) == Some(ticks));
    let bytes = fits.next()?.checked_sub(overhead)?;
    u32::try_from(bytes).ok().filter(|depth| *depth > 0)
}

/// A rate as the kernel reckons with it: nanoseconds of a byte are `factor >> shift` (`psched_ratecfg_precompute`,
/// `net/sched/sch_generic.c`).
struct Pace {
    factor: u64,
    shift: u32,
}

impl Pace {
    fn new(rate: u64) -> Self {
        let mut dividend: u64 = 1_000_000_000;
        let mut shift = 0;
        loop {
            let factor = dividend.checked_div(rate).unwrap_or(1) & u64::from(u32::MAX);
            if factor >= 1 << 31 || dividend >= 1 << 63 {
                return Self { factor, shift };
            }
            dividend <<= 1;
            shift = u32::saturating_add(shift, 1);
        }
    }

    fn ticks(&self, bytes: u64) -> Option<u64> {
        Some((bytes.checked_mul(self.factor)? >> self.shift) / 64)
    }
}

/// `TCA_HTB_INIT`, with the version as it is asked for: a dump has the minor version in its lower half.
pub(super) fn htb(payload: &[u8]) -> Result<Vec<u8>, WriteError> {
    const INIT: u16 = 2;
    let mut out = Out::default();
    for attribute in split(payload)? {
        if attribute.number() != INIT {
            out.keep(attribute)?;
            continue;
        }
        let mut init = attribute.value.to_vec();
        let version = word(&init, 0).filter(|version| *version > 0xffff);
        if let Some(version) = version {
            put_word(&mut init, 0, version >> 16);
        }
        out.push(INIT, &init)?;
    }
    Ok(out.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `struct tc_tbf_qopt` with a rate and the time that its bucket takes to fill.
    fn parms(rate: u32, ticks: u32) -> Vec<u8> {
        let mut parms = vec![0; TBF];
        parms[1] = ETHERNET;
        put_word(&mut parms, 8, rate).unwrap();
        put_word(&mut parms, 28, ticks).unwrap();
        parms
    }

    /// Whatever depth was asked for, the time that the kernel tells of it leads to one that is no smaller and tells the same time.
    #[test]
    fn a_depth_is_found_by_its_time() {
        for rate in [1, 1000, 123_456, 125_000, 1_250_000, 125_000_000, 3_999_999_999] {
            for asked in [1, 1514, 1600, 9999, 32 * 1024, 123_457, 1 << 20] {
                let ticks = Pace::new(rate.into()).ticks(asked).unwrap();
                let Ok(ticks) = u32::try_from(ticks) else { continue };
                let found = depth(&parms(rate, ticks), 0, 28, None).unwrap();
                assert!(u64::from(found) >= asked, "{rate} {asked}: {found}");
                assert_eq!(Pace::new(rate.into()).ticks(found.into()), Some(ticks.into()));
            }
        }
        assert_eq!(depth(&parms(0, 5), 0, 28, None), None);
    }
}
