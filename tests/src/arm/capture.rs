//! Packet captures of Network Watcher: their life, without any packet.

use std::time::Duration;

use serde_json::{Value, json};

use super::body::{self, pretty};
use super::clock;
use super::core::{Call, Core};
use super::http::Answer;
use super::operation::{Plan, Work};
use super::path::Path;
use super::refusal::Refusal;
use super::resources::stamp;
use super::state::Capture;

/// A day's part: the longest that a capture may take, and what it takes when nothing is said (seconds).
const LONGEST: u64 = 18_000;

impl Core {
    /// `PUT …/packetCaptures/NAME`.
    pub(crate) fn create_capture(&mut self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let watcher = self.existing(&call.path.parent())?;
        let asked = call.json()?;
        let key = call.path.key();
        if self.state.resources.contains_key(&key) {
            // No record shows what Azure says.
            let message = format!("Packet capture {} exists already.", call.path.id());
            return Err(Refusal::provider(409, "Conflict", message));
        }
        let target = body::text(&asked, "/properties/target").to_owned();
        let machine = Path::parse(&target).filter(|path| path.last() == "virtualMachines");
        let machine = machine
            .ok_or_else(|| Refusal::format("The target of a packet capture must be a virtual machine."))?;
        self.running(&machine)?;
        let storage = asked.pointer("/properties/storageLocation");
        let storage = storage.filter(|storage| storage.is_object()).cloned();
        let storage =
            storage.ok_or_else(|| Refusal::format("The storageLocation of a packet capture is missing."))?;
        let number = |field: &str, default: u64| {
            let said = asked.pointer(&format!("/properties/{field}"));
            said.and_then(Value::as_u64).unwrap_or(default)
        };
        let mut capture = json!({
            "name": call.path.name(), "id": call.path.id(), "type": call.path.kind(),
            "properties": {
                "provisioningState": "Succeeded", "target": target,
                "bytesToCapturePerPacket": number("bytesToCapturePerPacket", 0),
                "totalBytesPerSession": number("totalBytesPerSession", 1_073_741_824),
                "timeLimitInSeconds": number("timeLimitInSeconds", LONGEST).min(LONGEST),
                "storageLocation": storage,
                "filters": asked.pointer("/properties/filters").cloned().unwrap_or_else(|| json!([])),
            },
        });
        stamp(&mut capture);
        self.state.resources.insert(key.clone(), capture.clone());
        let started = clock::epoch(call.now.wall);
        let extra = Capture {
            started,
            stop_reason: None,
        };
        self.state.captures.insert(key.clone(), extra);
        self.changed();
        let plan = self.plan_of_capture(
            &watcher,
            &key,
            Work::Change {
                key: key.clone(),
                before: None,
            },
        );
        let (_, addresses) = self.start(call, plan);
        // 201 alone, with its state as it will be.
        Ok(Answer::new(201)
            .text("application/json; charset=utf-8", pretty(&capture))
            .with("Azure-AsyncOperation", addresses.operation)
            .with("Retry-After", self.state.settings.retry_after.to_string()))
    }

    /// `POST …/queryStatus`.
    pub(crate) fn capture_status(&mut self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let path = call.path.parent();
        let found = self.existing(&path)?;
        let known = self.stopped_in_time(&path.key(), &found, call);
        let state = if known.stop_reason.is_some() {
            "Stopped"
        } else {
            "Running"
        };
        let start = std::time::UNIX_EPOCH + Duration::from_secs(known.started);
        let mut status = json!({
            "name": path.name(), "id": path.id(), "captureStartTime": clock::iso(start), "packetCaptureStatus": state,
            "packetCaptureError": [],
        });
        if let Some(reason) = known.stop_reason {
            body::set(&mut status, "stopReason", reason.into());
        }
        Ok(Answer::new(200).text("application/json; charset=utf-8", pretty(&status)))
    }

    /// `POST …/stop`.
    pub(crate) fn stop_capture(&mut self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let path = call.path.parent();
        let found = self.existing(&path)?;
        let watcher = self.existing(&path.parent())?;
        self.must_be_free(call, &path.key())?;
        if self
            .stopped_in_time(&path.key(), &found, call)
            .stop_reason
            .is_none()
        {
            let capture = self.state.captures.entry(path.key()).or_default();
            capture.stop_reason = Some("Manual".to_owned());
            self.changed();
        }
        let work = Work::Outcome(Box::new(Ok(json!({}))));
        let plan = self.plan_of_capture(&watcher, &path.key(), work);
        let (_, addresses) = self.start(call, plan);
        Ok(self.accepted(addresses))
    }

    /// The capture, stopped if its time is over.
    fn stopped_in_time(&mut self, key: &str, found: &Value, call: &Call<'_>) -> Capture {
        let limit = found
            .pointer("/properties/timeLimitInSeconds")
            .and_then(Value::as_u64)
            .unwrap_or(LONGEST);
        let now = clock::epoch(call.now.wall);
        let capture = self.state.captures.entry(key.to_owned()).or_default();
        if capture.stop_reason.is_none() && now >= capture.started.saturating_add(limit) {
            capture.stop_reason = Some("TimeExceeded".to_owned());
        }
        capture.clone()
    }

    fn plan_of_capture(&self, watcher: &Value, key: &str, work: Work) -> Plan {
        Plan {
            work,
            takes: Duration::from_millis(self.state.settings.write_ms),
            lock: Some(key.to_owned()),
            region: self.state.region(Some(watcher)),
            logged: true,
        }
    }
}
