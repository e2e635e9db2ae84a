//! Statements.

use serde_json::{Map, Value};

use super::super::ast::{Expr, Log, Nat, Rate, Relation, Statement, Synproxy};
use super::expr::{element, expr, judgement};
use super::{Read, fault, known, number, only, opt_number, opt_text, text, words};

/// Statements that may name an object.
const OBJECTS: [&str; 8] = [
    "counter",
    "quota",
    "limit",
    "synproxy",
    "ct helper",
    "ct timeout",
    "ct expectation",
    "secmark",
];

/// A statement, which is an object with one key, or the bare word of a verdict.
pub(super) fn statement(value: &Value) -> Read<Statement> {
    match (only(value), value) {
        (Some((name, body)), _) => named(name, body),
        (None, Value::String(word)) => named(word, &Value::Null),
        _ => fault("not an object with one key"),
    }
}

pub(super) fn named(name: &str, body: &Value) -> Read<Statement> {
    if let Some(judgement) = judgement(name, body)? {
        return Ok(Statement::Verdict(judgement));
    }
    // These may stand without anything more.
    let nothing = Map::new();
    let object = match body {
        Value::Object(object) => object,
        Value::Null => &nothing,
        Value::String(_) | Value::Number(_) => return reference(name, body),
        other => return fault(format!("{name} is {other}")),
    };
    // A map may give the name of the object.
    if object.len() == 1 && object.contains_key("map") && OBJECTS.contains(&name) {
        return Ok(Statement::Object(name.to_owned(), expr(body)?));
    }
    match name {
        "match" => matched(object),
        "counter" => counter(object),
        "quota" => quota(object),
        "limit" => limit(object).map(Statement::Limit),
        "log" => log(object),
        "reject" => reject(object),
        "snat" | "dnat" | "masquerade" | "redirect" => nat(name, object),
        "mangle" => {
            known(object, &["key", "value"])?;
            Ok(Statement::Set(get(object, "key")?, get(object, "value")?))
        }
        "vmap" => {
            known(object, &["key", "data"])?;
            Ok(Statement::VerdictMap(get(object, "key")?, get(object, "data")?))
        }
        "set" | "map" => dynset(object),
        "queue" => {
            known(object, &["num", "flags"])?;
            Ok(Statement::Queue {
                number: optional(object, "num")?,
                flags: words(object, "flags")?,
            })
        }
        "notrack" => known(object, &[]).map(|()| Statement::Notrack),
        _ => rarer(name, object),
    }
}

/// The rest.
fn rarer(name: &str, object: &Map<String, Value>) -> Read<Statement> {
    match name {
        "ct count" => {
            known(object, &["val", "inv"])?;
            Ok(Statement::ConnLimit {
                count: number(object, "val")?,
                over: truth(object, "inv")?,
            })
        }
        "dup" => {
            known(object, &["addr", "dev"])?;
            Ok(Statement::Dup {
                address: optional(object, "addr")?,
                device: optional(object, "dev")?,
            })
        }
        "fwd" => {
            known(object, &["addr", "dev", "family"])?;
            Ok(Statement::Fwd {
                family: opt_text(object, "family")?.map(str::to_owned),
                address: optional(object, "addr")?,
                device: get(object, "dev")?,
            })
        }
        "tproxy" => {
            known(object, &["addr", "port", "family"])?;
            Ok(Statement::Tproxy {
                family: opt_text(object, "family")?.map(str::to_owned),
                address: optional(object, "addr")?,
                port: optional(object, "port")?,
            })
        }
        "synproxy" => synproxy(object).map(Statement::Synproxy),
        "flow" => {
            known(object, &["op", "flowtable"])?;
            let name = text(object, "flowtable")?;
            Ok(Statement::Offload(name.trim_start_matches('@').to_owned()))
        }
        "reset" => match optional(object, "tcp option")? {
            _ if object.len() != 1 => fault("reset of something else"),
            _ => match object.get("tcp option").and_then(Value::as_object) {
                Some(option) => Ok(Statement::ResetOption(text(option, "name")?.to_owned())),
                None => fault("reset of something else"),
            },
        },
        other => fault(format!("there is no statement {other}")),
    }
}

