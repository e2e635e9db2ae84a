//! Run-command, the action and the managed one: the script really runs, in the lab's VM that stands for the machine.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::body::{self, pretty};
use super::clock;
use super::core::{Call, Core, Shared};
use super::effective::internal;
use super::enforcing::said;
use super::http::Answer;
use super::operation::{Plan, Work};
use super::refusal::Refusal;
use super::resources::stamp;
use super::state::Place;
use crate::error::LabError;
use crate::lab::Lab;
use crate::netns::Namespace;
use crate::run::{Limits, Output};

/// Bytes of each stream that are kept: the last ones.
const KEPT: usize = 4096;
/// Bytes that a command may write before it is given up.
const MOST_OUTPUT: usize = 64 << 20;
/// Bytes of a script: it is one argument of the shell.
const LONGEST_SCRIPT: usize = 120 << 10;

/// A script with its parameters, ready to run.
#[derive(Debug, Clone)]
struct Script {
    text: String,
    /// Names (which may be empty) and values.
    parameters: Vec<(String, String)>,
    limit: Duration,
}

impl Core {
    /// `POST …/runCommand`.
    pub(crate) fn run_command(&mut self, call: &Call<'_>, shared: &Shared) -> Result<Answer, Refusal> {
        let machine = call.path.parent();
        let found = self.running(&machine)?;
        let left = self.machine_update(call, &machine)?;
        let key = machine.key();
        if self.busy.contains(&key) {
            let message = "Run command extension execution is in progress. Please wait for completion before invoking a run \
                           command.";
            return Err(Refusal::provider(409, "Conflict", message));
        }
        let asked = call.json()?;
        let script = action_script(&asked, Duration::from_secs(self.state.settings.command_seconds))?;
        let place = self.place(&key);
        let (id, addresses) = self.start(call, self.plan_of_command(&found));
        self.busy.insert(key.clone());
        let (shared, operation) = (shared.clone(), id.clone());
        let ran = move || {
            let outcome = run(place.as_ref(), &script);
            let mut core = shared.lock();
            core.busy.remove(&key);
            core.end(&operation, action_result(outcome));
        };
        self.spawn(ran)?;
        Ok(self
            .accepted(addresses)
            .with("x-ms-ratelimit-remaining-resource", left))
    }

    /// `PUT …/runCommands/NAME`.
    pub(crate) fn managed_command(&mut self, call: &Call<'_>, shared: &Shared) -> Result<Answer, Refusal> {
        let machine = call.path.parent();
        let found = self.running(&machine)?;
        let left = self.machine_update(call, &machine)?;
        let key = call.path.key();
        self.must_be_free(call, &key)?;
        let mut asked = call.json()?;
        let script = managed_script(&asked)?;
        let is_new = self.state.resources.insert(key.clone(), Value::Null).is_none();
        let asynchronous = asked.pointer("/properties/asyncExecution") == Some(&json!(true));
        for (field, value) in [
            ("id", call.path.id()),
            ("name", call.path.name().to_owned()),
            ("type", call.path.kind()),
        ] {
            body::set(&mut asked, field, value.into());
        }
        stamp(&mut asked);
        let started = clock::iso_offset(call.now.wall);
        let view = json!({"executionState": "Running", "exitCode": 0, "output": "", "error": "", "startTime": started});
        body::set_property(&mut asked, "instanceView", view);
        body::set_property(&mut asked, "provisioningState", "Creating".into());
        self.state.resources.insert(key.clone(), asked.clone());
        self.changed();
        let mut plan = self.plan_of_command(&found);
        plan.lock = Some(key.clone());
        if asynchronous {
            plan.work = Work::Change {
                key: key.clone(),
                before: None,
            };
        }
        let place = self.place(&machine.key());
        let (id, addresses) = self.start(call, plan);
        let shared = shared.clone();
        let ran = move || {
            let outcome = run(place.as_ref(), &script);
            let mut core = shared.lock();
            let result = core.managed_ran(&key, outcome, &started);
            if !asynchronous {
                core.end(&id, result);
            }
        };
        self.spawn(ran)?;
        let shown = self.shown(call, asked);
        Ok(Answer::new(if is_new { 201 } else { 200 })
            .text("application/json; charset=utf-8", pretty(&shown))
            .with("Azure-AsyncOperation", addresses.operation)
            .with("Location", addresses.result)
            .with("Retry-After", self.state.settings.retry_after.to_string())
            .with("x-ms-ratelimit-remaining-resource", left))
    }

