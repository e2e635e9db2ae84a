//! What the controller asks of this host, and what came of it.

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest::Meta;
use netghost_core::artifact::name::Name;
use netghost_core::bytes::Text;
use netghost_core::fleet::Id;
use netghost_core::gate::{Demand, LONGEST_DEMAND};
use netghost_core::section::SectionName;
use netghost_proto::convert::BadField;
use netghost_proto::v1;
use serde::{Deserialize, Serialize};

/// What is wanted. In a file the two are told apart by their fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Order {
    /// A snapshot.
    Capture(Capture),
    /// Something of the process that acts.
    Act(Act),
}

/// A demand that is passed on as it came: the process that acts trusts none of it, and neither does this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// Canonical JSON of core's `gate::Demand`, or whatever else came.
    pub demand: Text,
    /// True if what is done has to be confirmed.
    pub confirm: bool,
}

/// A snapshot is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    /// Which sections, sorted, each once; never empty.
    pub sections: Vec<SectionName>,
    /// The name of the baseline.
    pub name: Option<Name>,
    /// Who asked for it.
    pub asked_by: Option<Text>,
    /// The change it belongs to.
    pub ticket: Option<Text>,
    /// What they wrote about it.
    pub note: Option<Text>,
}

/// How a command ended: one of these, for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// The snapshot is with the controller.
    Captured {
        /// SHA-256 of its manifest.
        manifest: Digest,
    },
    /// The process that acts has answered: JSON of core's `gate::Answer`, as it came.
    Acted {
        /// The answer.
        answer: Text,
    },
    /// There is neither.
    Failed(Failed),
}

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failed {
    /// A fixed word: `expired`, `disk_full`, `spool_full`, `refused`, `unsupported`, `busy`, `act_silent`, `internal`.
    pub code: String,
    /// For people: why, and what to do.
    pub message: String,
}

impl Failed {
    /// A failure of this kind. A message too long for the wire is cut.
    pub fn new(code: &str, message: impl std::fmt::Display) -> Self {
        Self {
            code: code.to_owned(),
            message: message.to_string().chars().take(2_000).collect(),
        }
    }

    /// Nobody wants the answer any more.
    pub fn expired() -> Self {
        Self::new("expired", "the command's lifetime ended before it was done")
    }
}

impl Act {
    /// The demand, if it is one that this version knows.
    pub fn parsed(&self) -> Option<Demand> {
        serde_json::from_slice(self.demand.as_bytes()).ok()
    }

    /// The action that is to be done, if that is what is demanded.
    pub fn performs(&self) -> Option<Digest> {
        match self.parsed() {
            Some(Demand::Perform { action, .. }) => Some(action),
            _ => None,
        }
    }
}

impl TryFrom<&v1::Act> for Act {
    type Error = BadField;

    fn try_from(act: &v1::Act) -> Result<Self, BadField> {
        match act.demand.len() {
            1..=LONGEST_DEMAND => Ok(Self {
                demand: Text::from(act.demand.as_ref()),
                confirm: act.confirm,
            }),
            length => Err(BadField::new(
                "demand",
                format_args!("a demand has 1 to {LONGEST_DEMAND} bytes, not {length}"),
            )),
        }
    }
}

impl Capture {
    /// What people said about it, as it stands in the manifest.
    pub fn meta(&self) -> Meta {
        Meta {
            name: self.name.clone(),
            asked_by: self.asked_by.clone(),
            ticket: self.ticket.clone(),
            note: self.note.clone(),
        }
    }
}

impl TryFrom<&v1::Capture> for Capture {
    type Error = BadField;

    fn try_from(capture: &v1::Capture) -> Result<Self, BadField> {
        let text = |text: &String| (!text.is_empty()).then(|| Text::from(text.as_str()));
        let name = match capture.name.as_str() {
            "" => None,
            name => Some(Name::parse(name).map_err(|error| BadField::new("name", error))?),
        };
        Ok(Self {
            sections: sections(&capture.sections)?,
            name,
            asked_by: text(&capture.asked_by),
            ticket: text(&capture.ticket),
            note: text(&capture.note),
        })
    }
}

