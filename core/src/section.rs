//! Sections of a snapshot: what was asked for, and whether it was read.

use serde::{Deserialize, Serialize};

use crate::facts::Facts;
use crate::host::{links, routes};
use crate::netfilter::model::{Ruleset, RulesetRuntime};
use crate::raw::Raw;
use crate::tc;

pub mod coverage;
mod kind;

pub use kind::ContentKind;

/// Whether a section was read. None but [`State::Captured`] may ever stand for "nothing there".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Read whole.
    Captured,
    /// The mechanism is not there, and this is how that is known.
    NotApplicable {
        /// The proof, for people.
        why: String,
    },
    /// Not read, or not whole. What was read may be shown beside it.
    Unreadable {
        /// What stood in the way, and what to do.
        why: String,
    },
    /// It changed while it was read; what was read is shown, and nothing is concluded from it.
    Torn {
        /// What changed, and how often it was tried.
        why: String,
    },
}

impl State {
    /// True for what a comparison may rest on.
    pub fn is_known(&self) -> bool {
        matches!(self, Self::Captured | Self::NotApplicable { .. })
    }

    /// The word of the state as it stands in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Captured => "captured",
            Self::NotApplicable { .. } => "not_applicable",
            Self::Unreadable { .. } => "unreadable",
            Self::Torn { .. } => "torn",
        }
    }

    /// Why it is not captured.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Captured => None,
            Self::NotApplicable { why } | Self::Unreadable { why } | Self::Torn { why } => Some(why),
        }
    }
}

/// How a section was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reader {
    /// From the kernel of the host.
    Kernel,
    /// From text: what a tool printed, or files.
    Text,
    /// From Azure Resource Manager, or from a file of what it said.
    Arm,
}

/// The sections that exist. The order is the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SectionName {
    /// nf_tables, all families.
    Nftables,
    /// Legacy iptables.
    XtablesLegacyIpv4,
    /// Legacy ip6tables.
    XtablesLegacyIpv6,
    /// Legacy arptables.
    ArptablesLegacy,
    /// Legacy ebtables.
    EbtablesLegacy,
    /// Text of `iptables-save`; which plane printed it stands in the ruleset.
    IptablesSave,
    /// Text of `ip6tables-save`.
    Ip6tablesSave,
    /// Queueing disciplines and classes.
    Tc,
    /// Network interfaces.
    Links,
    /// Routes of both families, all tables.
    Routes,
    /// Sets that xtables and tc look addresses up in.
    Ipset,
    /// Addresses of the links.
    Addresses,
    /// Rules that choose the routing table.
    PolicyRules,
    /// Nexthop objects, which routes refer to.
    Nexthops,
    /// Permanent and proxied neighbours; learnt ones are runtime.
    Neighbours,
    /// IPsec policies and what they need.
    Xfrm,
    /// Ports, VLANs and forwarding entries of bridges.
    Bridge,
    /// Virtual services of the kernel's load balancer.
    Ipvs,
    /// Endpoints and limits of Multipath TCP.
    Mptcp,
    /// Listening sockets.
    Sockets,
    /// Use of the connection table, helpers and timeouts.
    Conntrack,
    /// The kernel parameters that decide what becomes of packets.
    Sysctls,
    /// BPF programs at interfaces, in netfilter and at control groups.
    Bpf,
    /// Security modules that label or refuse packets.
    SecurityLabels,
    /// The other network namespaces of the host.
    Namespaces,
    /// What the files of rules and the services that load them bring at the next boot.
    Persisted,
    /// A network interface in Azure, its subnet and what is attached to both.
    Nic,
    /// The routes that Azure computed for a network interface.
    EffectiveRoutes,
    /// The security rules that Azure computed for a network interface.
    EffectiveNsg,
    /// The security admin rules of Azure Virtual Network Manager that apply to the network of a network interface.
    AdminRules,
}

impl SectionName {
    /// What one host can be asked for.
    pub const HOST: [Self; 24] = [
        Self::Nftables,
        Self::XtablesLegacyIpv4,
        Self::XtablesLegacyIpv6,
        Self::ArptablesLegacy,
        Self::EbtablesLegacy,
        Self::Tc,
        Self::Links,
        Self::Routes,
        Self::Ipset,
        Self::Addresses,
        Self::PolicyRules,
        Self::Nexthops,
        Self::Neighbours,
        Self::Xfrm,
        Self::Bridge,
        Self::Ipvs,
        Self::Mptcp,
        Self::Sockets,
        Self::Conntrack,
        Self::Sysctls,
        Self::Bpf,
        Self::SecurityLabels,
        Self::Namespaces,
        Self::Persisted,
    ];

    /// What Azure can be asked for about one network interface.
    pub const AZURE: [Self; 4] = [
        Self::Nic,
        Self::EffectiveRoutes,
        Self::EffectiveNsg,
        Self::AdminRules,
    ];

