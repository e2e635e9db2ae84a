//! What changed in the hour before a window: as the Activity Log tells of the members in Azure.

use std::collections::BTreeMap;

use netghost_core::azure::activity::{Around, Attribution, Origins, Period, attribute};
use netghost_core::bytes::Big;
use netghost_core::job::Layer;
use netghost_core::job::baseline::Member;
use netghost_core::window::BEFORE_US;
use serde::Serialize;

use crate::Controller;
use crate::jobs::{load, logs, peers};

/// As it stands in the window's document.
#[derive(Debug, Serialize)]
struct Before {
    /// The hour, microseconds since 1970 UTC.
    from_us: Big,
    to_us: Big,
    /// What the log says of the members in Azure; null where there are none.
    azure: Option<Attribution>,
    /// Why nothing is known of the hosts, where some are members.
    hosts: Option<&'static str>,
}

/// The hour before, in JSON.
pub(super) async fn before(controller: &Controller, members: &[Member], opened_at_us: u64) -> String {
    let (from_us, to_us) = (opened_at_us.saturating_sub(BEFORE_US), opened_at_us);
    let mut origins: Option<Origins> = None;
    let mut unread: Option<String> = None;
    for member in members.iter().filter(|member| in_azure(member)) {
        let Some(manifest) = &member.manifest else {
            unread.get_or_insert_with(|| format!("{} was not read", member.name));
            continue;
        };
        match load(controller, manifest).await {
            Ok((_, snapshot)) => {
                let found = Around::of([&snapshot, &snapshot]).everything();
                origins.get_or_insert_default().join(found);
            }
            Err(error) => {
                unread.get_or_insert_with(|| format!("{} can't be used: {error}", member.name));
            }
        }
    }
    let azure = match origins {
        Some(mut origins) => {
            let networks = origins.peering().clone();
            origins.peered(&peers(controller, networks).await);
            Some(asked(controller, &origins.lacks(unread), (from_us, to_us)).await)
        }
        None if unread.is_some() => {
            Some(asked(controller, &Origins::default().lacks(unread), (from_us, to_us)).await)
        }
        None => None,
    };
    let hosts = members.iter().any(|member| !in_azure(member));
    let before = Before {
        from_us: Big(from_us),
        to_us: Big(to_us),
        azure,
        hosts: hosts.then_some("hosts keep no log of changes: of the hour before, nothing is known of them"),
    };
    serde_json::to_string(&before).unwrap_or_default()
}

/// Also what could not be listed or found there.
fn in_azure(member: &Member) -> bool {
    member.layer() == Layer::Azure
}

async fn asked(controller: &Controller, origins: &Origins, (from_us, to_us): (u64, u64)) -> Attribution {
    let now_us = controller.outside.now_us();
    let wanted: BTreeMap<String, u64> = origins
        .subscriptions()
        .into_iter()
        .map(|id| (id, from_us))
        .collect();
    let logs = logs(controller, &wanted, now_us).await;
    let period = Period {
        from_us: Big(from_us),
        to_us: Big(to_us),
    };
    attribute(origins, &logs, period, from_us)
}
