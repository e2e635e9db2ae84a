//! Each field of `nft -j list ruleset` against ours, without our own parser of that JSON.
//!
//! `nft` 1.0.6 leaves out of its JSON: comments of tables and chains, devices of chains, `auto-merge`, that a set is dynamic,
//! and the word `interval` before a map's data.

use netghost_core::netfilter::model::{
    Chain, ChainRuntime, Counters, Definition, Element, ElementData, ElementRuntime, Item, LimitUnit, Object,
    ObjectRuntime, Rule, RuleRuntime, Ruleset, RulesetRuntime, Set, SetRuntime, Statement, Table,
    TableRuntime, Value, Verdict,
};
use netghost_core::section::{Content, Section};
use netghost_lab::netns::Namespace;
use serde_json::{Map, Value as Json, json};

use crate::reading::{load_with_links, read};

/// What stands in both, as a list without order.
fn ours(section: &Section) -> Vec<Json> {
    let Some(Content::Netfilter { config, runtime }) = &section.content else {
        panic!("not a ruleset")
    };
    let (config, runtime): (&Ruleset, &RulesetRuntime) = (config, runtime);
    let mut out = Vec::new();
    for (table, counted) in config.tables.iter().zip(&runtime.tables) {
        out.push(of_table(table, counted));
        for (chain, counted) in table.chains.iter().zip(&counted.chains) {
            out.push(of_chain(table, chain, counted));
            for (index, (rule, counted)) in chain.rules.iter().zip(&counted.rules).enumerate() {
                out.push(of_rule((table, chain, index), rule, counted));
            }
        }
        for (set, counted) in table.sets.iter().zip(&counted.sets) {
            out.push(of_set(table, set, counted));
        }
        for (object, counted) in table.objects.iter().zip(&counted.objects) {
            out.push(of_object(table, object, counted));
        }
    }
    out
}

/// An object without what is not there.
fn told(kind: &str, fields: Json) -> Json {
    let Json::Object(fields) = fields else {
        panic!("{fields}")
    };
    let there = fields.into_iter().filter(|(_, value)| !value.is_null());
    json!({ kind: Json::Object(there.collect()) })
}

fn of_table(table: &Table, counted: &TableRuntime) -> Json {
    let flags = (!table.flags.is_empty()).then(|| table.flags.join(" "));
    let handle = counted.handle.map(|handle| handle.0);
    told(
        "table",
        json!({ "family": table.family.as_str(), "name": table.name.to_string(), "handle": handle, "flags": flags }),
    )
}

fn of_chain(table: &Table, chain: &Chain, counted: &ChainRuntime) -> Json {
    let base = chain.base.as_ref();
    let shown = json!({
        "family": table.family.as_str(), "table": table.name.to_string(), "name": chain.name.to_string(),
        "handle": counted.handle.map(|handle| handle.0), "type": base.map(|base| base.chain_type.to_string()),
        "hook": base.map(|base| base.hook.as_str()), "prio": base.map(|base| base.priority),
        "policy": base.map(|base| base.policy.word()),
    });
    told("chain", shown)
}

fn of_rule((table, chain, index): (&Table, &Chain, usize), rule: &Rule, counted: &RuleRuntime) -> Json {
    let statements = rule.items.iter().filter_map(|item| match item {
        Item::Statement(statement) => step(statement, counted.counters),
        _ => None,
    });
    let shown = json!({
        "family": table.family.as_str(), "table": table.name.to_string(), "chain": chain.name.to_string(),
        "handle": counted.handle.map(|handle| handle.0), "index": index,
        "comment": rule.comment.as_ref().map(ToString::to_string), "expr": statements.collect::<Vec<_>>(),
    });
    told("rule", shown)
}

fn counters(counted: Option<Counters>) -> Json {
    counted.map_or(
        Json::Null,
        |counted| json!({ "packets": counted.packets.0, "bytes": counted.bytes.0 }),
    )
}

/// Statements whose fields stand in both alike; for others, that there is one of this kind.
fn step(statement: &Statement, counted: Option<Counters>) -> Option<Json> {
    Some(match statement {
        Statement::Verdict(one) => verdict(one),
        Statement::Counter { name: None } => json!({ "counter": counters(counted) }),
        Statement::Counter { name: Some(name) } => json!({ "counter": name.to_string() }),
        Statement::Quota { bytes, over } => json!({ "quota": { "bytes": bytes.0, "inv": over } }),
        Statement::Limit {
            unit,
            burst,
            over,
            bytes,
            rate,
        } => json!({ "limit": {
            "rate": rate.0, "per": per(*unit), "burst": burst, "inv": over, "bytes": bytes } }),
        Statement::Log {
            prefix,
            group,
            snaplen,
            threshold,
            ..
        } => told(
            "log",
            json!({
            "prefix": prefix.as_ref().map(ToString::to_string), "group": group, "snaplen": snaplen,
            "queue-threshold": threshold }),
        ),
        Statement::ConnLimit { count, over } => json!({ "ct count": { "val": count, "inv": over } }),
        Statement::Object { object, name } => json!({ object.as_str(): name.to_string() }),
        Statement::Notrack => json!({ "notrack": null }),
        Statement::Reject { .. } => json!({ "reject": {} }),
        Statement::VerdictMap { .. } => json!({ "vmap": {} }),
        _ => return None,
    })
}

