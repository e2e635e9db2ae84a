//! Long-running operations: what was started, when it ends, and what is then.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use super::activity;
use super::body::{self, pretty};
use super::clock;
use super::core::{Call, Core};
use super::effective::Table;
use super::fault::FaultKind;
use super::http::Answer;
use super::identity::guid;
use super::refusal::Refusal;

/// Most operations that are remembered; the oldest go first.
const REMEMBERED: usize = 20_000;

/// What is to be done at the end.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    /// A table of a NIC is computed.
    Effective {
        /// The NIC.
        nic: String,
        /// Which table.
        table: Table,
    },
    /// A resource that was written settles.
    Change {
        /// The resource.
        key: String,
        /// What it was before; nothing for a new one.
        before: Option<Value>,
    },
    /// A resource, or a part of one, goes.
    Remove {
        /// The resource.
        key: String,
        /// The list and the name of the part.
        part: Option<(String, String)>,
    },
    /// A machine is started or stopped.
    Power {
        /// The machine.
        key: String,
        /// What it is then.
        power: &'static str,
    },
    /// Something else ends it.
    Elsewhere,
    /// What came of it is known.
    Outcome(Box<Result<Value, Refusal>>),
    /// Nothing is left to do.
    Done,
}

/// An operation.
#[derive(Debug)]
pub(crate) struct Operation {
    subscription: String,
    namespace: String,
    region: String,
    version: String,
    started: SystemTime,
    ended: Option<SystemTime>,
    /// When its work is due; none where that is not known, or never.
    due: Option<Instant>,
    earliest: Instant,
    work: Work,
    /// What came of it; none while it runs.
    outcome: Option<Result<Value, Refusal>>,
    lock: Option<String>,
    faults: Vec<FaultKind>,
    event: Option<Value>,
}

/// What an operation is started with.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What is done at its end.
    pub(crate) work: Work,
    /// How long it takes.
    pub(crate) takes: Duration,
    /// The resource that nobody else may change meanwhile.
    pub(crate) lock: Option<String>,
    /// The region in its address.
    pub(crate) region: String,
    /// Whether the Activity Log has it.
    pub(crate) logged: bool,
}

/// The addresses at which an operation is polled.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    /// `…/operations/…`.
    pub(crate) operation: String,
    /// `…/operationResults/…`, for Microsoft.Compute `…/operations/…?monitor=true`.
    pub(crate) result: String,
}

/// All operations by id.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    all: BTreeMap<String, Operation>,
    /// Those that are not over.
    pending: BTreeSet<String>,
    order: VecDeque<String>,
}

impl Operations {
    /// The address of the operation that holds a resource.
    pub(crate) fn holding(&self, key: &str, base: &str) -> Option<String> {
        let mut pending = self.pending.iter().filter_map(|id| self.all.get_key_value(id));
        let holder = pending.find(|(_, operation)| operation.lock.as_deref() == Some(key));
        holder.map(|(id, operation)| operation.addresses(base, id).operation)
    }
}

impl Operation {
    fn addresses(&self, base: &str, id: &str) -> Addresses {
        let Self {
            subscription,
            namespace,
            region,
            version,
            ..
        } = self;
        let start = format!("{base}/subscriptions/{subscription}/providers/{namespace}/locations/{region}");
        let operation = format!("{start}/operations/{id}?api-version={version}");
        let result = if namespace == "Microsoft.Compute" {
            format!("{start}/operations/{id}?monitor=true&api-version={version}")
        } else {
            format!("{start}/operationResults/{id}?api-version={version}")
        };
        Addresses { operation, result }
    }
}

impl Core {
    /// Starts an operation; it may be over at once. Says its id and its addresses.
    pub(crate) fn start(&mut self, call: &Call<'_>, plan: Plan) -> (String, Addresses) {
        let id = guid();
        let endless = call.faults.contains(&FaultKind::Endless);
        let knows_end = !endless && !matches!(plan.work, Work::Elsewhere);
        let earliest = call.now.mono.checked_add(plan.takes).unwrap_or(call.now.mono);
        let event = plan.logged.then(|| activity::event(&self.state.tenant, call));
        if let Some(event) = &event {
            let begun = activity::stamped(event.clone(), "Started", "", call.now.wall);
            self.state.events.push(begun);
            self.changed();
        }
        let operation = Operation {
            subscription: call.path.subscription.clone(),
            namespace: call.path.namespace.clone(),
            region: plan.region,
            version: call.version.clone(),
            started: call.now.wall,
            ended: None,
            due: knows_end.then_some(earliest),
            earliest,
            work: if endless { Work::Done } else { plan.work },
            outcome: None,
            lock: plan.lock,
            faults: call.faults.clone(),
            event,
        };
        let addresses = operation.addresses(&call.base, &id);
        self.operations.order.push_back(id.clone());
        self.operations.pending.insert(id.clone());
        self.operations.all.insert(id.clone(), operation);
        if self.operations.order.len() > REMEMBERED
            && let Some(oldest) = self.operations.order.pop_front()
        {
            self.operations.all.remove(&oldest);
            self.operations.pending.remove(&oldest);
        }
        if plan.takes.is_zero() {
            self.settle(call.now.mono, call.now.wall);
        }
        (id, addresses)
    }

    /// Ends what is due.
    pub(crate) fn settle(&mut self, now: Instant, wall: SystemTime) {
        let is_due = |id: &&String| {
            let operation = self.operations.all.get(*id);
            operation
                .and_then(|operation| operation.due)
                .is_some_and(|due| due <= now)
        };
        let due: Vec<String> = self.operations.pending.iter().filter(is_due).cloned().collect();
        for id in due {
            self.finish(&id, wall);
        }
    }

