//! From a manifest and its objects to a snapshot.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::redecode::{Decoded, redecode};
use super::{Entry, Manifest, SCHEMA, contradiction, namespaces};
use crate::artifact::json::{self, Digest, ReadError};
use crate::artifact::object;
use crate::bytes::Text;
use crate::raw::Raw;
use crate::section::{Content, DECODER, Section, SectionName, State};
use crate::snapshot::Snapshot;

/// Why an object could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// It is not there.
    #[error("it is missing")]
    Missing,
    /// It is there and could not be read.
    #[error("it could not be read")]
    Unread(#[source] std::io::Error),
}

/// Why a stored snapshot is not taken.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Another kind of document, or a later version.
    #[error("not a {wanted} document: its schema is {found:?}")]
    Schema {
        /// The schema expected.
        wanted: &'static str,
        /// The schema it states.
        found: String,
    },
    /// Not the document at all, or not the bytes that were written.
    #[error("not a whole, unedited {wanted} document")]
    Document {
        /// The schema expected.
        wanted: &'static str,
        /// What is wrong with it.
        #[source]
        source: ReadError,
    },
    /// An object is missing or unreadable.
    #[error("the {part} of section {section} (object {digest})")]
    Object {
        /// The section.
        section: SectionName,
        /// `config`, `runtime` or `raw`.
        part: &'static str,
        /// Its address.
        digest: Digest,
        /// Why.
        #[source]
        source: ObjectError,
    },
    /// An object's bytes are not what its address says.
    #[error("the {part} of section {section} was edited: object {digest} has the digest {found}")]
    Edited {
        /// The section.
        section: SectionName,
        /// `config`, `runtime` or `raw`.
        part: &'static str,
        /// Its address.
        digest: Digest,
        /// The digest of its bytes.
        found: Digest,
    },
    /// An object with the right digest is not of the right form.
    #[error("the {part} of section {section} is not of the expected form")]
    Form {
        /// The section.
        section: SectionName,
        /// `config`, `runtime` or `raw`.
        part: &'static str,
        /// What is wrong with it.
        #[source]
        source: ReadError,
    },
    /// A section that contradicts itself.
    #[error("section {section} is {what}")]
    Contradiction {
        /// The section.
        section: SectionName,
        /// The contradiction.
        what: &'static str,
    },
    /// Sections out of order, or one twice.
    #[error("the sections are not sorted by name, each once")]
    Order,
    /// Namespaces that contradict themselves.
    #[error("the namespaces are {what}")]
    Namespaces {
        /// The contradiction.
        what: &'static str,
    },
    /// A section of another namespace.
    #[error("in the network namespace {namespace}")]
    Within {
        /// The namespace.
        namespace: Text,
        /// What is wrong with its section.
        #[source]
        source: Box<Self>,
    },
}

impl LoadError {
    /// What is wrong, wherever the section is of.
    pub fn innermost(&self) -> &Self {
        match self {
            Self::Within { source, .. } => source.innermost(),
            other => other,
        }
    }
}

/// How the loader gets an object's bytes.
pub(crate) type GetObject<'a> = &'a dyn Fn(&Digest) -> Result<Vec<u8>, ObjectError>;
/// How the loader decodes older raw bytes.
pub(crate) type Redecode<'a> = &'a dyn Fn(SectionName, &Raw) -> Option<Decoded>;

#[derive(Deserialize)]
struct Schema {
    schema: String,
}

/// Checks which document this is before its fields are looked at.
pub(crate) fn check_schema(bytes: &[u8], wanted: &'static str) -> Result<(), LoadError> {
    let json = |source| LoadError::Document {
        wanted,
        source: ReadError::Json(source),
    };
    let Schema { schema: found } = serde_json::from_slice(bytes).map_err(json)?;
    if found == wanted {
        Ok(())
    } else {
        Err(LoadError::Schema { wanted, found })
    }
}

impl Manifest {
    /// Reads a manifest alone. The bytes must be exactly those that were written.
    pub fn read(bytes: &[u8]) -> Result<Self, LoadError> {
        check_schema(bytes, SCHEMA)?;
        json::from_slice(bytes).map_err(|source| LoadError::Document {
            wanted: SCHEMA,
            source,
        })
    }
}

/// The snapshot of a manifest. `get_object` gives the bytes of an object; they are hashed here, and bytes with another
/// digest are refused with the name of the section.
///
/// A section that another version of the decoders made is decoded again from its raw bytes; where that can't be done it
/// comes out as unreadable.
pub fn load(
    manifest_bytes: &[u8],
    get_object: &dyn Fn(&Digest) -> Result<Vec<u8>, ObjectError>,
) -> Result<Snapshot, LoadError> {
    load_with(manifest_bytes, get_object, &redecode)
}

pub(super) fn load_with(
    manifest_bytes: &[u8],
    get_object: GetObject<'_>,
    redecode: Redecode<'_>,
) -> Result<Snapshot, LoadError> {
    whole(Manifest::read(manifest_bytes)?, get_object, redecode)
}

