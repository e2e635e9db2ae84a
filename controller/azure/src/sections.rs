//! One network interface, read into the sections of a snapshot.
//!
//! Nothing that fails here fails as a whole: what could not be read is a part that says why, with Azure's code and message, the
//! ids of the request and the missing action.

use std::time::{Duration, Instant, SystemTime};

use netghost_core::azure::facts;
use netghost_core::azure::id::ResourceId;
use netghost_core::azure::inventory::{self, Nic};
use netghost_core::raw::{HostPart, HostRaw, PartRead};
use netghost_core::section::{Section, SectionName};
use netghost_core::snapshot::Snapshot;

use crate::answer::Answer;
use crate::arm::Arm;
use crate::error::{ArmError, Kind};
use crate::within::Within;

mod many;
mod shared;

pub use many::Read;
use shared::Shared;

/// What was not begun since the time for all was over.
const NOT_REACHED: &str = "not reached before the deadline";

/// How network interfaces are read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The program that reads and its version, for the snapshots.
    pub tool: String,
    /// The longest that one part may take, with all waits for Azure's limits.
    pub part: Duration,
    /// When all ends: what is not read by then is unreadable.
    pub deadline: Instant,
    /// The most network interfaces under way at once. The client's own limits hold beside it: an operation takes Azure some ten
    /// seconds, so that as many must be under way as are to be begun in that time.
    pub at_once: usize,
}

impl Reading {
    /// As for a sweep that may take this long.
    pub fn new(tool: impl Into<String>, within: Duration) -> Self {
        let now = Instant::now();
        Self {
            tool: tool.into(),
            part: Duration::from_secs(300),
            // A time that no clock can hold is a day.
            deadline: now
                .checked_add(within)
                .unwrap_or(now + Duration::from_secs(86_400)),
            at_once: 128,
        }
    }
}

/// Reads network interfaces. What several of them share, a virtual network's admin rules and subnets, is asked for once.
#[derive(Debug)]
pub struct NicReader {
    arm: Arm,
    reading: Reading,
    shared: Shared,
}

/// What came of one part, and when.
type Came = (Result<Answer, ArmError>, u64);

impl NicReader {
    /// A reader. Make one for each sweep: what it shares is as old as its first asking.
    pub fn new(arm: Arm, reading: Reading) -> Self {
        Self {
            arm,
            reading,
            shared: Shared::default(),
        }
    }

