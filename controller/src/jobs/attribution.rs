//! Who changed what was found: the Activity Log of each subscription, read once for a job.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime};

use netghost_core::azure::activity::{self, Index, Log, Logs, Peers, Period, Searched};
use netghost_core::azure::id::ResourceId;
use netghost_core::bytes::Big;
use netghost_core::diff::CertifyError;
use netghost_core::diff::fleet::Part;

use super::snapshot::chain;
use crate::Controller;

/// How long one log may take, with all of its pages.
const LONGEST: Duration = Duration::from_secs(120);
/// What is said where Azure can't be asked.
const NO_LOGIN: &str = "this controller has no login to Azure";
/// The most logs, and networks, of one job: what is beyond is said to be unread.
const MOST: usize = 50;

/// Puts beside each change in Azure what the logs say of it. A log that can't be read is said to be so; nothing else fails.
pub(super) async fn attribute(controller: &Controller, parts: &mut [Part]) -> Result<(), CertifyError> {
    let networks: BTreeSet<ResourceId> = parts.iter().flat_map(Part::networks).collect();
    if !networks.is_empty() {
        let peers = peers(controller, networks).await;
        parts.iter_mut().for_each(|part| part.peered(&peers));
    }
    let mut wanted: BTreeMap<String, u64> = BTreeMap::new();
    for (subscriptions, since_us) in parts.iter().filter_map(Part::wants) {
        for subscription in subscriptions {
            let known = wanted.entry(subscription).or_insert(since_us);
            *known = since_us.min(*known);
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let now_us = controller.outside.now_us();
    let logs = logs(controller, &wanted, now_us).await;
    parts
        .iter_mut()
        .try_for_each(|part| part.attribute(&logs, now_us))
}

/// Where the peers of these networks lie.
pub(crate) async fn peers(controller: &Controller, networks: BTreeSet<ResourceId>) -> Peers {
    let until = Instant::now() + LONGEST;
    let mut peers = Peers::new();
    for network in networks {
        let read = match until.checked_duration_since(Instant::now()) {
            Some(left) if peers.len() < MOST => of_network(controller, &network, left).await,
            _ => Err(format!(
                "at most {MOST} networks are looked at, for at most {} s",
                LONGEST.as_secs()
            )),
        };
        peers.insert(network.key(), read);
    }
    peers
}

async fn of_network(
    controller: &Controller,
    network: &ResourceId,
    left: Duration,
) -> Result<BTreeSet<String>, String> {
    let azure = controller.azure().ok_or_else(|| NO_LOGIN.to_owned())?;
    let body = azure.arm.within(left).vnet(network).await;
    let body = body.map_err(|error| chain(&error))?;
    activity::peers(&body.json).map_err(|bad| format!("its body is of no known form: {bad}"))
}

/// The logs of these subscriptions, each since its moment.
pub(crate) async fn logs(controller: &Controller, wanted: &BTreeMap<String, u64>, now_us: u64) -> Logs {
    let mut logs = Logs::new();
    for (number, (subscription, since_us)) in wanted.iter().enumerate() {
        let read = match number < MOST {
            true => log(controller, subscription, (*since_us, now_us)).await,
            false => Err(format!("at most {MOST} logs are read at once")),
        };
        logs.insert(subscription.clone(), read);
    }
    logs
}

async fn log(
    controller: &Controller,
    subscription: &str,
    (since_us, now_us): (u64, u64),
) -> Result<Searched, String> {
    let Some(azure) = controller.azure() else {
        return Err(NO_LOGIN.to_owned());
    };
    let asked = Period::since(since_us, now_us);
    let at = |us: Big| SystemTime::UNIX_EPOCH + Duration::from_micros(us.0);
    let period = netghost_azure::Period {
        from: at(asked.from_us),
        to: at(asked.to_us),
    };
    let pages = azure
        .arm
        .within(LONGEST)
        .activity(subscription, period, None)
        .await;
    let pages = pages.map_err(|error| format!("the Activity Log could not be read: {}", chain(&error)))?;
    let log = Log::read(pages.items());
    Ok(Searched {
        index: Index::of(&log),
        gaps: log.gaps.len(),
        period: asked,
        read_at_us: now_us,
    })
}
