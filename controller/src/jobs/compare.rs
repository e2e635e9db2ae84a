//! One target of a drift check: its two snapshots, compared.

use std::collections::BTreeSet;

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::name::Name;
use netghost_core::diff::fleet::{Part, Who, document};
use netghost_core::diff::{CertifyError, Digests, Loaded, Mute, compare_stored};
use netghost_core::job::Way;
use netghost_core::job::baseline::Member;
use netghost_core::section::SectionName;

use super::run::Run;
use super::snapshot::{joined, taken};
use super::{Broken, load, nic};
use crate::store::Error;
use crate::store::jobs::{TargetRow, TargetState};

/// What became of a target. Whatever can't be read whole makes it unknown.
pub(super) async fn part(run: &Run, target: &TargetRow, member: Option<&Member>) -> Result<Part, Error> {
    let who = who(target)?;
    let manifests = Digests {
        baseline: member.and_then(|member| member.manifest),
        current: target.manifest,
    };
    let unknown = |why: &str| Part::unknown(who.clone(), why, manifests);
    let sides = match (target.state, manifests.baseline, manifests.current) {
        (TargetState::Captured, Some(before), Some(after)) => (before, after),
        (TargetState::Captured, None, _) => return Ok(unknown(super::start::NO_MEMBER)),
        _ => return Ok(unknown(&target.why)),
    };
    let lacking = member
        .map(|member| member.not_captured.as_slice())
        .unwrap_or_default();
    match compared(run, (&who, target), sides, manifests, lacking).await {
        Err(Broken::Content(why)) => Ok(unknown(&why)),
        Err(Broken::Store(error)) => Err(error),
        Ok(part) => Ok(part),
    }
}

/// Why nothing is known of a network interface of which Azure says that there is none.
const GONE: &str = "it no longer exists";

/// The target as answers name it.
pub(super) fn who(target: &TargetRow) -> Result<Who, Error> {
    let name = Name::parse(&target.name).map_err(|_| Error::Damaged {
        what: format!("the name {:?} of a target", target.name),
    })?;
    Ok(Who {
        name,
        id: target.identity,
        resource: target.resource.clone(),
        way: target.way,
    })
}

async fn compared(
    run: &Run,
    (who, target): (&Who, &TargetRow),
    (before, after): (Digest, Digest),
    manifests: Digests,
    lacking: &[SectionName],
) -> Result<Part, Broken> {
    let side = |which: &'static str| {
        move |broken| match broken {
            Broken::Content(why) => Broken::Content(format!("its {which} can't be used: {why}")),
            store => store,
        }
    };
    let (from, before) = load(&run.controller, &before).await.map_err(side("baseline"))?;
    let (to, after) = taken(&run.controller, target, &after)
        .await
        .map_err(side("current snapshot"))?;
    let patterns = run.request.work.mute_chains().iter().cloned();
    let mutes: Vec<Mute> = patterns.map(|chain_pattern| Mute { chain_pattern }).collect();
    let who = who.clone();
    // What the baseline asked for is asked for again, also where the manifest does not name it.
    let held = before.sections.iter().map(|section| section.name);
    let always: &[SectionName] = match target.way {
        Some(Way::Arm) => &SectionName::AZURE,
        _ => &[],
    };
    let asked = held.chain(lacking.iter().copied()).chain(always.iter().copied());
    let asked: BTreeSet<SectionName> = asked.collect();
    let asked: Vec<SectionName> = asked.into_iter().collect();
    let gone = target.way == Some(Way::Arm) && nic::is_gone(&after);
    let work = move || {
        let before = Loaded {
            manifest: &from,
            snapshot: &before,
        };
        let after = Loaded {
            manifest: &to,
            snapshot: &after,
        };
        compare(who, (before, after), manifests, (&asked, &mutes))
    };
    let (part, bytes) = tokio::task::spawn_blocking(work)
        .await
        .map_err(joined)?
        .map_err(|error| Broken::Content(format!("a fault of the controller: {error}")))?;
    run.controller
        .store
        .put_object(bytes)
        .await
        .map_err(Broken::Store)?;
    Ok(if gone { part.gone(GONE) } else { part })
}

fn compare(
    who: Who,
    (before, after): (Loaded<'_>, Loaded<'_>),
    manifests: Digests,
    (asked, mutes): (&[SectionName], &[Mute]),
) -> Result<(Part, Vec<u8>), CertifyError> {
    let found = compare_stored(before, after, asked, mutes);
    let (before, after) = (before.snapshot, after.snapshot);
    let bytes = document(&found, before, after)?;
    let digest = Digest::of(&bytes);
    Ok((
        Part::compared(who, &found, (before, after), manifests, digest)?,
        bytes,
    ))
}