/// The snapshot of a manifest that was read.
pub(crate) fn whole(
    manifest: Manifest,
    get_object: GetObject<'_>,
    redecode: Redecode<'_>,
) -> Result<Snapshot, LoadError> {
    let entries = manifest.sections;
    if !entries.is_sorted_by(|a, b| (&a.namespace, a.name) < (&b.namespace, b.name)) {
        return Err(LoadError::Order);
    }
    let mut sections = Vec::new();
    let mut others: BTreeMap<Text, Vec<Section>> = BTreeMap::new();
    for mut entry in entries {
        let namespace = entry.namespace.take();
        let section = restore(entry, get_object, redecode);
        match namespace {
            None => sections.push(section?),
            Some(namespace) => {
                let section = section.map_err(|source| LoadError::Within {
                    namespace: namespace.clone(),
                    source: Box::new(source),
                })?;
                others.entry(namespace).or_default().push(section);
            }
        }
    }
    let namespaces =
        namespaces::join(manifest.namespaces, others).map_err(|what| LoadError::Namespaces { what })?;
    if let Some(namespaces) = &namespaces {
        // What was decoded again may have listed anew what was read meanwhile.
        sections.iter_mut().for_each(|section| namespaces.settle(section));
    }
    Ok(Snapshot {
        sections,
        target: manifest.target,
        tool: manifest.tool,
        taken_at_us: manifest.taken_at_us.0,
        coverage: manifest.coverage,
        namespaces,
    })
}

/// The section of one entry.
fn restore(entry: Entry, get_object: GetObject<'_>, redecode: Redecode<'_>) -> Result<Section, LoadError> {
    let name = entry.name;
    let fetch = |digest: Option<Digest>, part| fetch(name, part, digest, get_object);
    let config = fetch(entry.config_digest, "config")?;
    let runtime = fetch(entry.runtime_digest, "runtime")?;
    let raw = fetch(entry.raw_digest, "raw")?
        .map(|bytes| form(name, "raw", &bytes))
        .transpose()?;
    let wrong = |what| LoadError::Contradiction { section: name, what };
    let state = entry
        .state
        .with(entry.why)
        .ok_or_else(|| wrong("in a state without its reason"))?;
    let objects = match (config, runtime) {
        (Some(config), Some(runtime)) => Some((config, runtime)),
        (None, None) => None,
        _ => return Err(wrong("holding one of config and runtime without the other")),
    };
    let mut section = Section {
        name,
        state,
        reader: entry.reader,
        decoder: entry.decoder,
        taken_at_us: entry.taken_at_us.0,
        generation: entry.generation,
        content: None,
        raw,
        gaps: entry.gaps,
        warnings: entry.warnings,
    };
    match objects {
        Some((config, runtime)) if section.decoder == DECODER => {
            section.content = Some(content(name, &config, &runtime)?);
        }
        Some(_) => again(&mut section, redecode),
        None => {}
    }
    // A section that was decoded again is unreadable where it has no content, so this never lets an old one through.
    contradiction(&section).map_or(Ok(section), |what| Err(wrong(what)))
}

fn fetch(
    section: SectionName,
    part: &'static str,
    digest: Option<Digest>,
    get_object: GetObject<'_>,
) -> Result<Option<Vec<u8>>, LoadError> {
    let Some(digest) = digest else { return Ok(None) };
    let bytes = get_object(&digest).map_err(|source| LoadError::Object {
        section,
        part,
        digest,
        source,
    })?;
    match Digest::of(&bytes) {
        found if found == digest => Ok(Some(bytes)),
        found => Err(LoadError::Edited {
            section,
            part,
            digest,
            found,
        }),
    }
}

fn form<T: DeserializeOwned>(section: SectionName, part: &'static str, bytes: &[u8]) -> Result<T, LoadError> {
    serde_json::from_slice(bytes).map_err(|source| LoadError::Form {
        section,
        part,
        source: ReadError::Json(source),
    })
}

fn content(section: SectionName, config: &[u8], runtime: &[u8]) -> Result<Content, LoadError> {
    object::read(section, config, runtime).map_err(|source| LoadError::Form {
        section,
        part: "content",
        source,
    })
}

/// Gives a section the content that this version's decoder makes of its raw bytes.
fn again(section: &mut Section, redecode: Redecode<'_>) {
    match section.raw.as_ref().and_then(|raw| redecode(section.name, raw)) {
        Some(decoded) => {
            section.content = Some(decoded.content);
            section.decoder = DECODER;
            section.gaps.extend(decoded.gaps);
            section.gaps.sort();
            section.gaps.dedup();
            if section.state == State::Captured && !section.gaps.is_empty() {
                let why = format!("decoder version {DECODER} could not read all of it");
                section.state = State::Unreadable { why };
            }
        }
        None => {
            let why = format!(
                "decoder versions differ ({} when it was stored, {DECODER} now), and it can't be decoded again",
                section.decoder
            );
            section.state = State::Unreadable { why };
        }
    }
}
