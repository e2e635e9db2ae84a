//! What a person may ask for.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::artifact::json::Digest;
use crate::bytes::Text;
use crate::netfilter::model::Family;

mod package;
mod qdisc;

pub use package::Package;
pub use qdisc::{QdiscPlace, QdiscSpec};

/// The longest that a server process may run.
pub const LONGEST_LEASE: Duration = Duration::from_secs(3_600);
/// The longest that an action may wait for its approval.
pub const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 3_600);
/// The shortest time within which a change has to be confirmed.
pub const SHORTEST_WINDOW: Duration = Duration::from_secs(5);
/// The longest time within which a change has to be confirmed.
pub const LONGEST_WINDOW: Duration = Duration::from_secs(900);
/// The longest text of a rule, in bytes.
const LONGEST_RULE: usize = 4_096;
/// The longest name of anything, in bytes: that of a table or a chain of nf_tables (`NFT_NAME_MAXLEN`).
const LONGEST_NAME: usize = 255;
/// `IFNAMSIZ` without its NUL.
const LONGEST_DEVICE: usize = 15;

/// What an action may do to a VM (DESIGN §8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Class {
    /// Reads; nobody needs to consent.
    Safe,
    /// A person decides.
    Risky,
    /// Never.
    Forbidden,
}

/// Which line of a VM's policy an operation comes under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Servers and clients that measure.
    Measure,
    /// Captures of packets.
    Capture,
    /// Changes of the network's configuration.
    Change,
    /// Installing programs.
    Install,
}

impl Permission {
    /// All, in order.
    pub const ALL: [Self; 4] = [Self::Measure, Self::Capture, Self::Change, Self::Install];

    /// The word for it in a policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Measure => "measure",
            Self::Capture => "capture",
            Self::Change => "change",
            Self::Install => "install",
        }
    }
}

/// A typed operation. There is no operation that runs a command line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    /// Delete a rule of nf_tables.
    NftDelete {
        /// The table's family.
        family: Family,
        /// The table.
        table: Text,
        /// The chain.
        chain: Text,
        /// Which rule.
        rule: RuleRef,
    },
    /// Insert a rule into a chain of nf_tables.
    NftInsert {
        /// The table's family.
        family: Family,
        /// The table.
        table: Text,
        /// The chain.
        chain: Text,
        /// Where.
        place: Place,
        /// The rule in `nft`'s syntax.
        rule: Text,
    },
    /// Delete a rule of legacy xtables.
    LegacyDelete {
        /// IPv4 or IPv6.
        family: IpFamily,
        /// The table.
        table: Text,
        /// The chain.
        chain: Text,
        /// Which rule; its text is what follows `-A CHAIN` in `iptables-save`.
        rule: RuleRef,
    },
    /// Remove a qdisc, and with it what hangs below it.
    QdiscRemove {
        /// The interface's name.
        device: Text,
        /// Which of its qdiscs.
        at: QdiscPlace,
    },
    /// Put another qdisc in the place of the one at a device's root.
    QdiscReplace {
        /// The interface's name.
        device: Text,
        /// The new one.
        qdisc: QdiscSpec,
    },
    /// Install a package of the distribution.
    PackageInstall {
        /// Its name.
        package: Package,
    },
    /// Start a server process that ends by itself.
    ServerStart {
        /// Which program.
        server: Server,
        /// The port that it listens on.
        port: u16,
        /// How long it may run, in seconds.
        lease_s: u32,
    },
    /// End a server process before its lease does.
    ServerStop {
        /// The digest of the action that started it.
        action: Digest,
    },
    /// Undo an action that was confirmed.
    Undo {
        /// Its digest.
        action: Digest,
    },
}

/// One rule of a chain: by what it says, never by its number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleRef {
    /// Its text as netghost prints it.
    pub text: Text,
    /// Which of those that read so, from 1.
    pub occurrence: u32,
}

/// Where a rule goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case", deny_unknown_fields)]
pub enum Place {
    /// Before all others.
    First,
    /// Behind all others.
    Last,
    /// Directly before this one.
    Before {
        /// Which.
        rule: RuleRef,
    },
    /// Directly behind this one.
    After {
        /// Which.
        rule: RuleRef,
    },
}

/// The families of legacy xtables that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IpFamily {
    /// `iptables`.
    Ip,
    /// `ip6tables`.
    Ip6,
}

/// The server programs that may be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Server {
    /// iperf 2 in server mode over TCP.
    Iperf,
    /// qperf, whose server takes one port for control.
    Qperf,
}

impl Server {
    /// The program's name.
    pub fn program(self) -> &'static str {
        match self {
            Self::Iperf => "iperf",
            Self::Qperf => "qperf",
        }
    }
}