    /// Writes down what a managed command left, unless it was deleted or begun anew meanwhile.
    fn managed_ran(
        &mut self,
        key: &str,
        outcome: Result<Output, LabError>,
        started: &str,
    ) -> Result<Value, Refusal> {
        let ended = clock::iso_offset(self.now().wall);
        let (state, code, output, error) = match outcome {
            Ok(output) => {
                let code = output.status.shell_code();
                let state = if code == 0 { "Succeeded" } else { "Failed" };
                (state, code, tail(&output.stdout), tail(&output.stderr))
            }
            Err(LabError::TimedOut { stderr, .. }) => ("TimedOut", -1, String::new(), stderr),
            Err(other) => ("Failed", -1, String::new(), said(&other)),
        };
        let view = json!({"executionState": state, "exitCode": code, "output": output, "error": error,
                          "startTime": started, "endTime": ended});
        let command = self.state.resources.get_mut(key);
        // Not by its etag: the end of its deployment gives it another.
        let same =
            |command: &&mut Value| body::text(command, "/properties/instanceView/startTime") == started;
        let Some(command) = command.filter(same) else {
            return Ok(Value::Null);
        };
        body::set_property(command, "instanceView", view);
        body::set_property(command, "provisioningState", "Succeeded".into());
        let mut shown = command.clone();
        if let Some(properties) = shown.get_mut("properties").and_then(Value::as_object_mut) {
            properties.remove("instanceView");
        }
        self.changed();
        Ok(shown)
    }

    fn plan_of_command(&self, machine: &Value) -> Plan {
        Plan {
            work: Work::Elsewhere,
            takes: Duration::from_millis(self.state.settings.command_ms),
            lock: None,
            region: self.state.region(Some(machine)),
            logged: true,
        }
    }

    fn place(&self, machine: &str) -> Option<Place> {
        self.state
            .vms
            .get(machine)
            .and_then(|known| known.runs_in.clone())
    }

    fn spawn(&self, work: impl FnOnce() + Send + 'static) -> Result<(), Refusal> {
        let made = thread::Builder::new().name("run-command".to_owned()).spawn(work);
        made.map(drop).map_err(|error| internal(error.to_string()))
    }
}

fn action_script(asked: &Value, limit: Duration) -> Result<Script, Refusal> {
    let command = body::text(asked, "/commandId");
    if command != "RunShellScript" {
        let message =
            format!("The entity was not found: the run command '{command}' does not exist for this machine.");
        return Err(Refusal::provider(400, "BadRequest", message));
    }
    let lines = asked.get("script").and_then(Value::as_array);
    let lines = lines.ok_or_else(|| Refusal::provider(400, "BadRequest", "The script is missing."))?;
    let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
    script(lines.join("\n"), asked.get("parameters"), limit)
}

fn managed_script(asked: &Value) -> Result<Script, Refusal> {
    let text = body::text(asked, "/properties/source/script");
    if text.is_empty() {
        let message = "The run command must say properties.source.script.";
        return Err(Refusal::provider(400, "InvalidParameter", message));
    }
    let seconds = asked
        .pointer("/properties/timeoutInSeconds")
        .and_then(Value::as_u64);
    let limit = Duration::from_secs(seconds.filter(|seconds| *seconds > 0).unwrap_or(90 * 60));
    script(text.to_owned(), asked.pointer("/properties/parameters"), limit)
}