/// The sections of these names; none named: what a host is asked for when nothing else is said.
fn sections(names: &[String]) -> Result<Vec<SectionName>, BadField> {
    if names.is_empty() {
        return Ok(SectionName::DEFAULT.to_vec());
    }
    let find = |name: &String| {
        let found = SectionName::HOST.into_iter().find(|known| known.as_str() == name);
        found.ok_or_else(|| {
            let name: String = name.chars().take(64).collect();
            BadField::new(
                "sections",
                format_args!("{name:?} is not a section of a host that this agent reads"),
            )
        })
    };
    let mut found: Vec<SectionName> = names.iter().map(find).collect::<Result<_, _>>()?;
    found.sort();
    found.dedup();
    Ok(found)
}

/// The message that tells of an outcome.
pub fn finished(id: Id, outcome: &Outcome) -> v1::AgentMessage {
    use v1::command_finished::Outcome as Wire;
    let outcome = match outcome {
        Outcome::Captured { manifest } => Wire::Captured(v1::Captured {
            manifest: manifest.as_bytes().to_vec().into(),
        }),
        Outcome::Acted { answer } => Wire::Acted(v1::Acted {
            answer: answer.as_bytes().to_vec().into(),
        }),
        Outcome::Failed(failed) => Wire::Failed(v1::Failed {
            code: failed.code.clone(),
            message: failed.message.clone(),
        }),
    };
    message(v1::agent_message::Kind::CommandFinished(v1::CommandFinished {
        id: id.to_string(),
        outcome: Some(outcome),
    }))
}

/// A message of this kind.
pub fn message(kind: v1::agent_message::Kind) -> v1::AgentMessage {
    v1::AgentMessage { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_sections_that_exist() {
        let order = |sections: &[&str]| {
            Capture::try_from(&v1::Capture {
                sections: sections.iter().map(|name| (*name).to_owned()).collect(),
                ..v1::Capture::default()
            })
        };
        assert_eq!(order(&[]).unwrap().sections, SectionName::DEFAULT);
        assert_eq!(
            order(&["tc", "nftables", "tc"]).unwrap().sections,
            [SectionName::Nftables, SectionName::Tc]
        );
        let error = order(&["tc", "no-such"]).unwrap_err().to_string();
        assert!(error.contains("no-such") && error.contains("sections"), "{error}");
        assert!(order(&["iptables-save"]).is_err(), "a section of a file");
    }

    #[test]
    fn a_baselines_name_is_checked() {
        let order = |name: &str| {
            Capture::try_from(&v1::Capture {
                name: name.to_owned(),
                ..v1::Capture::default()
            })
        };
        assert_eq!(order("").unwrap().name, None);
        assert!(order("before").is_ok());
        assert!(order("../before").is_err());
    }

    #[test]
    fn a_message_fits_the_wire() {
        use prost_len::len;
        let failed = Failed::new("internal", "é".repeat(100_000));
        let bytes = len(&finished(Id::from_random([1; 16]), &Outcome::Failed(failed)));
        assert!(bytes < netghost_proto::CONTROL_MESSAGE, "{bytes}");
    }

    #[test]
    fn orders_in_files_are_told_apart() {
        let capture = Order::Capture(Capture::try_from(&v1::Capture::default()).unwrap());
        let act = |demand: &[u8]| {
            Order::Act(Act {
                demand: Text::from(demand),
                confirm: true,
            })
        };
        for order in [capture, act(b"{}"), act(b"\xff\x00")] {
            let bytes = serde_json::to_vec(&order).unwrap();
            assert_eq!(serde_json::from_slice::<Order>(&bytes).unwrap(), order);
        }
    }

    #[test]
    fn a_demand_is_passed_on_whatever_it_is_but_not_of_any_length() {
        let act = |length: usize| {
            Act::try_from(&v1::Act {
                demand: vec![b'x'; length].into(),
                confirm: false,
            })
        };
        assert!(act(0).is_err());
        assert_eq!(act(LONGEST_DEMAND).unwrap().performs(), None);
        let error = act(LONGEST_DEMAND + 1).unwrap_err().to_string();
        assert!(error.contains("demand"), "{error}");
    }

    mod prost_len {
        use prost::Message;

        pub(super) fn len(message: &impl Message) -> usize {
            message.encoded_len()
        }
    }
}
