//! What the controller asks of this host, and what came of it.

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest::Meta;
use netghost_core::artifact::name::Name;
use netghost_core::bytes::Text;
use netghost_core::fleet::Id;
use netghost_core::section::SectionName;
use netghost_proto::convert::BadField;
use netghost_proto::v1;
use serde::{Deserialize, Serialize};

/// A snapshot is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
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

/// How a command ended: one of the two, for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// The snapshot is with the controller.
    Captured {
        /// SHA-256 of its manifest.
        manifest: Digest,
    },
    /// There is none.
    Failed(Failed),
}

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failed {
    /// A fixed word: `expired`, `disk_full`, `spool_full`, `refused`, `unsupported`, `busy`, `internal`.
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

impl Order {
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

impl TryFrom<&v1::Capture> for Order {
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
            Order::try_from(&v1::Capture {
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
            Order::try_from(&v1::Capture {
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

    mod prost_len {
        use prost::Message;

        pub(super) fn len(message: &impl Message) -> usize {
            message.encoded_len()
        }
    }
}
