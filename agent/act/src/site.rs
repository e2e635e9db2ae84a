//! One VM's gate: what each demand comes to.

use std::io;
use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::gate::{Answer, Demand, Moment, NotAnOperation, Presented, Refusal};
use netghost_kernel::write::WriteError;

use crate::clock::Clock;
use crate::disk::{self, Disk};
use crate::guard::Guard;
use crate::lock::{self, Lock};
use crate::paths::Paths;
use crate::record::{self, Record};
use crate::work::{At, Work};

/// How long somebody else's change is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A VM's gate.
#[derive(Debug)]
pub struct Site<W, G> {
    /// Where its files are.
    pub paths: Paths,
    /// The file system.
    pub disk: Disk,
    /// The clock.
    pub clock: Clock,
    /// What changes things.
    pub work: W,
    /// How the guard is reached.
    pub guard: G,
}

/// Why a demand is refused.
#[derive(Debug)]
pub struct No {
    /// A fixed word.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl No {
    /// A refusal of this kind.
    pub fn new(code: &'static str, message: impl std::fmt::Display) -> Self {
        Self {
            code,
            message: message.to_string(),
        }
    }

    /// The disk did not do it.
    pub fn disk(doing: &str, error: &io::Error) -> Self {
        Self::new("disk", format!("{doing}: {error}"))
    }
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code(), refusal)
    }
}

impl From<WriteError> for No {
    fn from(error: WriteError) -> Self {
        Self::new(error.code(), error)
    }
}

impl From<NotAnOperation> for No {
    fn from(error: NotAnOperation) -> Self {
        Self::new(
            "malformed",
            format!("not an operation that anybody can mean: {error}"),
        )
    }
}

impl From<No> for Answer {
    fn from(no: No) -> Self {
        Self::refused(no.code, no.message)
    }
}

impl<W: Work, G: Guard> Site<W, G> {
    /// Does what is demanded, or says why not.
    pub fn answer(&self, demand: &Demand) -> Answer {
        let answer = match demand {
            Demand::Propose(asked) => self.propose(asked),
            Demand::Perform {
                action,
                approval,
                roster,
            } => self.perform(Presented {
                action: *action,
                approval: approval.as_bytes(),
                roster: roster.as_bytes(),
            }),
            Demand::Confirm { action } => self.confirm(*action),
            Demand::Undo { action } => self.undo(*action),
            Demand::Withdraw { action } => self.withdraw(*action),
            Demand::Standing { action } => self.standing(*action),
        };
        answer.unwrap_or_else(Answer::from)
    }

    /// Now.
    pub(crate) fn now(&self) -> Result<Moment, No> {
        self.clock.now().map_err(|why| No::new("internal", why))
    }

    /// Nothing else is changed while this is held.
    pub(crate) fn lock(&self) -> Result<Lock, No> {
        self.paths
            .prepare()
            .map_err(|error| No::disk("use the state directory", &error))?;
        let taken = lock::take(&self.paths.lock(), PATIENCE).and_then(Lock::is_inherited);
        if taken.is_ok() {
            self.sweep();
        }
        taken.map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => No::new(
                "locked",
                format!(
                    "another action has been going on for {} s: ask again",
                    PATIENCE.as_secs()
                ),
            ),
            _ => No::disk("take the lock", &error),
        })
    }

    /// Removes what a sudden end left of files that were being written. Under the lock nobody else writes any.
    pub(crate) fn sweep(&self) {
        for directory in [&self.paths.state, &self.paths.records()] {
            // What can't be removed now is met again.
            drop(disk::sweep(directory));
        }
    }

    /// The record of an action, if it was begun.
    pub(crate) fn record(&self, action: Digest) -> Result<Option<Record<W::Change>>, No> {
        record::read(&self.paths, action).map_err(|error| No::disk("read the undo record", &error))
    }

    /// Puts a record on the disk.
    pub(crate) fn keep(&self, record: &Record<W::Change>) -> Result<(), No> {
        record::write(&self.paths, &self.disk, record)
            .map_err(|error| No::disk("write the undo record", &error))
    }

    /// Does something where a record's action is done.
    pub(crate) fn at<T>(&self, record: &Record<W::Change>, then: impl FnOnce(At<'_>) -> T) -> T {
        let trace = self.paths.trace(record.digest);
        then(At {
            namespace: &record.action.namespace,
            trace: &trace,
        })
    }
}
