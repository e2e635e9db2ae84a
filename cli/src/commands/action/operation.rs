//! Operations as they are typed. Each becomes a typed operation; none becomes a command line.

use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Text;
use netghost_core::gate::{IpFamily, Operation, Package, Place, QdiscPlace, QdiscSpec, RuleRef, Server};
use netghost_core::netfilter::model::Family;

use super::words::{FamilyWord, IpWord, QdiscWord, ServerWord};
use crate::error::Failure;
use crate::{examples, rate, span};

/// What is asked for.
#[derive(Debug, clap::Subcommand)]
pub enum Asked {
    /// Delete a rule of nf_tables
    #[command(after_help = examples::NFT_DELETE)]
    NftDelete(NftDelete),
    /// Insert a rule of nf_tables
    #[command(after_help = examples::NFT_INSERT)]
    NftInsert(NftInsert),
    /// Delete a rule of legacy iptables
    #[command(after_help = examples::LEGACY_DELETE)]
    LegacyDelete(LegacyDelete),
    /// Remove a qdisc with what hangs below it
    #[command(after_help = examples::QDISC_REMOVE)]
    QdiscRemove {
        /// The interface
        device: String,
        /// Its ingress or clsact qdisc, not the one at its root
        #[arg(long)]
        ingress: bool,
    },
    /// Put another qdisc in the place of the one at a device's root
    #[command(after_help = examples::QDISC_REPLACE)]
    QdiscReplace(QdiscReplace),
    /// Install a package of the VM's distribution; this can't be undone
    #[command(after_help = examples::PACKAGE_INSTALL)]
    PackageInstall {
        /// Its name; the VM's policy lists which may be installed
        #[arg(value_parser = Package::parse)]
        name: Package,
    },
    /// Start a server that ends by itself
    #[command(after_help = examples::SERVER_START)]
    ServerStart {
        /// Which program
        #[arg(value_enum)]
        program: ServerWord,
        /// The port that it listens on
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
        port: u16,
        /// How long it may run, at most 1h
        #[arg(long, value_name = "SPAN", value_parser = span::parse)]
        lease: Duration,
    },
    /// Stop a server before its lease ends, by an approval of its own; `action undo` needs none
    #[command(after_help = examples::SERVER_STOP)]
    ServerStop {
        /// The action that started it: its id, or its digest
        action: String,
    },
}

/// Which chain of nf_tables.
#[derive(Debug, clap::Args)]
pub struct NftChain {
    /// The table's family
    #[arg(long, value_enum)]
    family: FamilyWord,
    /// The table
    #[arg(long, value_name = "NAME")]
    table: String,
    /// The chain
    #[arg(long, value_name = "NAME")]
    chain: String,
}

/// Deletes a rule of nf_tables.
#[derive(Debug, clap::Args)]
pub struct NftDelete {
    /// Where.
    #[command(flatten)]
    at: NftChain,
    /// The rule as netghost shows it
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    rule: String,
    /// Which of those that read so, from 1
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    occurrence: u32,
}

/// Inserts a rule of nf_tables.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("place").required(true).args(["first", "last", "before", "after"]))]
pub struct NftInsert {
    /// Where.
    #[command(flatten)]
    at: NftChain,
    /// Before all others
    #[arg(long)]
    first: bool,
    /// Behind all others
    #[arg(long)]
    last: bool,
    /// Directly before this rule, as netghost shows it
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    before: Option<String>,
    /// Directly behind this rule, as netghost shows it
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    after: Option<String>,
    /// Which of those that read as `--before` or `--after` says, from 1
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    occurrence: u32,
    /// The new rule, in the syntax of `nft`
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    rule: String,
}

/// Deletes a rule of legacy iptables.
#[derive(Debug, clap::Args)]
pub struct LegacyDelete {
    /// IPv4 or IPv6
    #[arg(long, value_enum, default_value_t = IpWord::Ip)]
    family: IpWord,
    /// The table
    #[arg(long, value_name = "NAME", default_value = "filter")]
    table: String,
    /// The chain
    #[arg(long, value_name = "NAME")]
    chain: String,
    /// What follows `-A CHAIN` in iptables-save
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    rule: String,
    /// Which of those that read so, from 1
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    occurrence: u32,
}

/// Puts another qdisc at a device's root.
#[derive(Debug, clap::Args)]
pub struct QdiscReplace {
    /// The interface
    device: String,
    /// Which qdisc
    #[arg(value_enum)]
    kind: QdiscWord,
    /// Of pfifo: packets. Of tbf: bytes of its queue, as 32kb
    #[arg(long, value_name = "N", value_parser = rate::size)]
    limit: Option<u32>,
    /// Of tbf: as 10mbit
    #[arg(long, value_name = "RATE", value_parser = rate::rate)]
    rate: Option<u32>,
    /// Of tbf: bytes of its bucket, as 32kb
    #[arg(long, value_name = "BYTES", value_parser = rate::size)]
    burst: Option<u32>,
}

