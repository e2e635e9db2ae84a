//! Several comparisons, one for each target, as one answer: a predicate for one certificate, and one document.
//!
//! Targets are told apart by the name under which the fleet knows them; host names may be equal on two of them.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::{CertifyError, Comparison, Digests, NotCovered, Request, Verdict};
use crate::artifact::certificate::{
    self, Answer, Changes, CoveredSection, DriftVerdict, Muted, ShortChange, Subject,
};
use crate::artifact::json::{self, CanonicalError, Digest, value};
use crate::artifact::name::Name;
use crate::azure::activity::{Around, Logs, Origins, Peers, Period, attribute};
use crate::azure::id::ResourceId;
use crate::bytes::{Big, Text};
use crate::fleet::Id;
use crate::job::{Layer, Way};
use crate::section::SectionName;
use crate::snapshot::Snapshot;
use crate::window::Window;

/// The schema of [`Check::document`].
pub const SCHEMA: &str = "netghost.drift_check/v1";

/// How many changes the certificate names; all are counted, and the digest is of all.
const NAMED: usize = 1_000;
/// The field of the document that its certificate can't be over.
const CERTIFICATE: &str = "certificate";
/// What stands in a certificate where nothing of a target was compared.
const ALL_SECTIONS: &str = "all sections";
/// What stands for the target where it is about all of them.
pub const ALL_TARGETS: &str = "all targets";

/// A target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// Its name, which parts it from the others in paths.
    pub name: Name,
    /// Its id.
    pub id: Id,
    /// The resource that it is, where it is no agent.
    pub resource: Option<ResourceId>,
    /// By which way it was read, or would have been.
    pub way: Option<Way>,
}

impl Who {
    /// What it is called: something in Azure by its resource id, a host by its name.
    pub fn target(&self) -> &str {
        match &self.resource {
            Some(resource) if self.way.map(Way::layer) == Some(Layer::Azure) => resource.as_str(),
            _ => self.name.as_str(),
        }
    }
}

/// What became of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    who: Who,
    asked: bool,
    why: Option<String>,
    verdict: Verdict,
    changes: Vec<Value>,
    /// Of each change in Azure, the resources that it may come from.
    origins: Vec<Option<Origins>>,
    short: Vec<ShortChange>,
    not_covered: Vec<NotCovered>,
    covered: Vec<CoveredSection>,
    gaps: Vec<certificate::NotCovered>,
    muted: Vec<Muted>,
    digests: Digests,
    times: Option<(u64, u64)>,
    manifests: Digests,
    document: Option<Digest>,
}

impl Part {
    /// A target that was compared. `manifests` are those of the two snapshots, `document` is the comparison's own.
    pub fn compared(
        who: Who,
        found: &Comparison,
        (before, after): (&Snapshot, &Snapshot),
        manifests: Digests,
        document: Digest,
    ) -> Result<Self, CertifyError> {
        let target = Text::from(who.target());
        let mut drift = found.certify(before, after, Request::default())?;
        drift
            .covered
            .iter_mut()
            .for_each(|row| (row.target, row.way) = (target.clone(), who.way));
        drift.muted.iter_mut().for_each(|row| row.target = target.clone());
        drift
            .not_covered
            .iter_mut()
            .for_each(|row| row.target = target.clone());
        drift
            .changes
            .list
            .iter_mut()
            .for_each(|row| row.target = target.clone());
        let mut not_covered = found.not_covered.clone();
        not_covered.iter_mut().for_each(|row| row.target = target.clone());
        let mut part = Self {
            changes: changes(who.target(), found)?,
            origins: origins(found, before, after),
            short: drift.changes.list,
            verdict: found.verdict,
            not_covered,
            covered: drift.covered,
            gaps: drift.not_covered,
            muted: drift.muted,
            digests: found.digests,
            times: Some((before.taken_at_us, after.taken_at_us)),
            manifests,
            document: Some(document),
            ..Self::blank(who)
        };
        if part.verdict == Verdict::Unknown && !part.not_covered.iter().any(|row| row.requested) {
            part.gap("nothing was compared", true);
        }
        Ok(part)
    }

    /// A target that was asked for and of which nothing is known. What is known of its manifests is told.
    pub fn unknown(who: Who, why: &str, manifests: Digests) -> Self {
        let mut part = Self {
            manifests,
            ..Self::blank(who)
        };
        part.gap(why, true);
        part
    }

    /// One that was not asked for, and that nobody should take for checked.
    pub fn aside(who: Who, why: &str) -> Self {
        let mut part = Self {
            asked: false,
            ..Self::blank(who)
        };
        part.gap(why, false);
        part
    }

