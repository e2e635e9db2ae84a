//! The catalogue of faults: what breaks a VM's network, and how to undo exactly that.

use std::fmt;
use std::str::FromStr;

use crate::error::{LabError, Result};
use crate::kind::Kind;
use crate::vm::Vm;

/// One fault of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A legacy rule at the front of INPUT drops TCP to port 5001.
    LegacyDrop,
    /// An nft table of its own rejects TCP to port 5001 with a reset.
    NftReject,
    /// A token bucket on the NIC lets 1 Mbit/s out.
    TbfShaper,
    /// Every packet that leaves the NIC is 30 ms late.
    NetemDelay,
}

/// All faults, in the order in which they are listed.
pub const ALL: [Fault; 4] = [
    Fault::LegacyDrop,
    Fault::NftReject,
    Fault::TbfShaper,
    Fault::NetemDelay,
];

/// The legacy rule behind `-I`, `-D` and `-C`.
const LEGACY_RULE: &[&str] = &["INPUT", "-p", "tcp", "--dport", "5001", "-j", "DROP"];

/// `create` refuses where the table is there already.
const NFT_TABLE: &str = "create table inet netghost_lab
add chain inet netghost_lab input { type filter hook input priority 0; policy accept; }
add rule inet netghost_lab input tcp dport 5001 reject with tcp reset
";

/// Handles by which the lab's qdiscs are known from others'.
const TBF_HANDLE: &str = "7a01:";
const NETEM_HANDLE: &str = "7a02:";

impl Fault {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::LegacyDrop => "legacy-drop",
            Self::NftReject => "nft-reject",
            Self::TbfShaper => "tbf-shaper",
            Self::NetemDelay => "netem-delay",
        }
    }

    /// What it does, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Self::LegacyDrop => "iptables-legacy drops TCP to port 5001 at the front of INPUT",
            Self::NftReject => "the nft table inet netghost_lab rejects TCP to port 5001",
            Self::TbfShaper => "tbf on the NIC lets 1 Mbit/s out",
            Self::NetemDelay => "netem on the NIC delays what goes out by 30 ms",
        }
    }

    /// The kinds of VM whose kernels carry it.
    pub fn kinds(self) -> &'static [Kind] {
        match self {
            Self::LegacyDrop | Self::TbfShaper => &[Kind::Netns, Kind::Uml, Kind::Qemu],
            Self::NftReject => &[Kind::Netns, Kind::Qemu],
            Self::NetemDelay => &[Kind::Uml, Kind::Qemu],
        }
    }

    /// Puts the fault on the VM.
    ///
    /// # Errors
    /// [`LabError::WrongKind`] where its kernel can't carry it, [`LabError::AlreadyInjected`] where it is there already,
    /// and what the tool said.
    pub fn inject(self, vm: &Vm) -> Result<()> {
        self.check_kind(vm)?;
        if self.is_on(vm)? {
            return Err(LabError::AlreadyInjected {
                fault: self.name(),
                vm: vm.name().to_owned(),
            });
        }
        match self {
            Self::LegacyDrop => vm.must(&legacy("-I")).map(drop),
            Self::NftReject => {
                let argv = ["nft", "-f", "-"];
                vm.exec_with_input(&argv, NFT_TABLE.as_bytes())?
                    .ok(&argv)
                    .map(drop)
            }
            Self::TbfShaper => qdisc(
                vm,
                "add",
                TBF_HANDLE,
                &["tbf", "rate", "1mbit", "burst", "16kb", "latency", "400ms"],
            ),
            Self::NetemDelay => qdisc(vm, "add", NETEM_HANDLE, &["netem", "delay", "30ms"]),
        }
    }

    /// Takes the fault off the VM, and nothing else.
    ///
    /// # Errors
    /// [`LabError::WrongKind`], and what the tool said, as where the fault is not there.
    pub fn clear(self, vm: &Vm) -> Result<()> {
        self.check_kind(vm)?;
        match self {
            Self::LegacyDrop => vm.must(&legacy("-D")).map(drop),
            Self::NftReject => vm
                .must(&["nft", "delete", "table", "inet", "netghost_lab"])
                .map(drop),
            Self::TbfShaper => qdisc(vm, "delete", TBF_HANDLE, &[]),
            Self::NetemDelay => qdisc(vm, "delete", NETEM_HANDLE, &[]),
        }
    }

    /// Whether the fault is on the VM.
    ///
    /// # Errors
    /// When the VM or the tool does not answer.
    pub fn is_on(self, vm: &Vm) -> Result<bool> {
        let lists = |argv: &[&str], what: &str| vm.must(argv).map(|output| output.text().contains(what));
        let own_qdisc =
            |handle: &str| lists(&["tc", "qdisc", "show", "dev", vm.nic()], &format!(" {handle} "));
        match self {
            // 1: no such rule. Anything else is an answer to another question.
            Self::LegacyDrop => match vm.exec(&legacy("-C"))? {
                output if output.status == crate::run::Status::Exited(1) => Ok(false),
                output => output.ok(&legacy("-C")).map(|_| true),
            },
            Self::NftReject => lists(&["nft", "list", "tables"], "table inet netghost_lab\n"),
            Self::TbfShaper => own_qdisc(TBF_HANDLE),
            Self::NetemDelay => own_qdisc(NETEM_HANDLE),
        }
    }

    fn check_kind(self, vm: &Vm) -> Result<()> {
        if self.kinds().contains(&vm.kind()) {
            return Ok(());
        }
        let needs: Vec<String> = self.kinds().iter().map(Kind::to_string).collect();
        Err(LabError::WrongKind {
            fault: self.name(),
            vm: vm.name().to_owned(),
            kind: vm.kind(),
            needs: needs.join(" or "),
        })
    }
}

/// The legacy tool with a bounded wait for its lock.
fn legacy(what: &'static str) -> Vec<&'static str> {
    ["iptables-legacy", "-w", "5", what]
        .iter()
        .chain(LEGACY_RULE)
        .copied()
        .collect()
}

fn qdisc(vm: &Vm, what: &str, handle: &str, parameters: &[&str]) -> Result<()> {
    let mut argv = vec!["tc", "qdisc", what, "dev", vm.nic(), "root", "handle", handle];
    argv.extend(parameters);
    vm.must(&argv).map(drop)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fault {
    type Err = LabError;

    fn from_str(name: &str) -> Result<Self> {
        ALL.into_iter()
            .find(|fault| fault.name() == name)
            .ok_or_else(|| LabError::NoFault(name.to_owned()))
    }
}
