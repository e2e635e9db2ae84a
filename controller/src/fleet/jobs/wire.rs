//! Jobs from and to the wire.

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::name::Name;
use netghost_core::fleet::Selector;
use netghost_core::job::{Request, Work};
use netghost_core::section::SectionName;
use netghost_proto::convert::{BadField, layers, via};
use netghost_proto::v1;
use netghost_proto::v1::start_job_request::Kind;

use crate::store::jobs::{JobRow, TargetRow};

/// The request for a job.
pub(crate) fn request(asked: v1::StartJobRequest) -> Result<Request, BadField> {
    let work = match asked
        .kind
        .ok_or_else(|| BadField::new("kind", "say what is to be done"))?
    {
        Kind::Baseline(job) => Work::Baseline {
            name: name("name", &job.name)?,
            sections: sections(&job.sections)?,
        },
        Kind::Drift(job) => Work::Drift {
            baseline: name("baseline", &job.baseline)?,
            mute_chains: job.mute_chains,
        },
        Kind::Sweep(job) if job.schedule.is_empty() => sweep(job, None)?,
        Kind::Sweep(_) => return Err(BadField::new("schedule", "only a schedule starts its own sweeps")),
    };
    Ok(Request {
        work,
        selector: selector(asked.selector.as_ref())?,
        ticket: asked.ticket,
        note: asked.note,
        deadline_ms: asked.deadline_ms,
        layers: layers(&asked.layers)?,
        via: via(&asked.via)?,
    })
}

/// A sweep, by a schedule or a person.
pub(crate) fn sweep(job: v1::SweepJob, schedule: Option<Name>) -> Result<Work, BadField> {
    Ok(Work::Sweep {
        baseline: name("baseline", &job.baseline)?,
        mute_chains: job.mute_chains,
        concurrency: job.concurrency,
        jitter_ms: job.jitter_ms,
        schedule,
    })
}

/// Who is meant; nobody is a wrong request.
pub(crate) fn selector(selector: Option<&v1::Selector>) -> Result<Selector, BadField> {
    let nobody = || {
        BadField::new(
            "selector",
            "no agent is selected: name some, give a tag, or select all",
        )
    };
    let mut selector = Selector::try_from(selector.ok_or_else(nobody)?)?;
    if selector.is_empty() {
        return Err(nobody());
    }
    selector.names.sort();
    selector.names.dedup();
    selector.tags.sort();
    selector.tags.dedup();
    Ok(selector)
}

/// The sections of a host with these names, sorted.
pub(crate) fn sections(words: &[String]) -> Result<Vec<SectionName>, BadField> {
    let section = |word: &String| {
        let found = SectionName::HOST.into_iter().find(|name| name.as_str() == word);
        found.ok_or_else(|| {
            let names: Vec<_> = SectionName::HOST.iter().map(|name| name.as_str()).collect();
            BadField::new("sections", format_args!("the sections are {}", names.join(", ")))
        })
    };
    let mut sections: Vec<SectionName> = words.iter().map(section).collect::<Result<_, _>>()?;
    sections.sort();
    sections.dedup();
    Ok(sections)
}

fn name(field: &'static str, text: &str) -> Result<Name, BadField> {
    Name::parse(text).map_err(|error| BadField::new(field, error))
}

/// A job for whoever asks.
pub(super) fn job(job: JobRow, targets: Vec<TargetRow>) -> v1::Job {
    v1::Job {
        id: job.id.to_string(),
        kind: job.kind,
        state: if job.ended { "ended" } else { "running" }.to_owned(),
        verdict: job.verdict,
        baseline: job.baseline,
        started_at_us: job.started_at_us,
        ended_at_us: job.ended_at_us.unwrap_or(0),
        asked_by: job.asked_by,
        ticket: job.ticket,
        targets: targets.into_iter().map(target).collect(),
        certificate: bytes(job.certificate).into(),
        why: job.why,
        schedule: job.schedule,
        document: bytes(job.document).into(),
    }
}

fn target(target: TargetRow) -> v1::JobTarget {
    let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    v1::JobTarget {
        agent_id: target.identity.to_string(),
        name: target.name,
        state: target.state.as_str().to_owned(),
        why: target.why,
        manifest: bytes(target.manifest).into(),
        verdict: target.verdict,
        changes: count(target.changes),
        not_covered: count(target.not_covered),
        document: bytes(target.document).into(),
        resource: target.resource.map(String::from).unwrap_or_default(),
        way: target.way.map(|way| way.to_string()).unwrap_or_default(),
    }
}

fn bytes(digest: Option<Digest>) -> Vec<u8> {
    digest
        .map(|digest| digest.as_bytes().to_vec())
        .unwrap_or_default()
}
