//! What becomes of an action that nobody confirmed, or whose doer died.

use netghost_core::artifact::json::Digest;
use netghost_core::gate::{ActionState, Operation};
use netghost_kernel::write::{Standing, WriteError};

use crate::cgroup;
use crate::guard::Guard;
use crate::record::Record;
use crate::site::Site;
use crate::trace::Trace;
use crate::work::Work;

/// Why an action is brought to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its time is over.
    Deadline,
    /// The guard was started anew and finds it: whoever would have confirmed it may have lost its way in with the guard.
    GuardStarted,
    /// The process that did it ended before it had said what came of it.
    DoerDied,
    /// Somebody asks for it.
    Asked(String),
    /// It could not be done whole.
    CutOff(String),
    /// A server ended by itself.
    Ended(String),
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Deadline => f.write_str("nobody confirmed it in time"),
            Self::GuardStarted => f.write_str("the guard was started anew while it waited"),
            Self::DoerDied => f.write_str("the process that did it ended too early"),
            Self::Asked(by) => write!(f, "undone {by}"),
            Self::CutOff(why) => write!(f, "it could not be done whole: {why}"),
            Self::Ended(how) => write!(f, "it ended by itself: {how}"),
        }
    }
}

impl<W: Work, G: Guard> Site<W, G> {
    /// Brings a pending action to its end. The caller holds the lock and writes the record down.
    ///
    /// # Errors
    /// Why that is not possible now; it is to be tried again.
    pub(crate) fn settle(&self, record: &mut Record<W::Change>, cause: &Cause) -> Result<(), String> {
        let this_boot = self.clock.now()?.boot_id == record.boot_id;
        match record.action.operation {
            Operation::ServerStart { .. } => self.end_server(record, cause, this_boot),
            Operation::ServerStop { action } => self.end_again(record, action),
            Operation::PackageInstall { .. } => self.look_at_package(record, cause, this_boot),
            _ if this_boot => self.put_back(record, cause),
            _ => self.after_a_reboot(record),
        }
    }

    fn put_back(&self, record: &mut Record<W::Change>, cause: &Cause) -> Result<(), String> {
        let Some(change) = record.change.clone() else {
            record.ends(ActionState::Failed, "there is no change in the record");
            return Ok(());
        };
        match self.at(record, |at| self.work.standing(at, &change)) {
            Ok(Standing::Before) if record.state == ActionState::Running => {
                record.ends(ActionState::Failed, format!("{cause}; nothing had been changed"));
            }
            Ok(Standing::Before) => {
                record.ends(ActionState::Undone, "what was there before is there already");
            }
            Ok(Standing::After | Standing::Between) => {
                match self.at(record, |at| self.work.undo(at, &change)) {
                    Ok(()) => record.ends(ActionState::Undone, cause.to_string()),
                    Err(error) => gone_or_later(record, cause, &error)?,
                }
            }
            Ok(Standing::Other) => {
                let object = &record.action.effect.object;
                let why = format!("{cause}; but somebody else has changed {object}: it is left as it is");
                record.ends(ActionState::Conflict, why);
            }
            Err(error) => gone_or_later(record, cause, &error)?,
        }
        Ok(())
    }

    /// What a reboot left: mostly nothing, unless something restores rules at boot.
    fn after_a_reboot(&self, record: &mut Record<W::Change>) -> Result<(), String> {
        let Some(change) = record.change.clone() else {
            record.ends(ActionState::Failed, "there is no change in the record");
            return Ok(());
        };
        let cause = Cause::Ended("the VM was started anew".to_owned());
        match self.at(record, |at| self.work.standing(at, &change)) {
            Ok(Standing::Before) => record.ends(ActionState::Undone, "by the reboot"),
            Ok(_) => {
                let object = &record.action.effect.object;
                let why = format!(
                    "the VM was started anew, and {object} is not as it was before: it is left as it is"
                );
                record.ends(ActionState::Conflict, why);
            }
            Err(error) => gone_or_later(record, &cause, &error)?,
        }
        Ok(())
    }

    fn end_server(
        &self,
        record: &mut Record<W::Change>,
        cause: &Cause,
        this_boot: bool,
    ) -> Result<(), String> {
        if !this_boot {
            record.ends(ActionState::Undone, "by the reboot");
            return self.forget_trace(record.digest);
        }
        let noted = Trace::read(&self.paths.trace(record.digest)).map_err(|error| error.to_string())?;
        match record.server.as_ref().or(noted.as_ref()) {
            Some(trace) => {
                trace
                    .end()
                    .map_err(|error| format!("the server does not end: {error}"))?;
                record.ends(ActionState::Undone, cause.to_string());
            }
            None => record.ends(ActionState::Failed, format!("{cause}; the server did not run")),
        }
        // Also where its process had noted nothing yet.
        if let Some(group) = cgroup::of(record.digest) {
            cgroup::remove(&group).map_err(|error| format!("the server's control group stays: {error}"))?;
        }
        self.forget_trace(record.digest)
    }

    /// The end of a server that was cut off: ending it again is the same.
    fn end_again(&self, record: &mut Record<W::Change>, server: Digest) -> Result<(), String> {
        self.ended_by(server, record.digest).map_err(|no| no.message)?;
        record.state = ActionState::Done;
        Ok(())
    }

    /// A package manager is not undone: it is waited for, and then looked at.
    fn look_at_package(
        &self,
        record: &mut Record<W::Change>,
        cause: &Cause,
        this_boot: bool,
    ) -> Result<(), String> {
        let trace = Trace::read(&self.paths.trace(record.digest)).map_err(|error| error.to_string())?;
        if let Some(trace) = trace.filter(|_| this_boot) {
            let over = *cause == Cause::Deadline;
            if !over && trace.is_alive().map_err(|error| error.to_string())? {
                return Err("the package manager still runs".to_owned());
            }
            trace.end().map_err(|error| error.to_string())?;
        }
        let Some(change) = record.change.clone() else {
            record.ends(ActionState::Unknown, "there is no change in the record");
            return Ok(());
        };
        let standing = self.at(record, |at| self.work.standing(at, &change));
        match standing.map_err(|error| error.to_string())? {
            Standing::Before => record.ends(ActionState::Failed, format!("{cause}; nothing was installed")),
            Standing::After => record.ends(ActionState::Done, format!("{cause}; it is installed")),
            Standing::Between | Standing::Other => {
                let why =
                    format!("{cause}; the package is neither there nor absent: see the package manager");
                record.ends(ActionState::Unknown, why);
            }
        }
        self.forget_trace(record.digest)
    }

    /// Removes the note of which process was started.
    pub(crate) fn forget_trace(&self, action: Digest) -> Result<(), String> {
        let trace = self.paths.trace(action);
        let (_, temporary) = crate::disk::beside(&trace).map_err(|error| error.to_string())?;
        self.disk
            .remove(&temporary)
            .and_then(|()| self.disk.remove(&trace))
            .map_err(|error| error.to_string())
    }
}

/// What an error says of the state: that it is not what the change left, or that it is to be looked at again.
fn gone_or_later<C>(record: &mut Record<C>, cause: &Cause, error: &WriteError) -> Result<(), String> {
    match error {
        WriteError::Moved { .. } | WriteError::NotThere { .. } | WriteError::Unsupported { .. } => {
            record.ends(
                ActionState::Conflict,
                format!("{cause}; but {error}: nothing was touched"),
            );
            Ok(())
        }
        _ => Err(error.to_string()),
    }
}
