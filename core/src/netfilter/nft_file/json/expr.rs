//! Expressions.

use serde_json::{Map, Value};

use super::super::ast::{Binary, Element, Expr, Extension, Judgement, Target};
use super::{Read, fault, known, number, only, opt_number, opt_text, statement, text, words};

/// An expression of any kind.
pub(super) fn expr(value: &Value) -> Read<Expr> {
    match value {
        Value::String(word) if word.contains('\0') => fault("a word holds a NUL"),
        Value::String(word) => Ok(string(word)),
        Value::Number(number) => match number.as_u64() {
            Some(number) => Ok(Expr::Number(number)),
            None => fault(format!("{number} is no number of nft's")),
        },
        Value::Bool(bool) => Ok(Expr::Word(if *bool { "exists" } else { "missing" }.to_owned())),
        Value::Array(list) => Ok(Expr::List(list.iter().map(expr).collect::<Read<_>>()?)),
        Value::Null => fault("null is no expression"),
        Value::Object(_) => match only(value) {
            Some((name, body)) => named(name, body),
            None => fault("not an object with one key"),
        },
    }
}

/// `@name` is a set; an address may carry a prefix length, and ranges are sometimes written as one word.
fn string(word: &str) -> Expr {
    if let Some(name) = word.strip_prefix('@') {
        return Expr::SetName(name.to_owned());
    }
    if let Some((address, length)) = word.split_once('/')
        && address.parse::<std::net::IpAddr>().is_ok()
        && let Ok(length) = length.parse()
    {
        return Expr::Prefix(Box::new(Expr::Word(address.to_owned())), length);
    }
    Expr::Word(word.to_owned())
}

fn pair(value: &Value) -> Read<(Box<Expr>, Box<Expr>)> {
    match value.as_array().map(Vec::as_slice) {
        Some([left, right]) => Ok((Box::new(expr(left)?), Box::new(expr(right)?))),
        _ => fault("not two values"),
    }
}

fn named(name: &str, body: &Value) -> Read<Expr> {
    if let Some(judgement) = judgement(name, body)? {
        return Ok(Expr::Verdict(judgement));
    }
    let binary = match name {
        "&" => Some(Binary::And),
        "|" => Some(Binary::Or),
        "^" => Some(Binary::Xor),
        "<<" => Some(Binary::Left),
        ">>" => Some(Binary::Right),
        _ => None,
    };
    if let Some(binary) = binary {
        let list = body.as_array().map(Vec::as_slice).unwrap_or_default();
        let [first, second, more @ ..] = list else {
            return fault("not two values");
        };
        let mut out = Expr::Binary(binary, Box::new(expr(first)?), Box::new(expr(second)?));
        for one in more {
            out = Expr::Binary(binary, Box::new(out), Box::new(expr(one)?));
        }
        return Ok(out);
    }
    match name {
        "range" => pair(body).map(|(from, to)| Expr::Range(from, to)),
        "concat" => match body.as_array() {
            Some(parts) => Ok(Expr::Concat(parts.iter().map(expr).collect::<Read<_>>()?)),
            None => fault("not a list"),
        },
        "set" => Ok(Expr::Set(match body {
            Value::Array(list) => list.iter().map(element).collect::<Read<_>>()?,
            one => vec![element(one)?],
        })),
        _ => match body.as_object() {
            Some(body) => fields(name, body),
            None => fault(format!("{name} is {body}, not an object")),
        },
    }
}

fn fields(name: &str, body: &Map<String, Value>) -> Read<Expr> {
    match name {
        "prefix" => {
            known(body, &["addr", "len"])?;
            let address = body.get("addr").map_or_else(|| fault("addr is missing"), expr)?;
            Ok(Expr::Prefix(Box::new(address), number(body, "len")?))
        }
        "map" => {
            known(body, &["key", "data"])?;
            let get = |key: &str| {
                body.get(key)
                    .map_or_else(|| fault(format!("{key} is missing")), expr)
            };
            Ok(Expr::Map {
                key: Box::new(get("key")?),
                map: Box::new(get("data")?),
            })
        }
        "payload" => payload(body),
        "exthdr" | "tcp option" | "ip option" | "sctp chunk" => extension(name, body),
        "meta" => {
            known(body, &["key"])?;
            Ok(Expr::Meta(text(body, "key")?.to_owned()))
        }
        "ct" => connection(body),
        "fib" => {
            known(body, &["result", "flags"])?;
            let flags = words(body, "flags")?;
            let result = text(body, "result")?.to_owned();
            Ok(Expr::Fib { flags, result })
        }
        "rt" => {
            known(body, &["key", "family"])?;
            Ok(Expr::Route {
                family: opt_text(body, "family")?.map(str::to_owned),
                key: text(body, "key")?.to_owned(),
            })
        }
        "socket" => {
            known(body, &["key", "level"])?;
            Ok(Expr::Socket {
                key: text(body, "key")?.to_owned(),
                level: opt_number(body, "level")?,
            })
        }
        "osf" => {
            known(body, &["key", "ttl"])?;
            Ok(Expr::Fingerprint {
                ttl: opt_text(body, "ttl")?.map(str::to_owned),
                key: text(body, "key")?.to_owned(),
            })
        }
        _ => computed(name, body),
    }
}

