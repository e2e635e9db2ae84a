//! What the command answers.

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::object::config_digest;
use netghost_core::azure::nsg::Verdict;
use netghost_core::azure::path::{AddressPart, Around, Layer, Path, Place};
use netghost_core::section::{Section, State};
use serde_json::{Value, json};

use super::end::{Found, Known};
use super::flow::Asked;
use super::walk::walk;
use crate::commands::nsg::ports;
use crate::error::Failure;
use crate::exit::Status;

const SCHEMA: &str = "netghost.path/v1";

/// An answer.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The flow that was asked for.
    pub asked: &'a Asked,
    /// The two ends.
    pub ends: &'a [Found; 2],
    /// What becomes of it.
    pub path: Path,
    /// Where an end is the Internet, and its addresses come to different ends: each part.
    pub addresses: Vec<AddressPart>,
    /// What was chosen on the way.
    pub notes: Vec<String>,
}

impl<'a> Answer<'a> {
    pub(super) fn new(
        asked: &'a Asked,
        ends: &'a [Found; 2],
        around: &Around,
        is_azure: bool,
    ) -> Result<Self, Failure> {
        let (path, addresses) = if is_azure {
            walk(asked.flow, ends, around)?
        } else {
            (netghost_core::azure::path::unasked(&[]), Vec::new())
        };
        let mut answer = Self {
            asked,
            ends,
            path,
            addresses,
            notes: Vec::new(),
        };
        for (place, end) in [Place::Source, Place::Destination].into_iter().zip(ends) {
            if let Some(why) = end.behind.as_ref().filter(|_| is_azure) {
                answer.path.not_known(place, Layer::Nic, why);
                answer.allow_no_address();
            }
        }
        Ok(answer)
    }

    /// Adds the layers of a guest that are not asked, or that there are none.
    pub(super) fn without_guest(&mut self, place: Place, why: Result<&str, &str>) {
        self.path.without_guest(place, why);
        if why.is_err() {
            self.allow_no_address();
        }
    }

    fn allow_no_address(&mut self) {
        for part in &mut self.addresses {
            if part.verdict == Verdict::Allow {
                part.verdict = Verdict::Unknown;
            }
        }
    }

    pub(super) fn status(&self) -> Status {
        let ports = self.path.parts.iter().map(|part| part.verdict);
        let mut parts = ports.chain(self.addresses.iter().map(|part| part.verdict));
        match self.path.verdict {
            Verdict::Deny => Status::Act,
            // Some of what was asked for is certainly denied.
            _ if self.path.degraded || parts.any(|verdict| verdict == Verdict::Deny) => Status::Act,
            Verdict::Unknown => Status::Unknown,
            Verdict::Allow => Status::Good,
        }
    }

    fn end(&self, place: Place) -> Option<&Found> {
        let [source, destination] = self.ends;
        match place {
            Place::Source => Some(source),
            Place::Destination => Some(destination),
            Place::Between => None,
        }
    }

    pub(super) fn document(&self) -> Result<Value, Failure> {
        let internal = |error| Failure::failed("internal", error);
        let mut document = serde_json::to_value(&self.path).map_err(internal)?;
        let [source, destination] = self.ends;
        let flow = &self.asked.flow;
        let ours = json!({
            "schema": SCHEMA,
            "flow": {
                "protocol": self.asked.protocol(),
                "port": ports(flow.ports),
                "source_port": ports(flow.source_ports),
                "icmp_type": self.asked.icmp_type,
            },
            "source": end(source),
            "destination": end(destination),
            // What is configured in Azure adds nothing that could be counted.
            "added": { "delay_ms": null, "loss": null, "rate_bps": null },
            "addresses": self.addresses,
            "read": self.read(),
            "notes": self.notes,
        });
        if let (Value::Object(fields), Value::Object(more)) = (&mut document, ours) {
            fields.extend(more);
            if let Some(Value::Array(rows)) = fields.get_mut("layers") {
                rows.iter_mut()
                    .zip(&self.path.layers)
                    .for_each(|(shown, row)| self.digests(shown, row));
            }
        }
        Ok(document)
    }

    /// Says by which object of the reading each piece of evidence can be found.
    fn digests(&self, shown: &mut Value, row: &netghost_core::azure::path::Row) {
        let Some(Value::Array(all)) = shown.get_mut("evidence") else {
            return;
        };
        for (shown, evidence) in all.iter_mut().zip(&row.evidence) {
            let snapshot = self.end(evidence.place).and_then(|end| end.snapshot.as_ref());
            let section = snapshot.and_then(|snapshot| snapshot.section(evidence.section));
            if let Value::Object(fields) = shown {
                fields.insert("digest".to_owned(), json!(section.and_then(digest)));
            }
        }
    }

    /// Each section that was read, of either end.
    fn read(&self) -> Vec<Value> {
        let each = [Place::Source, Place::Destination].into_iter().zip(self.ends);
        let sections = each.flat_map(|(place, end)| {
            let sections = end.snapshot.iter().flat_map(|snapshot| &snapshot.sections);
            sections.map(move |section| {
                json!({
                    "where": place.word(),
                    "section": section.name,
                    "state": section.state.word(),
                    "why": why(&section.state),
                    "taken_at_us": section.taken_at_us.to_string(),
                    "digest": digest(section),
                })
            })
        });
        sections.collect()
    }
}

/// The digest of what a section configures.
fn digest(section: &Section) -> Option<Digest> {
    config_digest(section.content.as_ref()?).ok()
}

fn why(state: &State) -> Option<&str> {
    match state {
        State::Captured => None,
        State::NotApplicable { why } | State::Unreadable { why } | State::Torn { why } => Some(why),
    }
}

fn end(found: &Found) -> Value {
    json!({
        "word": found.word,
        "kind": found.kind,
        "vm": found.vm,
        "nic": found.nic,
        "address": found.address().map(|address| address.to_string()),
        "why": match &found.known {
            Known::Nothing(_, _, why) | Known::Storage(_, Err(why)) => Some(why),
            Known::End(_) | Known::Public(_) | Known::Internet | Known::Storage(_, Ok(_)) => None,
        },
    })
}

impl Found {
    /// As it stands in a line: the word, with the address and the interface where those say more.
    pub fn shown(&self) -> String {
        let address = self
            .address()
            .map(|address| address.to_string())
            .filter(|address| *address != self.word);
        let nic = self
            .nic
            .as_ref()
            .map(|nic| format!("network interface {}", nic.name()));
        let more: Vec<String> = address.into_iter().chain(nic).collect();
        if more.is_empty() {
            self.word.clone()
        } else {
            format!("{} ({})", self.word, more.join(", "))
        }
    }
}
