//! The JSON of `nft` (libnftables-json(5)).

use serde_json::{Map, Value};

use super::ast::{Chain, Place, Rule, Sourced, Statement, Table};
use super::{EMPTY_INPUT, NOT_UNDERSTOOD, NftFileError, Notes, UNDECLARED_CHAIN};
use crate::netfilter::model::Family;

mod expr;
mod object;
mod statement;

/// Why a part could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault(String);

type Read<T> = Result<T, Fault>;

fn fault<T>(why: impl Into<String>) -> Read<T> {
    Err(Fault(why.into()))
}

/// The tables of a document.
pub(super) fn tables(text: &[u8], notes: &mut Notes) -> Result<Vec<Table>, NftFileError> {
    if text.trim_ascii().is_empty() {
        notes.warn(EMPTY_INPUT, "there is nothing in the text".to_owned());
        return Ok(Vec::new());
    }
    let document: Value = serde_json::from_slice(text).map_err(|error| NftFileError::NotJson {
        why: error.to_string(),
    })?;
    let list = document
        .get("nftables")
        .and_then(Value::as_array)
        .ok_or(NftFileError::NotNft)?;
    if list.is_empty() {
        notes.warn(
            EMPTY_INPUT,
            "the list is empty; nft itself writes at least its version".to_owned(),
        );
    }
    let mut reading = Reading {
        tables: Vec::new(),
        notes,
    };
    for (index, entry) in list.iter().enumerate() {
        if let Err(Fault(why)) = reading.entry(entry) {
            let path = format!("nftables[{index}]");
            reading.notes.gap(&path, &why);
        }
    }
    Ok(reading.tables)
}

struct Reading<'n> {
    tables: Vec<Table>,
    notes: &'n mut Notes,
}

/// The one pair of an object with one key.
fn only(value: &Value) -> Option<(&str, &Value)> {
    let object = value.as_object()?;
    let mut pairs = object.iter();
    match (pairs.next(), pairs.next()) {
        (Some((key, value)), None) => Some((key, value)),
        _ => None,
    }
}

/// A field that must be text.
fn text<'v>(object: &'v Map<String, Value>, key: &str) -> Read<&'v str> {
    opt_text(object, key)?.map_or_else(|| fault(format!("{key} is missing")), Ok)
}

fn opt_text<'v>(object: &'v Map<String, Value>, key: &str) -> Read<Option<&'v str>> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.contains('\0') => fault(format!("{key} holds a NUL")),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => fault(format!("{key} is not text but {other}")),
    }
}

fn opt_number<T: TryFrom<u64>>(object: &Map<String, Value>, key: &str) -> Read<Option<T>> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = value.as_u64().and_then(|number| T::try_from(number).ok());
            number.map_or_else(
                || fault(format!("{key} is not a number that fits: {value}")),
                |number| Ok(Some(number)),
            )
        }
    }
}

fn number<T: TryFrom<u64>>(object: &Map<String, Value>, key: &str) -> Read<T> {
    opt_number(object, key)?.map_or_else(|| fault(format!("{key} is missing")), Ok)
}

/// One word or a list of words.
fn words(object: &Map<String, Value>, key: &str) -> Read<Vec<String>> {
    let word = |value: &Value| match value {
        Value::String(word) => Ok(word.clone()),
        other => fault(format!("{key} holds {other}")),
    };
    match object.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(word).collect(),
        Some(one) => Ok(vec![word(one)?]),
    }
}

/// Refuses keys that are not known: they may change what the rest means.
fn known(object: &Map<String, Value>, keys: &[&str]) -> Read<()> {
    match object.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => fault(format!("{key} is not known here")),
        None => Ok(()),
    }
}

fn family(word: &str) -> Read<Family> {
    let all = [
        Family::Ip,
        Family::Ip6,
        Family::Inet,
        Family::Arp,
        Family::Bridge,
        Family::Netdev,
    ];
    let found = all.into_iter().find(|family| family.as_str() == word);
    found.map_or_else(|| fault(format!("there is no family {word}")), Ok)
}

