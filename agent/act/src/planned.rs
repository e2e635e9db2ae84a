//! What an operation comes to on this VM as it is now.

use netghost_core::artifact::json::{self, Digest};
use netghost_core::bytes::Text;
use netghost_core::gate::{ActionState, Effect, Operation, Permission};
use netghost_kernel::write::{Standing, WriteError};

use crate::guard::Guard;
use crate::record::Record;
use crate::site::{No, Site};
use crate::work::{At, Work};

/// An operation that was planned.
#[derive(Debug, Clone)]
pub(crate) struct Planned<C> {
    /// What is shown of it.
    pub(crate) effect: Effect,
    /// The change; none for the end of a server.
    pub(crate) change: Option<C>,
}

impl<W: Work, G: Guard> Site<W, G> {
    /// Which line of the policy an operation comes under. The undo of an action comes under that of the action.
    pub(crate) fn permission(&self, operation: &Operation) -> Result<Permission, No> {
        match operation {
            Operation::Undo { action } => Ok(self.begun(*action)?.action.permission),
            other => Ok(other.permission()),
        }
    }

    /// Plans. Nothing is changed.
    pub(crate) fn plan(&self, namespace: &Text, operation: &Operation) -> Result<Planned<W::Change>, No> {
        match operation {
            Operation::Undo { action } => self.plan_undo(namespace, *action),
            Operation::ServerStop { action } => self.plan_stop(*action),
            _ => {
                // Nothing is started while only planning.
                let trace = self.paths.records();
                let at = At {
                    namespace,
                    trace: &trace,
                };
                let change = self.work.plan(at, operation)?;
                Ok(Planned {
                    effect: self.work.effect(&change).clone(),
                    change: Some(change),
                })
            }
        }
    }

    fn begun(&self, action: Digest) -> Result<Record<W::Change>, No> {
        self.record(action)?
            .ok_or_else(|| No::new("not_there", format!("no action {action} was done on this VM")))
    }

    fn plan_undo(&self, namespace: &Text, action: Digest) -> Result<Planned<W::Change>, No> {
        let record = self.begun(action)?;
        if record.state != ActionState::Confirmed {
            return Err(No::new(
                "not_there",
                format!(
                    "the action is {}: only one that was confirmed is undone by another action",
                    record.state.as_str()
                ),
            ));
        }
        if record.action.namespace != *namespace {
            return Err(No::new(
                "not_there",
                format!("the action was done in {}", record.action.namespace),
            ));
        }
        let reversed = record
            .change
            .as_ref()
            .and_then(|change| self.work.reversed(change));
        let change = reversed.ok_or_else(|| {
            No::new(
                "unsupported",
                "the action has no exact inverse that could be done",
            )
        })?;
        let standing = self.at(&record, |at| self.work.standing(at, &change))?;
        let effect = self.work.effect(&change).clone();
        match standing {
            Standing::Before => Ok(Planned {
                effect,
                change: Some(change),
            }),
            _ => Err(No::from(WriteError::Moved {
                object: effect.object.to_string(),
            })),
        }
    }

    fn plan_stop(&self, action: Digest) -> Result<Planned<W::Change>, No> {
        let record = self.begun(action)?;
        let object = &record.action.effect.object;
        let running = record.state == ActionState::Applied
            && matches!(record.action.operation, Operation::ServerStart { .. });
        let Some(server) = record.server.as_ref().filter(|_| running) else {
            return Err(No::new("not_there", format!("{object} does not run")));
        };
        let before = json::digest(&(action, server.process.pid, server.process.start))
            .map_err(|error| No::new("internal", error))?;
        let line = format!("end {object} (process {})", server.process.pid);
        Ok(Planned {
            effect: Effect {
                change: vec![Text::from(line)],
                inverse: Vec::new(),
                object: object.clone(),
                before,
                after: None,
                irreversible: Some(Text::from("a server is started by an action of its own")),
                notes: Vec::new(),
            },
            change: None,
        })
    }
}
