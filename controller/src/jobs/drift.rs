//! The end of a drift check: one answer, one certificate and one document over all targets.

use netghost_core::artifact::certificate::{self, Predicate, Statement};
use netghost_core::artifact::name::Name;
use netghost_core::azure::selector::Selector;
use netghost_core::bytes::Text;
use netghost_core::diff::fleet::{About, Check, Part, Who};
use netghost_core::diff::{CertifyError, Digests, Request, Verdict};
use netghost_core::job::baseline::Member;
use netghost_core::job::{Layer, Way};

use super::compare::{part, who};
use super::finish::Ending;
use super::layers::layers;
use super::resolve::lies_in;
use super::run::Run;
use super::start::{NO_MEMBER, member_of_target, unread};
use super::visit::short;
use super::{Broken, sealed};
use crate::store::baselines::BaselineRow;
use crate::store::jobs::{End, TargetRow};
use crate::store::{Error, baselines, identities};

/// Why a member is not known that no agent of this fleet is.
const GONE: &str =
    "a member of the baseline that is no longer in this fleet: it was revoked or removed, or never came in";

/// Why nothing is said of a member whose layer nobody asked for.
const OTHER_LAYER: &str = "a member of the baseline in a layer that was not asked for";

/// Why a host was not read that lies in a selection of Azure.
const HOST_APART: &str =
    "a host that was not read, since only network interfaces are selected: name it by `--vm`, or select all";

/// What a drift check ends with. What it made is in the store already; nothing names it yet.
pub(super) async fn ending(run: &Run, targets: Vec<TargetRow>) -> Result<Ending, Error> {
    let mut connection = run.controller.store.pool().acquire().await?;
    let row = baselines::baseline(&mut connection, &run.job.baseline).await?;
    drop(connection);
    let row = row.ok_or_else(|| Error::Damaged {
        what: format!("baseline {}", run.job.baseline),
    })?;
    let (baseline, mut why) = match sealed(&run.controller, &row).await {
        Ok(sealed) => (Some(sealed.baseline), None),
        Err(Broken::Content(why)) => (None, Some(why)),
        Err(Broken::Store(error)) => return Err(error),
    };
    let used = baseline.as_ref().map(|baseline| (baseline, row.seal));
    let closing = crate::windows::of_job(&run.controller, (&run.job, &run.request), used).await?;
    let (window, no_window) = closing.unzip();
    why = why.or(no_window.flatten());
    let members = baseline.map(|baseline| baseline.members).unwrap_or_default();
    if why.is_none() && !run.job.why.is_empty() {
        why = Some(run.job.why.clone());
    }
    let (mut parts, targets) = parts(run, targets, &members, why.as_deref()).await?;
    if run.request.selector.every_member() {
        parts.extend(others(run, &targets, &members).await?);
    } else {
        parts.extend(left_out(run, &targets, &members));
    }
    super::attribution::attribute(&run.controller, &mut parts)
        .await
        .map_err(formless)?;
    let about = About {
        window,
        ..about(run, &row, why.clone())
    };
    let check = Check::new(about, parts);
    let end = certify(run, &check, why).await?;
    Ok(Ending {
        end,
        targets,
        baseline: None,
    })
}

/// Each target's answer, and the row that holds it.
async fn parts(
    run: &Run,
    targets: Vec<TargetRow>,
    members: &[Member],
    why: Option<&str>,
) -> Result<(Vec<Part>, Vec<TargetRow>), Error> {
    let (mut parts, mut rows) = (Vec::new(), Vec::new());
    for mut target in targets {
        let part = match why {
            Some(why) => Part::unknown(who(&target)?, why, Digests::default()),
            None => {
                let mut connection = run.controller.store.pool().acquire().await?;
                let member = member_of_target(&mut connection, members, &target).await?;
                drop(connection);
                part(run, &target, member).await?
            }
        };
        target.verdict = part.verdict().as_str().to_owned();
        target.changes = count(part.changes());
        target.not_covered = count(part.not_covered());
        target.document = part.document();
        if part.verdict() == Verdict::Unknown && target.why.is_empty() {
            let why = part.why().map(str::to_owned);
            let of_azure = target.way.map(Way::layer) == Some(Layer::Azure);
            let why = why.or_else(|| of_azure.then(|| part.reasons()));
            target.why = short(&why.unwrap_or_default());
        }
        parts.push(part);
        rows.push(target);
    }
    Ok((parts, rows))
}

