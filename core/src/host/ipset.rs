//! Sets that xtables and tc look addresses up in, from `IPSET_CMD_LIST` messages (`linux/netfilter/ipset/ip_set.h`).
//!
//! A set and each element of it is a fact that prints as `ipset save` prints it. What a set with a timeout holds is runtime:
//! elements that packets added can't be told from those that people did, and both end by themselves; but those with a timeout of
//! nought, which stay. Runtime are also the size of the hash, which grows, the value that seeds it, and the revision, which the
//! kernel and the tool agree on.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::bytes::Text;
use crate::facts::{Fact, Facts, Lifted, Property, Value};
use crate::raw::HostRaw;
use crate::raw::attr::{Attr, Malformed, attrs};
use crate::raw::lift::{Fault, LiftError, whole};

mod element;
mod header;
mod names;
pub mod save;

pub use names::names;

/// The name of the part that holds the messages.
pub const SOURCE: &str = "ipset";

/// `NFNL_SUBSYS_IPSET` and `IPSET_CMD_LIST`.
pub(crate) const LIST: u16 = (6 << 8) | 7;
/// `sizeof(struct nfgenmsg)`.
const HEADER: usize = 4;

// IPSET_ATTR_*, at the level of a message.
pub(crate) const SETNAME: u16 = 2;
const TYPENAME: u16 = 3;
const DATA: u16 = 7;
const ADT: u16 = 8;
pub(crate) const INDEX: u16 = 11;

/// What `ipset` calls the seconds that an element still has.
const TIMEOUT: &str = "timeout";

/// A set while its messages are read: the first says what it is, the others bring more elements.
#[derive(Debug)]
struct Set {
    config: Fact,
    runtime: Fact,
    kind: Text,
    /// Whether its elements end by themselves.
    expires: bool,
    /// For a list of sets: its members, in their order.
    members: Vec<Value>,
    elements: Vec<(Fact, Option<Fact>)>,
}

/// Decodes the messages of a listing of all sets.
///
/// # Errors
/// Where a message is malformed, of another type, or brings elements of a set that no message described.
pub fn lift(raw: &HostRaw) -> Result<Lifted, LiftError> {
    let mut sets: BTreeMap<Text, Set> = BTreeMap::new();
    let mut gaps = Vec::new();
    raw.each((SOURCE, ""), &[LIST], &mut gaps, |payload| {
        message(raw, payload, &mut sets)
    })?;
    let (mut config, mut runtime) = (Vec::new(), Vec::new());
    for mut set in sets.into_values() {
        if is_list(&set.kind) && !set.expires {
            set.config = set.config.with("members", Value::List(set.members));
        }
        config.push(set.config);
        runtime.push(set.runtime);
        for (mut element, mut state) in set.elements {
            if let Some(stays) = state.as_mut().filter(|_| set.expires).and_then(permanent) {
                element.properties.push(stays);
            } else if set.expires {
                runtime.push(state.map_or_else(|| element.clone(), |state| merged(element.clone(), state)));
                continue;
            }
            config.push(element);
            runtime.extend(state.filter(|state| !state.properties.is_empty()));
        }
    }
    Ok(Lifted {
        config: Facts::new(config),
        runtime: Facts::new(runtime),
        gaps,
        ..Lifted::default()
    })
}

fn is_list(kind: &Text) -> bool {
    kind.as_bytes() == b"list:set"
}

/// Takes out a timeout of nought: the element stays until someone deletes it (`ip_set_timeout_get`: one that ends has at least
/// one second left).
fn permanent(state: &mut Fact) -> Option<Property> {
    let nought = Property::new(TIMEOUT, Value::number(0_u32));
    let place = state.properties.iter().position(|property| *property == nought)?;
    Some(state.properties.remove(place))
}

fn merged(mut element: Fact, state: Fact) -> Fact {
    element.properties.extend(state.properties);
    element
}

fn find<'a>(all: &[Attr<'a>], kind: u16) -> Option<Attr<'a>> {
    all.iter().copied().find(|attr| attr.kind == kind)
}

fn message(raw: &HostRaw, payload: &[u8], sets: &mut BTreeMap<Text, Set>) -> Result<(), Fault> {
    let body = payload.get(HEADER..).ok_or(Malformed::Short {
        what: "struct nfgenmsg",
        have: payload.len(),
        need: HEADER,
    })?;
    let all = whole(attrs(body))?;
    let name = find(&all, SETNAME).ok_or(Malformed::Missing {
        what: "IPSET_ATTR_SETNAME",
    })?;
    let name = name.text();
    if let Some(kind) = find(&all, TYPENAME) {
        let created = header::create(raw, &name, &kind.text(), &all)?;
        sets.insert(name.clone(), created);
    }
    let set = sets.get_mut(&name).ok_or(Malformed::Missing {
        what: "IPSET_ATTR_TYPENAME",
    })?;
    for list in all.iter().filter(|attr| attr.kind == ADT) {
        for data in list.nested() {
            let data = data?;
            if data.kind != DATA {
                return Err(Fault::Malformed(Malformed::Value {
                    what: "an attribute among elements",
                    value: data.kind.into(),
                }));
            }
            let element = element::element(raw, &name, &set.kind, data)?;
            if is_list(&set.kind) {
                set.members.push(element::member(&element.0));
                set.elements.extend(set.expires.then_some(element));
            } else {
                set.elements.push(element);
            }
        }
    }
    Ok(())
}

/// What `ipset restore` makes the same sets of: sets, then lists of sets, then elements.
pub fn save(facts: &Facts) -> String {
    let (mut sets, mut lists, mut elements) = (String::new(), String::new(), String::new());
    for fact in &facts.facts {
        // Writing to a String has no failure.
        let _ok = match (fact.kind.as_str(), fact.property("members")) {
            ("create", Some(Value::List(members))) => {
                let mut bare = fact.clone();
                bare.properties.retain(|property| property.name != "members");
                for member in members {
                    let name = fact.key.first().cloned().unwrap_or_default();
                    let _ok = writeln!(elements, "add {name} {}", element::member_text(member));
                }
                writeln!(lists, "{bare}")
            }
            ("create", _) => writeln!(sets, "{fact}"),
            _ => writeln!(elements, "{fact}"),
        };
    }
    sets + &lists + &elements
}

#[cfg(test)]
mod tests;
