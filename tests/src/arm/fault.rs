//! What can be made to go wrong, on demand.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::body;
use super::http::Answer;

/// A fault, and which requests it befalls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// The verb; any when none is given.
    #[serde(default)]
    pub verb: Option<String>,
    /// What the address and its query must contain, in any case; empty befalls all.
    #[serde(default)]
    pub path: String,
    /// So many requests are spared first.
    #[serde(default)]
    pub after: u32,
    /// So many requests are befallen; without it all.
    #[serde(default)]
    pub times: Option<u32>,
    /// It ends after so many seconds.
    #[serde(default)]
    pub seconds: Option<f64>,
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
}

/// What goes wrong. Faults of a body that befall the start of a long-running operation befall its result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum FaultKind {
    /// The body is a page of HTML.
    Html {
        /// With this status.
        status: u16,
    },
    /// The connection ends within the body.
    Cut {
        /// After so many bytes.
        at: usize,
    },
    /// The body is shorter than it should be, and its length says so: JSON that is cut.
    Truncate {
        /// After so many bytes.
        at: usize,
    },
    /// Refused with this error.
    Error {
        /// The status.
        status: u16,
        /// The code.
        code: String,
        /// The message.
        #[serde(default)]
        message: String,
        /// The header `Retry-After`, in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// 429 as Azure Resource Manager throttles.
    Throttle {
        /// The header `Retry-After`, in seconds.
        retry_after: u64,
    },
    /// The answer comes late.
    Delay {
        /// By so many milliseconds.
        ms: u64,
    },
    /// The operation that is started never ends.
    Endless,
    /// The operation that is started fails at its end.
    FailLater {
        /// The code.
        code: String,
        /// The message.
        #[serde(default)]
        message: String,
    },
    /// A place in the body is changed.
    Edit {
        /// A JSON pointer (RFC 6901) in which `*` stands for every entry.
        pointer: String,
        /// What is put there.
        value: Value,
    },
    /// A header of the answer is changed.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// The priority of each rule is a word.
    PriorityWord,
    /// The association of each network security group is null.
    AssociationNull,
    /// The association of each network security group is to something that nobody knows.
    AssociationUnknown,
    /// The subscription is not found.
    WrongSubscription,
    /// The token is out of date from now on.
    TokenExpired,
    /// The resource is deleted just before.
    Vanish,
    /// Another operation holds the resource.
    Lock,
}

impl FaultKind {
    /// Whether it is done to the body of an answer.
    pub(crate) fn is_of_body(&self) -> bool {
        matches!(
            self,
            Self::Html { .. }
                | Self::Cut { .. }
                | Self::Truncate { .. }
                | Self::Edit { .. }
                | Self::PriorityWord
                | Self::AssociationNull
                | Self::AssociationUnknown
        )
    }

    /// Does it to an answer.
    pub(crate) fn spoil(&self, answer: &mut Answer) {
        match self {
            Self::Html { status } => {
                answer.status = *status;
                answer.body =
                    b"<!DOCTYPE html><html><head><title>Service Unavailable</title></head><body><h2>Our services aren't \
                      available right now</h2></body></html>"
                        .to_vec();
                answer.set("Content-Type", "text/html");
            }
            Self::Cut { at } => answer.cut = Some(*at),
            Self::Truncate { at } => answer.body.truncate(*at),
            Self::Edit { pointer, value } => edit(answer, pointer, value),
            Self::PriorityWord => edit(
                answer,
                "/value/*/effectiveSecurityRules/*/priority",
                &json!("high"),
            ),
            Self::AssociationNull => edit(answer, "/value/*/association", &Value::Null),
            Self::AssociationUnknown => {
                edit(answer, "/value/*/association", &json!({"gateway": {"id": "/x"}}))
            }
            Self::Header { name, value } => answer.set(name, value.clone()),
            _ => {}
        }
    }
}