    /// What a host is asked for when nothing else is said: all but what an agent without root can never read. The programs
    /// of [`Self::Bpf`] and [`Self::SecurityLabels`] have no names without CAP_SYS_ADMIN, [`Self::Namespaces`] needs to
    /// enter them, and some of the files of [`Self::Persisted`] are root's alone on some distributions.
    pub const DEFAULT: [Self; 20] = [
        Self::Nftables,
        Self::XtablesLegacyIpv4,
        Self::XtablesLegacyIpv6,
        Self::ArptablesLegacy,
        Self::EbtablesLegacy,
        Self::Tc,
        Self::Links,
        Self::Routes,
        Self::Ipset,
        Self::Addresses,
        Self::PolicyRules,
        Self::Nexthops,
        Self::Neighbours,
        Self::Xfrm,
        Self::Bridge,
        Self::Ipvs,
        Self::Mptcp,
        Self::Sockets,
        Self::Conntrack,
        Self::Sysctls,
    ];

    /// True for what each network namespace has apart. Security modules and configuration files are the host's, and the list of
    /// namespaces is one for all.
    pub fn is_of_namespace(self) -> bool {
        Self::HOST.contains(&self)
            && !matches!(self, Self::SecurityLabels | Self::Namespaces | Self::Persisted)
    }

    /// The name as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nftables => "nftables",
            Self::XtablesLegacyIpv4 => "xtables-legacy-ipv4",
            Self::XtablesLegacyIpv6 => "xtables-legacy-ipv6",
            Self::ArptablesLegacy => "arptables-legacy",
            Self::EbtablesLegacy => "ebtables-legacy",
            Self::IptablesSave => "iptables-save",
            Self::Ip6tablesSave => "ip6tables-save",
            Self::Tc => "tc",
            Self::Links => "links",
            Self::Routes => "routes",
            Self::Ipset => "ipset",
            Self::Addresses => "addresses",
            Self::PolicyRules => "policy-rules",
            Self::Nexthops => "nexthops",
            Self::Neighbours => "neighbours",
            Self::Xfrm => "xfrm",
            Self::Bridge => "bridge",
            Self::Ipvs => "ipvs",
            Self::Mptcp => "mptcp",
            Self::Sockets => "sockets",
            Self::Conntrack => "conntrack",
            Self::Sysctls => "sysctls",
            Self::Bpf => "bpf",
            Self::SecurityLabels => "security-labels",
            Self::Namespaces => "namespaces",
            Self::Persisted => "persisted",
            Self::Nic => "nic",
            Self::EffectiveRoutes => "effective-routes",
            Self::EffectiveNsg => "effective-nsg",
            Self::AdminRules => "admin-rules",
        }
    }
}

impl std::fmt::Display for SectionName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One part of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Which part.
    pub name: SectionName,
    /// Whether it was read.
    pub state: State,
    /// How.
    pub reader: Reader,
    /// The version of the decoder that made `content`; see [`DECODER`].
    pub decoder: u32,
    /// When the read ended, microseconds since 1970 UTC by the host's clock.
    pub taken_at_us: u64,
    /// The ruleset generation, where the source has one.
    pub generation: Option<u32>,
    /// What was decoded: whole when captured, what could be had when torn or unreadable.
    pub content: Option<Content>,
    /// What it was decoded from.
    pub raw: Option<Raw>,
    /// Parts of the content that could not be read: a chain, say. Not empty only if the state is `Unreadable`.
    pub gaps: Vec<Gap>,
    /// What the reader noticed that takes nothing away from the reading.
    pub warnings: Vec<Warning>,
}

/// The version of the decoders in this crate. Whoever changes what any of them makes of the same raw bytes raises it.
pub const DECODER: u32 = 3;

/// A part of a section that was not read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// Where, in the form of a change's path: `inet/filter/input`.
    pub path: String,
    /// Why.
    pub why: String,
}

/// Something noticed while reading.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Warning {
    /// A fixed word, such as `EMPTY_INPUT`.
    pub code: String,
    /// For people.
    pub message: String,
}

/// The decoded content of a section: configuration, and apart from it what changes by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A ruleset of either plane.
    Netfilter {
        /// Compared and digested.
        config: Ruleset,
        /// Handles, counters, elements of dynamic sets.
        runtime: RulesetRuntime,
    },
    /// Queueing disciplines and classes.
    Tc {
        /// Compared and digested.
        config: tc::TcConfig,
        /// Statistics.
        runtime: tc::TcRuntime,
    },
    /// Network interfaces.
    Links {
        /// Compared and digested.
        config: links::LinksConfig,
        /// Operational state and counters.
        runtime: links::LinksRuntime,
    },
    /// Routes.
    Routes {
        /// Compared and digested.
        config: routes::RoutesConfig,
        /// Cache entries and lifetimes.
        runtime: routes::RoutesRuntime,
    },
    /// Named things with properties: every section that has no form of its own.
    Facts {
        /// Compared and digested.
        config: Facts,
        /// What changes by itself.
        runtime: Facts,
    },
}