fn computed(name: &str, body: &Map<String, Value>) -> Read<Expr> {
    match name {
        "numgen" => {
            known(body, &["mode", "mod", "offset"])?;
            Ok(Expr::NumberGenerator {
                mode: text(body, "mode")?.to_owned(),
                modulus: number(body, "mod")?,
                offset: opt_number(body, "offset")?.unwrap_or_default(),
            })
        }
        "jhash" | "symhash" => {
            known(body, &["mod", "offset", "expr", "seed"])?;
            let key = match (name, body.get("expr")) {
                ("symhash", _) => None,
                (_, Some(key)) => Some(Box::new(expr(key)?)),
                _ => return fault("expr is missing"),
            };
            Ok(Expr::Hash {
                key,
                modulus: number(body, "mod")?,
                seed: opt_number(body, "seed")?,
                offset: opt_number(body, "offset")?.unwrap_or_default(),
            })
        }
        "ipsec" => {
            known(body, &["key", "family", "dir", "spnum"])?;
            Ok(Expr::Ipsec {
                direction: text(body, "dir")?.to_owned(),
                number: opt_number(body, "spnum")?.unwrap_or_default(),
                family: opt_text(body, "family")?.map(str::to_owned),
                key: text(body, "key")?.to_owned(),
            })
        }
        _ => fault(format!("there is no expression {name}")),
    }
}

fn payload(body: &Map<String, Value>) -> Read<Expr> {
    if body.contains_key("base") {
        known(body, &["base", "offset", "len"])?;
        return Ok(Expr::Raw {
            base: text(body, "base")?.to_owned(),
            offset: number(body, "offset")?,
            bits: number(body, "len")?,
        });
    }
    known(body, &["protocol", "field"])?;
    Ok(Expr::Payload {
        protocol: text(body, "protocol")?.to_owned(),
        field: text(body, "field")?.to_owned(),
    })
}

fn extension(name: &str, body: &Map<String, Value>) -> Read<Expr> {
    if name == "tcp option" && body.contains_key("base") {
        known(body, &["base", "offset", "len"])?;
        return Ok(Expr::RawTcpOption {
            number: number(body, "base")?,
            offset: number(body, "offset")?,
            bits: number(body, "len")?,
        });
    }
    known(body, &["name", "field", "offset"])?;
    if opt_number::<u32>(body, "offset")?.unwrap_or_default() != 0 {
        return fault("an offset within an extension header is not read here");
    }
    let kind = match name {
        "exthdr" => Extension::Ip6,
        "tcp option" => Extension::TcpOption,
        "ip option" => Extension::IpOption,
        _ => Extension::SctpChunk,
    };
    let name = match body.get("name") {
        Some(Value::Number(number)) => number.to_string(),
        _ => text(body, "name")?.to_owned(),
    };
    Ok(Expr::Extension {
        kind,
        name,
        field: opt_text(body, "field")?.map(str::to_owned),
    })
}

fn connection(body: &Map<String, Value>) -> Read<Expr> {
    known(body, &["key", "family", "dir"])?;
    let key = text(body, "key")?;
    // `ip saddr` as one word is how it is printed.
    let (family, key) = match key.split_once(' ') {
        Some((family, key)) => (Some(family.to_owned()), key),
        None => (opt_text(body, "family")?.map(str::to_owned), key),
    };
    Ok(Expr::Ct {
        direction: opt_text(body, "dir")?.map(str::to_owned),
        family,
        key: key.to_owned(),
    })
}

/// A verdict, if it is one.
pub(super) fn judgement(name: &str, body: &Value) -> Read<Option<Judgement>> {
    let target = || match body.get("target") {
        Some(Value::String(chain)) if !chain.contains('\0') => Ok(Target::Chain(chain.clone())),
        _ => fault("a jump without its target"),
    };
    Ok(Some(match name {
        "accept" => Judgement::Accept,
        "drop" => Judgement::Drop,
        "continue" => Judgement::Continue,
        "return" => Judgement::Return,
        "jump" => Judgement::Jump(target()?),
        "goto" => Judgement::Goto(target()?),
        _ => return Ok(None),
    }))
}

/// An element of a set, or a pair of a map.
pub(super) fn element(value: &Value) -> Read<Element> {
    match value {
        Value::Array(pair) => match pair.as_slice() {
            [key, data] => Ok(Element {
                data: Some(expr(data)?),
                ..element(key)?
            }),
            _ => fault("not a key and its value"),
        },
        _ => match only(value) {
            Some(("elem", body)) => match body.as_object() {
                Some(body) => whole_element(body),
                None => fault("elem is not an object"),
            },
            _ => Ok(Element::from(key(value)?)),
        },
    }
}

fn key(value: &Value) -> Read<Expr> {
    match value.as_str() {
        Some("*") => Ok(Expr::CatchAll),
        _ => expr(value),
    }
}

fn whole_element(body: &Map<String, Value>) -> Read<Element> {
    let mut statements = Vec::new();
    for (name, value) in body {
        match name.as_str() {
            "val" | "timeout" | "expires" | "comment" => {}
            "stmt" => {
                for one in value.as_array().map(Vec::as_slice).unwrap_or_default() {
                    statements.push(statement::statement(one)?);
                }
            }
            "counter" | "limit" | "quota" | "ct count" => statements.push(statement::named(name, value)?),
            other => return fault(format!("{other} is not known in an element")),
        }
    }
    let value = body.get("val").map_or_else(|| fault("val is missing"), key)?;
    let seconds: Option<u64> = opt_number(body, "timeout")?;
    Ok(Element {
        key: value,
        data: None,
        timeout_ms: seconds.map(|seconds| seconds.saturating_mul(1000)),
        comment: opt_text(body, "comment")?.map(str::to_owned),
        statements,
    })
}
