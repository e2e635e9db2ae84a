//! Agents that follow a script.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use netghost_controller::Controller;
use netghost_controller::jobs::{Order, Reach, Unreached};
use netghost_controller::store::{Error, commands};
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest;
use netghost_core::fleet::Id;
use netghost_core::netfilter::model::{Ruleset, RulesetRuntime};
use netghost_core::section::coverage::coverage;
use netghost_core::section::{Content, DECODER, Reader, Section, SectionName, State};
use netghost_core::snapshot::{Snapshot, Target};
use serde_json::json;

/// What an agent does when it is asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Script {
    /// Has a firewall with one rule for this port.
    Port(u32),
    /// As `Port`, but this section can't be read.
    Without(u32, SectionName),
    /// As `Port`, but this section is left out.
    Lacks(u32, SectionName),
    /// As `Port`, after a while.
    Slow(u32, Duration),
    /// As `Port`, but it begins only after a while.
    Late(u32, Duration),
    /// Says no.
    Refuses,
    /// A fault of the program.
    Panics,
    /// Never answers.
    Silent,
    /// Begins and never answers.
    Vanishes,
    /// Names a manifest that nobody has.
    Lies,
}

/// A call that was made.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) target: Id,
    pub(crate) command: Id,
    pub(crate) at: Instant,
    pub(crate) order: Order,
}

/// Reaches agents by their script; one without a script has port 22.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    pub(crate) scripts: Mutex<BTreeMap<Id, Script>>,
    pub(crate) calls: Mutex<Vec<Call>>,
    active: AtomicUsize,
    pub(crate) peak: AtomicUsize,
}

/// Counts who is at work, also when the work is dropped.
struct AtWork<'a>(&'a AtomicUsize);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Scripted {
    pub(crate) fn set(&self, id: Id, script: Script) {
        self.scripts.lock().unwrap().insert(id, script);
    }

    async fn follow(
        &self,
        controller: &Controller,
        order: Order,
        started: &(dyn Fn() + Send + Sync),
    ) -> Result<Digest, Unreached> {
        let script = self.scripts.lock().unwrap().get(&order.target).cloned();
        let script = script.unwrap_or(Script::Port(22));
        self.calls.lock().unwrap().push(Call {
            target: order.target,
            command: order.command,
            at: Instant::now(),
            order: order.clone(),
        });
        match &script {
            Script::Silent => std::future::pending().await,
            Script::Late(_, pause) => tokio::time::sleep(*pause).await,
            _ => {}
        }
        let active = self.active.fetch_add(1, Ordering::SeqCst) + 1;
        let _at_work = AtWork(&self.active);
        self.peak.fetch_max(active, Ordering::SeqCst);
        started();
        let mut order = order;
        let (port, missing) = match script {
            Script::Port(port) | Script::Late(port, _) => (port, None),
            Script::Without(port, section) => (port, Some(section)),
            Script::Lacks(port, section) => {
                if order.sections.is_empty() {
                    order.sections = SectionName::HOST.to_vec();
                }
                order.sections.retain(|name| *name != section);
                (port, None)
            }
            Script::Slow(port, pause) => {
                tokio::time::sleep(pause).await;
                (port, None)
            }
            Script::Refuses => {
                return Err(Unreached {
                    code: "refused".to_owned(),
                    message: "not today".to_owned(),
                });
            }
            Script::Panics => panic!("a fault on purpose"),
            Script::Lies => return Ok(Digest::of(b"nobody has this")),
            Script::Vanishes | Script::Silent => std::future::pending().await,
        };
        tokio::task::yield_now().await;
        Ok(give(controller, &order, port, missing).await)
    }
}

impl Reach for Scripted {
    fn capture<'a>(
        &'a self,
        controller: &'a Controller,
        order: Order,
        started: &'a (dyn Fn() + Send + Sync),
    ) -> BoxFuture<'a, Result<Digest, Unreached>> {
        Box::pin(self.follow(controller, order, started))
    }
}

/// Stores a snapshot as an agent would, and says its manifest's digest.
async fn give(controller: &Controller, order: &Order, port: u32, missing: Option<SectionName>) -> Digest {
    let mut names = order.sections.clone();
    if names.is_empty() {
        names = SectionName::HOST.to_vec();
    }
    let sections: Vec<Section> = names
        .into_iter()
        .map(|name| section(name, port, missing))
        .collect();
    let snapshot = Snapshot {
        namespaces: None,
        target: Target::Host {
            name: "one name for all".into(),
            boot_id: Some(order.target.to_string()),
            kernel: "6.1".to_owned(),
        },
        tool: "netghost test".to_owned(),
        // Each command reads anew, so that each has a manifest of its own.
        taken_at_us: u64::from_str_radix(&order.command.to_string()[..8], 16).unwrap(),
        coverage: coverage(&sections),
        sections,
    };
    let stored = manifest::store(&snapshot, &order.meta).unwrap();
    for (_, bytes) in stored.objects {
        put(controller, bytes).await;
    }
    let digest = put(controller, stored.manifest_bytes).await;
    let mut connection = controller.store.pool().acquire().await.unwrap();
    commands::take_manifest(&mut connection, &digest, order.target, order.command, 1)
        .await
        .unwrap();
    digest
}

/// Where the runtime is being shut down, nothing more comes from here, as from an agent whose controller has gone.
async fn put(controller: &Controller, bytes: Vec<u8>) -> Digest {
    match controller.store.put_object(bytes).await {
        Ok(digest) => digest,
        Err(Error::Objects(object_store::Error::JoinError { source })) if source.is_cancelled() => {
            std::future::pending().await
        }
        Err(error) => panic!("{error}"),
    }
}

fn section(name: SectionName, port: u32, missing: Option<SectionName>) -> Section {
    let captured = name == SectionName::Nftables;
    let state = match name {
        _ if missing == Some(name) => State::Unreadable {
            why: "EPERM: grant CAP_NET_ADMIN".to_owned(),
        },
        _ if captured => State::Captured,
        _ => State::NotApplicable {
            why: "not there".to_owned(),
        },
    };
    Section {
        name,
        content: (state == State::Captured).then(|| content(port)),
        state,
        reader: Reader::Kernel,
        decoder: DECODER,
        taken_at_us: 1_000,
        generation: None,
        raw: None,
        gaps: vec![],
        warnings: vec![],
    }
}

fn content(port: u32) -> Content {
    let rule = json!({
        "items": [
            {"item": "match", "field": "tcp.dport", "op": "eq", "value": {"type": "number", "value": port}},
            {"item": "statement", "statement": "verdict", "verdict": "accept"},
        ],
        "comment": null,
    });
    let base = json!({"chain_type": "filter", "hook": "input", "priority": 0, "policy": {"verdict": "drop"},
                      "devices": [], "offload": false});
    let config: Ruleset = serde_json::from_value(json!({
        "plane": "nft",
        "hook_order": [],
        "tables": [{
            "family": "inet", "name": "filter", "flags": [], "comment": null, "sets": [], "objects": [],
            "chains": [{"name": "input", "base": base, "comment": null, "rules": [rule]}],
        }],
    }))
    .unwrap();
    let runtime: RulesetRuntime = serde_json::from_value(json!({"tables": [{
        "handle": null, "sets": [],
        "chains": [{"handle": null, "policy_counters": null, "rules": [{"handle": null, "counters": null}]}],
    }]}))
    .unwrap();
    Content::Netfilter { config, runtime }
}