fn edit(answer: &mut Answer, pointer: &str, value: &Value) {
    if let Ok(mut parsed) = serde_json::from_slice(&answer.body) {
        body::edit(&mut parsed, pointer, value);
        answer.body = body::pretty(&parsed).into_bytes();
    }
}

/// All faults that are set.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Set>);

#[derive(Debug)]
struct Set {
    fault: Fault,
    until: Option<Instant>,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault, now: Instant) {
        let lifetime = fault
            .seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let until = lifetime.and_then(|lifetime| now.checked_add(lifetime));
        self.0.push(Set { fault, until });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn all(&self) -> Vec<&Fault> {
        self.0.iter().map(|set| &set.fault).collect()
    }

    /// What befalls this request; those that are used up go.
    pub(crate) fn befall(&mut self, verb: &str, address: &str, now: Instant) -> Vec<FaultKind> {
        self.0.retain(|set| set.until.is_none_or(|until| now < until));
        let address = address.to_ascii_lowercase();
        let mut kinds = Vec::new();
        for Set { fault, .. } in &mut self.0 {
            let meant = fault
                .verb
                .as_deref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(verb))
                && address.contains(&fault.path.to_ascii_lowercase());
            if !meant {
                continue;
            }
            if fault.after > 0 {
                fault.after -= 1;
                continue;
            }
            if let Some(times) = &mut fault.times {
                *times = times.saturating_sub(1);
            }
            kinds.push(fault.kind.clone());
        }
        self.0.retain(|set| set.fault.times != Some(0));
        kinds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(value: Value) -> Fault {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_fault_befalls_what_it_names_as_often_as_it_says() {
        let (mut faults, now) = (Faults::default(), Instant::now());
        faults.add(
            fault(json!({"fault": "delay", "ms": 5, "verb": "post", "path": "effectiveRouteTable", "after": 1, "times": 2})),
            now,
        );
        let address = "/subscriptions/S/networkInterfaces/n/EffectiveRouteTable?api-version=1";
        assert!(faults.befall("GET", address, now).is_empty());
        let often: Vec<usize> = (0..4)
            .map(|_| faults.befall("POST", address, now).len())
            .collect();
        assert_eq!(often, [0, 1, 1, 0]);
        assert!(faults.all().is_empty());
    }

    #[test]
    fn a_fault_ends_with_its_time() {
        let (mut faults, now) = (Faults::default(), Instant::now());
        faults.add(
            fault(json!({"fault": "throttle", "retry_after": 5, "seconds": 60})),
            now,
        );
        assert_eq!(faults.befall("GET", "/", now + Duration::from_secs(59)).len(), 1);
        assert!(
            faults
                .befall("GET", "/", now + Duration::from_secs(61))
                .is_empty()
        );
    }

    #[test]
    fn a_body_is_spoiled() {
        let whole =
            br#"{"value":[{"association":{"subnet":{}},"effectiveSecurityRules":[{"priority":100}]}]}"#;
        let spoiled = |kind: FaultKind| {
            let mut answer = Answer::new(200).text("application/json", &whole[..]);
            kind.spoil(&mut answer);
            answer
        };
        let json = |kind| serde_json::from_slice::<Value>(&spoiled(kind).body).unwrap();
        assert_eq!(
            json(FaultKind::PriorityWord)["value"][0]["effectiveSecurityRules"][0]["priority"],
            "high"
        );
        assert!(json(FaultKind::AssociationNull)["value"][0]["association"].is_null());
        assert_eq!(spoiled(FaultKind::Truncate { at: 9 }).body, b"{\"value\":");
        assert!(
            spoiled(FaultKind::Html { status: 502 })
                .body
                .starts_with(b"<!DOCTYPE")
        );
    }

    #[test]
    fn an_unknown_fault_is_refused() {
        assert!(serde_json::from_value::<Fault>(json!({"fault": "flood"})).is_err());
    }
}
