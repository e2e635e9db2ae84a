//! `tbf` and `htb`: token buckets (`linux/pkt_sched.h`).

use serde::{Deserialize, Serialize};

use super::TICK_NS;
use super::options::{Decoded, Options, Stop, unknown};
use crate::bytes::Big;
use crate::raw::attr::{Attr, Malformed, attrs};
use crate::raw::lift::{Fields, exact, whole};

/// A rate, `struct tc_ratespec`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct RateSpec {
    /// Bytes per second.
    pub rate_bytes_per_s: Big,
    /// Added to each packet's length.
    pub overhead_bytes: u16,
    /// The least that a packet counts.
    pub least_bytes: u16,
    /// `unaware`, `ethernet`, `atm`, or the kernel's number in decimal digits.
    pub link_layer: String,
    /// Of use only with the rate tables of old kernels; today's always say 0.
    pub cell_log: u8,
    /// As `cell_log`.
    pub cell_align: i16,
}

/// `tbf`, `struct tc_tbf_qopt`.
///
/// The kernel keeps a bucket's depth as the time that its rate takes to fill it; [`RateSpec::bytes_in`] turns it into bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Tbf {
    /// The rate.
    pub rate: RateSpec,
    /// The rate at which the bucket may be emptied.
    pub peak: Option<RateSpec>,
    /// How many bytes may wait.
    pub limit_bytes: u32,
    /// The bucket's depth, in nanoseconds at the rate.
    pub burst_ns: Big,
    /// The depth of the peak rate's bucket, in nanoseconds at the peak rate.
    pub peak_burst_ns: Big,
    /// The depth in bytes, where the kernel says it.
    pub burst_bytes: Option<u32>,
    /// The peak bucket's depth in bytes, where the kernel says it.
    pub peak_burst_bytes: Option<u32>,
}

/// `htb`, `struct tc_htb_glob`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Htb {
    /// The version of its interface.
    pub version: u32,
    /// A class's quantum is its rate in bytes per second divided by this, unless given.
    pub rate_to_quantum: u32,
    /// The number of the class for what no filter sorts; 0 is none, such packets go past all classes.
    pub default_class: u32,
    /// Debugging flags.
    pub debug: u32,
    /// How many packets that belong to no class may wait.
    pub direct_queue_packets: Option<u32>,
    /// Whether the device is to do the work.
    pub offload: bool,
}

/// A class of `htb`, `struct tc_htb_opt`. Depths are as in [`Tbf`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct HtbClass {
    /// What it is promised.
    pub rate: RateSpec,
    /// What it may borrow up to.
    pub ceil: RateSpec,
    /// The depth of its bucket, in nanoseconds at its rate.
    pub burst_ns: Big,
    /// The depth of the ceiling's bucket, in nanoseconds at the ceiling.
    pub ceil_burst_ns: Big,
    /// Bytes served in one turn.
    pub quantum_bytes: u32,
    /// Lower borrows first.
    pub priority: u32,
}

impl RateSpec {
    /// The bytes that this rate makes in a time, rounded to the nearest: `tc` takes any fraction off a value that the ticks
    /// have already cut, and so prints one byte less now and then.
    pub fn bytes_in(&self, nanoseconds: Big) -> u64 {
        let product = u128::from(self.rate_bytes_per_s.0) * u128::from(nanoseconds.0);
        u64::try_from((product + 500_000_000) / 1_000_000_000).unwrap_or(u64::MAX)
    }
}

impl Tbf {
    /// How long a packet waits at most: the time that the rate takes for what may wait beyond the bucket. `None` if the rate
    /// is 0 or less fits in the queue than in the bucket.
    pub fn latency_ns(&self) -> Option<Big> {
        let queue = u128::from(self.limit_bytes) * 1_000_000_000;
        let drain = queue.checked_div(u128::from(self.rate.rate_bytes_per_s.0))?;
        let latency = drain.checked_sub(u128::from(self.burst_ns.0))?;
        u64::try_from(latency).ok().map(Big)
    }
}

fn rate_spec(fields: &mut Fields<'_>) -> Result<RateSpec, Malformed> {
    let cell_log = fields.u8()?;
    let link_layer = match fields.u8()? {
        0 => "unaware".to_owned(),
        1 => "ethernet".to_owned(),
        2 => "atm".to_owned(),
        other => other.to_string(),
    };
    Ok(RateSpec {
        cell_log,
        link_layer,
        overhead_bytes: fields.u16()?,
        cell_align: fields.i16()?,
        least_bytes: fields.u16()?,
        rate_bytes_per_s: Big(fields.u32()?.into()),
    })
}

