//! Which form the content of a section has: the one table of it.

use super::{Content, SectionName};

/// Which variant of [`Content`] a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentKind {
    /// [`Content::Netfilter`].
    Netfilter,
    /// [`Content::Tc`].
    Tc,
    /// [`Content::Links`].
    Links,
    /// [`Content::Routes`].
    Routes,
    /// [`Content::Facts`].
    Facts,
}

impl SectionName {
    /// The form of what a section of this name holds.
    pub fn content_kind(self) -> ContentKind {
        match self {
            Self::Nftables
            | Self::XtablesLegacyIpv4
            | Self::XtablesLegacyIpv6
            | Self::ArptablesLegacy
            | Self::EbtablesLegacy
            | Self::IptablesSave
            | Self::Ip6tablesSave => ContentKind::Netfilter,
            Self::Tc => ContentKind::Tc,
            Self::Links => ContentKind::Links,
            Self::Routes => ContentKind::Routes,
            Self::Ipset
            | Self::Addresses
            | Self::PolicyRules
            | Self::Nexthops
            | Self::Neighbours
            | Self::Xfrm
            | Self::Bridge
            | Self::Ipvs
            | Self::Mptcp
            | Self::Sockets
            | Self::Conntrack
            | Self::Sysctls
            | Self::Bpf
            | Self::SecurityLabels
            | Self::Namespaces
            | Self::Persisted
            | Self::Nic
            | Self::EffectiveRoutes
            | Self::EffectiveNsg
            | Self::AdminRules => ContentKind::Facts,
        }
    }
}

impl Content {
    /// Which form this is.
    pub fn kind(&self) -> ContentKind {
        match self {
            Self::Netfilter { .. } => ContentKind::Netfilter,
            Self::Tc { .. } => ContentKind::Tc,
            Self::Links { .. } => ContentKind::Links,
            Self::Routes { .. } => ContentKind::Routes,
            Self::Facts { .. } => ContentKind::Facts,
        }
    }
}