impl Reading<'_> {
    fn entry(&mut self, entry: &Value) -> Read<()> {
        let Some((kind, body)) = only(entry) else {
            return fault("not an object with one key");
        };
        match kind {
            "metainfo" => return Ok(()),
            // The same as a command.
            "add" | "create" => return self.entry(body),
            "flush" if only(body).is_some_and(|(what, _)| what == "ruleset") => {
                self.tables.clear();
                return Ok(());
            }
            _ => {}
        }
        let Some(body) = body.as_object() else {
            return fault(format!("{kind} is {body}, not an object"));
        };
        let family = family(text(body, "family")?)?;
        if kind == "table" {
            return self.table(family, body);
        }
        let name = text(body, "table")?;
        match kind {
            "chain" => {
                let chain = object::chain(family, body)?;
                self.of(family, name)
                    .chains
                    .retain(|known| known.name != chain.name);
                self.of(family, name).chains.push(chain);
            }
            "rule" => self.rule(family, name, body)?,
            "set" | "map" => {
                let set = object::set(kind, body)?;
                let table = self.of(family, name);
                table.sets.retain(|known| known.name != set.name);
                table.sets.push(set);
            }
            "element" => {
                let elements = object::elements(body)?;
                let set = text(body, "name")?;
                let table = self.of(family, name);
                match table.sets.iter_mut().find(|known| known.name == set) {
                    Some(known) => known.elements.extend(elements),
                    None => return fault(format!("elements of the set {set}, which is not there")),
                }
            }
            "flowtable" => {
                let flowtable = object::flowtable(family, body)?;
                self.of(family, name).flowtables.push(flowtable);
            }
            other => {
                let object = object::object(other, body)?;
                self.of(family, name).objects.push(object);
            }
        }
        Ok(())
    }

    fn of(&mut self, family: Family, name: &str) -> &mut Table {
        let place = self
            .tables
            .iter()
            .position(|table| table.family == family && table.name == name);
        let place = place.unwrap_or_else(|| {
            self.tables.push(Table::new(family, name));
            self.tables.len().saturating_sub(1)
        });
        // The place is that of a table found or just added.
        #[allow(clippy::indexing_slicing, reason = "found or pushed above")]
        &mut self.tables[place]
    }

    fn table(&mut self, family: Family, body: &Map<String, Value>) -> Read<()> {
        known(body, &["family", "name", "handle", "flags", "comment"])?;
        let name = text(body, "name")?;
        let flags = words(body, "flags")?;
        if let Some(unknown) = flags
            .iter()
            .find(|flag| !matches!(flag.as_str(), "dormant" | "owner" | "persist"))
        {
            return fault(format!("there is no flag {unknown}"));
        }
        let (handle, comment) = (opt_number(body, "handle")?, opt_text(body, "comment")?);
        let table = self.of(family, name);
        table.handle = handle;
        table.flags = flags;
        table.comment = comment.map(str::to_owned);
        Ok(())
    }

    fn rule(&mut self, family: Family, table: &str, body: &Map<String, Value>) -> Read<()> {
        known(
            body,
            &[
                "family", "table", "chain", "handle", "index", "expr", "comment", "position",
            ],
        )?;
        let chain = text(body, "chain")?.to_owned();
        let statements = match body.get("expr") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(list)) => list.iter().map(|one| self.statement(one)).collect(),
            Some(other) => return fault(format!("expr is not a list but {other}")),
        };
        let rule = Rule {
            place: Place::default(),
            handle: opt_number(body, "handle")?,
            statements,
            comment: opt_text(body, "comment")?.map(str::to_owned),
        };
        let place = self.of(family, table);
        if let Some(known) = place.chains.iter_mut().find(|known| known.name == chain) {
            known.rules.push(rule);
            return Ok(());
        }
        place.chains.push(Chain {
            name: chain.clone(),
            rules: vec![rule],
            ..Chain::default()
        });
        let what = format!("a rule stands in the chain {family}/{table}/{chain}, which nothing declares");
        self.notes.warn(UNDECLARED_CHAIN, what);
        Ok(())
    }

    /// A statement that is not read is kept as the JSON it came in.
    fn statement(&mut self, value: &Value) -> Sourced {
        let words = value.to_string();
        let name = only(value).map_or("statement", |(name, _)| name);
        let unknown = |words: &str| Statement::Unknown {
            name: name.to_owned(),
            words: words.to_owned(),
        };
        let statement = match statement::statement(value) {
            Ok(statement) => statement,
            Err(Fault(_)) if name == "xt" => {
                let why = format!("JSON does not tell the parameters of xtables extensions: {words}");
                self.notes.gap("xt", &why);
                unknown(&words)
            }
            Err(Fault(why)) => {
                self.notes.warn(NOT_UNDERSTOOD, format!("{words}: {why}"));
                unknown(&words)
            }
        };
        Sourced { statement, words }
    }
}
