//! A baseline of a fleet: who is in it, as it is sealed and exported.

use serde::{Deserialize, Serialize};

use crate::artifact::certificate::{Predicate, Seal, SealKind, Statement, Subject};
use crate::artifact::json::{self, CanonicalError, Digest, ReadError};
use crate::artifact::manifest::{Entry, Manifest, NamespaceWord, Namespaces, StateWord};
use crate::artifact::name::Name;
use crate::azure::id::ResourceId;
use crate::bytes::{Big, Text};
use crate::section::SectionName;

use super::way::{Layer, Way};

/// The schema of [`Baseline`].
pub const SCHEMA: &str = "netghost.baseline/v1";

/// What the seal calls the document itself.
pub const DOCUMENT: &str = "baseline.json";

/// A baseline: a name and its members. The seal is over these bytes and over each member's manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// [`SCHEMA`].
    pub schema: String,
    /// Its name.
    pub name: Name,
    /// When it was sealed, microseconds since 1970 UTC by the controller's clock.
    pub created_at_us: Big,
    /// Who asked for it.
    pub created_by: Text,
    /// The change it belongs to.
    pub ticket: Option<Text>,
    /// What they wrote about it.
    pub note: Option<Text>,
    /// Everyone that it was asked of, sorted by name, each name and id once.
    pub members: Vec<Member>,
}

/// One that a baseline was asked of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The agent's id.
    pub id: crate::fleet::Id,
    /// Its name when the baseline was made.
    pub name: Name,
    /// The digest of its manifest; `null` if it could not be read.
    pub manifest: Option<Digest>,
    /// Why not; `null` exactly when there is a manifest.
    pub why: Option<String>,
    /// Sections that were asked for and not captured, sorted.
    pub not_captured: Vec<SectionName>,
    /// The resource that it is, where it is no agent: a network interface, or a VM that was read without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceId>,
    /// By which way it was read, or would have been; not there in baselines of before it was written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
}

impl Member {
    /// The layer that it belongs to.
    pub fn layer(&self) -> Layer {
        self.way.map_or(Layer::Host, Way::layer)
    }
}

/// How far a baseline is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// Everyone and every section was read.
    Complete,
    /// Somebody or something is missing; which stands with the members.
    Partial,
    /// Nobody was read: there is no baseline.
    Failed,
}

impl Completeness {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Failed => "failed",
        }
    }

    /// What follows from the members.
    pub fn of(members: &[Member]) -> Self {
        let whole = |member: &Member| member.manifest.is_some() && member.not_captured.is_empty();
        if members.iter().all(|member| member.manifest.is_none()) {
            Self::Failed
        } else if members.iter().all(whole) {
            Self::Complete
        } else {
            Self::Partial
        }
    }
}

/// The sections that were asked for and that a manifest does not know, sorted; `asked` is nothing for all of a host.
/// A section of the manifest that nobody asked for and that was not read is among them.
pub fn not_captured(manifest: &Manifest, asked: &[SectionName]) -> Vec<SectionName> {
    let asked = if asked.is_empty() {
        &SectionName::DEFAULT[..]
    } else {
        asked
    };
    let known = |entry: &Entry| matches!(entry.state, StateWord::Captured | StateWord::NotApplicable);
    // In the host's own namespace it must be there; in another one, where it is there, it must be known.
    let is_known = |name: &SectionName| {
        let mut all = manifest.sections.iter().filter(|entry| entry.name == *name);
        let own = |entry: &Entry| entry.namespace.is_none();
        manifest
            .sections
            .iter()
            .any(|entry| entry.name == *name && own(entry))
            && all.all(known)
    };
    let there = manifest.sections.iter().map(|entry| entry.name);
    let mut missing: Vec<SectionName> = asked
        .iter()
        .copied()
        .chain(there)
        .filter(|name| !is_known(name))
        .collect();
    let unread = |namespaces: &Namespaces| {
        let mut all = namespaces.all.iter();
        namespaces.why.is_some() || all.any(|namespace| namespace.state != NamespaceWord::Read)
    };
    if manifest.namespaces.as_ref().is_some_and(unread) {
        missing.push(SectionName::Namespaces);
    }
    missing.sort();
    missing.dedup();
    missing
}

/// True if of all that was asked for nothing is known: `asked` is nothing for all of a host. Such a manifest is no member's.
pub fn is_blank(manifest: &Manifest, asked: &[SectionName]) -> bool {
    let missing = not_captured(manifest, asked);
    let asked = if asked.is_empty() {
        &SectionName::DEFAULT[..]
    } else {
        asked
    };
    asked.iter().all(|name| missing.contains(name))
}

