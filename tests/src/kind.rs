//! The kinds of VM and what each kernel carries.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a VM of the lab is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A network namespace on the machine's own kernel; there at once.
    Netns,
    /// User-Mode Linux: a kernel of its own with every qdisc and legacy xtables, `nf_tables` only for `bridge`.
    Uml,
    /// Debian's cloud kernel in an emulated machine; slower, has everything.
    Qemu,
}

impl Kind {
    /// The name of the interface that connects such a VM to the fabric.
    pub fn nic(self) -> &'static str {
        match self {
            Self::Netns | Self::Qemu => "eth0",
            Self::Uml => "vec0",
        }
    }

    /// True when the VM is a kernel of its own, so that a keeper process runs it.
    pub fn has_own_kernel(self) -> bool {
        self != Self::Netns
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Netns => "netns",
            Self::Uml => "uml",
            Self::Qemu => "qemu",
        })
    }
}
