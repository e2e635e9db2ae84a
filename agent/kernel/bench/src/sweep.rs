//! How long a sweep of many network interfaces takes against the simulator, at the limits that Azure publishes.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use netghost_azure::{Arm, CloudSettings, CredentialSettings, NicReader, Reading, Settings};
use netghost_core::azure::id::ResourceId;
use netghost_core::section::State;
use netghost_lab::arm::sample::{self, Member};
use netghost_lab::arm::throttle::Rate;
use netghost_lab::arm::{Options, Simulator};

/// How long Azure takes for an effective table, and how often it wants to be asked for it.
const OPERATION: Duration = Duration::from_secs(5);
/// The longest that a sweep may take.
const LONGEST: Duration = Duration::from_secs(1200);

/// Reads so many network interfaces of one subscription. The limits are the published ones; the clock is the ordinary one.
pub(crate) fn all(count: usize) -> Result<String> {
    let place = std::env::temp_dir().join(format!("netghost-sweep-{}", std::process::id()));
    std::fs::create_dir_all(&place).context("make a directory")?;
    let outcome = within(count, &place);
    std::fs::remove_dir_all(&place).context("remove the directory")?;
    outcome
}

fn within(count: usize, place: &Path) -> Result<String> {
    let member = |number: usize| {
        let [.., high, low] = number.to_be_bytes();
        Member {
            name: format!("vm{number}"),
            address: Ipv4Addr::new(10, 77, high, low),
            mac: format!("00-0D-3A-00-{high:02X}-{low:02X}"),
            runs_in: None,
        }
    };
    let members: Vec<Member> = (4..count + 4).map(member).collect();
    let mut state = sample::of(&members);
    state.settings.effective_ms = u64::try_from(OPERATION.as_millis())?;
    state.settings.retry_after = OPERATION.as_secs();
    let limits = state.settings.limits.clone();
    let reader = state.principals.get(1).context("a reader")?;
    let secret = place.join("secret");
    std::fs::write(&secret, reader.secret.as_deref().context("its secret")?)?;
    let credential = CredentialSettings::ClientSecret {
        tenant_id: state.tenant.clone(),
        client_id: reader.client_id.clone(),
        secret_file: secret,
    };
    let mut nics: Vec<ResourceId> = Vec::new();
    for id in state
        .resources
        .keys()
        .filter(|id| id.contains("/networkinterfaces/"))
    {
        nics.push(id.parse().context("the id of an interface")?);
    }
    ensure!(nics.len() == count, "{} interfaces", nics.len());
    let simulator =
        Simulator::start(state, &Options::new(place.join("tls"))).context("start the simulator")?;
    let arm = Arm::new(&Settings {
        cloud: CloudSettings::Custom {
            endpoint: simulator.url(),
            authority: simulator.url(),
            scope: None,
            ca_file: Some(simulator.ca().to_owned()),
        },
        credential,
        at_once: 32,
    })?;
    let (took, whole) = tokio::runtime::Runtime::new()?.block_on(read(arm, &nics));
    let refused = simulator
        .requests()
        .iter()
        .filter(|request| request.get("status").and_then(serde_json::Value::as_u64) == Some(429))
        .count();
    // Two effective tables of each, the admin rules of the one network; the rest are reads.
    let writes = 2 * count + 1;
    let allowed = least(writes, limits.writes).max(least(2 + 3 * count, limits.reads));
    let took = took.as_secs_f64();
    Ok(format!(
        "{count} network interfaces: {whole} whole, {refused} calls refused; {took:.1} s, of which the throttle takes \
         {allowed:.1} s: {:.2} times",
        took / allowed
    ))
}

/// The seconds that a full bucket makes so many calls wait.
fn least(calls: usize, rate: Rate) -> f64 {
    let calls = f64::from(u32::try_from(calls).unwrap_or(u32::MAX));
    ((calls - rate.size) / rate.per_second).max(0.0)
}

async fn read(arm: Arm, nics: &[ResourceId]) -> (Duration, usize) {
    let reader = NicReader::new(arm, Reading::new("netghost-bench", LONGEST));
    let mut whole = 0;
    let started = Instant::now();
    reader
        .read_all(nics, |read| {
            let sections = &read.snapshot.sections;
            let known = sections.iter().all(|section| section.state == State::Captured);
            whole += usize::from(known && sections.len() == 4);
        })
        .await;
    (started.elapsed(), whole)
}