/// A named object.
fn reference(name: &str, body: &Value) -> Read<Statement> {
    match (name, body) {
        (
            "counter" | "quota" | "limit" | "synproxy" | "ct helper" | "ct timeout" | "ct expectation"
            | "secmark",
            Value::String(object),
        ) if !object.contains('\0') => Ok(Statement::Object(name.to_owned(), Expr::Word(object.clone()))),
        ("ct count", Value::Number(count)) => {
            match count.as_u64().and_then(|count| u32::try_from(count).ok()) {
                Some(count) => Ok(Statement::ConnLimit { count, over: false }),
                None => fault("no such count"),
            }
        }
        ("queue", Value::Number(_)) => Ok(Statement::Queue {
            number: Some(expr(body)?),
            flags: Vec::new(),
        }),
        _ => fault(format!("{name} is {body}")),
    }
}

fn get(object: &Map<String, Value>, key: &str) -> Read<Expr> {
    object
        .get(key)
        .map_or_else(|| fault(format!("{key} is missing")), expr)
}

fn optional(object: &Map<String, Value>, key: &str) -> Read<Option<Expr>> {
    object
        .get(key)
        .filter(|value| !value.is_null())
        .map(expr)
        .transpose()
}

fn truth(object: &Map<String, Value>, key: &str) -> Read<bool> {
    match object.get(key) {
        None | Some(Value::Null | Value::Bool(false)) => Ok(false),
        Some(Value::Bool(true)) => Ok(true),
        Some(other) => fault(format!("{key} is {other}")),
    }
}

fn matched(object: &Map<String, Value>) -> Read<Statement> {
    known(object, &["op", "left", "right"])?;
    let relation = match opt_text(object, "op")?.unwrap_or("in") {
        "in" => Relation::Implied,
        "==" => Relation::Eq,
        "!=" => Relation::Ne,
        "<" => Relation::Lt,
        "<=" => Relation::Le,
        ">" => Relation::Gt,
        ">=" => Relation::Ge,
        "!" => {
            let without = Expr::Without(Box::new(get(object, "right")?));
            return Ok(Statement::Match(get(object, "left")?, Relation::Implied, without));
        }
        other => return fault(format!("there is no operator {other}")),
    };
    Ok(Statement::Match(
        get(object, "left")?,
        relation,
        get(object, "right")?,
    ))
}

fn counter(object: &Map<String, Value>) -> Read<Statement> {
    known(object, &["packets", "bytes"])?;
    let both = match (opt_number(object, "packets")?, opt_number(object, "bytes")?) {
        (None, None) => None,
        (packets, bytes) => Some((packets.unwrap_or_default(), bytes.unwrap_or_default())),
    };
    Ok(Statement::Counter(both))
}

/// Bytes in a unit of `nft`'s.
pub(super) fn unit(word: Option<&str>) -> Read<u64> {
    match word {
        None | Some("bytes") => Ok(1),
        Some("kbytes") => Ok(1 << 10),
        Some("mbytes") => Ok(1 << 20),
        Some(other) => fault(format!("there is no unit {other}")),
    }
}

pub(super) fn quota(object: &Map<String, Value>) -> Read<Statement> {
    known(object, &["val", "val_unit", "used", "used_unit", "inv"])?;
    let bytes: u64 = number(object, "val")?;
    let used: Option<u64> = opt_number(object, "used")?;
    let used_unit = unit(opt_text(object, "used_unit")?)?;
    Ok(Statement::Quota {
        bytes: bytes.saturating_mul(unit(opt_text(object, "val_unit")?)?),
        used: used.unwrap_or_default().saturating_mul(used_unit),
        over: truth(object, "inv")?,
    })
}

