//! What decoding a section's messages yields, and why it can fail.

use serde::{Deserialize, Serialize};

use super::NetlinkRaw;
use super::attr::{Attr, Attrs, Malformed};
use crate::bytes::{Hex, Text};

/// A decoded section: configuration, and runtime with one entry for each of the configuration's, in the same places.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lifted<C, R> {
    /// Compared and digested.
    pub config: C,
    /// What changes by itself.
    pub runtime: R,
}

/// Why messages could not be decoded. One such message makes the whole section unreadable: a list with a hole in it would
/// read as a shorter list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LiftError {
    /// A message whose bytes are not what its type says.
    #[error("message {position}: {source}")]
    Malformed {
        /// Its place among the messages, from 0.
        position: usize,
        /// What is wrong with it.
        source: Malformed,
    },
    /// A message of a type that does not belong here.
    #[error("message {position} has type {message_type}, which does not belong here")]
    Type {
        /// Its place among the messages, from 0.
        position: usize,
        /// Its `nlmsg_type`.
        message_type: u16,
    },
    /// A part that was asked for and is not among what was read, or is not of the form that it should have.
    #[error("the part {part}: {why}")]
    Part {
        /// Its name.
        part: String,
        /// What is wrong with it.
        why: String,
    },
    /// An interface index that no link of the same reading has.
    #[error("message {position} names the interface index {index}, which no link has")]
    NoLink {
        /// Its place among the messages, from 0.
        position: usize,
        /// The index.
        index: u32,
    },
}

/// Why one message could not be decoded, before its place is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    Malformed(Malformed),
    NoLink(u32),
}

impl From<Malformed> for Fault {
    fn from(source: Malformed) -> Self {
        Self::Malformed(source)
    }
}

impl Fault {
    pub(crate) fn at(self, position: usize) -> LiftError {
        match self {
            Self::Malformed(source) => LiftError::Malformed { position, source },
            Self::NoLink(index) => LiftError::NoLink { position, index },
        }
    }
}

impl NetlinkRaw {
    /// The name of a link that must be known.
    pub(crate) fn named(&self, index: u32) -> Result<Text, Fault> {
        self.link_name(index).cloned().ok_or(Fault::NoLink(index))
    }
}

/// An attribute that this version does not decode, whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OpaqueAttribute {
    /// `nla_type` without its flags.
    pub number: u16,
    /// The payload as the kernel gave it.
    pub payload: Hex,
}

impl From<Attr<'_>> for OpaqueAttribute {
    fn from(attr: Attr<'_>) -> Self {
        Self {
            number: attr.kind,
            payload: Hex(attr.value.to_vec()),
        }
    }
}

/// Exactly `N` bytes: fewer are an error, and more are a form of the structure that this version does not know.
pub(crate) fn exact<const N: usize>(bytes: &[u8], what: &'static str) -> Result<[u8; N], Malformed> {
    let taken = super::attr::take::<N>(bytes, what)?;
    if bytes.len() == N {
        return Ok(taken);
    }
    Err(Malformed::Value {
        what,
        value: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
    })
}

/// All attributes, or the first error among them.
pub(crate) fn whole(attrs: Attrs<'_>) -> Result<Vec<Attr<'_>>, Malformed> {
    attrs.collect()
}

/// Reads a kernel structure field by field in host order; what the buffer lacks is an error at the first field that needs it.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    what: &'static str,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { bytes, at: 0, what }
    }

    fn next<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let value = super::attr::take_at(self.bytes, self.at, self.what)?;
        self.at = self.at.saturating_add(N);
        Ok(value)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.next::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.next().map(u16::from_ne_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.next().map(u32::from_ne_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        self.next().map(u64::from_ne_bytes)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, Malformed> {
        self.next().map(i16::from_ne_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Malformed> {
        self.next().map(i32::from_ne_bytes)
    }

    /// The bytes behind the fields read so far.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
}