fn verdict(one: &Verdict) -> Json {
    match one {
        Verdict::Jump { chain } => json!({ "jump": { "target": chain.to_string() } }),
        Verdict::Goto { chain } => json!({ "goto": { "target": chain.to_string() } }),
        other => json!({ other.word(): null }),
    }
}

fn per(unit: LimitUnit) -> &'static str {
    match unit {
        LimitUnit::Second => "second",
        LimitUnit::Minute => "minute",
        LimitUnit::Hour => "hour",
        LimitUnit::Day => "day",
        LimitUnit::Week => "week",
    }
}

fn of_set(table: &Table, set: &Set, counted: &SetRuntime) -> Json {
    let parts: Vec<&str> = set.key_type.split(" . ").collect();
    let dynamic = set.flags.iter().any(|flag| flag == "dynamic");
    let all = if dynamic { &counted.elements } else { &set.elements };
    let mut elements: Vec<Json> = all
        .iter()
        .enumerate()
        .map(|(index, one)| element(one, &parts, counted.states.get(index)))
        .collect();
    elements.sort_by_key(ToString::to_string);
    let flags: Vec<&String> = set
        .flags
        .iter()
        .filter(|flag| !matches!(flag.as_str(), "auto-merge" | "dynamic"))
        .collect();
    let data = set.data_type.as_deref();
    let shown = json!({
        "family": table.family.as_str(), "table": table.name.to_string(), "name": set.name.to_string(),
        "handle": counted.handle.map(|handle| handle.0), "type": parts, "flags": flags,
        "map": data.map(|data| data.trim_start_matches("interval ").split(" . ").collect::<Vec<_>>()),
        "timeout": set.timeout_ms.map(|timeout| timeout.0 / 1000),
        "gc-interval": set.gc_interval_ms.map(|interval| interval / 1000), "size": set.size, "policy": set.policy,
        "comment": set.comment.as_ref().map(ToString::to_string), "elem": elements,
    });
    told(if data.is_some() { "map" } else { "set" }, shown)
}

fn element(one: &Element, parts: &[&str], state: Option<&ElementRuntime>) -> Json {
    let counted = state.and_then(|state| state.counters);
    let shown = told(
        "elem",
        json!({
            "val": value(&one.key, parts), "timeout": one.timeout_ms.map(|timeout| timeout.0 / 1000),
            "comment": one.comment.as_ref().map(ToString::to_string), "counter": counters(counted),
        }),
    );
    match &one.data {
        None => shown,
        Some(ElementData::Value { value: data }) => json!([shown, value(data, &[])]),
        Some(ElementData::Verdict { verdict: one }) => json!([shown, verdict(one)]),
        Some(ElementData::Object { name }) => json!([shown, name.to_string()]),
    }
}

fn value(of: &Value, parts: &[&str]) -> Json {
    let first = parts.first().copied().unwrap_or_default();
    match of {
        Value::Number(6) if first == "inet_proto" => json!("tcp"),
        Value::Number(17) if first == "inet_proto" => json!("udp"),
        Value::Number(number) => json!(number),
        Value::Wide(number) => json!(number.0),
        Value::Prefix { address, length } => {
            json!({ "prefix": { "addr": address.to_string(), "len": length } })
        }
        Value::Range { from, to } => json!({ "range": [value(from, parts), value(to, parts)] }),
        Value::Address(address) => json!(address.to_string()),
        Value::Mac(word) | Value::Symbol(word) => json!(word),
        Value::Text(text) => json!(text.to_string()),
        Value::Concat(all) => {
            let all = all.iter().enumerate();
            let all = all.map(|(index, one)| value(one, parts.get(index..=index).unwrap_or_default()));
            json!({ "concat": all.collect::<Vec<_>>() })
        }
        other => panic!("{other:?}"),
    }
}

