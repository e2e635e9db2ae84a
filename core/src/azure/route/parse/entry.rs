//! One entry of a table.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::super::table::{Doubt, Properties, Route, Table, Undecided};
use super::super::word::{Origin, State, Word};
use crate::azure::body::{BadField, field, flag, shape, string, strings};
use crate::azure::net::Net;

/// The fields that are known. `disableBgpRoutePropagation` is what the wire says.
const KNOWN: [&str; 10] = [
    "name",
    "source",
    "state",
    "addressPrefix",
    "nextHopType",
    "nextHopIpAddress",
    "hasBgpOverride",
    "disableBgpRoutePropagation",
    "destinationServiceTags",
    "tagMap",
];

/// The fields that only effective routes have.
const TELLING: [&str; 4] = [
    "addressPrefix",
    "nextHopType",
    "nextHopIpAddress",
    "destinationServiceTags",
];

/// True where an object has a field of an effective route, whatever is in it.
pub(super) fn is_one(object: &Map<String, Value>) -> bool {
    let has = |name: &&str| object.keys().any(|key| key.eq_ignore_ascii_case(name));
    TELLING.iter().any(has)
}

/// What is not understood of an entry.
#[derive(Debug, Clone, Default)]
struct Doubts(Vec<(Doubt, String)>);

impl Doubts {
    /// What a reader got; what it could not read is noted, and nothing stands in its place.
    fn take<T: Default>(&mut self, doubt: Doubt, read: Result<T, BadField>) -> T {
        read.unwrap_or_else(|bad| {
            self.0.push((doubt, bad.to_string()));
            T::default()
        })
    }

    fn note(&mut self, doubt: Doubt, why: String) {
        self.0.push((doubt, why));
    }

    fn and(&self, doubt: Doubt, why: String) -> Self {
        let mut all = self.clone();
        all.note(doubt, why);
        all
    }
}

/// Reads one entry into the table.
pub(super) fn read(entry: usize, value: &Value, table: &mut Table) {
    let Value::Object(object) = value else {
        let all = [
            Doubt::Prefix,
            Doubt::State,
            Doubt::Source,
            Doubt::NextHopType,
            Doubt::NextHopAddresses,
            Doubt::BgpOverride,
        ];
        table.undecided.push(Undecided {
            entry,
            prefix: None,
            tag: None,
            why: format!("{} where an object belongs", shape(value)),
            doubts: all.to_vec(),
            properties: Arc::new(Properties {
                other: [("entry".to_owned(), value.clone())].into(),
                ..Properties::default()
            }),
        });
        return;
    };
    let mut doubts = Doubts::default();
    let properties = Arc::new(properties(object, &mut doubts));
    let mut rows = Rows {
        entry,
        properties,
        doubts,
        table,
    };
    prefixes(object, &mut rows);
}

fn properties(object: &Map<String, Value>, doubts: &mut Doubts) -> Properties {
    let mut word = |name: &str, doubt: Doubt| -> Word {
        let read = string(object, name).and_then(|word| {
            let there = word.filter(|word| !word.is_empty());
            there.ok_or_else(|| BadField::new(name, "not given"))
        });
        Word::from(doubts.take(doubt, read))
    };
    let source = word("source", Doubt::Source);
    let state = word("state", Doubt::State);
    let next_hop_type = word("nextHopType", Doubt::NextHopType);
    if !source.is_empty() && Origin::of(&source).is_none() {
        doubts.note(
            Doubt::Source,
            format!("source: {:?} is not known", source.as_str()),
        );
    }
    if !state.is_empty() && State::of(&state).is_none() {
        doubts.note(Doubt::State, format!("state: {:?} is not known", state.as_str()));
    }
    let known = |key: &String| KNOWN.iter().any(|name| key.eq_ignore_ascii_case(name));
    let other = object
        .iter()
        .filter(|(key, value)| !known(key) && !value.is_null());
    Properties {
        name: doubts.take(Doubt::Detail, string(object, "name")),
        source,
        state,
        next_hop_type,
        next_hop_ips: doubts.take(Doubt::NextHopAddresses, addresses(object)),
        has_bgp_override: doubts
            .take(Doubt::BgpOverride, flag(object, "hasBgpOverride"))
            .unwrap_or_default(),
        disable_bgp_propagation: doubts.take(Doubt::Detail, flag(object, "disableBgpRoutePropagation")),
        service_tags: doubts.take(Doubt::Detail, strings(object, "destinationServiceTags")),
        tag_map: doubts.take(Doubt::Detail, tag_map(object)),
        other: other.map(|(key, value)| (key.clone(), value.clone())).collect(),
    }
}

