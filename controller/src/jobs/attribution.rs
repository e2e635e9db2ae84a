//! Who changed what was found: the Activity Log of each subscription, read once for a job.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use netghost_core::azure::activity::{Index, Log, Logs, Period, Searched};
use netghost_core::bytes::Big;
use netghost_core::diff::CertifyError;
use netghost_core::diff::fleet::Part;

use super::snapshot::chain;
use crate::Controller;

/// How long one log may take, with all of its pages.
const LONGEST: Duration = Duration::from_secs(120);
/// The most logs of one job: what is beyond is said to be unread.
const MOST: usize = 50;

/// Puts beside each change in Azure what the logs say of it. A log that can't be read is said to be so; nothing else fails.
pub(super) async fn attribute(controller: &Controller, parts: &mut [Part]) -> Result<(), CertifyError> {
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

/// The logs of these subscriptions, each since its moment.
pub(crate) async fn logs(controller: &Controller, wanted: &BTreeMap<String, u64>, now_us: u64) -> Logs {
    let mut logs = Logs::new();
    for (number, (subscription, since_us)) in wanted.iter().enumerate() {
        let read = match number < MOST {
            true => log(controller, subscription, Period::since(*since_us, now_us)).await,
            false => Err(format!("at most {MOST} logs are read at once")),
        };
        logs.insert(subscription.clone(), read);
    }
    logs
}

async fn log(controller: &Controller, subscription: &str, period: Period) -> Result<Searched, String> {
    let Some(azure) = controller.azure() else {
        return Err("this controller has no login to Azure".to_owned());
    };
    let at = |us: Big| SystemTime::UNIX_EPOCH + Duration::from_micros(us.0);
    let period = netghost_azure::Period {
        from: at(period.from_us),
        to: at(period.to_us),
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
    })
}