fn of_object(table: &Table, object: &Object, counted: &ObjectRuntime) -> Json {
    let mut fields = json!({
        "family": table.family.as_str(), "table": table.name.to_string(), "name": object.name.to_string(),
        "handle": counted.handle.map(|handle| handle.0), "comment": object.comment.as_ref().map(ToString::to_string),
    });
    let own = match object.definition.as_ref().unwrap() {
        Definition::Counter => counters(counted.counters),
        Definition::Quota { bytes, over } => json!({
            "bytes": bytes.0, "inv": over, "used": counted.used.map(|used| used.0) }),
        Definition::Limit {
            rate,
            unit,
            burst,
            bytes,
            over,
        } => json!({
            "rate": rate.0, "per": per(*unit), "burst": burst, "inv": over, "bytes": bytes }),
        Definition::CtHelper {
            helper,
            family,
            protocol,
        } => json!({
            "type": helper.to_string(), "l3proto": family.as_str(), "protocol": transport(*protocol) }),
        Definition::CtTimeout {
            family,
            protocol,
            policy,
        } => {
            // What is as by default is not listed.
            let policy: Map<String, Json> = policy
                .iter()
                .filter(|one| !DEFAULTS.contains(&(*protocol, &one.state, one.seconds)))
                .map(|one| (one.state.clone(), json!(one.seconds)))
                .collect();
            json!({ "l3proto": family.as_str(), "protocol": transport(*protocol), "policy": policy })
        }
        Definition::CtExpectation {
            family,
            protocol,
            port,
            timeout_ms,
            size,
        } => json!({
            "l3proto": family.as_str(), "protocol": transport(*protocol), "dport": port, "timeout": timeout_ms, "size": size }),
        Definition::Synproxy {
            mss,
            window_scale,
            flags,
        } => json!({ "mss": mss, "wscale": window_scale, "flags": flags }),
        other => panic!("{other:?}"),
    };
    let Json::Object(own) = own else { panic!("{own}") };
    fields.as_object_mut().unwrap().extend(own);
    told(&object.kind, fields)
}

/// Protocol, state, seconds where a policy says nothing (`nf_conntrack_proto_tcp.c`, `_udp.c`).
#[rustfmt::skip]
const DEFAULTS: &[(u8, &str, u32)] = &[
    (6, "syn_sent", 120), (6, "syn_recv", 60), (6, "established", 432_000), (6, "fin_wait", 120), (6, "close_wait", 60),
    (6, "last_ack", 30), (6, "time_wait", 120), (6, "close", 10), (6, "syn_sent2", 120), (6, "retrans", 300),
    (6, "unack", 300), (17, "unreplied", 30), (17, "replied", 120),
];

fn transport(number: u8) -> &'static str {
    match number {
        6 => "tcp",
        17 => "udp",
        other => panic!("{other}"),
    }
}

/// What `nft` lists, with one spelling for each thing.
fn theirs(namespace: &Namespace) -> Vec<Json> {
    let listed = namespace.must(&["nft", "-j", "list", "ruleset"]).unwrap();
    let listed: Json = serde_json::from_slice(&listed.stdout).unwrap();
    let mut out = Vec::new();
    let mut places: Map<String, Json> = Map::new();
    for object in listed["nftables"].as_array().unwrap() {
        let (kind, fields) = object.as_object().unwrap().iter().next().unwrap();
        let mut fields = fields.clone();
        match kind.as_str() {
            "metainfo" => continue,
            "rule" => {
                let place = format!("{} {} {}", fields["family"], fields["table"], fields["chain"]);
                let index = places.get(&place).and_then(Json::as_u64).unwrap_or(0);
                places.insert(place, json!(index + 1));
                fields["index"] = json!(index);
                let steps = fields["expr"].as_array().unwrap().iter().filter_map(listed_step);
                fields["expr"] = json!(steps.collect::<Vec<_>>());
            }
            "set" | "map" => listed_set(&mut fields),
            "limit" => fields = listed_limit(&fields),
            "synproxy" => {
                let mut flags: Vec<Json> = fields["flags"].as_array().cloned().unwrap_or_default();
                flags.sort_by_key(ToString::to_string);
                fields["flags"] = json!(flags);
            }
            _ => {}
        }
        out.push(json!({ kind.as_str(): fields }));
    }
    out
}

/// A rate in packets, or in bytes with its units multiplied out.
fn listed_limit(limit: &Json) -> Json {
    let mut out = limit.clone();
    let scale = |unit: &str| match limit[unit].as_str() {
        None | Some("bytes" | "packets") => 1,
        Some("kbytes") => 1024,
        Some("mbytes") => 1024 * 1024,
        other => panic!("{other:?}"),
    };
    out["rate"] = json!(limit["rate"].as_u64().unwrap() * scale("rate_unit"));
    out["burst"] = json!(limit["burst"].as_u64().unwrap_or(0) * scale("burst_unit"));
    out["inv"] = json!(limit["inv"].as_bool().unwrap_or(false));
    out["bytes"] = json!(limit.get("rate_unit").is_some_and(|unit| unit != "packets"));
    for unit in ["rate_unit", "burst_unit"] {
        out.as_object_mut().unwrap().remove(unit);
    }
    out
}

