//! For people: one line in the syntax of `tc qdisc show` and `tc class show`.

use std::fmt;

use super::{Class, Correlated, Htb, HtbClass, LossModel, Netem, Options, Qdisc, RateSpec, Tbf};
use crate::bytes::Big;

mod filters;
mod settings;
mod units;

use units::{Bits, Nanoseconds, Percent, Size};

impl fmt::Display for Qdisc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "qdisc {} {} dev {} ", self.kind, self.handle, self.device)?;
        write_parent(f, &self.parent)?;
        for (word, block) in [
            ("ingress_block", self.ingress_block),
            ("egress_block", self.egress_block),
        ] {
            if let Some(block) = block {
                write!(f, " {word} {block}")?;
            }
        }
        write!(f, "{}", self.options)?;
        if let Some(table) = &self.size_table {
            write!(f, " stab {table}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "class {} {} dev {} ", self.kind, self.id, self.device)?;
        write_parent(f, &self.parent)?;
        write!(f, "{}", self.options)
    }
}

fn write_parent(f: &mut fmt::Formatter<'_>, parent: &str) -> fmt::Result {
    match parent {
        "root" => f.write_str("root"),
        _ => write!(f, "parent {parent}"),
    }
}

/// Each word with a space before it; nothing for no options.
impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Netem(netem) => write_netem(f, netem),
            Self::Tbf(tbf) => write_tbf(f, tbf),
            Self::Htb(htb) => write_htb(f, htb),
            Self::HtbClass(class) => write_htb_class(f, class),
            Self::Bands { bands, priority_map } => {
                write!(f, " bands {bands} priomap")?;
                priority_map.iter().try_for_each(|band| write!(f, " {band}"))
            }
            Self::Packets { limit_packets } => write!(f, " limit {limit_packets}p"),
            Self::Bytes { limit_bytes } => write!(f, " limit {}", Size((*limit_bytes).into())),
            Self::Settings { settings } => settings::write(f, settings),
            Self::Opaque { payload, why, .. } => write!(f, " opaque {payload} ({why})"),
        }
    }
}

fn write_netem(f: &mut fmt::Formatter<'_>, netem: &Netem) -> fmt::Result {
    write!(f, " limit {}", netem.limit_packets)?;
    if netem.delay_ns.0 != 0 || netem.jitter_ns.0 != 0 {
        write!(f, " delay {}", Nanoseconds(netem.delay_ns.0))?;
    }
    if netem.jitter_ns.0 != 0 {
        write!(f, " {}", Nanoseconds(netem.jitter_ns.0))?;
    }
    if netem.delay_correlation != 0 {
        write!(f, " {}", Percent(netem.delay_correlation))?;
    }
    match &netem.loss_model {
        Some(model) => write_loss_model(f, model)?,
        None => write_correlated(f, "loss", netem.loss)?,
    }
    write_correlated(f, "duplicate", netem.duplicate)?;
    write_correlated(f, "reorder", netem.reorder)?;
    write_correlated(f, "corrupt", netem.corrupt)?;
    write_netem_pace(f, netem)?;
    if netem.ecn {
        f.write_str(" ecn")?;
    }
    if netem.gap_packets != 0 {
        write!(f, " gap {}", netem.gap_packets)?;
    }
    Ok(())
}

fn write_netem_pace(f: &mut fmt::Formatter<'_>, netem: &Netem) -> fmt::Result {
    if let Some(rate) = &netem.rate {
        write!(f, " rate {}", Bits(rate.rate_bytes_per_s))?;
        write!(f, " packetoverhead {}", rate.packet_overhead_bytes)?;
        write!(
            f,
            " cellsize {} celloverhead {}",
            rate.cell_bytes, rate.cell_overhead_bytes
        )?;
    }
    let Some(slot) = &netem.slot else {
        return Ok(());
    };
    let (from, to) = (Nanoseconds(slot.min_delay_ns.0), Nanoseconds(slot.max_delay_ns.0));
    write!(f, " slot {from} {to}")?;
    if slot.distribution_jitter_ns != Big(0) {
        let (mean, spread) = (
            Nanoseconds(slot.distribution_delay_ns.0),
            Nanoseconds(slot.distribution_jitter_ns.0),
        );
        write!(f, " distribution {mean} {spread}")?;
    }
    write!(f, " packets {} bytes {}", slot.max_packets, slot.max_bytes)
}

