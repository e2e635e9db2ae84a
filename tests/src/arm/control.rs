//! The lab's own door into the simulator: faults, the state, and what was asked. Below `/__lab/`, for anybody who reaches it.

use serde_json::{Value, json};

use super::core::Core;
use super::http::{Answer, Request};

impl Core {
    /// Answers what is no request of Azure's.
    pub(crate) fn control(&mut self, request: &Request) -> Answer {
        let done = || json!({"done": true});
        let answer = match (request.verb.as_str(), request.path.as_str()) {
            ("GET", "/__lab/faults") => Ok(json!(self.faults.all())),
            ("POST", "/__lab/faults") => self.add_faults(&request.body).map(|()| done()),
            ("DELETE", "/__lab/faults") => {
                self.faults.clear();
                Ok(done())
            }
            ("GET", "/__lab/state") => self.state.to_value().map_err(|error| error.to_string()),
            ("PATCH", "/__lab/state") => self.patch(&request.body).map(|()| done()),
            ("GET", "/__lab/requests") => Ok(json!(self.seen())),
            ("DELETE", "/__lab/requests") => {
                self.seen().clear();
                Ok(done())
            }
            ("POST", "/__lab/tokens/expire") => {
                self.tokens.expire_all();
                Ok(done())
            }
            (verb, path) => Err(format!("there is no {verb} {path}")),
        };
        let (status, body) = match answer {
            Ok(body) => (200, body),
            Err(why) => (400, json!({"error": why})),
        };
        Answer::new(status).text("application/json", body.to_string())
    }

    /// Takes one fault or a list of them.
    pub(crate) fn add_faults(&mut self, body: &[u8]) -> Result<(), String> {
        let asked: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let list = match asked {
            Value::Array(list) => list,
            one => vec![one],
        };
        let faults: Result<Vec<_>, _> = list.into_iter().map(serde_json::from_value).collect();
        let now = self.now().mono;
        for fault in faults.map_err(|error| error.to_string())? {
            self.faults.add(fault, now);
        }
        Ok(())
    }

    /// Changes the state as nobody's act: no operation, no lock, no entry in the Activity Log.
    pub(crate) fn patch(&mut self, body: &[u8]) -> Result<(), String> {
        let patch: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        self.state = self.state.patched(&patch).map_err(|error| error.to_string())?;
        self.changed();
        self.failed.take().map_or(Ok(()), Err)
    }
}