fn script(text: String, parameters: Option<&Value>, limit: Duration) -> Result<Script, Refusal> {
    if text.len() > LONGEST_SCRIPT {
        return Err(Refusal::provider(
            400,
            "BadRequest",
            "The script is too long for the lab.",
        ));
    }
    let parameters = parameters.and_then(Value::as_array).into_iter().flatten();
    let parameters = parameters.map(|parameter| {
        let field = |name| body::text(parameter, name).to_owned();
        (field("/name"), field("/value"))
    });
    Ok(Script {
        text,
        parameters: parameters.collect(),
        limit,
    })
}

/// Runs a script in the VM that stands for the machine: parameters are variables and arguments.
fn run(place: Option<&Place>, script: &Script) -> Result<Output, LabError> {
    let is_name = |name: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        name.bytes().all(plain) && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
    };
    let variables: Vec<String> = script
        .parameters
        .iter()
        .filter(|(name, _)| is_name(name))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let argv: Vec<&str> = std::iter::once("env")
        .chain(variables.iter().map(String::as_str))
        .chain([interpreter(&script.text), "-c", &script.text, "script.sh"])
        .chain(script.parameters.iter().map(|(_, value)| value.as_str()))
        .collect();
    let limits = Limits {
        time: script.limit,
        output: MOST_OUTPUT,
    };
    match place {
        Some(Place::Lab { lab, vm }) => Lab::open(lab)?.vm(vm)?.exec_within(&argv, b"", limits),
        Some(Place::Namespace { namespace }) => Namespace::open(namespace)?.exec_within(&argv, b"", limits),
        None => Err(LabError::Said {
            what: "the VM agent".to_owned(),
            said: "it does not answer".to_owned(),
        }),
    }
}

/// The shell that the script's first line names.
fn interpreter(script: &str) -> &'static str {
    let first = script.lines().next().unwrap_or_default();
    if first.starts_with("#!") && first.contains("bash") {
        "/bin/bash"
    } else {
        "/bin/sh"
    }
}

/// What the action leaves: one status, whose message has both streams and no exit status.
fn action_result(outcome: Result<Output, LabError>) -> Result<Value, Refusal> {
    let output = outcome.map_err(|error| match error {
        LabError::TimedOut { .. } => Refusal::provider(
            409,
            "VMExtensionProvisioningTimeout",
            "Provisioning of VM extension RunCommandLinux has timed out.",
        ),
        other => Refusal::provider(409, "VMAgentStatusCommunicationError", format!(
            "VM has not reported status for VM agent or extensions. Please verify that the OS is up and healthy, the VM has a \
             running VM agent, and that it can establish outbound connections to Azure storage. ({})",
            said(&other)
        )),
    })?;
    let message = format!(
        "Enable succeeded: \n[stdout]\n{}\n[stderr]\n{}",
        tail(&output.stdout),
        tail(&output.stderr)
    );
    Ok(json!({"value": [{
        "code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded",
        "message": message,
    }]}))
}

/// The last bytes of a stream; a character that is cut becomes U+FFFD.
fn tail(stream: &[u8]) -> String {
    let from = stream.len().saturating_sub(KEPT);
    String::from_utf8_lossy(stream.get(from..).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_stream_is_kept() {
        let long: Vec<u8> = (0..10_000_u32)
            .map(|index| b'a' + u8::try_from(index % 26).unwrap())
            .collect();
        assert_eq!(tail(&long).as_bytes(), &long[10_000 - KEPT..]);
        assert_eq!(tail(b"short"), "short");
    }

    #[test]
    fn a_script_is_its_lines() {
        let asked = json!({"commandId": "RunShellScript", "script": ["a", "b"], "parameters": [{"name": "x", "value": "1"}]});
        let script = action_script(&asked, Duration::from_secs(1)).unwrap();
        assert_eq!(script.text, "a\nb");
        assert_eq!(script.parameters, [("x".to_owned(), "1".to_owned())]);
        assert!(action_script(&json!({"commandId": "Format"}), Duration::ZERO).is_err());
        assert_eq!(interpreter("#!/usr/bin/env bash\n"), "/bin/bash");
        assert_eq!(interpreter("echo bash"), "/bin/sh");
    }
}
