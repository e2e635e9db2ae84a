//! `netem`: `struct tc_netem_qopt`, then attributes `TCA_NETEM_*` (`linux/pkt_sched.h`).

use serde::{Deserialize, Serialize};

use super::TICK_NS;
use super::options::{Decoded, Options, Stop, unknown};
use crate::artifact::json::Digest;
use crate::bytes::Big;
use crate::raw::attr::{Attr, Malformed};
use crate::raw::lift::{Fields, exact, whole};

// TCA_NETEM_*.
const CORR: u16 = 1;
const DELAY_DIST: u16 = 2;
const REORDER: u16 = 3;
const CORRUPT: u16 = 4;
const LOSS: u16 = 5;
const RATE: u16 = 6;
const ECN: u16 = 7;
const RATE64: u16 = 8;
const PAD: u16 = 9;
const LATENCY64: u16 = 10;
const JITTER64: u16 = 11;
const SLOT: u16 = 12;
const SLOT_DIST: u16 = 13;
const PRNG_SEED: u16 = 14;

// NETEM_LOSS_*.
const LOSS_GI: u16 = 1;
const LOSS_GE: u16 = 2;

/// How `netem` mistreats packets. Probabilities and correlations are the kernel's: 2^32 would be certainty, `u32::MAX` is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Netem {
    /// How many packets may wait; those beyond are dropped.
    pub limit_packets: u32,
    /// Mean delay in nanoseconds.
    pub delay_ns: Big,
    /// Spread of the delay in nanoseconds.
    pub jitter_ns: Big,
    /// How far a delay depends on the one before.
    pub delay_correlation: u32,
    /// Independent loss; with a loss model it is not used.
    pub loss: Correlated,
    /// Loss by states.
    pub loss_model: Option<LossModel>,
    /// Packets sent twice.
    pub duplicate: Correlated,
    /// Packets sent at once, past those that are delayed.
    pub reorder: Correlated,
    /// Every how many packets one may be reordered; 0 is never.
    pub gap_packets: u32,
    /// Packets with one bit flipped.
    pub corrupt: Correlated,
    /// A link's speed.
    pub rate: Option<NetemRate>,
    /// Mark instead of drop, where the sender can tell.
    pub ecn: bool,
    /// Bursts.
    pub slot: Option<Slot>,
    /// The delay's distribution table. No kernel gives it back, so `None` does not mean that none is set.
    pub delay_distribution: Option<Digest>,
    /// The slots' distribution table. No kernel gives it back.
    pub slot_distribution: Option<Digest>,
}

/// A probability and how far each decision depends on the one before; see [`Netem`] for the scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Correlated {
    /// How likely.
    pub probability: u32,
    /// How dependent.
    pub correlation: u32,
}

/// Loss by a Markov chain; see [`Netem`] for the scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "snake_case")]
pub enum LossModel {
    /// Four states (`struct tc_netem_gimodel`): the probabilities to go from one to another.
    FourState {
        /// From good to lost in a burst.
        p13: u32,
        /// Back.
        p31: u32,
        /// From good in a burst to lost in a burst.
        p32: u32,
        /// From good to one alone lost.
        p14: u32,
        /// From lost in a burst to good in a burst.
        p23: u32,
    },
    /// Gilbert-Elliott (`struct tc_netem_gemodel`).
    GilbertElliott {
        /// From the good state to the bad.
        p: u32,
        /// From the bad state to the good.
        r: u32,
        /// How likely a packet passes in the bad state; `tc` prints one minus it.
        h: u32,
        /// How likely a packet is lost in the good state.
        k1: u32,
    },
}

/// A link's speed, `struct tc_netem_rate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct NetemRate {
    /// Bytes per second.
    pub rate_bytes_per_s: Big,
    /// Added to each packet's length.
    pub packet_overhead_bytes: i32,
    /// Lengths are rounded up to cells of this size; 0 is none.
    pub cell_bytes: u32,
    /// Added to each cell.
    pub cell_overhead_bytes: i32,
}

/// Bursts, `struct tc_netem_slot`: packets wait for a slot and then leave together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Slot {
    /// Shortest time between slots, nanoseconds.
    pub min_delay_ns: Big,
    /// Longest time between slots, nanoseconds.
    pub max_delay_ns: Big,
    /// Packets in a slot; 0 is without limit.
    pub max_packets: i32,
    /// Bytes in a slot; 0 is without limit.
    pub max_bytes: i32,
    /// Mean time between slots by a distribution, nanoseconds.
    pub distribution_delay_ns: Big,
    /// Its spread, nanoseconds.
    pub distribution_jitter_ns: Big,
}

