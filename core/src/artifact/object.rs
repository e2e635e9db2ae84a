//! Objects: the parts of a section that are stored by the digest of their canonical bytes.

use super::json::{self, CanonicalError, Digest, ReadError};
use crate::section::{Content, SectionName};

/// Which variant of [`Content`] a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Netfilter,
    Tc,
    Links,
    Routes,
    Facts,
}

fn kind(name: SectionName) -> Kind {
    match name {
        SectionName::Nftables
        | SectionName::XtablesLegacyIpv4
        | SectionName::XtablesLegacyIpv6
        | SectionName::ArptablesLegacy
        | SectionName::EbtablesLegacy
        | SectionName::IptablesSave
        | SectionName::Ip6tablesSave => Kind::Netfilter,
        SectionName::Tc => Kind::Tc,
        SectionName::Links => Kind::Links,
        SectionName::Routes => Kind::Routes,
        SectionName::Ipset
        | SectionName::Addresses
        | SectionName::PolicyRules
        | SectionName::Nexthops
        | SectionName::Neighbours
        | SectionName::Xfrm
        | SectionName::Bridge
        | SectionName::Ipvs
        | SectionName::Mptcp
        | SectionName::Sockets
        | SectionName::Conntrack
        | SectionName::Sysctls
        | SectionName::Bpf
        | SectionName::SecurityLabels
        | SectionName::Namespaces
        | SectionName::Persisted => Kind::Facts,
    }
}

/// True if `content` is what a section of this name holds.
pub fn fits(name: SectionName, content: &Content) -> bool {
    kind(name)
        == match content {
            Content::Netfilter { .. } => Kind::Netfilter,
            Content::Tc { .. } => Kind::Tc,
            Content::Links { .. } => Kind::Links,
            Content::Routes { .. } => Kind::Routes,
            Content::Facts { .. } => Kind::Facts,
        }
}

/// The canonical bytes of the configuration: what is compared.
pub fn config(content: &Content) -> Result<Vec<u8>, CanonicalError> {
    match content {
        Content::Netfilter { config, .. } => json::to_vec(config),
        Content::Tc { config, .. } => json::to_vec(config),
        Content::Links { config, .. } => json::to_vec(config),
        Content::Routes { config, .. } => json::to_vec(config),
        Content::Facts { config, .. } => json::to_vec(config),
    }
}

/// The canonical bytes of what changes by itself.
pub fn runtime(content: &Content) -> Result<Vec<u8>, CanonicalError> {
    match content {
        Content::Netfilter { runtime, .. } => json::to_vec(runtime),
        Content::Tc { runtime, .. } => json::to_vec(runtime),
        Content::Links { runtime, .. } => json::to_vec(runtime),
        Content::Routes { runtime, .. } => json::to_vec(runtime),
        Content::Facts { runtime, .. } => json::to_vec(runtime),
    }
}

/// The digest by which configurations are compared: that of [`config`].
pub fn config_digest(content: &Content) -> Result<Digest, CanonicalError> {
    config(content).map(|bytes| Digest::of(&bytes))
}

/// The content of a section of this name from its two objects.
pub fn read(name: SectionName, config: &[u8], runtime: &[u8]) -> Result<Content, ReadError> {
    Ok(match kind(name) {
        Kind::Netfilter => Content::Netfilter {
            config: json::from_slice(config)?,
            runtime: json::from_slice(runtime)?,
        },
        Kind::Tc => Content::Tc {
            config: json::from_slice(config)?,
            runtime: json::from_slice(runtime)?,
        },
        Kind::Links => Content::Links {
            config: json::from_slice(config)?,
            runtime: json::from_slice(runtime)?,
        },
        Kind::Routes => Content::Routes {
            config: json::from_slice(config)?,
            runtime: json::from_slice(runtime)?,
        },
        Kind::Facts => Content::Facts {
            config: json::from_slice(config)?,
            runtime: json::from_slice(runtime)?,
        },
    })
}
