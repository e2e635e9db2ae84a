//! One rule.

use serde_json::{Map, Value};

use crate::azure::body::{BadField, field, number, shape, string, strings};
use crate::azure::net::Net;
use crate::azure::nsg::model::{Access, Direction, Ports, Protocol, Rule, Side, Term};
use crate::azure::space::Ranges;

/// True for an object with two of the fields that only a rule has.
pub(super) fn looks_like(fields: &Map<String, Value>) -> bool {
    let names = ["access", "priority", "direction", "protocol"];
    let there = names.into_iter().filter(|name| fields.contains_key(*name));
    there.count() >= 2
}

/// Reads a rule. What is not understood of it becomes a fault, never a default.
pub(crate) fn read(value: &Value) -> Rule {
    let mut faults = Faults::default();
    let nothing = Map::new();
    let fields = value.as_object().unwrap_or_else(|| {
        faults.add(BadField::new(
            "rule",
            format!("{} where a rule belongs", shape(value)),
        ));
        &nothing
    });
    let full = faults.take(string(fields, "name")).flatten().unwrap_or_default();
    let (collection, name) = match full.rsplit_once('/') {
        Some((collection, name)) => (Some(collection.to_owned()), name.to_owned()),
        None => (None, full),
    };
    Rule {
        name,
        collection,
        priority: faults.needed("priority", priority(fields)),
        direction: faults.word(fields, "direction", direction),
        access: faults.word(fields, "access", access),
        protocol: faults.word(fields, "protocol", Protocol::read),
        sources: faults.side(fields, &SOURCES),
        destinations: faults.side(fields, &DESTINATIONS),
        source_ports: faults.ports(fields, ["sourcePortRange", "sourcePortRanges"]),
        ports: faults.ports(fields, ["destinationPortRange", "destinationPortRanges"]),
        faults: faults.0,
        raw: value.clone(),
    }
}

/// The priority, as far as it is one.
pub(crate) fn priority(fields: &Map<String, Value>) -> Result<Option<u32>, BadField> {
    let Some(number) = number(fields, "priority")? else {
        return Ok(None);
    };
    u32::try_from(number)
        .map(Some)
        .map_err(|_| BadField::new("priority", format!("{number} is too large")))
}

pub(crate) fn direction(word: &str) -> Option<Direction> {
    match word.to_ascii_lowercase().as_str() {
        "inbound" => Some(Direction::Inbound),
        "outbound" => Some(Direction::Outbound),
        _ => None,
    }
}

pub(crate) fn access(word: &str) -> Option<Access> {
    match word.to_ascii_lowercase().as_str() {
        "allow" => Some(Access::Allow),
        "alwaysallow" => Some(Access::AlwaysAllow),
        "deny" => Some(Access::Deny),
        _ => None,
    }
}

/// The fields of one side of a rule.
struct SideFields {
    single: &'static str,
    plural: &'static str,
    expanded: &'static str,
    groups: &'static str,
}

const SOURCES: SideFields = SideFields {
    single: "sourceAddressPrefix",
    plural: "sourceAddressPrefixes",
    expanded: "expandedSourceAddressPrefix",
    groups: "sourceApplicationSecurityGroups",
};

const DESTINATIONS: SideFields = SideFields {
    single: "destinationAddressPrefix",
    plural: "destinationAddressPrefixes",
    expanded: "expandedDestinationAddressPrefix",
    groups: "destinationApplicationSecurityGroups",
};

/// What was not understood so far.
#[derive(Debug, Default)]
pub(crate) struct Faults(pub(crate) Vec<BadField>);

impl Faults {
    pub(crate) fn add(&mut self, fault: BadField) {
        self.0.push(fault);
    }

    pub(crate) fn take<T>(&mut self, read: Result<T, BadField>) -> Option<T> {
        read.map_err(|fault| self.add(fault)).ok()
    }

    /// A part that no rule is without.
    pub(crate) fn needed<T>(&mut self, name: &str, read: Result<Option<T>, BadField>) -> Option<T> {
        let read = self.take(read)?;
        if read.is_none() {
            self.add(BadField::new(name, "not given"));
        }
        read
    }

    pub(crate) fn word<T>(
        &mut self,
        fields: &Map<String, Value>,
        name: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let word = self.needed(name, string(fields, name))?;
        let known = read(&word);
        if known.is_none() {
            self.add(BadField::new(name, format!("{word:?} is not known")));
        }
        known
    }

