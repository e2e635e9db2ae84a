//! The sections of a network interface as facts, so that they are stored, digested and compared like those of a host.
//!
//! What is kept raw is the body as Azure Resource Manager gave it, or the file of what `az` printed: a later version decodes
//! it again.

use serde_json::Value as Json;

use crate::azure::id::ResourceId;
use crate::facts::{self, Facts, Lifted};
use crate::raw::lift::LiftError;
use crate::raw::{HostPart, HostRaw, PartRead};
use crate::section::{DECODER, Gap, Reader, Section, SectionName, State};
use crate::snapshot::{Snapshot, Target};

mod admin;
mod nic;
pub(crate) mod paths;
mod routes;
mod rules;
mod subnet;
#[cfg(test)]
mod tests;
mod value;

pub use subnet::own_of_subnet;

/// Decodes a section of [`SectionName::AZURE`]. What can't be understood is a gap, never a shorter list.
///
/// # Errors
/// For a section of another kind.
pub fn lift(name: SectionName, raw: &HostRaw) -> Result<Lifted, LiftError> {
    let bodies = Bodies(raw);
    let mut out = Lifted::default();
    match name {
        SectionName::Nic => nic::lift(&bodies, &mut out),
        SectionName::EffectiveRoutes => routes::lift(&bodies, &mut out),
        SectionName::EffectiveNsg => rules::lift(&bodies, &mut out),
        SectionName::AdminRules => admin::lift(&bodies, &mut out),
        other => {
            return Err(LiftError::Part {
                part: other.to_string(),
                why: "it is no section of Azure's".to_owned(),
            });
        }
    }
    out.config = Facts::new(out.config.facts);
    out.runtime = Facts::new(out.runtime.facts);
    Ok(out)
}

/// A section from the bodies that it was read as. One whose only part is absent does not apply, and the part says how that is
/// known.
pub fn section(name: SectionName, raw: HostRaw, taken_at_us: u64) -> Section {
    let mut section = Section {
        name,
        state: State::Captured,
        reader: Reader::Arm,
        decoder: DECODER,
        taken_at_us,
        generation: None,
        content: None,
        raw: None,
        gaps: Vec::new(),
        warnings: Vec::new(),
    };
    if let [
        HostPart {
            read: PartRead::Absent { why },
            ..
        },
    ] = raw.parts.as_slice()
    {
        section.state = State::NotApplicable { why: why.clone() };
        return section;
    }
    let lifted = lift(name, &raw);
    section.state = facts::fill(&mut section, raw, lifted);
    section
}

/// What was read of one network interface. The kernel's mechanisms are no part of it.
pub fn snapshot(id: ResourceId, mut sections: Vec<Section>, tool: &str) -> Snapshot {
    sections.sort_by_key(|section| section.name);
    Snapshot {
        target: Target::Nic { id },
        tool: tool.to_owned(),
        taken_at_us: sections
            .iter()
            .map(|section| section.taken_at_us)
            .max()
            .unwrap_or_default(),
        sections,
        coverage: Vec::new(),
        namespaces: None,
    }
}

/// The bodies that a section was read as, by the names of their parts.
pub(super) struct Bodies<'a>(&'a HostRaw);

impl<'a> Bodies<'a> {
    /// The one body of this name. One that was not asked for, could not be read or is not JSON is a gap.
    fn named(&self, source: &'a str, out: &mut Lifted) -> Option<(&'a str, Json)> {
        match self.0.part(source) {
            Some(read) => self.body(source, read, out),
            None => {
                out.gaps.push(gap(source, "it was not asked for"));
                None
            }
        }
    }

    /// Every body whose name begins so.
    fn beginning(&self, start: &str, out: &mut Lifted) -> Vec<(&'a str, Json)> {
        let named = self.0.parts.iter().filter(|part| part.source.starts_with(start));
        named
            .filter_map(|part| self.body(&part.source, &part.read, out))
            .collect()
    }

    fn body(&self, source: &'a str, read: &PartRead, out: &mut Lifted) -> Option<(&'a str, Json)> {
        let why = match read {
            PartRead::File { content } => match content.as_str().map(serde_json::from_str) {
                Some(Ok(body)) => return Some((source, body)),
                Some(Err(error)) => format!("it is no JSON: {error}"),
                None => "it is no text".to_owned(),
            },
            PartRead::Absent { why } | PartRead::Unreadable { why } => why.clone(),
            PartRead::Messages { .. } => "messages where a body belongs".to_owned(),
        };
        out.gaps.push(gap(source, &why));
        None
    }
}

fn gap(path: &str, why: &str) -> Gap {
    Gap {
        path: path.to_owned(),
        why: why.to_owned(),
    }
}