fn ticks(fields: &mut Fields<'_>) -> Result<Big, Malformed> {
    Ok(Big(u64::from(fields.u32()?).saturating_mul(TICK_NS)))
}

fn required<'a>(all: &[Attr<'a>], kind: u16, what: &'static str) -> Result<Attr<'a>, Malformed> {
    all.iter()
        .copied()
        .find(|attr| attr.kind == kind)
        .ok_or(Malformed::Missing { what })
}

pub(super) fn tbf(payload: &[u8]) -> Result<Tbf, Stop> {
    let all = whole(attrs(payload))?;
    let parms = exact::<36>(required(&all, 1, "TCA_TBF_PARMS")?.value, "struct tc_tbf_qopt")?;
    let mut fields = Fields::new(&parms, "struct tc_tbf_qopt");
    let rate = rate_spec(&mut fields)?;
    let peak = rate_spec(&mut fields)?;
    let mut tbf = Tbf {
        rate,
        peak: (peak.rate_bytes_per_s.0 != 0).then_some(peak),
        limit_bytes: fields.u32()?,
        burst_ns: ticks(&mut fields)?,
        peak_burst_ns: ticks(&mut fields)?,
        ..Tbf::default()
    };
    for attr in all {
        tbf_attribute(&mut tbf, attr)?;
    }
    Ok(tbf)
}

/// `TCA_TBF_*`.
fn tbf_attribute(tbf: &mut Tbf, attr: Attr<'_>) -> Result<(), Stop> {
    match attr.kind {
        // PARMS is read already; PAD says nothing.
        1 | 8 => {}
        4 => tbf.rate.rate_bytes_per_s = Big(attr.ne64("TCA_TBF_RATE64")?),
        5 => tbf.peak.get_or_insert_default().rate_bytes_per_s = Big(attr.ne64("TCA_TBF_PRATE64")?),
        6 => tbf.burst_bytes = Some(attr.ne32("TCA_TBF_BURST")?),
        7 => tbf.peak_burst_bytes = Some(attr.ne32("TCA_TBF_PBURST")?),
        number => return Err(unknown(number)),
    }
    Ok(())
}

// TCA_HTB_*.
const PARMS: u16 = 1;
const INIT: u16 = 2;
const DIRECT_QLEN: u16 = 5;
const RATE64: u16 = 6;
const CEIL64: u16 = 7;
const PAD: u16 = 8;
const OFFLOAD: u16 = 9;

pub(super) fn htb(payload: &[u8]) -> Result<Decoded, Stop> {
    let all = whole(attrs(payload))?;
    let init = exact::<20>(required(&all, INIT, "TCA_HTB_INIT")?.value, "struct tc_htb_glob")?;
    let mut fields = Fields::new(&init, "struct tc_htb_glob");
    let mut htb = Htb {
        version: fields.u32()?,
        rate_to_quantum: fields.u32()?,
        default_class: fields.u32()?,
        debug: fields.u32()?,
        ..Htb::default()
    };
    let direct_packets = fields.u32()?;
    for attr in all {
        match attr.kind {
            INIT | PAD => {}
            DIRECT_QLEN => htb.direct_queue_packets = Some(attr.ne32("TCA_HTB_DIRECT_QLEN")?),
            OFFLOAD => htb.offload = true,
            number => return Err(unknown(number)),
        }
    }
    let mut decoded = Decoded::from(Options::Htb(htb));
    decoded.direct_packets = Some(direct_packets);
    Ok(decoded)
}

pub(super) fn htb_class(payload: &[u8]) -> Result<Decoded, Stop> {
    let all = whole(attrs(payload))?;
    let parms = exact::<44>(required(&all, PARMS, "TCA_HTB_PARMS")?.value, "struct tc_htb_opt")?;
    let mut fields = Fields::new(&parms, "struct tc_htb_opt");
    let mut class = HtbClass {
        rate: rate_spec(&mut fields)?,
        ceil: rate_spec(&mut fields)?,
        burst_ns: ticks(&mut fields)?,
        ceil_burst_ns: ticks(&mut fields)?,
        quantum_bytes: fields.u32()?,
        ..HtbClass::default()
    };
    let level = fields.u32()?;
    class.priority = fields.u32()?;
    for attr in all {
        match attr.kind {
            PARMS | PAD => {}
            RATE64 => class.rate.rate_bytes_per_s = Big(attr.ne64("TCA_HTB_RATE64")?),
            CEIL64 => class.ceil.rate_bytes_per_s = Big(attr.ne64("TCA_HTB_CEIL64")?),
            number => return Err(unknown(number)),
        }
    }
    let mut decoded = Decoded::from(Options::HtbClass(class));
    decoded.level = Some(level);
    Ok(decoded)
}