impl Asked {
    /// The operation; `digest_of` says which action an id means.
    pub fn operation(
        &self,
        digest_of: &mut dyn FnMut(&str) -> Result<Digest, Failure>,
    ) -> Result<Operation, Failure> {
        let operation = match self {
            Self::NftDelete(asked) => asked.operation(),
            Self::NftInsert(asked) => asked.operation(),
            Self::LegacyDelete(asked) => asked.operation(),
            Self::QdiscRemove { device, ingress } => Operation::QdiscRemove {
                device: Text::from(device.as_str()),
                at: match ingress {
                    true => QdiscPlace::Ingress,
                    false => QdiscPlace::Root,
                },
            },
            Self::QdiscReplace(asked) => asked.operation()?,
            Self::PackageInstall { name } => Operation::PackageInstall {
                package: name.clone(),
            },
            Self::ServerStart { program, port, lease } => Operation::ServerStart {
                server: Server::from(*program),
                port: *port,
                lease_s: super::seconds(*lease),
            },
            Self::ServerStop { action } => Operation::ServerStop {
                action: match Digest::parse(action) {
                    Some(digest) => digest,
                    None => digest_of(action)?,
                },
            },
        };
        match operation.check() {
            Ok(()) => Ok(operation),
            Err(error) => Err(Failure::usage("wrong_use", error)),
        }
    }
}

fn rule(text: &str, occurrence: u32) -> RuleRef {
    RuleRef {
        text: Text::from(text),
        occurrence,
    }
}

impl NftDelete {
    fn operation(&self) -> Operation {
        Operation::NftDelete {
            family: Family::from(self.at.family),
            table: Text::from(self.at.table.as_str()),
            chain: Text::from(self.at.chain.as_str()),
            rule: rule(&self.rule, self.occurrence),
        }
    }
}

impl NftInsert {
    fn operation(&self) -> Operation {
        let place = match (&self.before, &self.after) {
            (Some(text), _) => Place::Before {
                rule: rule(text, self.occurrence),
            },
            (None, Some(text)) => Place::After {
                rule: rule(text, self.occurrence),
            },
            // The definition asks for exactly one of the four.
            (None, None) if self.first => Place::First,
            (None, None) => Place::Last,
        };
        Operation::NftInsert {
            family: Family::from(self.at.family),
            table: Text::from(self.at.table.as_str()),
            chain: Text::from(self.at.chain.as_str()),
            place,
            rule: Text::from(self.rule.as_str()),
        }
    }
}

impl LegacyDelete {
    fn operation(&self) -> Operation {
        Operation::LegacyDelete {
            family: IpFamily::from(self.family),
            table: Text::from(self.table.as_str()),
            chain: Text::from(self.chain.as_str()),
            rule: rule(&self.rule, self.occurrence),
        }
    }
}

impl QdiscReplace {
    fn operation(&self) -> Result<Operation, Failure> {
        let wrong = |what: &str| Failure::usage("wrong_use", anyhow::anyhow!("{what}"));
        let numbers = (self.limit, self.rate, self.burst);
        let qdisc = match (self.kind, numbers) {
            (QdiscWord::PfifoFast, (None, None, None)) => QdiscSpec::PfifoFast,
            (QdiscWord::FqCodel, (None, None, None)) => QdiscSpec::FqCodel,
            (QdiscWord::Fq, (None, None, None)) => QdiscSpec::Fq,
            (QdiscWord::Pfifo, (Some(limit), None, None)) => QdiscSpec::Pfifo { limit },
            (QdiscWord::Tbf, (Some(limit), Some(rate), Some(burst))) => QdiscSpec::Tbf { rate, burst, limit },
            (QdiscWord::Pfifo, _) => return Err(wrong("pfifo needs --limit PACKETS and takes nothing else")),
            (QdiscWord::Tbf, _) => return Err(wrong("tbf needs --rate, --burst and --limit")),
            (QdiscWord::PfifoFast | QdiscWord::FqCodel | QdiscWord::Fq, _) => {
                return Err(wrong(
                    "this qdisc takes no numbers: it gets the kernel's defaults",
                ));
            }
        };
        Ok(Operation::QdiscReplace {
            device: Text::from(self.device.as_str()),
            qdisc,
        })
    }
}
