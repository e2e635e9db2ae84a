//! Qdiscs: which one, and what takes its place.

use serde::{Deserialize, Serialize};

use super::NotAnOperation;

/// Which qdisc of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QdiscPlace {
    /// The one at its root.
    Root,
    /// `ingress` or `clsact`.
    Ingress,
}

/// A qdisc to be put at a device's root.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "qdisc", rename_all = "snake_case", deny_unknown_fields)]
pub enum QdiscSpec {
    /// `pfifo_fast`.
    PfifoFast,
    /// `pfifo`, with a limit in packets.
    Pfifo {
        /// Packets.
        limit: u32,
    },
    /// `fq_codel` with the kernel's defaults.
    FqCodel,
    /// `fq` with the kernel's defaults.
    Fq,
    /// `tbf`.
    Tbf {
        /// Bytes per second.
        rate: u32,
        /// Bytes of its bucket.
        burst: u32,
        /// Bytes of its queue.
        limit: u32,
    },
}

impl QdiscSpec {
    /// The name of its kind, as tc knows it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::PfifoFast => "pfifo_fast",
            Self::Pfifo { .. } => "pfifo",
            Self::FqCodel => "fq_codel",
            Self::Fq => "fq",
            Self::Tbf { .. } => "tbf",
        }
    }

    pub(super) fn check(&self) -> Result<(), NotAnOperation> {
        let zero = match self {
            Self::PfifoFast | Self::FqCodel | Self::Fq => false,
            Self::Pfifo { limit } => *limit == 0,
            Self::Tbf { rate, burst, limit } => [rate, burst, limit].iter().any(|number| **number == 0),
        };
        match zero {
            true => Err(NotAnOperation::new("qdisc", "0 would let nothing pass")),
            false => Ok(()),
        }
    }
}