fn write_correlated(f: &mut fmt::Formatter<'_>, word: &str, value: Correlated) -> fmt::Result {
    if value.probability == 0 {
        return Ok(());
    }
    write!(f, " {word} {}", Percent(value.probability))?;
    match value.correlation {
        0 => Ok(()),
        correlation => write!(f, " {}", Percent(correlation)),
    }
}

fn write_loss_model(f: &mut fmt::Formatter<'_>, model: &LossModel) -> fmt::Result {
    match *model {
        LossModel::FourState {
            p13,
            p31,
            p32,
            p14,
            p23,
        } => {
            let (p13, p31, p32) = (Percent(p13), Percent(p31), Percent(p32));
            let (p23, p14) = (Percent(p23), Percent(p14));
            write!(f, " loss state p13 {p13} p31 {p31} p32 {p32} p23 {p23} p14 {p14}")
        }
        LossModel::GilbertElliott { p, r, h, k1 } => {
            let (p, r, h, k1) = (Percent(p), Percent(r), Percent(u32::MAX - h), Percent(k1));
            write!(f, " loss gemodel p {p} r {r} 1-h {h} 1-k {k1}")
        }
    }
}

fn write_overhead(f: &mut fmt::Formatter<'_>, rate: &RateSpec) -> fmt::Result {
    if rate.overhead_bytes != 0 {
        write!(f, " overhead {}", rate.overhead_bytes)?;
    }
    if rate.least_bytes != 0 {
        write!(f, " mpu {}", rate.least_bytes)?;
    }
    match rate.link_layer.as_str() {
        "ethernet" | "unaware" => Ok(()),
        layer => write!(f, " linklayer {layer}"),
    }
}

fn write_tbf(f: &mut fmt::Formatter<'_>, tbf: &Tbf) -> fmt::Result {
    let burst = tbf.rate.bytes_in(tbf.burst_ns);
    write!(
        f,
        " rate {} burst {}",
        Bits(tbf.rate.rate_bytes_per_s),
        Size(burst)
    )?;
    if let Some(peak) = &tbf.peak {
        let burst = peak.bytes_in(tbf.peak_burst_ns);
        write!(
            f,
            " peakrate {} minburst {}",
            Bits(peak.rate_bytes_per_s),
            Size(burst)
        )?;
    }
    match tbf.latency_ns() {
        Some(latency) if tbf.peak.is_none() => write!(f, " lat {}", Nanoseconds(latency.0))?,
        _ => write!(f, " limit {}", Size(tbf.limit_bytes.into()))?,
    }
    write_overhead(f, &tbf.rate)
}

fn write_htb(f: &mut fmt::Formatter<'_>, htb: &Htb) -> fmt::Result {
    write!(f, " r2q {} default {:#x}", htb.rate_to_quantum, htb.default_class)?;
    if let Some(packets) = htb.direct_queue_packets {
        write!(f, " direct_qlen {packets}")?;
    }
    if htb.offload {
        f.write_str(" offload")?;
    }
    Ok(())
}

fn write_htb_class(f: &mut fmt::Formatter<'_>, class: &HtbClass) -> fmt::Result {
    let burst = class.rate.bytes_in(class.burst_ns);
    let ceil_burst = class.ceil.bytes_in(class.ceil_burst_ns);
    write!(
        f,
        " prio {} quantum {}",
        class.priority,
        Size(class.quantum_bytes.into())
    )?;
    write!(
        f,
        " rate {} ceil {}",
        Bits(class.rate.rate_bytes_per_s),
        Bits(class.ceil.rate_bytes_per_s)
    )?;
    write!(f, " burst {} cburst {}", Size(burst), Size(ceil_burst))?;
    write_overhead(f, &class.rate)
}
