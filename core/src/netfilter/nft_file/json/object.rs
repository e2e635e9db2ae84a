//! Chains, sets, flowtables and named objects.

use serde_json::{Map, Value};

use super::super::ast::{Base, Chain, Content, Element, Flowtable, Kind, Object, Set, Statement};
use super::super::priority;
use super::{Read, expr, fault, known, number, opt_number, opt_text, statement, text, words};
use crate::netfilter::model::{Family, Hook};

/// The hook of this name, if the family has it.
pub(super) fn hook(family: Family, word: &str) -> Option<Hook> {
    super::super::language::hook(family, word)
}

pub(super) fn chain(family: Family, body: &Map<String, Value>) -> Read<Chain> {
    let keys = [
        "family", "table", "name", "newname", "handle", "type", "hook", "prio", "dev", "policy", "comment",
        "flags",
    ];
    known(body, &keys)?;
    let base = match opt_text(body, "hook")? {
        None => None,
        Some(word) => {
            let hook = hook(family, word);
            let policy = opt_text(body, "policy")?;
            if !matches!(policy, None | Some("accept" | "drop")) {
                return fault("a policy that is neither accept nor drop");
            }
            Some(Base {
                kind: opt_text(body, "type")?.unwrap_or("filter").to_owned(),
                hook: hook.map_or_else(|| fault(format!("{family} has no hook {word}")), Ok)?,
                priority: priority(family, body)?,
                policy: policy.map(str::to_owned),
                devices: words(body, "dev")?,
            })
        }
    };
    let flags = words(body, "flags")?;
    if let Some(unknown) = flags.iter().find(|flag| *flag != "offload") {
        return fault(format!("there is no flag {unknown}"));
    }
    Ok(Chain {
        name: text(body, "name")?.to_owned(),
        handle: opt_number(body, "handle")?,
        base,
        offload: !flags.is_empty(),
        comment: opt_text(body, "comment")?.map(str::to_owned),
        rules: Vec::new(),
    })
}

fn priority(family: Family, body: &Map<String, Value>) -> Read<i32> {
    let found = match body.get("prio") {
        None | Some(Value::Null) => Some(0),
        Some(Value::String(text)) => priority::number(family, text),
        Some(value) => value.as_i64().and_then(|number| i32::try_from(number).ok()),
    };
    found.map_or_else(|| fault("a priority that is not known"), Ok)
}

/// Types by their names: one, a list, or joined by dots.
fn kind(value: &Value) -> Read<Kind> {
    let names = match value {
        Value::String(word) => word.split(" . ").map(str::to_owned).collect(),
        Value::Array(list) => list
            .iter()
            .map(|one| {
                one.as_str()
                    .map_or_else(|| fault("a type that is no word"), |word| Ok(word.to_owned()))
            })
            .collect::<Read<_>>()?,
        Value::Object(object) if object.len() == 1 => match object.get("typeof") {
            Some(value) => return Ok(Kind::Of(expr::expr(value)?)),
            None => return fault("a type that is no word"),
        },
        _ => return fault("a type that is no word"),
    };
    Ok(Kind::Named(names))
}

fn data(value: &Value) -> Read<Kind> {
    match value.as_str() {
        Some("verdict") => Ok(Kind::Verdict),
        Some(
            object @ ("counter" | "quota" | "limit" | "synproxy" | "secmark" | "ct helper" | "ct timeout"
            | "ct expectation"),
        ) => Ok(Kind::Object(object.to_owned())),
        _ => kind(value),
    }
}

const SET_KEYS: [&str; 16] = [
    "family",
    "table",
    "name",
    "handle",
    "type",
    "map",
    "flags",
    "elem",
    "timeout",
    "gc-interval",
    "size",
    "policy",
    "comment",
    "auto-merge",
    "stmt",
    "typeof",
];

