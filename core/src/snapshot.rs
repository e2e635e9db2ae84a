//! Everything read from one place at one time.

use serde::{Deserialize, Serialize};

use crate::azure::id::ResourceId;
use crate::bytes::Text;
use crate::namespace::{self, Namespaces};
use crate::section::coverage::Covered;
use crate::section::{Section, SectionName};

/// A snapshot in memory; how it is stored and shown is in [`crate::artifact`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What was read.
    pub target: Target,
    /// The program that read it and its version: `netghost 0.1.0`.
    pub tool: String,
    /// When the read ended, microseconds since 1970 UTC by the target's clock.
    pub taken_at_us: u64,
    /// Sorted by name, each at most once.
    pub sections: Vec<Section>,
    /// Every mechanism of the fixed list, and whether it was read.
    pub coverage: Vec<Covered>,
    /// The other network namespaces of a host, where they were asked for. `sections` and `coverage` are of its own one.
    pub namespaces: Option<Namespaces>,
}

impl Snapshot {
    /// With what was read of the other namespaces: the coverage list says of them what is known now.
    pub fn with_namespaces(mut self, namespaces: Namespaces) -> Self {
        namespace::replace(&mut self.coverage, namespaces.covered());
        self.sections
            .iter_mut()
            .for_each(|section| namespaces.settle(section));
        self.namespaces = Some(namespaces);
        self
    }

    /// The section of this name of the host's own namespace.
    pub fn section(&self, name: SectionName) -> Option<&Section> {
        find(&self.sections, name)
    }

    /// The sections of another namespace of the host by its name, or of the host's own; none where it was not read.
    pub fn sections_of(&self, namespace: Option<&Text>) -> &[Section] {
        let Some(name) = namespace else {
            return &self.sections;
        };
        let mut all = self.namespaces.iter().flat_map(|there| &there.all);
        all.find(|there| there.name == *name)
            .map_or(&[], |there| &there.sections)
    }
}

/// The section of this name among those of one namespace.
pub(crate) fn find(sections: &[Section], name: SectionName) -> Option<&Section> {
    sections.iter().find(|section| section.name == name)
}

/// Where a snapshot comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Target {
    /// A Linux host.
    Host {
        /// Its host name.
        name: Text,
        /// `/proc/sys/kernel/random/boot_id`.
        boot_id: Option<String>,
        /// The kernel's release.
        kernel: String,
    },
    /// A network interface in Azure.
    Nic {
        /// Its full resource id.
        id: ResourceId,
    },
    /// A file from somewhere else.
    File {
        /// Its base name.
        name: Text,
    },
}

impl Target {
    /// The name: of a network interface its resource id, since names are only unique in their group.
    pub fn name(&self) -> Text {
        match self {
            Self::Host { name, .. } | Self::File { name } => name.clone(),
            Self::Nic { id } => id.as_str().into(),
        }
    }
}