    fn side(&mut self, fields: &Map<String, Value>, names: &SideFields) -> Side {
        let before = self.0.len();
        let single = self.take(strings(fields, names.single)).unwrap_or_default();
        let plural = self.take(strings(fields, names.plural)).unwrap_or_default();
        let groups = self.take(groups(fields, names.groups)).unwrap_or_default();
        let expanded = self.take(nets(fields, names.expanded)).unwrap_or_default();
        let (single, plural) = (terms(&single), terms(&plural));
        for term in single.iter().chain(&plural) {
            if let Term::Unreadable(text) = term {
                self.add(BadField::new(names.single, format!("{text:?} is no address")));
            }
        }
        let mut side = Side {
            contradicts: contradict(&single, &plural),
            terms: if plural.is_empty() { single } else { plural },
            expanded,
        };
        side.terms.extend(groups.into_iter().map(Term::Group));
        side.contradicts |= widened(&side);
        if side.contradicts {
            let why = "it says one thing and its list another";
            self.add(BadField::new(names.single, why));
        }
        if side.terms.is_empty() && side.expanded.is_empty() && self.0.len() == before {
            self.add(BadField::new(names.single, "not given"));
        }
        // What could not be read could be anything.
        side.contradicts |= self.0.len() > before && !side.terms.iter().any(is_unreadable);
        side
    }

    pub(crate) fn ports(&mut self, fields: &Map<String, Value>, names: [&str; 2]) -> Option<Ports> {
        let [single_name, plural_name] = names;
        let single = self.take(strings(fields, single_name).and_then(|read| ports(&read, single_name)))?;
        let plural = self.take(strings(fields, plural_name).and_then(|read| ports(&read, plural_name)))?;
        match (single, plural) {
            (Some(single), Some(plural)) if !plural.covers(&single) => {
                self.add(BadField::new(
                    single_name,
                    "it says one thing and its list another",
                ));
                None
            }
            (_, Some(plural)) => Some(plural),
            (Some(single), None) => Some(single),
            (None, None) => {
                self.add(BadField::new(single_name, "not given"));
                None
            }
        }
    }
}

fn is_unreadable(term: &Term) -> bool {
    matches!(term, Term::Unreadable(_))
}

/// Each text, and each part of one with commas.
fn parts(texts: &[String]) -> impl Iterator<Item = &str> {
    let parts = texts.iter().flat_map(|text| text.split(',').map(str::trim));
    parts.filter(|part| !part.is_empty())
}

fn terms(texts: &[String]) -> Vec<Term> {
    parts(texts).map(Term::read).collect()
}

/// True where the single field says something that the list does not.
fn contradict(single: &[Term], plural: &[Term]) -> bool {
    let listed = |term: &Term| {
        plural.iter().any(|other| match (term, other) {
            // Azure writes `*` as the prefix of every IPv4 address.
            (Term::Any, Term::Net(net)) | (Term::Net(net), Term::Any) => net.is_default(),
            _ => term.key() == other.key(),
        })
    };
    !plural.is_empty() && !single.iter().all(listed)
}

/// True where a rule on every address has an expansion that is not every address.
fn widened(side: &Side) -> bool {
    let all = side.terms.contains(&Term::Any);
    all && !side.expanded.is_empty() && !side.expanded.iter().any(|net| net.is_default())
}

fn nets(fields: &Map<String, Value>, name: &str) -> Result<Vec<Net>, BadField> {
    let texts = strings(fields, name)?;
    let net = |text: &str| {
        text.parse()
            .map_err(|_| BadField::new(name, format!("{text:?} is no address prefix")))
    };
    parts(&texts).map(net).collect()
}

/// The ids of application security groups: `[{"id": "…"}]`.
fn groups(fields: &Map<String, Value>, name: &str) -> Result<Vec<String>, BadField> {
    let bad = || BadField::new(name, "no list of resource ids");
    match field(fields, name) {
        None => Ok(Vec::new()),
        Some(Value::Array(members)) => members
            .iter()
            .map(|member| super::association::reference(Some(member)).ok_or_else(bad))
            .collect(),
        Some(_) => Err(bad()),
    }
}

/// Port ranges: `*`, `80`, `80-80`, `8080-8090`; none where there is no text.
fn ports(texts: &[String], name: &str) -> Result<Option<Ports>, BadField> {
    let mut found = Vec::new();
    for part in parts(texts) {
        let range =
            range(part).ok_or_else(|| BadField::new(name, format!("{part:?} is no range of ports")))?;
        found.push(range);
    }
    Ok((!found.is_empty()).then(|| Ranges::of(found)))
}

/// One range of ports.
fn range(text: &str) -> Option<(u16, u16)> {
    if text == "*" || text.eq_ignore_ascii_case("any") {
        return Some((u16::MIN, u16::MAX));
    }
    let port = |text: &str| -> Option<u16> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten()
    };
    let (low, high) = match text.split_once('-') {
        Some((low, high)) => (port(low.trim())?, port(high.trim())?),
        None => (port(text)?, port(text)?),
    };
    (low <= high).then_some((low, high))
}