    /// It is told that the target is there no more; what of it is not covered is said beside that.
    #[must_use]
    pub fn gone(mut self, why: &str) -> Self {
        if self.verdict == Verdict::Unknown {
            self.why = Some(format!("{why}: {}", self.reasons()));
        }
        self
    }

    /// What was asked for and is not covered, and why, in one line; nothing where all is.
    pub fn reasons(&self) -> String {
        let asked = self.not_covered.iter().filter(|row| row.requested);
        let said = asked.map(|row| match row.section {
            Some(section) => format!("{section}: {}", row.why),
            None => row.why.clone(),
        });
        said.collect::<Vec<_>>().join("; ")
    }

    /// The logs that would tell of its changes in Azure, by subscription, and since when: none where there is no such change.
    pub fn wants(&self) -> Option<(BTreeSet<String>, u64)> {
        let origins = self.origins.iter().flatten();
        let subscriptions: BTreeSet<String> = origins.flat_map(Origins::subscriptions).collect();
        let (baseline_us, _) = self.times?;
        self.origins
            .iter()
            .any(Option::is_some)
            .then_some((subscriptions, baseline_us))
    }

    /// The networks whose peers may have made its changes in Azure.
    pub fn networks(&self) -> BTreeSet<ResourceId> {
        let origins = self.origins.iter().flatten();
        origins.flat_map(|origins| origins.peering().clone()).collect()
    }

    /// Takes in where those peers lie.
    pub fn peered(&mut self, peers: &Peers) {
        let origins = self.origins.iter_mut().flatten();
        origins.for_each(|origins| origins.peered(peers));
    }

    /// Puts beside each change in Azure what the logs say of it.
    pub fn attribute(&mut self, logs: &Logs, now_us: u64) -> Result<(), CertifyError> {
        let baseline_us = self.times.map_or(now_us, |(baseline_us, _)| baseline_us);
        let period = Period::wanted(baseline_us, now_us);
        for (row, origins) in self.changes.iter_mut().zip(&self.origins) {
            if let (Value::Object(fields), Some(origins)) = (row, origins) {
                let said = attribute(origins, logs, period, baseline_us);
                fields.insert("attribution".to_owned(), serde_json::to_value(said)?);
            }
        }
        Ok(())
    }

    /// The target's answer.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// How many changes count.
    pub fn changes(&self) -> usize {
        self.changes.len()
    }

    /// How much of it was not covered.
    pub fn not_covered(&self) -> usize {
        self.not_covered.len()
    }

    /// The target.
    pub fn id(&self) -> Id {
        self.who.id
    }

    /// Why nothing is known of it.
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// Its own comparison.
    pub fn document(&self) -> Option<Digest> {
        self.document
    }

    fn blank(who: Who) -> Self {
        Self {
            who,
            asked: true,
            why: None,
            verdict: Verdict::Unknown,
            changes: Vec::new(),
            origins: Vec::new(),
            short: Vec::new(),
            not_covered: Vec::new(),
            covered: Vec::new(),
            gaps: Vec::new(),
            muted: Vec::new(),
            digests: Digests::default(),
            times: None,
            manifests: Digests::default(),
            document: None,
        }
    }

    fn gap(&mut self, why: &str, requested: bool) {
        self.why = Some(why.to_owned());
        let (row, stated) = gap(self.who.target(), why, requested);
        self.not_covered.push(row);
        self.gaps.push(stated);
    }

    fn row(&self) -> Value {
        let who = &self.who;
        let mut row = json!({
            "name": who.name,
            "id": who.id,
            "verdict": self.verdict,
            "drift_detected": detected(self.verdict),
            "why": self.why,
            "changes": self.changes,
            "not_covered": self.not_covered,
            "digests": self.digests,
            "manifests": self.manifests,
            "document": self.document,
        });
        if let Value::Object(fields) = &mut row {
            let resource = who.resource.as_ref().map(|id| ("resource", id.as_str()));
            let way = who.way.map(|way| ("way", way.as_str()));
            let known = resource.into_iter().chain(way);
            fields.extend(known.map(|(field, word)| (field.to_owned(), Value::from(word))));
        }
        row
    }
}

/// Nothing of this target was compared: as the document and as the certificate say it.
fn gap(target: &str, why: &str, requested: bool) -> (NotCovered, certificate::NotCovered) {
    let row = NotCovered {
        section: None,
        mechanism: None,
        path: None,
        target: target.into(),
        why: why.to_owned(),
        requested,
        namespace: None,
    };
    let stated = certificate::NotCovered {
        target: target.into(),
        section: ALL_SECTIONS.to_owned(),
        why: why.to_owned(),
        requested,
        namespace: None,
    };
    (row, stated)
}

