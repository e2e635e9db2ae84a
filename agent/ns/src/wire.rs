//! What goes over the socket: one question, one answer, each a frame of a length and that many bytes.
//!
//! An answer begins with a word: `refused` and the reason, or `answer`, a manifest without sections of the host's own, and its
//! objects. The objects are checked against the digests in the manifest when it is loaded.

use std::io::{Read, Write};

use netghost_core::artifact::json::Digest;
pub use netghost_core::artifact::manifest::Stored;
use netghost_core::artifact::manifest::{self, Meta, ObjectError};
use netghost_core::namespace::{Asked, Namespaces};
use netghost_core::section::SectionName;
use netghost_core::snapshot::{Snapshot, Target};
use netghost_kernel::frames::{self, FrameError};
use serde::{Deserialize, Serialize};

/// The schema of a question.
pub const SCHEMA: &str = "netghost.namespaces_request/v1";
/// The longest question, in bytes.
pub const LONGEST_QUESTION: usize = 64 << 10;
/// The most bytes of an answer.
pub const LONGEST_ANSWER: usize = 128 << 20;
/// The most objects of an answer.
const MOST_OBJECTS: usize = 1 << 20;

const REFUSED: &[u8] = b"refused";
const ANSWER: &[u8] = b"answer";

/// The one question that is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// [`SCHEMA`].
    pub schema: String,
    /// Which sections; those that are apart in each namespace.
    pub sections: Vec<SectionName>,
    /// In which namespaces.
    pub namespaces: Asked,
}

/// What is wrong with what came.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// It could not be read or written, took too long, or is longer than anything that is taken.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// It is of another form.
    #[error("not of the form that is spoken here: {what}")]
    Form {
        /// What is wrong.
        what: String,
    },
    /// The other side refused.
    #[error("netghost-ns refused: {why}")]
    Refused {
        /// Its reason.
        why: String,
    },
}

fn form(what: impl std::fmt::Display) -> WireError {
    WireError::Form {
        what: what.to_string(),
    }
}

/// Reads a frame of at most so many bytes.
pub fn read_frame(from: &mut impl Read, most: usize) -> Result<Vec<u8>, WireError> {
    Ok(frames::read(from, most)?)
}

/// Writes a frame.
pub fn write_frame(to: &mut impl Write, bytes: &[u8]) -> Result<(), WireError> {
    Ok(frames::write(to, bytes).map_err(FrameError::Connection)?)
}

/// Says why nothing is answered.
pub fn refuse(to: &mut impl Write, why: &str) -> Result<(), WireError> {
    write_frame(to, REFUSED)?;
    write_frame(to, why.as_bytes())
}

/// The namespaces as they are stored: in a manifest without sections of the host's own.
pub fn stored(namespaces: Namespaces) -> Result<Stored, WireError> {
    let snapshot = Snapshot {
        target: Target::File {
            name: "netghost-ns".into(),
        },
        tool: concat!("netghost-ns ", env!("CARGO_PKG_VERSION")).to_owned(),
        taken_at_us: 0,
        sections: Vec::new(),
        coverage: Vec::new(),
        namespaces: Some(namespaces),
    };
    manifest::store(&snapshot, &Meta::default()).map_err(form)
}

/// How many bytes an answer has.
pub fn size(stored: &Stored) -> usize {
    let objects = stored.objects.iter().map(|(_, bytes)| bytes.len());
    objects.sum::<usize>().saturating_add(stored.manifest_bytes.len())
}

/// Answers.
pub fn answer(to: &mut impl Write, stored: &Stored) -> Result<(), WireError> {
    write_frame(to, ANSWER)?;
    write_frame(to, &stored.manifest_bytes)?;
    let count = u32::try_from(stored.objects.len()).map_err(form)?;
    write_frame(to, &count.to_be_bytes())?;
    for (_, bytes) in &stored.objects {
        write_frame(to, bytes)?;
    }
    Ok(())
}

/// Reads an answer, every digest checked.
pub fn take(from: &mut impl Read) -> Result<Namespaces, WireError> {
    let mut left = LONGEST_ANSWER;
    let mut next = |from: &mut _| {
        let bytes = read_frame(from, left)?;
        left = left.saturating_sub(bytes.len());
        Ok::<_, WireError>(bytes)
    };
    match next(from)?.as_slice() {
        ANSWER => {}
        REFUSED => {
            let why = next(from)?;
            let why = String::from_utf8_lossy(&why).chars().take(1_000).collect();
            return Err(WireError::Refused { why });
        }
        _ => return Err(form("neither an answer nor a refusal")),
    }
    let manifest = next(from)?;
    let count: [u8; 4] = next(from)?.try_into().map_err(|_| form("a count"))?;
    let count = usize::try_from(u32::from_be_bytes(count)).unwrap_or(usize::MAX);
    if count > MOST_OBJECTS {
        return Err(form("too many objects"));
    }
    let mut objects = std::collections::BTreeMap::new();
    for _ in 0..count {
        let bytes = next(from)?;
        objects.insert(Digest::of(&bytes), bytes);
    }
    let get = |digest: &Digest| objects.get(digest).cloned().ok_or(ObjectError::Missing);
    let snapshot = manifest::load(&manifest, &get).map_err(form)?;
    snapshot.namespaces.ok_or_else(|| form("no namespaces"))
}
