//! Statistics: `TCA_STATS2` (`linux/gen_stats.h`).

use serde::{Deserialize, Serialize};

use super::kinds;
use super::setting::Setting;
use crate::bytes::Big;
use crate::raw::attr::{Attr, Malformed};
use crate::raw::lift::{Fields, OpaqueAttribute, whole};

// TCA_STATS_*.
const BASIC: u16 = 1;
const RATE_EST: u16 = 2;
const QUEUE: u16 = 3;
const APP: u16 = 4;
const RATE_EST64: u16 = 5;
const PAD: u16 = 6;
const BASIC_HW: u16 = 7;
const PKT64: u16 = 8;

/// What a qdisc or class counted. What is `None` is not counted, never zero.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Statistics {
    /// Bytes that went through.
    pub bytes: Option<Big>,
    /// Packets that went through.
    pub packets: Option<Big>,
    /// Packets dropped.
    pub drops: Option<u32>,
    /// How often a rate held something back.
    pub overlimits: Option<u32>,
    /// Packets put back after the device would not take them.
    pub requeues: Option<u32>,
    /// Bytes waiting.
    pub backlog_bytes: Option<u32>,
    /// Packets waiting.
    pub queue_packets: Option<u32>,
    /// What a rate estimator says.
    pub rate_estimate: Option<RateEstimate>,
    /// The kind's own statistics (`TCA_STATS_APP`).
    pub own: Vec<Setting>,
    /// What the device did of it (`TCA_STATS_BASIC_HW`): bytes and packets.
    pub hardware: Option<(Big, Big)>,
    /// Attributes that this version does not know, in the kernel's order.
    pub other: Vec<OpaqueAttribute>,
}

/// The reading of a rate estimator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RateEstimate {
    /// Bytes per second.
    pub bytes_per_s: Big,
    /// Packets per second.
    pub packets_per_s: Big,
}

/// The statistics of a qdisc, class, or with an empty `kind` an action.
pub(super) fn decode(kind: &str, is_class: bool, attr: Attr<'_>) -> Result<Statistics, Malformed> {
    let attrs = whole(attr.nested())?;
    let mut statistics = Statistics::default();
    // The wide forms come beside the narrow ones, which are cut to 32 bits, and win wherever they stand.
    for attr in attrs.iter().filter(|attr| !is_wide(attr.kind)) {
        match attr.kind {
            APP => statistics.own = kinds::own_statistics(kind, is_class, attr.value),
            _ => narrow(&mut statistics, *attr)?,
        }
    }
    for attr in attrs.iter().filter(|attr| is_wide(attr.kind)) {
        wide(&mut statistics, *attr)?;
    }
    Ok(statistics)
}

fn is_wide(kind: u16) -> bool {
    matches!(kind, RATE_EST64 | PKT64)
}

fn narrow(statistics: &mut Statistics, attr: Attr<'_>) -> Result<(), Malformed> {
    let mut fields = Fields::new(attr.value, "TCA_STATS2");
    match attr.kind {
        BASIC => {
            statistics.bytes = Some(Big(fields.u64()?));
            statistics.packets = Some(Big(fields.u32()?.into()));
        }
        RATE_EST => {
            statistics.rate_estimate = Some(RateEstimate {
                bytes_per_s: Big(fields.u32()?.into()),
                packets_per_s: Big(fields.u32()?.into()),
            });
        }
        QUEUE => {
            statistics.queue_packets = Some(fields.u32()?);
            statistics.backlog_bytes = Some(fields.u32()?);
            statistics.drops = Some(fields.u32()?);
            statistics.requeues = Some(fields.u32()?);
            statistics.overlimits = Some(fields.u32()?);
        }
        BASIC_HW => statistics.hardware = Some((Big(fields.u64()?), Big(fields.u32()?.into()))),
        PAD => {}
        _ => statistics.other.push(attr.into()),
    }
    Ok(())
}

fn wide(statistics: &mut Statistics, attr: Attr<'_>) -> Result<(), Malformed> {
    let mut fields = Fields::new(attr.value, "TCA_STATS2");
    if attr.kind == PKT64 {
        statistics.packets = Some(Big(fields.u64()?));
    } else {
        statistics.rate_estimate = Some(RateEstimate {
            bytes_per_s: Big(fields.u64()?),
            packets_per_s: Big(fields.u64()?),
        });
    }
    Ok(())
}