pub(super) fn limit(object: &Map<String, Value>) -> Read<Rate> {
    known(
        object,
        &["rate", "rate_unit", "per", "burst", "burst_unit", "inv"],
    )?;
    let of = opt_text(object, "rate_unit")?.filter(|unit| *unit != "packets");
    let burst_of = opt_text(object, "burst_unit")?.filter(|unit| *unit != "packets");
    let rate: u64 = number(object, "rate")?;
    let burst: Option<u64> = opt_number(object, "burst")?;
    let burst_unit = unit(burst_of)?;
    Ok(Rate {
        rate: rate.saturating_mul(unit(of)?),
        bytes: of.is_some(),
        per: match opt_text(object, "per")?.unwrap_or("second") {
            "second" => 1,
            "minute" => 60,
            "hour" => 3_600,
            "day" => 86_400,
            "week" => 604_800,
            other => return fault(format!("there is no period {other}")),
        },
        burst: burst.map(|burst| burst.saturating_mul(burst_unit)),
        over: truth(object, "inv")?,
    })
}

fn log(object: &Map<String, Value>) -> Read<Statement> {
    known(
        object,
        &["prefix", "level", "flags", "group", "snaplen", "queue-threshold"],
    )?;
    Ok(Statement::Log(Log {
        prefix: opt_text(object, "prefix")?.map(str::to_owned),
        level: opt_text(object, "level")?.map(str::to_owned),
        flags: words(object, "flags")?,
        group: opt_number(object, "group")?,
        snaplen: opt_number(object, "snaplen")?,
        threshold: opt_number(object, "queue-threshold")?,
    }))
}

fn reject(object: &Map<String, Value>) -> Read<Statement> {
    known(object, &["type", "expr"])?;
    Ok(Statement::Reject {
        with: opt_text(object, "type")?.map(str::to_owned),
        code: optional(object, "expr")?,
    })
}

fn nat(name: &str, object: &Map<String, Value>) -> Read<Statement> {
    known(object, &["addr", "family", "port", "flags", "type_flags"])?;
    let kinds = words(object, "type_flags")?;
    if let Some(unknown) = kinds
        .iter()
        .find(|kind| !matches!(kind.as_str(), "prefix" | "interval" | "concat"))
    {
        return fault(format!("there is no flag {unknown}"));
    }
    Ok(Statement::Nat(Nat {
        kind: name.to_owned(),
        family: opt_text(object, "family")?.map(str::to_owned),
        address: optional(object, "addr")?,
        port: optional(object, "port")?,
        flags: words(object, "flags")?,
        prefix: kinds.iter().any(|kind| kind == "prefix"),
        pair: None,
    }))
}

fn dynset(object: &Map<String, Value>) -> Read<Statement> {
    known(object, &["op", "elem", "set", "map", "data", "stmt"])?;
    let mut element = object
        .get("elem")
        .map_or_else(|| fault("elem is missing"), element)?;
    element.data = optional(object, "data")?;
    if let Some(statements) = object.get("stmt").filter(|value| !value.is_null()) {
        let list = match statements {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        for one in list {
            element.statements.push(statement(one)?);
        }
    }
    let set = match opt_text(object, "set")? {
        Some(set) => set,
        None => text(object, "map")?,
    };
    Ok(Statement::Dynset {
        op: opt_text(object, "op")?.unwrap_or("add").to_owned(),
        set: set.trim_start_matches('@').to_owned(),
        element,
    })
}

pub(super) fn synproxy(object: &Map<String, Value>) -> Read<Synproxy> {
    known(object, &["mss", "wscale", "flags"])?;
    let flags = words(object, "flags")?;
    let has = |word: &str| flags.iter().any(|flag| flag == word);
    Ok(Synproxy {
        mss: opt_number(object, "mss")?,
        wscale: opt_number(object, "wscale")?,
        timestamp: has("timestamp"),
        sack: has("sack-perm"),
    })
}
