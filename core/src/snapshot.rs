//! Everything read from one place at one time.

use serde::{Deserialize, Serialize};

use crate::bytes::Text;
use crate::section::coverage::Covered;
use crate::section::{Section, SectionName};

/// A snapshot in memory; how it is stored and shown is in [`crate::artifact`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What was read.
    pub target: Target,
    /// The program that read it and its version: `netghost 0.1.0`.
    pub tool: String,
    /// When the read ended, microseconds since 1970 UTC by the target's clock.
    pub taken_at_us: u64,
    /// Sorted by name, each at most once.
    pub sections: Vec<Section>,
    /// Every mechanism of the fixed list, and whether it was read.
    pub coverage: Vec<Covered>,
}

impl Snapshot {
    /// The section of this name.
    pub fn section(&self, name: SectionName) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }
}

/// Where a snapshot comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Target {
    /// A Linux host.
    Host {
        /// Its host name.
        name: Text,
        /// `/proc/sys/kernel/random/boot_id`.
        boot_id: Option<String>,
        /// The kernel's release.
        kernel: String,
    },
    /// A file from somewhere else.
    File {
        /// Its base name.
        name: Text,
    },
}

impl Target {
    /// The name.
    pub fn name(&self) -> &Text {
        match self {
            Self::Host { name, .. } | Self::File { name } => name,
        }
    }
}