pub(super) fn set(what: &str, body: &Map<String, Value>) -> Read<Set> {
    known(body, &SET_KEYS)?;
    let flags = words(body, "flags")?;
    let known_flag =
        |flag: &&String| !matches!(flag.as_str(), "constant" | "interval" | "timeout" | "dynamic");
    if let Some(unknown) = flags.iter().find(known_flag) {
        return fault(format!("there is no flag {unknown}"));
    }
    let seconds: Option<u64> = opt_number(body, "timeout")?;
    let interval: Option<u32> = opt_number(body, "gc-interval")?;
    let mut statements = Vec::new();
    for one in body
        .get("stmt")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
    {
        statements.push(statement::statement(one)?);
    }
    let key = match (body.get("type"), body.get("typeof")) {
        (Some(value), _) => Some(kind(value)?),
        (None, Some(value)) => Some(Kind::Of(expr::expr(value)?)),
        (None, None) => None,
    };
    Ok(Set {
        name: text(body, "name")?.to_owned(),
        handle: opt_number(body, "handle")?,
        key,
        data: body.get("map").map(data).transpose()?,
        is_map: what == "map",
        flags,
        auto_merge: matches!(body.get("auto-merge"), Some(Value::Bool(true))),
        timeout_ms: seconds.map(|seconds| seconds.saturating_mul(1000)),
        gc_interval_ms: interval.map(|seconds| seconds.saturating_mul(1000)),
        size: opt_number(body, "size")?,
        policy: opt_text(body, "policy")?.map(str::to_owned),
        comment: opt_text(body, "comment")?.map(str::to_owned),
        elements: elements(body)?,
        statements,
    })
}

pub(super) fn elements(body: &Map<String, Value>) -> Read<Vec<Element>> {
    match body.get("elem") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(expr::element).collect(),
        Some(one) => Ok(vec![expr::element(one)?]),
    }
}

pub(super) fn flowtable(family: Family, body: &Map<String, Value>) -> Read<Flowtable> {
    known(
        body,
        &[
            "family", "table", "name", "handle", "hook", "prio", "dev", "flags",
        ],
    )?;
    Ok(Flowtable {
        name: text(body, "name")?.to_owned(),
        handle: opt_number(body, "handle")?,
        priority: priority(family, body)?,
        devices: words(body, "dev")?,
        flags: words(body, "flags")?,
    })
}

/// The fields that every object has, and a list of its own.
fn own(body: &Map<String, Value>) -> Map<String, Value> {
    let common = ["family", "table", "name", "handle", "comment"];
    let own = body.iter().filter(|(key, _)| !common.contains(&key.as_str()));
    own.map(|(key, value)| (key.clone(), value.clone())).collect()
}

pub(super) fn object(what: &str, body: &Map<String, Value>) -> Read<Object> {
    Ok(Object {
        name: text(body, "name")?.to_owned(),
        handle: opt_number(body, "handle")?,
        comment: opt_text(body, "comment")?.map(str::to_owned),
        content: content(what, &own(body))?,
    })
}

fn content(what: &str, body: &Map<String, Value>) -> Read<Content> {
    Ok(match what {
        "counter" => match statement::named("counter", &Value::Object(body.clone()))? {
            Statement::Counter(numbers) => Content::Counter(numbers),
            _ => return fault("not a counter"),
        },
        "quota" => {
            let mut body = body.clone();
            // Objects name the amount otherwise than statements do.
            if let Some(bytes) = body.remove("bytes") {
                body.insert("val".to_owned(), bytes);
            }
            match statement::quota(&body)? {
                Statement::Quota { bytes, used, over } => Content::Quota { bytes, used, over },
                _ => return fault("not a quota"),
            }
        }
        "limit" => Content::Limit(statement::limit(body)?),
        "ct helper" => {
            known(body, &["type", "protocol", "l3proto"])?;
            Content::Helper {
                kind: text(body, "type")?.to_owned(),
                protocol: text(body, "protocol")?.to_owned(),
                l3proto: opt_text(body, "l3proto")?.map(str::to_owned),
            }
        }
        "ct timeout" => timeout(body)?,
        "ct expectation" => {
            known(body, &["l3proto", "protocol", "dport", "timeout", "size"])?;
            Content::Expectation {
                protocol: text(body, "protocol")?.to_owned(),
                l3proto: opt_text(body, "l3proto")?.map(str::to_owned),
                port: number(body, "dport")?,
                timeout_ms: number(body, "timeout")?,
                size: number(body, "size")?,
            }
        }
        "secmark" => {
            known(body, &["context"])?;
            Content::Secmark(text(body, "context")?.to_owned())
        }
        "synproxy" => Content::Synproxy(statement::synproxy(body)?),
        other => return fault(format!("objects of the kind {other} are not read here")),
    })
}

fn timeout(body: &Map<String, Value>) -> Read<Content> {
    known(body, &["protocol", "l3proto", "policy"])?;
    let mut policy = Vec::new();
    for (state, seconds) in body
        .get("policy")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        match seconds.as_u64() {
            Some(seconds) => policy.push((state.clone(), seconds)),
            None => return fault(format!("{state} is not a number")),
        }
    }
    Ok(Content::Timeout {
        protocol: text(body, "protocol")?.to_owned(),
        l3proto: opt_text(body, "l3proto")?.map(str::to_owned),
        policy,
    })
}
