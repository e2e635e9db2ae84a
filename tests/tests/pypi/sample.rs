//! A snapshot with a section in every state, and rules with every part that a document shows.

use netghost_core::bytes::Text;
use netghost_core::host::links::{Link, LinkRuntime, LinksConfig, LinksRuntime};
use netghost_core::netfilter::model::{Ruleset, RulesetRuntime};
use netghost_core::raw::{Raw, TextRaw};
use netghost_core::section::coverage::coverage;
use netghost_core::section::{Content, DECODER, Gap, Reader, Section, SectionName, State, Warning};
use netghost_core::snapshot::{Snapshot, Target};
use serde_json::json;

fn config(plane: &str) -> Ruleset {
    let rule = json!({
        "items": [
            {"item": "match", "field": "tcp.dport", "op": "eq", "value": {"type": "number", "value": 22}},
            {"item": "opaque", "kind": "match", "name": "hashlimit", "revision": 3, "payload": "00ff", "text": null},
            {"item": "statement", "statement": "counter", "name": null},
            {"item": "statement", "statement": "verdict", "verdict": "jump", "chain": "user"},
        ],
        "comment": {"hex": "ff"},
    });
    let base = json!({"chain_type": "filter", "hook": "input", "priority": -100, "policy": {"verdict": "drop"},
                      "devices": ["eth0"], "offload": false});
    let set = json!({"name": "blocked", "key_type": "ipv4_addr", "data_type": null, "flags": ["timeout"],
                     "timeout_ms": "18446744073709551615", "gc_interval_ms": null, "size": 4294967295u32, "policy": null,
                     "comment": null, "statements": [],
                     "elements": [{"key": {"type": "address", "value": "10.0.0.1"}, "data": null, "timeout_ms": null,
                                   "comment": null, "statements": []}]});
    serde_json::from_value(json!({
        "plane": plane,
        "hook_order": [],
        "tables": [{
            "family": "ip", "name": "filter", "flags": [], "comment": null, "sets": [set],
            "objects": [{"kind": "quota", "name": "q", "payload": "00"}],
            "chains": [
                {"name": "INPUT", "base": base, "comment": "a comment", "rules": [rule]},
                {"name": "user", "base": null, "comment": null, "rules": []},
            ],
        }],
    }))
    .unwrap()
}

fn runtime() -> RulesetRuntime {
    let counters = json!({"packets": "9007199254740993", "bytes": "18446744073709551615"});
    serde_json::from_value(json!({"tables": [{
        "handle": "1",
        "sets": [{"handle": null, "elements": []}],
        "chains": [
            {"handle": "2", "policy_counters": counters, "rules": [{"handle": "3", "counters": counters}]},
            {"handle": null, "policy_counters": null, "rules": []},
        ],
    }]}))
    .unwrap()
}

fn section(name: SectionName, plane: &str) -> Section {
    Section {
        name,
        state: State::Captured,
        reader: Reader::Kernel,
        decoder: DECODER,
        taken_at_us: u64::MAX,
        generation: Some(u32::MAX),
        content: Some(Content::Netfilter {
            config: config(plane),
            runtime: runtime(),
        }),
        raw: Some(Raw::Text(TextRaw { text: "raw".into() })),
        gaps: vec![],
        warnings: vec![Warning {
            code: "NOTED".into(),
            message: "something".into(),
        }],
    }
}

/// [`snapshot`] after changes of every sort that a ruleset, a shaper, a link and a route can have.
pub(crate) fn changed() -> Snapshot {
    let mut edited = serde_json::to_value(config("nft")).unwrap();
    let table = &mut edited["tables"][0];
    table["flags"] = json!(["dormant"]);
    table["comment"] = json!({"hex": "fe"});
    table["objects"][0]["payload"] = json!("01");
    table["sets"][0]["flags"] = json!([]);
    table["sets"][0]["timeout_ms"] = json!("7");
    table["sets"][0]["size"] = json!(7);
    table["sets"][0]["elements"][0]["key"]["value"] = json!("10.0.0.2");
    let more = json!({"name": "more", "key_type": "mark", "data_type": "verdict", "flags": [], "timeout_ms": null,
                      "gc_interval_ms": 9, "size": null, "policy": "memory", "comment": "c", "statements": [],
                      "elements": [{"key": {"type": "number", "value": 1}, "data": {"is": "verdict", "verdict": {"verdict": "drop"}},
                                    "timeout_ms": "8", "comment": null, "statements": []}]});
    table["sets"].as_array_mut().unwrap().push(more);
    table["chains"][0]["rules"][0]["comment"] = json!("other");
    let base = &mut table["chains"][0]["base"];
    base["priority"] = json!(-1);
    base["devices"] = json!(["eth0", {"hex": "ff"}]);
    base["offload"] = json!(true);
    table["chains"][1]["base"] = table["chains"][0]["base"].clone();
    let mut other = table.clone();
    other["name"] = json!("docker-bridges");
    edited["tables"].as_array_mut().unwrap().push(other);
    let mut snapshot = snapshot();
    for section in &mut snapshot.sections {
        if section.name == SectionName::Nftables {
            section.content = Some(Content::Netfilter {
                config: serde_json::from_value(edited.clone()).unwrap(),
                runtime: runtime(),
            });
        }
        if let Some(Content::Links { config, .. }) = &mut section.content {
            config.links[0].mtu = 9000;
        }
    }
    snapshot
}

/// Two links, one under a name that is not UTF-8.
fn links() -> Section {
    let named = |name: &[u8]| Link {
        name: Text::from(name),
        mode: "default".into(),
        ..Link::default()
    };
    let config = LinksConfig {
        links: vec![named(b"eth0"), named(b"eth\xff")],
    };
    let runtime = LinksRuntime {
        links: vec![LinkRuntime::default(), LinkRuntime::default()],
    };
    Section {
        content: Some(Content::Links { config, runtime }),
        ..section(SectionName::Links, "nft")
    }
}

pub(crate) fn snapshot() -> Snapshot {
    let unread = |name, state| Section {
        state,
        content: None,
        raw: None,
        generation: None,
        warnings: vec![],
        ..section(name, "nft")
    };
    let mut torn = section(SectionName::XtablesLegacyIpv4, "legacy");
    torn.state = State::Torn {
        why: "it changed 8 times".into(),
    };
    let mut refused = unread(SectionName::Tc, State::Unreadable { why: "EPERM".into() });
    refused.gaps = vec![Gap {
        path: "tc".into(),
        why: "EPERM".into(),
    }];
    let absent = State::NotApplicable {
        why: "no table is loaded".into(),
    };
    let sections = vec![
        section(SectionName::Nftables, "nft"),
        torn,
        unread(SectionName::XtablesLegacyIpv6, absent),
        refused,
        links(),
    ];
    Snapshot {
        namespaces: None,
        target: Target::Host {
            name: Text::from(&b"vm\xff"[..]),
            boot_id: None,
            kernel: "6.1.0".into(),
        },
        tool: "netghost 0.1.0".into(),
        taken_at_us: 1,
        coverage: coverage(&sections),
        sections,
    }
}
