//! Sealing what the targets of a job gave.

use netghost_core::artifact::certificate;
use netghost_core::artifact::name::Name;
use netghost_core::bytes::{Big, Text};
use netghost_core::job::baseline::{Baseline, Completeness, Member, SCHEMA, is_blank, not_captured};
use netghost_core::job::{Way, Work};
use netghost_core::section::SectionName;

use super::finish::Ending;
use super::run::Run;
use super::snapshot::taken;
use super::visit::short;
use super::{Broken, nic};
use crate::store::Error;
use crate::store::jobs::{End, TargetRow, TargetState};

/// What a baseline job ends with. Its seal and its document are in the store already; nothing names them yet.
pub(super) async fn ending(
    run: &Run,
    mut targets: Vec<TargetRow>,
    asked: &[SectionName],
) -> Result<Ending, Error> {
    let mut members = Vec::with_capacity(targets.len());
    for target in &mut targets {
        members.push(member(run, target, asked).await?);
    }
    members.sort_by(|a, b| a.name.cmp(&b.name));
    let verdict = Completeness::of(&members);
    let why = match verdict {
        Completeness::Complete => String::new(),
        Completeness::Failed => "no target could be read: each one's reason stands beside it".to_owned(),
        Completeness::Partial => partly(&members, &targets),
    };
    let end = End {
        verdict: verdict.as_str().to_owned(),
        why,
        ..End::default()
    };
    if verdict == Completeness::Failed {
        return Ok(Ending {
            end,
            targets,
            baseline: None,
        });
    }
    seal(run, end, targets, members).await
}

async fn seal(run: &Run, end: End, targets: Vec<TargetRow>, members: Vec<Member>) -> Result<Ending, Error> {
    let some = |text: &str| (!text.is_empty()).then(|| Text::from(text));
    let Work::Baseline { name, .. } = &run.request.work else {
        return Err(Error::Damaged {
            what: format!("the request of job {}", run.job.id),
        });
    };
    let baseline = Baseline {
        schema: SCHEMA.to_owned(),
        name: name.clone(),
        created_at_us: Big(run.controller.outside.now_us()),
        created_by: Text::from(run.job.asked_by.as_str()),
        ticket: some(&run.job.ticket),
        note: some(&run.job.note),
        members,
    };
    let document = baseline.to_vec()?;
    let seal = certificate::sign(
        &baseline.statement(&document, &crate::tool()),
        &run.controller.signer,
    )?;
    let document = run.controller.store.put_object(document).await?;
    let seal = run.controller.store.put_object(seal).await?;
    Ok(Ending {
        end: End {
            certificate: Some(seal),
            document: Some(document),
            ..end
        },
        targets,
        baseline: Some((baseline, seal)),
    })
}

/// The member that a target becomes. A manifest that is not whole is none, and the target is failed.
async fn member(run: &Run, target: &mut TargetRow, asked: &[SectionName]) -> Result<Member, Error> {
    let mut gaps = Vec::new();
    let mut whole = None;
    if let (TargetState::Captured, Some(digest)) = (target.state, target.manifest) {
        match taken(&run.controller, target, &digest).await {
            Ok((manifest, snapshot)) => {
                let of_azure = target.way == Some(Way::Arm);
                let asked = if of_azure { &SectionName::AZURE[..] } else { asked };
                if of_azure {
                    target.why = short(&nic::unread(&snapshot));
                }
                if is_blank(&manifest, asked) {
                    target.state = TargetState::Failed;
                    target.why = short(&format!(
                        "nothing of it could be read: {}",
                        nic::unread(&snapshot)
                    ));
                } else {
                    gaps = not_captured(&manifest, asked);
                    whole = Some(digest);
                }
            }
            Err(Broken::Content(why)) => {
                target.state = TargetState::Failed;
                target.why = format!("internal: what it sent is not whole: {why}");
            }
            Err(Broken::Store(error)) => return Err(error),
        }
    }
    let name = Name::parse(&target.name).map_err(|_| Error::Damaged {
        what: format!("the name {:?} of a target", target.name),
    })?;
    Ok(Member {
        id: target.identity,
        name,
        manifest: whole,
        why: whole.is_none().then(|| target.why.clone()),
        not_captured: gaps,
        resource: target.resource.clone(),
        way: target.way,
    })
}

/// What is missing, for people; each member's own row has it all.
fn partly(members: &[Member], targets: &[TargetRow]) -> String {
    const NAMED: usize = 20;
    let mut parts: Vec<String> = members
        .iter()
        .filter_map(|member| {
            let resource = member.resource.as_ref();
            let name = resource.map_or_else(|| member.name.to_string(), ToString::to_string);
            let told = targets.iter().find(|target| target.identity == member.id);
            match (&member.why, told.map(|target| target.why.as_str())) {
                (Some(why), _) => Some(format!("{name}: {why}")),
                (None, _) if member.not_captured.is_empty() => None,
                (None, Some(why)) if !why.is_empty() => Some(format!("{name}: {why}")),
                (None, _) => {
                    let sections: Vec<&str> = member.not_captured.iter().map(|name| name.as_str()).collect();
                    Some(format!("{name}: not captured: {}", sections.join(", ")))
                }
            }
        })
        .collect();
    let more = parts.len().saturating_sub(NAMED);
    parts.truncate(NAMED);
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    parts.join("; ")
}