    /// The calls of one part; none where the time for all is over.
    fn calls(&self) -> Result<Within<'_>, String> {
        let left = self.reading.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(NOT_REACHED.to_owned());
        }
        Ok(self.arm.within(left.min(self.reading.part)))
    }

    /// Reads one network interface.
    pub async fn read(&self, nic: &ResourceId) -> Snapshot {
        let Ok(calls) = self.calls() else {
            return self.unreadable(nic, NOT_REACHED);
        };
        let (routes, rules, (own, [nic_section, admin])) = tokio::join!(
            timed(calls.effective_routes(nic)),
            timed(calls.effective_rules(nic)),
            self.resource(calls, nic)
        );
        let sections = vec![
            nic_section,
            computed(SectionName::EffectiveRoutes, "routes", routes, own.as_ref()),
            computed(SectionName::EffectiveNsg, "rules", rules, own.as_ref()),
            admin,
        ];
        facts::snapshot(nic.clone(), sections, &self.reading.tool)
    }

    /// A snapshot of a network interface of which nothing was read.
    pub fn unreadable(&self, nic: &ResourceId, why: &str) -> Snapshot {
        let now = now_us();
        let sections = [
            (SectionName::Nic, "nic"),
            (SectionName::EffectiveRoutes, "routes"),
            (SectionName::EffectiveNsg, "rules"),
            (SectionName::AdminRules, "admin-rules"),
        ];
        let sections = sections.map(|(name, source)| section(name, vec![failed(source, why)], now));
        facts::snapshot(nic.clone(), sections.into(), &self.reading.tool)
    }

    /// The resource with its subnets, and the admin rules of their virtual network.
    async fn resource(&self, calls: Within<'_>, nic: &ResourceId) -> (Option<Nic>, [Section; 2]) {
        let (answer, at) = timed(calls.nic(nic)).await;
        let mut parts = vec![part("nic", &answer)];
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let why = format!(
                    "its virtual network is not known, since the interface could not be read: {error}"
                );
                return (None, [section(SectionName::Nic, parts, at), no_network(&why, at)]);
            }
        };
        let own = match inventory::nic(&answer.json) {
            Ok(own) => own,
            Err(bad) => {
                parts.push(failed(
                    "subnet ",
                    &format!("not known, since the interface is not understood: {bad}"),
                ));
                let why =
                    format!("its virtual network is not known, since the interface is not understood: {bad}");
                return (None, [section(SectionName::Nic, parts, at), no_network(&why, at)]);
            }
        };
        let sections = match &own.subnets {
            Ok(subnets) => self.networks(subnets, parts, at).await,
            Err(bad) => {
                parts.push(failed("subnet ", &format!("not known: {bad}")));
                let why = format!("its virtual network is not known: {bad}");
                [section(SectionName::Nic, parts, at), no_network(&why, at)]
            }
        };
        (Some(own), sections)
    }

    /// The sections `nic`, whose parts so far are given, and `admin-rules`.
    async fn networks(&self, subnets: &[ResourceId], mut parts: Vec<HostPart>, at: u64) -> [Section; 2] {
        let mut vnets: Vec<ResourceId> = subnets.iter().filter_map(inventory::vnet_of).collect();
        vnets.sort();
        vnets.dedup();
        let each_subnet = subnets.iter().map(|subnet| self.subnet(subnet));
        let each_vnet = vnets.iter().map(|vnet| self.admin_rules(vnet));
        let (read, rules) = tokio::join!(
            futures_util::future::join_all(each_subnet),
            futures_util::future::join_all(each_vnet)
        );
        let mut last = at;
        for shared in read {
            last = last.max(shared.at_us);
            parts.extend(shared.parts.iter().cloned());
        }
        let first = rules.iter().map(|shared| shared.at_us).max().unwrap_or(at);
        let rules = rules.iter().flat_map(|shared| shared.parts.iter().cloned());
        [
            section(SectionName::Nic, parts, last),
            section(SectionName::AdminRules, rules.collect(), first),
        ]
    }
}

/// A section of what Azure computes. Where the interface stands at no VM, there is nothing to compute: Azure's refusal and the
/// resource together are the proof.
fn computed(name: SectionName, source: &str, (answer, at): Came, own: Option<&Nic>) -> Section {
    let detached = own.is_some_and(|own| own.vm.is_none());
    let read = match &answer {
        Err(error) if detached && error.kind == Kind::NotRunning => HostPart {
            source: source.to_owned(),
            read: PartRead::Absent {
                why: format!(
                    "the resource of the network interface names no VM, and Azure computes nothing for one without: {error}"
                ),
            },
        },
        _ => part(source, &answer),
    };
    section(name, vec![read], at)
}

fn no_network(why: &str, at: u64) -> Section {
    section(SectionName::AdminRules, vec![failed("admin-rules", why)], at)
}

fn section(name: SectionName, parts: Vec<HostPart>, at: u64) -> Section {
    let links = Vec::new();
    facts::section(name, HostRaw { links, parts }, at)
}

/// A part as Azure gave it, or why not.
fn part(source: &str, came: &Result<Answer, ArmError>) -> HostPart {
    match came {
        Ok(answer) => body(source, answer),
        Err(error) => failed(source, &error.to_string()),
    }
}

fn body(source: &str, answer: &Answer) -> HostPart {
    let bytes = answer.bytes.strip_prefix("\u{feff}".as_bytes());
    HostPart {
        source: source.to_owned(),
        read: PartRead::File {
            content: bytes.unwrap_or(&answer.bytes).into(),
        },
    }
}

fn failed(source: &str, why: &str) -> HostPart {
    HostPart {
        source: source.to_owned(),
        read: PartRead::Unreadable { why: why.to_owned() },
    }
}

async fn timed<T>(call: impl Future<Output = T>) -> (T, u64) {
    let came = call.await;
    (came, now_us())
}

/// Microseconds since 1970 UTC, by this machine's clock.
fn now_us() -> u64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
