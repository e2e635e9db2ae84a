//! From a snapshot to a manifest and its objects.

use std::collections::BTreeMap;

use super::{Entry, Manifest, Meta, SCHEMA, contradiction, namespaces};
use crate::artifact::json::{self, CanonicalError, Digest};
use crate::artifact::object;
use crate::bytes::{Big, Text};
use crate::section::{Section, SectionName};
use crate::snapshot::Snapshot;

/// A snapshot as it is stored: written by the caller, objects first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The manifest's file.
    pub manifest_bytes: Vec<u8>,
    /// The objects by digest; equal content stands here once.
    pub objects: Vec<(Digest, Vec<u8>)>,
}

impl Stored {
    /// The digest of the manifest's bytes: it addresses the snapshot.
    pub fn artifact_digest(&self) -> Digest {
        Digest::of(&self.manifest_bytes)
    }
}

/// Why a snapshot can't be stored. Each is a fault of the reader that made it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A value breaks the canonical form.
    #[error("section {section}")]
    Form {
        /// The section.
        section: SectionName,
        /// What breaks it.
        #[source]
        source: CanonicalError,
    },
    /// The manifest itself breaks the canonical form.
    #[error("the manifest")]
    Manifest(#[source] CanonicalError),
    /// A section that contradicts itself, so that nothing could be concluded from it.
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
}

/// Objects gathered by digest.
pub(crate) type Objects = BTreeMap<Digest, Vec<u8>>;

/// The manifest and objects of `snapshot`.
pub fn store(snapshot: &Snapshot, meta: &Meta) -> Result<Stored, StoreError> {
    let mut objects = Objects::new();
    let namespaces = snapshot.namespaces.as_ref();
    if let Some(what) = namespaces.and_then(namespaces::contradiction) {
        return Err(StoreError::Namespaces { what });
    }
    let of_each = namespaces.into_iter().flat_map(|namespaces| &namespaces.all);
    let mut lists = of_each
        .map(|namespace| &namespace.sections)
        .chain([&snapshot.sections]);
    if !lists.all(|sections| sections.is_sorted_by(|a, b| a.name < b.name)) {
        return Err(StoreError::Order);
    }
    let sections = all(snapshot)
        .map(|(namespace, section)| entry(namespace, section, &mut objects))
        .collect::<Result<_, _>>()?;
    let manifest = Manifest {
        schema: SCHEMA.to_owned(),
        name: meta.name.clone(),
        target: snapshot.target.clone(),
        tool: snapshot.tool.clone(),
        taken_at_us: Big(snapshot.taken_at_us),
        asked_by: meta.asked_by.clone(),
        ticket: meta.ticket.clone(),
        note: meta.note.clone(),
        sections,
        coverage: snapshot.coverage.clone(),
        namespaces: namespaces.map(Into::into),
    };
    let manifest_bytes = json::to_vec(&manifest).map_err(StoreError::Manifest)?;
    Ok(Stored {
        manifest_bytes,
        objects: objects.into_iter().collect(),
    })
}

/// Every section in the order in which they are stored, with its namespace: the host's own, then those of each other one.
pub(crate) fn all(snapshot: &Snapshot) -> impl Iterator<Item = (Option<&Text>, &Section)> {
    let own = snapshot.sections.iter().map(|section| (None, section));
    let namespaces = snapshot.namespaces.iter().flat_map(|namespaces| &namespaces.all);
    let others = namespaces.flat_map(|namespace| {
        let sections = namespace.sections.iter();
        sections.map(|section| (Some(&namespace.name), section))
    });
    own.chain(others)
}

/// The section's line in the manifest; its objects go to `objects`.
pub(crate) fn entry(
    namespace: Option<&Text>,
    section: &Section,
    objects: &mut Objects,
) -> Result<Entry, StoreError> {
    let name = section.name;
    if let Some(what) = contradiction(section) {
        return Err(StoreError::Contradiction { section: name, what });
    }
    let content = section.content.as_ref();
    if content.is_some_and(|content| !object::fits(name, content)) {
        return Err(StoreError::Contradiction {
            section: name,
            what: "holding another section's content",
        });
    }
    let mut keep = |bytes: Option<Result<Vec<u8>, CanonicalError>>| {
        let bytes = bytes.transpose().map_err(|source| StoreError::Form {
            section: name,
            source,
        })?;
        Ok(bytes.map(|bytes| {
            let digest = Digest::of(&bytes);
            objects.insert(digest, bytes);
            digest
        }))
    };
    Ok(Entry {
        name,
        namespace: namespace.cloned(),
        state: (&section.state).into(),
        why: section.state.why().map(str::to_owned),
        reader: section.reader,
        decoder: section.decoder,
        taken_at_us: Big(section.taken_at_us),
        generation: section.generation,
        gaps: section.gaps.clone(),
        warnings: section.warnings.clone(),
        config_digest: keep(content.map(object::config))?,
        runtime_digest: keep(content.map(object::runtime))?,
        raw_digest: keep(section.raw.as_ref().map(json::to_vec))?,
    })
}
