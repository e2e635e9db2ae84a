//! Objects: the parts of a section that are stored by the digest of their canonical bytes.

use super::json::{self, CanonicalError, Digest, ReadError};
use crate::section::{Content, ContentKind, SectionName};

/// True if `content` is what a section of this name holds.
pub fn fits(name: SectionName, content: &Content) -> bool {
    name.content_kind() == content.kind()
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
    Ok(match name.content_kind() {
        ContentKind::Netfilter => Content::Netfilter {
            config: json::from_slice(config)?,
            runtime: json::from_slice(runtime)?,
        },
        ContentKind::Tc => Content::Tc {
            config: json::from_slice(config)?,
            runtime: json::from_slice(runtime)?,
        },
        ContentKind::Links => Content::Links {
            config: json::from_slice(config)?,
            runtime: json::from_slice(runtime)?,
        },
        ContentKind::Routes => Content::Routes {
            config: json::from_slice(config)?,
            runtime: json::from_slice(runtime)?,
        },
        ContentKind::Facts => Content::Facts {
            config: json::from_slice(config)?,
            runtime: json::from_slice(runtime)?,
        },
    })
}
