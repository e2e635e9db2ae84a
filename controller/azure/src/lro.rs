//! Long-running operations of Azure Resource Manager, as a state machine without a network.
//!
//! An answer goes in, and what to ask next comes out. The shapes are those of Microsoft's "Track asynchronous Azure operations":
//! `Azure-AsyncOperation` names the operation's state and comes before `Location`, which names its result; a resource that is
//! still being made says so in `provisioningState`.

use std::time::Duration;

use serde_json::Value;

use crate::answer::Answer;
use crate::error::Kind;
use crate::judge::{Said, judge_operation};

/// What the call was, as far as it says where the result is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// The result is what the operation gives.
    Post,
    /// The result is the resource.
    Put,
    /// There is no result.
    Delete,
}

/// An operation under way.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    verb: Verb,
    /// `Location`, as last seen.
    result: Option<String>,
    /// `Azure-AsyncOperation`, as last seen.
    state: Option<String>,
    asked: Asked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// The call itself.
    Call,
    /// The operation's state.
    State,
    /// The result, which is there once the status is no longer 202.
    Result,
    /// The result, after the state said that it is there.
    Fetched,
    /// The resource, until it is made.
    Resource,
    /// The resource, after the operation succeeded.
    Made,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// The last answer is the result.
    Done,
    /// The last answer holds the result under `properties.output`.
    Output(Value),
    /// There is a further answer to read.
    Ask {
        /// Where.
        at: Target,
        /// When; `None` leaves it to the client.
        after: Option<Duration>,
        /// True where the operation itself has ended, and only its result is to be read.
        ended: bool,
    },
    /// It ended badly, as Azure says in an answer of status 200.
    Failed {
        /// What that means.
        kind: Kind,
        /// Azure's code.
        code: Option<String>,
        /// Azure's message.
        message: String,
    },
    /// The answer is of no known shape.
    Unclear(String),
}

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// This URL, as Azure gave it.
    Url(String),
    /// The resource that the call was made on.
    Resource,
}

impl Operation {
    pub(crate) fn new(verb: Verb) -> Self {
        Self {
            verb,
            result: None,
            state: None,
            asked: Asked::Call,
        }
    }

    /// Where the operation can be looked up.
    pub(crate) fn url(&self) -> Option<&str> {
        self.state.as_deref().or(self.result.as_deref())
    }

    /// The answer (2xx) to the call, or to what was asked last.
    pub(crate) fn handle(&mut self, answer: &Answer) -> Step {
        for (kept, seen) in [
            (&mut self.state, &answer.poll.operation),
            (&mut self.result, &answer.poll.location),
        ] {
            if seen.is_some() {
                kept.clone_from(seen);
            }
        }
        let after = answer.poll.retry_after;
        match self.asked {
            Asked::Call => self.begun(answer, after),
            Asked::State => self.state(answer, after),
            Asked::Result | Asked::Fetched if answer.status == 202 => self.again(after),
            Asked::Result => match self.verb {
                Verb::Put => self.made(),
                Verb::Post | Verb::Delete => Step::Done,
            },
            Asked::Fetched | Asked::Made => Step::Done,
            Asked::Resource => self.provisioning(answer, after),
        }
    }

    fn begun(&mut self, answer: &Answer, after: Option<Duration>) -> Step {
        // The URLs of the call's own answer alone: a redirect-like `Location` of an answer that is already the result has
        // no meaning.
        let polled = self.verb == Verb::Put || answer.status != 200 || answer.poll.operation.is_some();
        match (&self.state, &self.result) {
            (Some(url), _) if answer.status != 204 => {
                let at = Target::Url(url.clone());
                self.ask(Asked::State, at, after)
            }
            (None, Some(url)) if polled && matches!(answer.status, 201 | 202) => {
                let at = Target::Url(url.clone());
                self.ask(Asked::Result, at, after)
            }
            _ if self.verb == Verb::Put && answer.status != 204 => self.provisioning(answer, after),
            _ if answer.status == 202 => Step::Unclear("accepted, without a URL to follow it by".to_owned()),
            _ => Step::Done,
        }
    }

    fn state(&mut self, answer: &Answer, after: Option<Duration>) -> Step {
        let Some(status) = answer.json.get("status").and_then(Value::as_str) else {
            // Some providers answer 202 without a body while they are at it.
            return match (answer.status, &answer.json) {
                (202, Value::Null) => self.again(after),
                _ => Step::Unclear("the operation's state has no status".to_owned()),
            };
        };
        if status.eq_ignore_ascii_case("Succeeded") {
            self.succeeded(answer)
        } else if is_failure(status) {
            failed(status, &answer.json)
        } else {
            self.again(after)
        }
    }

    fn succeeded(&mut self, answer: &Answer) -> Step {
        match (self.verb, &self.result) {
            (Verb::Put, _) => self.made(),
            (Verb::Delete, _) => Step::Done,
            (Verb::Post, Some(url)) => {
                let at = Target::Url(url.clone());
                self.fetch(Asked::Fetched, at)
            }
            (Verb::Post, None) => match answer.json.pointer("/properties/output") {
                Some(output) => Step::Output(output.clone()),
                None => Step::Done,
            },
        }
    }

    fn provisioning(&mut self, answer: &Answer, after: Option<Duration>) -> Step {
        let state = answer
            .json
            .pointer("/properties/provisioningState")
            .and_then(Value::as_str);
        match state {
            None if answer.status == 202 => self.ask(Asked::Resource, Target::Resource, after),
            None => Step::Done,
            Some(state) if state.eq_ignore_ascii_case("Succeeded") => Step::Done,
            Some(state) if is_failure(state) => failed(state, &answer.json),
            Some(_) => self.ask(Asked::Resource, Target::Resource, after),
        }
    }

    fn made(&mut self) -> Step {
        self.fetch(Asked::Made, Target::Resource)
    }

    fn again(&mut self, after: Option<Duration>) -> Step {
        let url = match self.asked {
            Asked::State => self.state.clone(),
            _ => self.result.clone(),
        };
        match url {
            Some(url) => self.ask(self.asked, Target::Url(url), after),
            None => Step::Unclear("the operation goes on, without a URL to follow it by".to_owned()),
        }
    }

    fn ask(&mut self, asked: Asked, at: Target, after: Option<Duration>) -> Step {
        self.asked = asked;
        Step::Ask {
            at,
            after,
            ended: false,
        }
    }

    fn fetch(&mut self, asked: Asked, at: Target) -> Step {
        self.asked = asked;
        Step::Ask {
            at,
            after: None,
            ended: true,
        }
    }
}

fn is_failure(status: &str) -> bool {
    ["Failed", "Canceled", "Cancelled"]
        .iter()
        .any(|end| end.eq_ignore_ascii_case(status))
}

fn failed(status: &str, body: &Value) -> Step {
    let error = body
        .get("error")
        .or_else(|| body.pointer("/properties/error"))
        .unwrap_or(&Value::Null);
    let said = Said::read(error);
    let kind = match judge_operation(&said) {
        Kind::OperationFailed if !status.eq_ignore_ascii_case("Failed") => Kind::Cancelled,
        kind => kind,
    };
    Step::Failed {
        kind,
        code: said.code,
        message: said.message,
    }
}

#[cfg(test)]
mod tests;
