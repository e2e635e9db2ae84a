//! Facts: what a host holds that is a list of named things with properties, such as addresses, policy rules, sockets, sysctls.
//!
//! One form serves every such section: a kind, a key that tells a fact from others of its kind, and properties in the order and
//! the words of the tool that shows them. Each section's own module makes facts of what its reader got.

use serde::{Deserialize, Serialize};

use crate::azure;
use crate::bytes::{Big, Hex, Text};
use crate::host::{
    addresses, bpf, bridge, conntrack, ipset, ipvs, mptcp, namespaces, neighbours, nexthops, persisted,
    policy_rules, security_labels, sockets, sysctls, xfrm,
};
use crate::raw::lift::{LiftError, OpaqueAttribute};
use crate::raw::{HostRaw, Raw};
use crate::section::{Content, Gap, Section, SectionName, State, Warning};

pub(crate) mod attributes;
mod text;

/// Facts, sorted. The order in which the kernel lists them says nothing; where order matters it is a property.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Sorted by kind, then key.
    pub facts: Vec<Fact>,
}

impl Facts {
    /// Sorts them.
    pub fn new(mut facts: Vec<Fact>) -> Self {
        facts.sort();
        Self { facts }
    }
}

/// One thing that a host holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fact {
    /// What it is, in one word: `address`, `rule`, `socket`.
    pub kind: String,
    /// What tells it from others of its kind, the widest part first.
    pub key: Vec<Text>,
    /// What is set about it, in the order in which its tool prints it. What is not set is left out.
    pub properties: Vec<Property>,
    /// Attributes that this version does not know, whole.
    pub other: Vec<OpaqueAttribute>,
}

/// Something that is set about a fact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Property {
    /// Its name, as its tool calls it.
    pub name: String,
    /// What it is set to.
    pub value: Value,
}

/// What a property is set to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum Value {
    /// Being there is all.
    Flag,
    /// A word of the property's own, an address or prefix in its usual form.
    Word(String),
    /// A name from the kernel or a person.
    Text(Text),
    /// A number; its unit goes with the property.
    Number(Big),
    /// Bytes with no better reading.
    Bytes(Hex),
    /// Several, in an order that matters, or sorted.
    List(Vec<Value>),
    /// Properties of its own.
    Group(Vec<Property>),
}

impl Fact {
    /// A fact without properties.
    pub fn new(kind: &str, key: Vec<Text>) -> Self {
        Self {
            kind: kind.to_owned(),
            key,
            properties: Vec::new(),
            other: Vec::new(),
        }
    }

    /// Adds a property.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.properties.push(Property::new(name, value));
        self
    }

    /// Adds a property if there is one.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<Value>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds a flag if it is set.
    #[must_use]
    pub fn with_flag(self, name: &str, set: bool) -> Self {
        self.with_some(name, set.then_some(Value::Flag))
    }

    /// Where it stands, as a change or a gap names it: `rule/ipv4/32766`.
    pub fn path(&self) -> String {
        self.key
            .iter()
            .fold(self.kind.clone(), |path, part| format!("{path}/{part}"))
    }

    /// The property of this name.
    pub fn property(&self, name: &str) -> Option<&Value> {
        let mut named = self.properties.iter().filter(|property| property.name == name);
        named.next().map(|property| &property.value)
    }
}

impl Property {
    /// One property.
    pub fn new(name: &str, value: Value) -> Self {
        Self {
            name: name.to_owned(),
            value,
        }
    }
}

impl Value {
    /// A word.
    pub fn word(word: impl ToString) -> Self {
        Self::Word(word.to_string())
    }

    /// A number.
    pub fn number(number: impl Into<u64>) -> Self {
        Self::Number(Big(number.into()))
    }
}

/// What a section's module made of what its reader got.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lifted {
    /// Compared and digested.
    pub config: Facts,
    /// What changes by itself: counters, states, learnt entries.
    pub runtime: Facts,
    /// Parts that were not read; their paths are those of [`Fact::path`] or their beginnings. Not empty: the section is unreadable.
    pub gaps: Vec<Gap>,
    /// What was noticed that takes nothing away.
    pub warnings: Vec<Warning>,
}