/// Who else there is where no member was left out: members without an agent, which are unknown, and where all were asked for
/// agents that are no members.
async fn others(run: &Run, targets: &[TargetRow], members: &[Member]) -> Result<Vec<Part>, Error> {
    let mut connection = run.controller.store.pool().acquire().await?;
    let mut met = Vec::new();
    for target in targets {
        let member = member_of_target(&mut connection, members, target).await?;
        met.extend(member.map(|member| member.id));
    }
    let manifests = |member: &Member| Digests {
        baseline: member.manifest,
        current: None,
    };
    let layers = layers(&run.request, members);
    let gone = members
        .iter()
        .filter(|member| !met.contains(&member.id))
        .map(|member| {
            if !layers.contains(&member.layer()) {
                return Part::aside(who_was(member), OTHER_LAYER);
            }
            let why = member.why.as_deref().map_or_else(|| GONE.to_owned(), unread);
            Part::unknown(who_was(member), &why, manifests(member))
        });
    let mut parts: Vec<Part> = gone.collect();
    if !layers.contains(&Layer::Host) || !run.request.selector.all {
        return Ok(parts);
    }
    for agent in identities::agents(&mut connection).await? {
        let target = targets.iter().any(|target| target.identity == agent.identity.id);
        if agent.identity.revoked.is_none() && !target {
            let who = Who {
                name: named(&agent.identity.name)?,
                id: agent.identity.id,
                resource: None,
                way: Some(run.controller.reach.way()),
            };
            parts.push(Part::aside(who, NO_MEMBER));
        }
    }
    Ok(parts)
}

/// Hosts of the baseline that lie in what is selected in Azure, which means network interfaces alone. Where nobody said which
/// layers, they were asked for too.
fn left_out(run: &Run, targets: &[TargetRow], members: &[Member]) -> Vec<Part> {
    let words = run.request.selector.azure.iter();
    let words: Vec<Selector> = words.filter_map(|word| word.parse().ok()).collect();
    let mut parts = Vec::new();
    for member in members {
        let (Layer::Host, Some(vm)) = (member.layer(), &member.resource) else {
            continue;
        };
        let lies = words.iter().map(|word| lies_in(word, vm));
        let lies = lies.reduce(|one, other| match (one, other) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (None, _) | (_, None) => None,
            _ => Some(false),
        });
        if targets.iter().any(|target| target.identity == member.id) {
            continue;
        }
        match lies {
            Some(Some(true)) if run.request.layers.is_empty() => {
                let manifests = Digests {
                    baseline: member.manifest,
                    current: None,
                };
                parts.push(Part::unknown(who_was(member), HOST_APART, manifests));
            }
            Some(Some(true)) | Some(None) => parts.push(Part::aside(who_was(member), HOST_APART)),
            Some(Some(false)) | None => {}
        }
    }
    parts
}

/// A member as answers name it.
fn who_was(member: &Member) -> Who {
    Who {
        name: member.name.clone(),
        id: member.id,
        resource: member.resource.clone(),
        way: member.way,
    }
}

fn about(run: &Run, row: &BaselineRow, why: Option<String>) -> About {
    let some = |text: &str| (!text.is_empty()).then(|| Text::from(text));
    About {
        job: run.job.id,
        kind: run.request.work.word(),
        schedule: run.request.work.schedule().cloned(),
        baseline: run.request.work.baseline().clone(),
        seal: row.seal,
        times: (row.created_at_us, run.controller.outside.now_us()),
        started_at_us: run.job.started_at_us,
        why,
        window: None,
        request: Request {
            asked_by: some(&run.job.asked_by),
            ticket: some(&run.job.ticket),
            tool: crate::tool(),
        },
    }
}

async fn certify(run: &Run, check: &Check, why: Option<String>) -> Result<End, Error> {
    let drift = check.certify().map_err(formless)?;
    let statement = Statement {
        subject: check.subjects(),
        predicate: Predicate::Drift(Box::new(drift.clone())),
    };
    let signed = certificate::sign(&statement, &run.controller.signer)?;
    let signed = run.controller.store.put_object(signed).await?;
    let document = check.document(&drift, signed).map_err(formless)?;
    let document = run.controller.store.put_object(document).await?;
    Ok(End {
        verdict: drift.verdict.to_string(),
        why: why.unwrap_or_default(),
        certificate: Some(signed),
        document: Some(document),
    })
}

fn formless(error: CertifyError) -> Error {
    match error {
        CertifyError::Canonical(error) => Error::Canonical(error),
        error @ CertifyError::Json(_) => Error::Damaged {
            what: format!("a comparison ({error})"),
        },
    }
}

fn named(name: &str) -> Result<Name, Error> {
    Name::parse(name).map_err(|_| Error::Damaged {
        what: format!("the name {name:?} of an agent"),
    })
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