/// Each change as the comparison's document holds it, with its target.
fn changes(target: &str, found: &Comparison) -> Result<Vec<Value>, CertifyError> {
    let mut rows = Vec::with_capacity(found.changes.len());
    for change in &found.changes {
        let mut row = serde_json::to_value(change)?;
        if let Value::Object(fields) = &mut row {
            fields.insert("target".to_owned(), Value::from(target));
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Of each change in Azure, the resources that it may come from.
fn origins(found: &Comparison, before: &Snapshot, after: &Snapshot) -> Vec<Option<Origins>> {
    let in_azure = |section: SectionName| SectionName::AZURE.contains(&section);
    if !found.changes.iter().any(|change| in_azure(change.section)) {
        return Vec::new();
    }
    let around = Around::of([before, after]);
    let of = |section, path| in_azure(section).then(|| around.of_change(section, path));
    let all = found.changes.iter();
    all.map(|change| of(change.section, &change.path)).collect()
}

fn detected(verdict: Verdict) -> Option<bool> {
    match verdict {
        Verdict::Drift => Some(true),
        Verdict::NoDrift => Some(false),
        Verdict::Unknown => None,
    }
}

/// What the joined answer says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The job.
    pub job: Id,
    /// `drift` or `sweep`.
    pub kind: &'static str,
    /// The schedule that started it.
    pub schedule: Option<Name>,
    /// The baseline.
    pub baseline: Name,
    /// Its seal.
    pub seal: Digest,
    /// When the baseline was sealed, and the check was ended, microseconds since 1970 UTC by the controller's clock: they
    /// stand for the times of the snapshots where none was compared.
    pub times: (u64, u64),
    /// When the check was asked for, by the same clock.
    pub started_at_us: u64,
    /// Why the check as a whole is unknown, where it is not for one target alone.
    pub why: Option<String>,
    /// Who asked, for what, and by which program.
    pub request: Request,
    /// The change window that the check closes.
    pub window: Option<Window>,
}

/// A check over many targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    about: About,
    parts: Vec<Part>,
}

impl Check {
    /// The check of these targets.
    pub fn new(about: About, mut parts: Vec<Part>) -> Self {
        parts.sort_by(|a, b| (&a.who.name, a.who.id).cmp(&(&b.who.name, b.who.id)));
        Self { about, parts }
    }

    /// Its targets, sorted by name.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// What the check is about: the baseline's seal, then each target's two manifests as far as they are known.
    pub fn subjects(&self) -> Vec<Subject> {
        let seal = format!("baselines/{}/seal.dsse.json", self.about.baseline);
        let mut subjects = vec![Subject::new(&seal, self.about.seal)];
        for part in &self.parts {
            let sides = [
                ("baseline", part.manifests.baseline),
                ("current", part.manifests.current),
            ];
            for (side, digest) in sides {
                let name = format!("{}/{side}/manifest.json", part.who.name);
                subjects.extend(digest.map(|digest| Subject::new(&name, digest)));
            }
        }
        subjects
    }

    /// The predicate of a certificate over all targets. The digest of the changes is that of the array `changes` of
    /// [`Check::document`] in canonical form; the answer is that whole document, as [`answer`] names it.
    pub fn certify(&self) -> Result<certificate::Drift, CertifyError> {
        let list = self.parts.iter().flat_map(|part| &part.short).take(NAMED);
        let count: usize = self.parts.iter().map(Part::changes).sum();
        let times = self.parts.iter().filter_map(|part| part.times);
        let mut not_covered: Vec<_> = self.parts.iter().flat_map(|part| &part.gaps).cloned().collect();
        not_covered.extend(self.gap().map(|(_, stated)| stated));
        let mut drift = certificate::Drift::new(certificate::Comparison {
            covered: self
                .parts
                .iter()
                .flat_map(|part| &part.covered)
                .cloned()
                .collect(),
            not_covered,
            changes: Changes {
                count: u32::try_from(count).unwrap_or(u32::MAX),
                digest: Digest::of(&value::to_vec(&self.changes())?),
                list: list.cloned().collect(),
            },
            muted: self.parts.iter().flat_map(|part| &part.muted).cloned().collect(),
            baseline_at_us: times
                .clone()
                .map(|(from, _)| from)
                .min()
                .unwrap_or(self.about.times.0),
            current_at_us: times.map(|(_, to)| to).max().unwrap_or(self.about.times.1),
            asked_by: self.about.request.asked_by.clone(),
            ticket: self.about.request.ticket.clone(),
            tool: self.about.request.tool.clone(),
        });
        if let Some(window) = &self.about.window {
            drift = drift.of_window(window.clone());
        }
        drift.answer = Some(answer(self.about.job, &self.unsigned(&drift)?)?);
        Ok(drift)
    }

    /// The whole answer for programs, in canonical form. `certificate` is the digest of the signed certificate over `drift`.
    pub fn document(&self, drift: &certificate::Drift, certificate: Digest) -> Result<Vec<u8>, CertifyError> {
        let mut document = self.unsigned(drift)?;
        if let Value::Object(fields) = &mut document {
            fields.insert(CERTIFICATE.to_owned(), serde_json::to_value(certificate)?);
        }
        Ok(value::to_vec(&document)?)
    }

    /// The document as it is before there is a certificate.
    fn unsigned(&self, drift: &certificate::Drift) -> Result<Value, CertifyError> {
        let detected = match drift.verdict {
            DriftVerdict::Drift => Some(true),
            DriftVerdict::NoDrift => Some(false),
            DriftVerdict::Unknown => None,
        };
        let rows: Vec<Value> = self
            .parts
            .iter()
            .filter(|part| part.asked)
            .map(Part::row)
            .collect();
        let whole = self.gap().map(|(row, _)| row);
        let gaps: Vec<&NotCovered> = whole
            .iter()
            .chain(self.parts.iter().flat_map(|part| &part.not_covered))
            .collect();
        let about = &self.about;
        let mut document = json!({
            "schema": SCHEMA,
            "job": about.job,
            "kind": about.kind,
            "schedule": about.schedule,
            "baseline": about.baseline,
            "seal": about.seal,
            "verdict": drift.verdict,
            "drift_detected": detected,
            "why": self.why(),
            "targets": rows,
            "changes": self.changes(),
            "not_covered": gaps,
            "muted": drift.muted,
            "digests": self.digests()?,
            "asked_by": about.request.asked_by,
            "ticket": about.request.ticket,
            "tool": about.request.tool,
            "baseline_at_us": drift.baseline_at_us,
            "current_at_us": drift.current_at_us,
            "started_at_us": Big(about.started_at_us),
            "ended_at_us": Big(about.times.1),
        });
        if let (Value::Object(fields), Some(window)) = (&mut document, &about.window) {
            fields.insert("window".to_owned(), serde_json::to_value(window)?);
        }
        Ok(document)
    }

    /// Why nothing can be said of the whole: of every target, or of the window.
    fn why(&self) -> Option<String> {
        let window = self.about.window.as_ref();
        let late = || window.and_then(|window| window.judge(DriftVerdict::Unknown).why);
        self.about.why.clone().or_else(late)
    }

    /// Why nothing can be said of any target.
    fn gap(&self) -> Option<(NotCovered, certificate::NotCovered)> {
        self.why().map(|why| gap(ALL_TARGETS, &why, true))
    }

    fn changes(&self) -> Value {
        Value::Array(
            self.parts
                .iter()
                .flat_map(|part| &part.changes)
                .cloned()
                .collect(),
        )
    }

    /// One digest a side over all targets that were compared.
    fn digests(&self) -> Result<Digests, CertifyError> {
        let compared = || self.parts.iter().filter(|part| part.times.is_some());
        let side = |pick: fn(&Part) -> Option<Digest>| {
            let rows: Vec<_> = compared().map(|part| (&part.who.name, pick(part))).collect();
            (!rows.is_empty()).then(|| json::digest(&rows)).transpose()
        };
        Ok(Digests {
            baseline: side(|part| part.digests.baseline)?,
            current: side(|part| part.digests.current)?,
        })
    }
}

/// How the certificate of a job names the job's document.
pub fn answer(job: Id, document: &Value) -> Result<Answer, CanonicalError> {
    let mut unsigned = document.clone();
    if let Value::Object(fields) = &mut unsigned {
        fields.remove(CERTIFICATE);
    }
    let document = Digest::of(&value::to_vec(&unsigned)?);
    Ok(Answer { job, document })
}

/// One comparison's own document, `netghost.diff/v1`, in canonical form.
pub fn document(found: &Comparison, before: &Snapshot, after: &Snapshot) -> Result<Vec<u8>, CertifyError> {
    #[derive(Serialize)]
    struct Document<'a> {
        #[serde(flatten)]
        found: &'a Comparison,
        baseline: Value,
        current: Value,
    }
    let side = |snapshot: &Snapshot| {
        json!({
            "target": snapshot.target,
            "taken_at_us": Big(snapshot.taken_at_us),
            "tool": snapshot.tool,
        })
    };
    let document = serde_json::to_value(Document {
        found,
        baseline: side(before),
        current: side(after),
    })?;
    Ok(value::to_vec(&document)?)
}