pub(super) fn decode(payload: &[u8]) -> Result<Decoded, Stop> {
    let mut fields = Fields::new(payload, "struct tc_netem_qopt");
    let ticks = |value: u32| Big(u64::from(value).saturating_mul(TICK_NS));
    let mut netem = Netem {
        delay_ns: ticks(fields.u32()?),
        limit_packets: fields.u32()?,
        ..Netem::default()
    };
    netem.loss.probability = fields.u32()?;
    netem.gap_packets = fields.u32()?;
    netem.duplicate.probability = fields.u32()?;
    netem.jitter_ns = ticks(fields.u32()?);
    let attrs = whole(crate::raw::attr::attrs(fields.rest()))?;
    let mut prng_seed = None;
    for attr in &attrs {
        match attr.kind {
            PRNG_SEED => prng_seed = Some(Big(attr.ne64("TCA_NETEM_PRNG_SEED")?)),
            RATE => netem.rate = speed(*attr, &attrs)?,
            _ => attribute(&mut netem, *attr)?,
        }
    }
    let mut decoded = Decoded::from(Options::Netem(Box::new(netem)));
    decoded.prng_seed = prng_seed;
    Ok(decoded)
}

fn attribute(netem: &mut Netem, attr: Attr<'_>) -> Result<(), Stop> {
    match attr.kind {
        CORR => {
            let bytes = exact::<12>(attr.value, "struct tc_netem_corr")?;
            let mut fields = Fields::new(&bytes, "struct tc_netem_corr");
            netem.delay_correlation = fields.u32()?;
            netem.loss.correlation = fields.u32()?;
            netem.duplicate.correlation = fields.u32()?;
        }
        REORDER => netem.reorder = correlated(attr, "struct tc_netem_reorder")?,
        CORRUPT => netem.corrupt = correlated(attr, "struct tc_netem_corrupt")?,
        LOSS => netem.loss_model = Some(loss_model(attr)?),
        ECN => netem.ecn = attr.ne32("TCA_NETEM_ECN")? != 0,
        LATENCY64 => netem.delay_ns = time(attr.ne64("TCA_NETEM_LATENCY64")?)?,
        JITTER64 => netem.jitter_ns = time(attr.ne64("TCA_NETEM_JITTER64")?)?,
        SLOT => netem.slot = Some(slot(attr)?),
        DELAY_DIST => netem.delay_distribution = Some(Digest::of(attr.value)),
        SLOT_DIST => netem.slot_distribution = Some(Digest::of(attr.value)),
        // RATE64 was read together with RATE.
        RATE64 | PAD => {}
        number => return Err(unknown(number)),
    }
    Ok(())
}

fn correlated(attr: Attr<'_>, what: &'static str) -> Result<Correlated, Malformed> {
    let bytes = exact::<8>(attr.value, what)?;
    let mut fields = Fields::new(&bytes, what);
    Ok(Correlated {
        probability: fields.u32()?,
        correlation: fields.u32()?,
    })
}

fn loss_model(attr: Attr<'_>) -> Result<LossModel, Stop> {
    let models = whole(attr.nested())?;
    let [model] = models.as_slice() else {
        return Err(Stop::Unknown("not one loss model".to_owned()));
    };
    let mut fields = Fields::new(model.value, "struct tc_netem_gimodel or tc_netem_gemodel");
    match (model.kind, model.value.len()) {
        (LOSS_GI, ..=20) => Ok(LossModel::FourState {
            p13: fields.u32()?,
            p31: fields.u32()?,
            p32: fields.u32()?,
            p14: fields.u32()?,
            p23: fields.u32()?,
        }),
        (LOSS_GE, ..=16) => Ok(LossModel::GilbertElliott {
            p: fields.u32()?,
            r: fields.u32()?,
            h: fields.u32()?,
            k1: fields.u32()?,
        }),
        (number, _) => Err(unknown(number)),
    }
}

/// A rate that does not fit in 32 bits is in `TCA_NETEM_RATE64`, and the field in the structure is all ones.
fn speed(attr: Attr<'_>, all: &[Attr<'_>]) -> Result<Option<NetemRate>, Stop> {
    let bytes = exact::<16>(attr.value, "struct tc_netem_rate")?;
    let mut fields = Fields::new(&bytes, "struct tc_netem_rate");
    let mut rate = NetemRate {
        rate_bytes_per_s: Big(fields.u32()?.into()),
        packet_overhead_bytes: fields.i32()?,
        cell_bytes: fields.u32()?,
        cell_overhead_bytes: fields.i32()?,
    };
    if let Some(wide) = all.iter().find(|attr| attr.kind == RATE64) {
        rate.rate_bytes_per_s = Big(wide.ne64("TCA_NETEM_RATE64")?);
    }
    Ok((rate != NetemRate::default()).then_some(rate))
}

fn slot(attr: Attr<'_>) -> Result<Slot, Stop> {
    let bytes = exact::<40>(attr.value, "struct tc_netem_slot")?;
    let mut fields = Fields::new(&bytes, "struct tc_netem_slot");
    Ok(Slot {
        min_delay_ns: time(fields.u64()?)?,
        max_delay_ns: time(fields.u64()?)?,
        max_packets: fields.i32()?,
        max_bytes: fields.i32()?,
        distribution_delay_ns: time(fields.u64()?)?,
        distribution_jitter_ns: time(fields.u64()?)?,
    })
}

/// Times are signed on the wire; a negative one has no meaning that is known here.
fn time(value: u64) -> Result<Big, Stop> {
    if i64::try_from(value).is_ok() {
        Ok(Big(value))
    } else {
        Err(Stop::Unknown("a negative time".to_owned()))
    }
}