/// Why bytes are no baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// Not the document, or not the bytes that were written.
    #[error("not a whole, unedited {SCHEMA} document")]
    Document(#[from] ReadError),
    /// Another kind of document, or a later version.
    #[error("not a {SCHEMA} document: its schema is {0:?}")]
    Schema(String),
    /// The members are not in order, or two have one name or one id.
    #[error("the members are not sorted by name, each name and id once")]
    Order,
    /// A member has a manifest and a reason why not, or neither.
    #[error("member {0} has to have either a manifest or the reason why not")]
    Member(Name),
    /// A seal that is not this baseline's.
    #[error("the seal is not over this baseline: {0}")]
    Seal(&'static str),
}

impl Baseline {
    /// Reads a baseline; the bytes must be exactly those that were written.
    pub fn read(bytes: &[u8]) -> Result<Self, BaselineError> {
        let baseline: Self = json::from_slice(bytes)?;
        if baseline.schema != SCHEMA {
            return Err(BaselineError::Schema(baseline.schema));
        }
        let mut ids: Vec<_> = baseline.members.iter().map(|member| member.id).collect();
        ids.sort();
        let once = ids.is_sorted_by(|a, b| a < b);
        if !once || !baseline.members.is_sorted_by(|a, b| a.name < b.name) {
            return Err(BaselineError::Order);
        }
        let contradicts = |member: &&Member| member.manifest.is_some() == member.why.is_some();
        if let Some(member) = baseline.members.iter().find(contradicts) {
            return Err(BaselineError::Member(member.name.clone()));
        }
        Ok(baseline)
    }

    /// The bytes that are sealed.
    pub fn to_vec(&self) -> Result<Vec<u8>, CanonicalError> {
        json::to_vec(self)
    }

    /// What is signed: the document of these bytes and every manifest, under the baseline's name.
    pub fn statement(&self, document: &[u8], tool: &str) -> Statement {
        Statement {
            subject: self.subjects(Digest::of(document)),
            predicate: Predicate::Seal(Seal {
                name: self.name.clone(),
                kind: SealKind::Baseline,
                sealed_at_us: self.created_at_us,
                asked_by: Some(self.created_by.clone()),
                ticket: self.ticket.clone(),
                note: self.note.clone(),
                tool: tool.to_owned(),
            }),
        }
    }

    /// Holds a statement whose signature was checked to this baseline.
    pub fn is_sealed_by(&self, document: &[u8], statement: &Statement) -> Result<(), BaselineError> {
        let Predicate::Seal(seal) = &statement.predicate else {
            return Err(BaselineError::Seal("it is a certificate of another kind"));
        };
        if seal.kind != SealKind::Baseline {
            return Err(BaselineError::Seal("it seals files"));
        }
        if seal.name != self.name {
            return Err(BaselineError::Seal("it has another name"));
        }
        if statement.subject != self.subjects(Digest::of(document)) {
            return Err(BaselineError::Seal("it is over other content"));
        }
        Ok(())
    }

    fn subjects(&self, document: Digest) -> Vec<Subject> {
        let manifest = |member: &Member| {
            let digest = member.manifest?;
            Some(Subject::new(&format!("{}/manifest.json", member.name), digest))
        };
        let members = self.members.iter().filter_map(manifest);
        [Subject::new(DOCUMENT, document)]
            .into_iter()
            .chain(members)
            .collect()
    }
}

/// The digest of the document that a seal is over.
pub fn sealed_document(statement: &Statement) -> Option<Digest> {
    let document = |subject: &&Subject| subject.name == DOCUMENT;
    statement
        .subject
        .iter()
        .find(document)
        .map(|subject| subject.digest.sha256)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::manifest::{Meta, store};
    use crate::artifact::sample;
    use crate::fleet::Id;

    fn member(number: u8, name: &str, manifest: bool) -> Member {
        Member {
            id: Id::from_random([number; 16]),
            name: Name::parse(name).unwrap(),
            manifest: manifest.then(|| Digest::of(name.as_bytes())),
            why: (!manifest).then(|| "offline".to_owned()),
            not_captured: vec![],
            resource: None,
            way: None,
        }
    }

    fn baseline(members: Vec<Member>) -> Baseline {
        Baseline {
            schema: SCHEMA.to_owned(),
            name: Name::parse("golden").unwrap(),
            created_at_us: Big(u64::MAX),
            created_by: "ada".into(),
            ticket: Some("CHG-1".into()),
            note: None,
            members,
        }
    }

    #[test]
    fn completeness_follows_from_the_members() {
        let gap = Member {
            not_captured: vec![SectionName::Tc],
            ..member(3, "c", true)
        };
        let whole = member(1, "a", true);
        let away = member(2, "b", false);
        assert_eq!(Completeness::of(&[]), Completeness::Failed);
        assert_eq!(
            Completeness::of(std::slice::from_ref(&away)),
            Completeness::Failed
        );
        assert_eq!(
            Completeness::of(std::slice::from_ref(&whole)),
            Completeness::Complete
        );
        assert_eq!(Completeness::of(&[whole.clone(), away]), Completeness::Partial);
        assert_eq!(Completeness::of(&[whole, gap]), Completeness::Partial);
    }

    #[test]
    fn what_was_asked_for_and_is_not_there_is_not_captured() {
        let stored = store(&sample::snapshot(), &Meta::default()).unwrap();
        let manifest = Manifest::read(&stored.manifest_bytes).unwrap();
        let wanted = [
            SectionName::ArptablesLegacy,
            SectionName::EbtablesLegacy,
            SectionName::Tc,
            SectionName::Links,
            SectionName::Routes,
        ];
        let asked = [wanted.as_slice(), &[SectionName::Nftables]].concat();
        assert_eq!(
            not_captured(&manifest, &asked),
            wanted,
            "torn, not there, unreadable"
        );
        let of_all = not_captured(&manifest, &[]);
        let read = SectionName::DEFAULT.len() - of_all.len();
        assert!(read < SectionName::DEFAULT.len() && wanted.iter().all(|name| of_all.contains(name)));
        assert!(is_blank(&manifest, &wanted), "nothing of that is known");
        assert!(
            !is_blank(&manifest, &asked) && !is_blank(&manifest, &[]),
            "something is"
        );
        assert_eq!(
            not_captured(&manifest, &[SectionName::Nftables]),
            [SectionName::Tc, SectionName::Routes],
            "what is there and unknown is never silent"
        );
    }

    #[test]
    fn a_namespace_that_was_not_read_is_not_captured() {
        let stored = |snapshot| store(&snapshot, &Meta::default()).unwrap();
        let read = |snapshot| Manifest::read(&stored(snapshot).manifest_bytes).unwrap();
        let asked = [SectionName::Nftables];
        let mut snapshot = sample::with_namespaces();
        assert!(not_captured(&read(snapshot.clone()), &asked).contains(&SectionName::Namespaces));
        snapshot.sections.truncate(1);
        let namespaces = snapshot.namespaces.as_mut().unwrap();
        namespaces.all.truncate(1);
        namespaces.all[0].sections.truncate(1);
        assert_eq!(not_captured(&read(snapshot.clone()), &asked), []);
        let blue = &mut snapshot.namespaces.as_mut().unwrap().all[0];
        blue.sections[0].state = crate::section::State::Torn { why: "busy".into() };
        assert_eq!(not_captured(&read(snapshot), &asked), asked);
    }

    #[test]
    fn a_seal_is_over_the_document_and_every_manifest() {
        let whole = baseline(vec![member(1, "a", true), member(2, "b", false)]);
        let bytes = whole.to_vec().unwrap();
        assert_eq!(Baseline::read(&bytes).unwrap(), whole);
        let statement = whole.statement(&bytes, "tool");
        assert_eq!(statement.subject.len(), 2);
        assert_eq!(sealed_document(&statement), Some(Digest::of(&bytes)));
        assert!(whole.is_sealed_by(&bytes, &statement).is_ok());
        let less = baseline(vec![member(1, "a", true)]);
        let other = less.to_vec().unwrap();
        assert!(
            less.is_sealed_by(&other, &statement).is_err(),
            "a member taken away"
        );
        let renamed = Baseline {
            name: Name::parse("other").unwrap(),
            ..whole.clone()
        };
        assert!(renamed.is_sealed_by(&bytes, &statement).is_err());
        let mut files = statement;
        if let Predicate::Seal(seal) = &mut files.predicate {
            seal.kind = SealKind::Files;
        }
        assert!(whole.is_sealed_by(&bytes, &files).is_err());
    }

    #[test]
    fn a_baseline_of_before_resources_keeps_its_bytes() {
        let bytes = br#"{"created_at_us":"7","created_by":"ada","members":[{"id":"01010101-0101-4101-8101-010101010101","manifest":null,"name":"a","not_captured":[],"why":"offline"}],"name":"golden","note":null,"schema":"netghost.baseline/v1","ticket":null}"#;
        let read = Baseline::read(bytes).unwrap();
        assert_eq!(read.members, [member(1, "a", false)]);
        assert_eq!(
            (read.members[0].layer(), read.to_vec().unwrap()),
            (Layer::Host, bytes.to_vec())
        );
        let nic = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/n";
        let of_azure = Member {
            resource: Some(nic.parse().unwrap()),
            way: Some(Way::Arm),
            ..member(1, "a", true)
        };
        assert_eq!(of_azure.layer(), Layer::Azure);
        let later = baseline(vec![of_azure]);
        assert_eq!(Baseline::read(&later.to_vec().unwrap()).unwrap(), later);
    }

    #[test]
    fn a_document_that_contradicts_itself_is_refused() {
        let refused =
            |members: Vec<Member>| Baseline::read(&baseline(members).to_vec().unwrap()).unwrap_err();
        let twice = vec![member(1, "a", true), member(2, "a", true)];
        assert!(matches!(refused(twice), BaselineError::Order));
        let one_id = vec![member(1, "a", true), member(1, "b", true)];
        assert!(matches!(refused(one_id), BaselineError::Order));
        let both = Member {
            why: Some("no".to_owned()),
            ..member(1, "a", true)
        };
        assert!(matches!(refused(vec![both]), BaselineError::Member(_)));
        let later = Baseline {
            schema: "netghost.snapshot/v1".to_owned(),
            ..baseline(vec![])
        };
        let later = Baseline::read(&later.to_vec().unwrap());
        assert!(matches!(later, Err(BaselineError::Schema(_))));
    }
}