/// What has to work after a change, besides a new connection to the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "check", rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// A TCP connection from the VM to this address is accepted.
    TcpConnect {
        /// Address and port.
        to: SocketAddr,
    },
}

/// An operation that nobody can mean.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct NotAnOperation {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub why: String,
}

impl NotAnOperation {
    fn new(field: &'static str, why: &str) -> Self {
        Self {
            field,
            why: why.to_owned(),
        }
    }
}

impl Operation {
    /// What it may do.
    pub fn class(&self) -> Class {
        Class::Risky
    }

    /// Which line of a policy it comes under. An undo comes under that of what it undoes, which only the VM knows; by itself it
    /// is a change.
    pub fn permission(&self) -> Permission {
        match self {
            Self::NftDelete { .. }
            | Self::NftInsert { .. }
            | Self::LegacyDelete { .. }
            | Self::QdiscRemove { .. }
            | Self::QdiscReplace { .. }
            | Self::Undo { .. } => Permission::Change,
            Self::PackageInstall { .. } => Permission::Install,
            Self::ServerStart { .. } | Self::ServerStop { .. } => Permission::Measure,
        }
    }

    /// The word that stands for its kind, as in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NftDelete { .. } => "nft_delete",
            Self::NftInsert { .. } => "nft_insert",
            Self::LegacyDelete { .. } => "legacy_delete",
            Self::QdiscRemove { .. } => "qdisc_remove",
            Self::QdiscReplace { .. } => "qdisc_replace",
            Self::PackageInstall { .. } => "package_install",
            Self::ServerStart { .. } => "server_start",
            Self::ServerStop { .. } => "server_stop",
            Self::Undo { .. } => "undo",
        }
    }

    /// Holds the operation to what its types do not say: lengths, names that are no names, numbers out of range.
    ///
    /// # Errors
    /// The first field that is out of bounds.
    pub fn check(&self) -> Result<(), NotAnOperation> {
        match self {
            Self::NftDelete {
                table, chain, rule, ..
            }
            | Self::LegacyDelete {
                table, chain, rule, ..
            } => {
                name("table", table, LONGEST_NAME)?;
                name("chain", chain, LONGEST_NAME)?;
                rule.check()
            }
            Self::NftInsert {
                table,
                chain,
                place,
                rule,
                ..
            } => {
                name("table", table, LONGEST_NAME)?;
                name("chain", chain, LONGEST_NAME)?;
                text("rule", rule)?;
                match place {
                    Place::First | Place::Last => Ok(()),
                    Place::Before { rule } | Place::After { rule } => rule.check(),
                }
            }
            Self::QdiscRemove { device, .. } => name("device", device, LONGEST_DEVICE),
            Self::QdiscReplace { device, qdisc } => {
                name("device", device, LONGEST_DEVICE)?;
                qdisc.check()
            }
            Self::ServerStart { port, lease_s, .. } => {
                let seconds = u64::from(*lease_s);
                match (*port, (1..=LONGEST_LEASE.as_secs()).contains(&seconds)) {
                    (0, _) => Err(NotAnOperation::new("port", "0 is no port")),
                    (_, false) => Err(NotAnOperation::new(
                        "lease_s",
                        "a lease is 1 to 3600 seconds long",
                    )),
                    _ => Ok(()),
                }
            }
            Self::PackageInstall { .. } | Self::ServerStop { .. } | Self::Undo { .. } => Ok(()),
        }
    }
}

impl RuleRef {
    fn check(&self) -> Result<(), NotAnOperation> {
        text("rule.text", &self.text)?;
        match self.occurrence {
            0 => Err(NotAnOperation::new(
                "rule.occurrence",
                "occurrences are counted from 1",
            )),
            _ => Ok(()),
        }
    }
}

fn name(field: &'static str, value: &Text, longest: usize) -> Result<(), NotAnOperation> {
    let bytes = value.as_bytes();
    match bytes.is_empty() || bytes.len() > longest || bytes.contains(&0) {
        true => Err(NotAnOperation::new(
            field,
            &format!("a name has 1 to {longest} bytes and no NUL"),
        )),
        false => Ok(()),
    }
}

fn text(field: &'static str, value: &Text) -> Result<(), NotAnOperation> {
    let bytes = value.as_bytes();
    let control = value
        .as_str()
        .is_none_or(|text| text.chars().any(char::is_control));
    match bytes.is_empty() || bytes.len() > LONGEST_RULE || control {
        true => Err(NotAnOperation::new(
            field,
            &format!("the text of a rule is one line of UTF-8, 1 to {LONGEST_RULE} bytes"),
        )),
        false => Ok(()),
    }
}