/// Decodes what the reader of a section of facts got; `None` for a section of another form.
pub fn lift(name: SectionName, raw: &HostRaw) -> Option<Result<Lifted, LiftError>> {
    match name {
        SectionName::Ipset => Some(ipset::lift(raw)),
        SectionName::Addresses => Some(addresses::lift(raw)),
        SectionName::PolicyRules => Some(policy_rules::lift(raw)),
        SectionName::Nexthops => Some(nexthops::lift(raw)),
        SectionName::Neighbours => Some(neighbours::lift(raw)),
        SectionName::Xfrm => Some(xfrm::lift(raw)),
        SectionName::Bridge => Some(bridge::lift(raw)),
        SectionName::Ipvs => Some(ipvs::lift(raw)),
        SectionName::Mptcp => Some(mptcp::lift(raw)),
        SectionName::Sockets => Some(sockets::lift(raw)),
        SectionName::Conntrack => Some(conntrack::lift(raw)),
        SectionName::Sysctls => Some(sysctls::lift(raw)),
        SectionName::Bpf => Some(bpf::lift(raw)),
        SectionName::SecurityLabels => Some(security_labels::lift(raw)),
        SectionName::Namespaces => Some(namespaces::lift(raw)),
        SectionName::Persisted => Some(persisted::lift(raw)),
        SectionName::Nic
        | SectionName::EffectiveRoutes
        | SectionName::EffectiveNsg
        | SectionName::AdminRules => Some(azure::facts::lift(name, raw)),
        SectionName::Nftables
        | SectionName::XtablesLegacyIpv4
        | SectionName::XtablesLegacyIpv6
        | SectionName::ArptablesLegacy
        | SectionName::EbtablesLegacy
        | SectionName::IptablesSave
        | SectionName::Ip6tablesSave
        | SectionName::Tc
        | SectionName::Links
        | SectionName::Routes => None,
    }
}

/// Puts what was read, and what was made of it, into its section, and says how whole it is.
pub fn fill(section: &mut Section, raw: HostRaw, lifted: Result<Lifted, LiftError>) -> State {
    section.raw = Some(Raw::Host(raw));
    let lifted = match lifted {
        Ok(lifted) => lifted,
        Err(error) => {
            let why = format!("cannot decode {}: {error}", section.name);
            return State::Unreadable { why };
        }
    };
    section.warnings.extend(lifted.warnings);
    if let nothing @ [_, ..] = lifted.gaps.as_slice()
        && lifted.config.facts.is_empty()
        && lifted.runtime.facts.is_empty()
    {
        // Where nothing was read, nothing is shown: an empty list would look like an empty host.
        return unreadable(nothing);
    }
    section.gaps = lifted.gaps;
    section.content = Some(Content::Facts {
        config: lifted.config,
        runtime: lifted.runtime,
    });
    match section.gaps.as_slice() {
        [] => State::Captured,
        gaps => unreadable(gaps),
    }
}

fn unreadable(gaps: &[Gap]) -> State {
    let all: Vec<String> = gaps.iter().map(said).collect();
    State::Unreadable { why: all.join("; ") }
}

/// A gap in words; the empty path is all of a section.
fn said(gap: &Gap) -> String {
    if gap.path.is_empty() {
        return gap.why.clone();
    }
    format!("{}: {}", gap.path, gap.why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact() -> Fact {
        Fact::new("rule", vec!["ipv4".into(), "100".into()])
            .with("from", Value::word("10.0.0.0/8"))
            .with_flag("not", true)
            .with_flag("l3mdev", false)
            .with("table", Value::number(254u32))
            .with(
                "ports",
                Value::List(vec![
                    Value::number(1u8),
                    Value::Group(vec![Property::new("to", Value::Flag)]),
                ]),
            )
    }

    #[test]
    fn a_fact_is_named_and_shown() {
        assert_eq!(fact().path(), "rule/ipv4/100");
        assert_eq!(
            fact().to_string(),
            "rule ipv4 100 from 10.0.0.0/8 not table 254 ports [1 {to}]"
        );
        assert_eq!(fact().property("table"), Some(&Value::number(254u32)));
        assert_eq!(fact().property("l3mdev"), None);
    }

    #[test]
    fn what_facts_are_made_of_has_a_canonical_form() {
        use crate::raw::{HostPart, PartRead, Raw, RawMessage};
        let why = "refused".to_owned();
        let all = [
            PartRead::Messages {
                messages: vec![RawMessage {
                    message_type: 20,
                    payload: Hex(vec![1]),
                }],
            },
            PartRead::File {
                content: Text::from(&b"\xff"[..]),
            },
            PartRead::Absent { why: why.clone() },
            PartRead::Unreadable { why },
        ];
        let part = |read| HostPart {
            source: "part".to_owned(),
            read,
        };
        let raw = Raw::Host(HostRaw {
            links: Vec::new(),
            parts: all.into_iter().map(part).collect(),
        });
        let bytes = crate::artifact::json::to_vec(&raw).unwrap();
        assert_eq!(crate::artifact::json::from_slice::<Raw>(&bytes).unwrap(), raw);
    }

    #[test]
    fn a_fact_comes_back_from_its_canonical_form() {
        let facts = Facts::new(vec![fact(), Fact::new("address", vec![])]);
        assert_eq!(
            facts.facts.first().map(|fact| fact.kind.as_str()),
            Some("address")
        );
        let bytes = crate::artifact::json::to_vec(&facts).unwrap();
        assert_eq!(crate::artifact::json::from_slice::<Facts>(&bytes).unwrap(), facts);
    }
}