/// The next hop's addresses. An empty string is none.
fn addresses(object: &Map<String, Value>) -> Result<Vec<String>, BadField> {
    let mut all = strings(object, "nextHopIpAddress")?;
    all.retain(|address| !address.is_empty());
    Ok(all)
}

/// A map of lists, a map of strings, or a string where there is nothing to say: the SDKs differ.
fn tag_map(object: &Map<String, Value>) -> Result<BTreeMap<String, Vec<String>>, BadField> {
    match field(object, "tagMap") {
        None => Ok(BTreeMap::new()),
        Some(Value::String(text)) if text.is_empty() => Ok(BTreeMap::new()),
        Some(Value::Object(map)) => map
            .keys()
            .map(|tag| strings(map, tag).map(|prefixes| (tag.clone(), prefixes)))
            .collect::<Result<_, _>>()
            .map_err(|bad| bad.within("tagMap")),
        Some(other) => Err(BadField::new(
            "tagMap",
            format!("{} where an object belongs", shape(other)),
        )),
    }
}

/// Where the prefixes of one entry go.
struct Rows<'t> {
    entry: usize,
    properties: Arc<Properties>,
    doubts: Doubts,
    table: &'t mut Table,
}

impl Rows<'_> {
    fn prefix(&mut self, prefix: Net, tag: Option<&str>) {
        let (entry, tag) = (self.entry, tag.map(str::to_owned));
        let properties = Arc::clone(&self.properties);
        if self.doubts.0.is_empty() {
            self.table.routes.push(Route {
                entry,
                prefix,
                tag,
                properties,
            });
        } else {
            self.undecided(Some(prefix), tag, &self.doubts.clone());
        }
    }

    fn unread(&mut self, why: String) {
        let doubts = self.doubts.and(Doubt::Prefix, why);
        self.undecided(None, None, &doubts);
    }

    fn undecided(&mut self, prefix: Option<Net>, tag: Option<String>, doubts: &Doubts) {
        let why: Vec<&str> = doubts.0.iter().map(|(_, why)| why.as_str()).collect();
        let mut kinds: Vec<Doubt> = doubts.0.iter().map(|(doubt, _)| *doubt).collect();
        kinds.sort();
        kinds.dedup();
        self.table.undecided.push(Undecided {
            entry: self.entry,
            prefix,
            tag,
            why: why.join("; "),
            doubts: kinds,
            properties: Arc::clone(&self.properties),
        });
    }

    /// A prefix, or a tag that the body says the prefixes of.
    fn word(&mut self, at: &str, text: &str) {
        if let Ok(prefix) = text.parse::<Net>() {
            if written_long(text, prefix) {
                let entry = self.entry;
                let message = format!("entry {entry}: {text} has bits behind its length; it is {prefix}");
                self.table.warn("HOST_BITS", message);
            }
            self.prefix(prefix, None);
            return;
        }
        let properties = Arc::clone(&self.properties);
        let mut held = properties.tag_map.iter();
        match held.find(|(tag, prefixes)| tag.eq_ignore_ascii_case(text) && !prefixes.is_empty()) {
            Some((tag, prefixes)) => {
                for inner in prefixes {
                    match inner.parse() {
                        Ok(prefix) => self.prefix(prefix, Some(tag)),
                        Err(_) => self.unread(format!("tagMap.{tag}: {inner:?} is no address prefix")),
                    }
                }
            }
            None => self.unread(format!(
                "{at}: {text:?} is neither an address prefix nor a tag of tagMap"
            )),
        }
    }
}

/// True where bits behind the length were written.
fn written_long(text: &str, prefix: Net) -> bool {
    let address = text.split('/').next().and_then(|address| address.parse().ok());
    address.is_some_and(|address: std::net::IpAddr| address != prefix.address())
}

fn prefixes(object: &Map<String, Value>, rows: &mut Rows<'_>) {
    const FIELD: &str = "addressPrefix";
    let list = match field(object, FIELD) {
        None => &[][..],
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    for (at, value) in list.iter().enumerate() {
        match value {
            Value::String(text) => rows.word(&format!("{FIELD}.{at}"), text),
            other => rows.unread(format!("{FIELD}.{at}: {} where a prefix belongs", shape(other))),
        }
    }
    if !list.is_empty() {
        return;
    }
    let properties = Arc::clone(&rows.properties);
    for tag in &properties.service_tags {
        rows.word("destinationServiceTags", tag);
    }
    if properties.service_tags.is_empty() {
        rows.unread(format!("{FIELD}: not given"));
    }
}
