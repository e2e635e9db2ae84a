//! Jobs: what was asked of some targets, and what became of it.

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Big;
use netghost_core::fleet::Id;
use netghost_core::job::Way;
use netghost_proto::convert::{self, BadField};
use netghost_proto::v1;
use serde::Serialize;

use super::{digest, optional, way, word};

/// The schema of a job.
pub const SCHEMA: &str = "netghost.job/v1";

/// A job.
#[derive(Debug, Serialize)]
pub struct Job {
    /// Its id.
    pub job: Id,
    /// `baseline`, `drift` or `sweep`.
    pub kind: String,
    /// `running` or `ended`.
    pub state: String,
    /// `no_drift`, `drift`, `unknown`; `complete`, `partial`, `failed` for a baseline; `null` while it runs.
    pub verdict: Option<String>,
    /// The baseline that it makes or compares with.
    pub baseline: String,
    /// Microseconds since 1970 UTC by the controller's clock.
    pub started_at_us: Big,
    /// Likewise; `null` while it runs.
    pub ended_at_us: Option<Big>,
    /// Who asked for it.
    pub asked_by: String,
    /// The change that it belongs to.
    pub ticket: Option<String>,
    /// Why the job as a whole failed.
    pub why: Option<String>,
    /// The schedule that started it.
    pub schedule: Option<String>,
    /// The certificate that it made.
    pub certificate: Option<Digest>,
    /// The document that it made.
    pub document: Option<Digest>,
    /// Its targets; none where jobs are listed.
    pub targets: Vec<Target>,
    /// Targets that were not read whole.
    pub missing: Vec<Missing>,
}

/// One target of a job.
#[derive(Debug, Serialize)]
pub struct Target {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `waiting`, `sent`, `captured` or `failed`.
    pub state: String,
    /// Why it failed, or what it lacks.
    pub why: Option<String>,
    /// The snapshot that was read.
    pub manifest: Option<Digest>,
    /// `no_drift`, `drift` or `unknown`, for drift checks and sweeps.
    pub verdict: Option<String>,
    /// How many changes there are.
    pub changes: u32,
    /// How much is not covered.
    pub not_covered: u32,
    /// The target's own comparison.
    pub document: Option<Digest>,
    /// The resource id, where it is something in Azure.
    pub resource: Option<String>,
    /// By which way it is read.
    pub way: Option<Way>,
}

impl Target {
    /// What people know it by: the resource id where it has one, else its name.
    pub fn called(&self) -> &str {
        self.resource.as_deref().unwrap_or(&self.name)
    }
}

/// What was not read whole.
#[derive(Debug, Serialize)]
pub struct Missing {
    /// What the target is called; `null` for the job as a whole.
    pub target: Option<String>,
    /// Why.
    pub why: String,
}

impl TryFrom<v1::Job> for Job {
    type Error = BadField;

    fn try_from(job: v1::Job) -> Result<Self, BadField> {
        let targets: Result<Vec<Target>, BadField> = job.targets.into_iter().map(Target::try_from).collect();
        let mut targets = targets?;
        targets.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        let state = word("state", job.state, ["running", "ended"])?;
        let verdicts = [
            "", "no_drift", "drift", "unknown", "complete", "partial", "failed",
        ];
        let why = optional(job.why);
        let missing = missing(why.as_deref(), &targets);
        Ok(Self {
            job: convert::id("id", &job.id)?,
            kind: word("kind", job.kind, ["baseline", "drift", "sweep"])?,
            verdict: optional(word("verdict", job.verdict, verdicts)?),
            ended_at_us: Some(Big(job.ended_at_us)).filter(|_| state == "ended"),
            state,
            baseline: job.baseline,
            started_at_us: Big(job.started_at_us),
            asked_by: job.asked_by,
            ticket: optional(job.ticket),
            why,
            schedule: optional(job.schedule),
            certificate: digest("certificate", &job.certificate)?,
            document: digest("document", &job.document)?,
            targets,
            missing,
        })
    }
}

impl TryFrom<v1::JobTarget> for Target {
    type Error = BadField;

    fn try_from(target: v1::JobTarget) -> Result<Self, BadField> {
        let verdicts = ["", "no_drift", "drift", "unknown"];
        Ok(Self {
            id: target.agent_id,
            name: target.name,
            state: word(
                "targets.state",
                target.state,
                ["waiting", "sent", "captured", "failed"],
            )?,
            why: optional(target.why),
            manifest: digest("targets.manifest", &target.manifest)?,
            verdict: optional(word("targets.verdict", target.verdict, verdicts)?),
            changes: target.changes,
            not_covered: target.not_covered,
            document: digest("targets.document", &target.document)?,
            resource: optional(target.resource),
            way: way("targets.way", &target.way)?,
        })
    }
}

fn missing(why: Option<&str>, targets: &[Target]) -> Vec<Missing> {
    let whole = why.map(|why| Missing {
        target: None,
        why: why.to_owned(),
    });
    let of = |target: &Target| {
        let why = match (target.state.as_str(), &target.why) {
            (_, Some(why)) => why.clone(),
            ("failed", None) => "it failed, and the controller does not say why".to_owned(),
            _ => return None,
        };
        Some(Missing {
            target: Some(target.called().to_owned()),
            why,
        })
    };
    whole.into_iter().chain(targets.iter().filter_map(of)).collect()
}