    fn finish(&mut self, id: &str, wall: SystemTime) {
        let Some(operation) = self.operations.all.get_mut(id) else {
            return;
        };
        let work = std::mem::replace(&mut operation.work, Work::Done);
        let fails = operation.faults.iter().find_map(|fault| match fault {
            FaultKind::FailLater { code, message } => Some(Refusal::provider(400, code, message.clone())),
            _ => None,
        });
        let event = operation.event.take();
        let outcome = self.perform(work, fails);
        if let Some(event) = event {
            let event = activity::ended(event, outcome.as_ref().err(), wall);
            self.state.events.push(event);
            self.changed();
        }
        self.operations.pending.remove(id);
        if let Some(operation) = self.operations.all.get_mut(id) {
            operation.ended = Some(wall);
            operation.outcome = Some(outcome);
        }
    }

    fn perform(&mut self, work: Work, fails: Option<Refusal>) -> Result<Value, Refusal> {
        match (work, fails) {
            (Work::Change { key, before }, Some(refusal)) => {
                match before {
                    Some(before) => self.state.resources.insert(key, before),
                    None => self.state.resources.remove(&key),
                };
                self.changed();
                Err(refusal)
            }
            (Work::Remove { key, .. }, Some(refusal)) => {
                self.settled(&key);
                Err(refusal)
            }
            (_, Some(refusal)) => Err(refusal),
            (Work::Effective { nic, table }, None) => self.table(&nic, table),
            (Work::Change { key, .. }, None) => {
                self.settled(&key);
                Ok(self.state.resources.get(&key).cloned().unwrap_or_default())
            }
            (Work::Remove { key, part }, None) => {
                self.removed(&key, part);
                Ok(Value::Null)
            }
            (Work::Power { key, power }, None) => {
                power.clone_into(&mut self.state.vms.entry(key).or_default().power);
                self.changed();
                Ok(Value::Null)
            }
            (Work::Outcome(outcome), None) => *outcome,
            (Work::Elsewhere | Work::Done, None) => Ok(Value::Null),
        }
    }

    /// Says what came of an operation that something else ends; it is over no earlier than it was to be.
    pub(crate) fn end(&mut self, id: &str, outcome: Result<Value, Refusal>) {
        if let Some(operation) = self.operations.all.get_mut(id) {
            if operation.faults.contains(&FaultKind::Endless) {
                return;
            }
            operation.due = Some(operation.earliest);
            operation.work = Work::Outcome(Box::new(outcome));
        }
    }

    /// The answer with the result of an operation that is over.
    pub(crate) fn outcome(&self, id: &str) -> Option<Result<Answer, Refusal>> {
        let operation = self.operations.all.get(id)?;
        operation.outcome.as_ref()?;
        Some(operation.result(&operation.addresses("", id), ""))
    }

    /// The answer to a poll of an operation.
    pub(crate) fn poll(&mut self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let id = call.path.name().to_owned();
        let retry = self.state.settings.retry_after.to_string();
        let found = self
            .operations
            .all
            .get(&id.to_ascii_lowercase())
            .filter(|operation| {
                operation
                    .subscription
                    .eq_ignore_ascii_case(&call.path.subscription)
                    && operation.namespace == call.path.namespace
            });
        let operation = found.ok_or_else(|| {
            Refusal::provider(404, "NotFound", format!("The operation '{id}' was not found."))
        })?;
        let wants_result =
            call.path.last() == "operationResults" || call.request.parameter("monitor") == Some("true");
        if wants_result {
            return operation.result(&operation.addresses(&call.base, &id), &retry);
        }
        let mut answer =
            Answer::new(200).text("application/json; charset=utf-8", pretty(&operation.status(&id)));
        if operation.outcome.is_none() {
            answer.set("Retry-After", retry);
        }
        Ok(answer)
    }
}

impl Operation {
    fn result(&self, addresses: &Addresses, retry: &str) -> Result<Answer, Refusal> {
        let compute = self.namespace == "Microsoft.Compute";
        match &self.outcome {
            None => {
                let body = if compute { "" } else { "null" };
                Ok(Answer::new(202)
                    .text("application/json; charset=utf-8", body)
                    .with("Location", addresses.result.clone())
                    .with("Retry-After", retry))
            }
            Some(Err(refusal)) => Err(refusal.clone()),
            Some(Ok(value)) => {
                let mut answer = Answer::new(200).text("application/json; charset=utf-8", pretty(value));
                for fault in self.faults.iter().filter(|fault| fault.is_of_body()) {
                    fault.spoil(&mut answer);
                }
                Ok(answer)
            }
        }
    }

    /// The body at `…/operations/…`.
    fn status(&self, id: &str) -> Value {
        let word = match &self.outcome {
            None => "InProgress",
            Some(Ok(_)) => "Succeeded",
            Some(Err(_)) => "Failed",
        };
        let mut status = json!({"status": word});
        if let Some(Err(refusal)) = &self.outcome {
            body::set(&mut status, "error", refusal.error());
        }
        if matches!(&self.outcome, Some(Ok(Value::Object(map))) if map.is_empty()) {
            // The end of a packet capture says that it has nothing to say.
            body::set(&mut status, "properties", json!({}));
        }
        if self.namespace == "Microsoft.Compute" {
            body::set(&mut status, "name", id.into());
            body::set(&mut status, "startTime", clock::iso_offset(self.started).into());
            if let Some(ended) = self.ended {
                body::set(&mut status, "endTime", clock::iso_offset(ended).into());
            }
            if let Some(Ok(output)) = self.outcome.as_ref().filter(|_| word == "Succeeded")
                && !output.is_null()
            {
                body::set(&mut status, "properties", json!({"output": output}));
            }
        }
        status
    }
}