fn listed_step(step: &Json) -> Option<Json> {
    let (kind, fields) = step.as_object().unwrap().iter().next().unwrap();
    let flag = |word: &str| fields[word].as_bool().unwrap_or(false);
    Some(match kind.as_str() {
        "counter" if fields.get("map").is_some() => return None,
        "accept" | "drop" | "continue" | "return" | "jump" | "goto" | "counter" | "notrack" | "ct helper" => {
            step.clone()
        }
        "quota" | "limit" if fields.is_string() => step.clone(),
        "quota" => json!({ "quota": { "bytes": bytes_of(fields), "inv": flag("inv") } }),
        "limit" => json!({ "limit": listed_limit(fields) }),
        "log" => {
            let mut fields = if fields.is_null() {
                json!({})
            } else {
                fields.clone()
            };
            for told_apart in ["level", "flags"] {
                fields.as_object_mut().unwrap().remove(told_apart);
            }
            json!({ "log": fields })
        }
        "ct count" => json!({ "ct count": { "val": fields["val"], "inv": flag("inv") } }),
        "ct timeout" | "ct expectation" | "synproxy" if fields.is_string() => step.clone(),
        "reject" => json!({ "reject": {} }),
        "vmap" => json!({ "vmap": {} }),
        _ => return None,
    })
}

fn bytes_of(quota: &Json) -> u64 {
    let scale = match quota["val_unit"].as_str().unwrap() {
        "bytes" => 1,
        "kbytes" => 1024,
        "mbytes" => 1024 * 1024,
        other => panic!("{other}"),
    };
    quota["val"].as_u64().unwrap() * scale
}

fn listed_set(fields: &mut Json) {
    let list = |value: &Json| match value {
        Json::String(word) => json!([word]),
        other => other.clone(),
    };
    fields["type"] = list(&fields["type"]);
    if fields.get("map").is_some() {
        fields["map"] = list(&fields["map"]);
    }
    let mut flags: Vec<Json> = fields["flags"].as_array().cloned().unwrap_or_default();
    flags.retain(|flag| flag != "dynamic");
    flags.sort_by_key(ToString::to_string);
    fields["flags"] = json!(flags);
    let elements = fields["elem"].as_array().cloned().unwrap_or_default();
    let mut elements: Vec<Json> = elements.iter().map(listed_element).collect();
    elements.sort_by_key(ToString::to_string);
    fields["elem"] = json!(elements);
    fields.as_object_mut().unwrap().remove("stmt");
}

/// A key alone, a key with its own fields, or either with data.
fn listed_element(element: &Json) -> Json {
    let key = |key: &Json| match key.get("elem") {
        Some(_) => {
            let mut key = key.clone();
            // How long it still stays is not what was asked for.
            for runtime in ["expires", "limit"] {
                key["elem"].as_object_mut().unwrap().remove(runtime);
            }
            key
        }
        None => json!({ "elem": { "val": key } }),
    };
    match element.as_array() {
        Some(pair) => json!([key(&pair[0]), pair[1]]),
        None => key(element),
    }
}

fn assert_alike(script: &str) {
    // Of a table with flags `nft` 1.0.6 lists another string in their place.
    let script = &script.replace("flags dormant", "");
    let namespace = load_with_links(script);
    let mut ours: Vec<String> = ours(&read(&namespace)).iter().map(ToString::to_string).collect();
    let mut theirs: Vec<String> = theirs(&namespace).iter().map(ToString::to_string).collect();
    ours.sort();
    theirs.sort();
    let without = |all: &[String], other: &[String]| -> Vec<String> {
        all.iter().filter(|one| !other.contains(one)).cloned().collect()
    };
    let (more, less) = (without(&ours, &theirs), without(&theirs, &ours));
    assert!(
        more.is_empty() && less.is_empty(),
        "ours {more:#?}\ntheirs {less:#?}"
    );
    assert_eq!(ours.len(), theirs.len());
    assert!(ours.len() > 20, "{}", ours.len());
}

#[test]
fn root_every_field_of_everyday_rulesets_is_as_nft_json_has_it() {
    assert_alike(include_str!("../rulesets/everyday.nft"));
}

#[test]
fn root_every_field_of_rarer_rulesets_is_as_nft_json_has_it() {
    assert_alike(include_str!("../rulesets/files.nft"));
}

#[test]
fn root_every_field_of_objects_is_as_nft_json_has_it() {
    assert_alike(include_str!("../rulesets/objects.nft"));
}
