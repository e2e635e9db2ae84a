//! The order of steps in which an action is done. After each of them everything may end: what is on the disk by then says what
//! has to be done about it.

use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Text;
use netghost_core::gate::{Action, ActionState, Answer, Authorised, Ledger, Operation, Presented, Refusal};
use netghost_kernel::write::WriteError;

use crate::guard::{Guard, Line};
use crate::lock::{self, Lock};
use crate::planned::Planned;
use crate::record::{self, Record};
use crate::settle::Cause;
use crate::site::{No, Site};
use crate::trace::Trace;
use crate::work::{Failure, Work};
use crate::{authority, ledger, package, policy};

impl<W: Work, G: Guard> Site<W, G> {
    /// Does an action that an approver consented to. Asked again it says where the action stands.
    pub(crate) fn perform(&self, presented: Presented<'_>) -> Result<Answer, No> {
        if let Some(begun) = self.record(presented.action)? {
            return Ok(Answer::Stands(begun.stands(&self.now()?)));
        }
        let lock = self.lock()?;
        // Somebody else may have done it while this waited.
        if let Some(begun) = self.record(presented.action)? {
            return Ok(Answer::Stands(begun.stands(&self.now()?)));
        }
        let (spent, authorised) = self.authorise(presented)?;
        let planned = self.as_it_was_read(authorised.action())?;
        let packages = self.package_lock(authorised.action())?;
        // A guard that does not live would let a change stand for ever: it is asked before anything is spent.
        let mut line = self
            .guard
            .call(presented.action)
            .map_err(|why| No::new("guard", why))?;
        ledger::write(&self.paths, &self.disk, &spent)
            .map_err(|error| No::disk("write the ledger", &error))?;
        let lasts = lasts(authorised.action());
        let mut record = Record::begun(&authorised, planned.change, &self.now()?, lasts);
        self.keep(&record)?;
        let _lock = match line.arm(record.digest) {
            Ok(()) => self.carry_out(&mut record, &mut line, (lock, packages))?,
            Err(why) => {
                record.ends(ActionState::Failed, format!("the guard does not answer: {why}"));
                lock
            }
        };
        self.written_down(&mut record)?;
        Ok(Answer::Stands(record.stands(&self.now()?)))
    }

    /// The ledger in which the approval is spent; not yet on the disk.
    fn authorise(&self, presented: Presented<'_>) -> Result<(Ledger, Authorised), No> {
        let ca = authority::read(&self.paths.approvers)?;
        let in_force = policy::read(&self.paths.policy);
        let read = ledger::read_under(&self.paths, &self.disk, &ca)
            .map_err(|error| No::disk("read the ledger", &error))?;
        // A newer list of approvers is learnt whatever becomes of the action: it may take somebody's word back.
        let mut known = read.clone();
        let learnt = known.learn(presented.roster, &ca);
        self.learnt(&read, &known)?;
        learnt.map_err(|refusal| self.explained(in_force.explain(refusal)))?;
        let mut next = known.clone();
        match next.authorise(presented, &ca, &in_force.policy, &self.now()?) {
            Ok(authorised) => Ok((next, authorised)),
            Err(refusal) => {
                self.learnt(&known, &next)?;
                Err(self.explained(in_force.explain(refusal)))
            }
        }
    }

    /// Puts a ledger on the disk in which nothing is spent, where it is another than before.
    fn learnt(&self, known: &Ledger, next: &Ledger) -> Result<(), No> {
        if next == known {
            return Ok(());
        }
        ledger::write(&self.paths, &self.disk, next).map_err(|error| No::disk("write the ledger", &error))
    }

    fn explained(&self, refusal: Refusal) -> No {
        match refusal {
            Refusal::Used => No::new(
                refusal.code(),
                format!(
                    "{refusal}, and no record of it is left: it ended before anything was changed, or long ago"
                ),
            ),
            other => other.into(),
        }
    }

    /// The change as it is planned now, if that is what was consented to. Else the action is void.
    fn as_it_was_read(&self, action: &Action) -> Result<Planned<W::Change>, No> {
        let planned = match self.plan(&action.namespace, &action.operation) {
            Ok(planned) => planned,
            Err(no) if no.code == "unreadable" => return Err(no),
            Err(no) => return Err(self.void(action, &no.message)),
        };
        let (now, then) = (&planned.effect, &action.effect);
        // The operation and the two digests bind what is done to the last byte; texts may hold counters that went on.
        let same = now.object == then.object
            && now.before == then.before
            && now.after == then.after
            && now.irreversible.is_some() == then.irreversible.is_some();
        match same {
            true => Ok(planned),
            false => Err(self.void(action, &format!("{} is no longer as it was read", then.object))),
        }
    }

    fn void(&self, action: &Action, why: &str) -> No {
        let taken_back = action
            .digest()
            .map_err(|error| error.to_string())
            .and_then(|digest| self.take_back(digest).map_err(|no| no.message));
        match taken_back {
            Ok(_) => No::new("moved", format!("{why}: the approval is void")),
            Err(error) => No::new("moved", format!("{why} ({error})")),
        }
    }

    fn package_lock(&self, action: &Action) -> Result<Option<Lock>, No> {
        match action.operation {
            Operation::PackageInstall { .. } => {
                let held = lock::take(&self.paths.package_lock(), Duration::ZERO);
                held.map(Some)
                    .map_err(|_| No::new("locked", "another package is being installed: ask again"))
            }
            _ => Ok(None),
        }
    }

    /// Does it, and notes in the record what came of it. What comes back is the lock under which that is written down.
    fn carry_out(
        &self,
        record: &mut Record<W::Change>,
        line: &mut G::Line,
        (lock, packages): (Lock, Option<Lock>),
    ) -> Result<Lock, No> {
        match record.action.operation {
            Operation::ServerStart { .. } => self.serve(record, line),
            Operation::ServerStop { action } => self.stop(record, action),
            Operation::PackageInstall { .. } => {
                // Others need not wait for it; the guard sees by the other lock that it goes on.
                drop(lock);
                self.apply(record);
                let lock = self.lock()?;
                drop(packages);
                return Ok(lock);
            }
            _ => self.apply(record),
        }
        Ok(lock)
    }

    fn apply(&self, record: &mut Record<W::Change>) {
        let Some(change) = record.change.clone() else {
            return record.ends(ActionState::Failed, "there is no change to make");
        };
        match self.at(record, |at| self.work.apply(at, &change)) {
            Ok(output) => {
                record.output = output;
                self.stands_applied(record);
            }
            Err(Failure { error, output }) => {
                record.output = output;
                self.was_not_applied(record, &error);
            }
        }
    }

    /// It is done: the time to confirm it counts from now.
    fn stands_applied(&self, record: &mut Record<W::Change>) {
        if record.action.effect.irreversible.is_some() {
            record.state = ActionState::Done;
            return;
        }
        record.state = ActionState::Applied;
        if let Ok(now) = self.clock.now() {
            record.lasts(&now, lasts(&record.action));
        }
    }

    fn was_not_applied(&self, record: &mut Record<W::Change>, error: &WriteError) {
        let why = error.to_string();
        match (error, record.action.effect.irreversible.is_some()) {
            (WriteError::Half { .. }, true) => record.ends(ActionState::Unknown, why),
            (WriteError::Half { .. }, false) => {
                // What can't be put back now the guard tries again as soon as this process ends.
                if let Err(later) = self.settle(record, &Cause::CutOff(why.clone())) {
                    record.why = Some(Text::from(format!("{why}; not undone yet: {later}")));
                }
            }
            _ => record.ends(ActionState::Failed, why),
        }
    }

    fn serve(&self, record: &mut Record<W::Change>, line: &mut G::Line) {
        match line.start(record.digest) {
            Ok(()) => {
                record.server = Trace::read(&self.paths.trace(record.digest)).unwrap_or_default();
                self.stands_applied(record);
            }
            Err(not) => {
                record.output = not.output;
                record.ends(ActionState::Failed, not.why);
            }
        }
    }

    fn stop(&self, record: &mut Record<W::Change>, action: Digest) {
        match self.ended_by(action, record.digest) {
            Ok(()) => record.state = ActionState::Done,
            Err(no) => record.ends(ActionState::Failed, no.message),
        }
    }

    /// Ends a server because an action says so.
    pub(crate) fn ended_by(&self, server: Digest, action: Digest) -> Result<(), No> {
        let Some(mut server) = self.record(server)?.filter(Record::is_pending) else {
            return Ok(());
        };
        self.settle(&mut server, &Cause::Asked(format!("by action {action}")))
            .map_err(|why| No::new("refused", why))?;
        self.keep(&server)
    }

    /// What is not needed any more goes; what can't be removed now is met again.
    fn tidied_up(&self, record: &Record<W::Change>) {
        if matches!(record.action.operation, Operation::PackageInstall { .. }) {
            drop(self.forget_trace(record.digest));
        }
        drop(record::prune::<W::Change>(
            &self.paths,
            &self.disk,
            &record.boot_id,
        ));
    }

    /// Puts what came of it on the disk. A change that can't be noted down does not stand.
    fn written_down(&self, record: &mut Record<W::Change>) -> Result<(), No> {
        let written = self.keep(record);
        let Err(no) = written else {
            self.tidied_up(record);
            return Ok(());
        };
        if record.state != ActionState::Applied || record.change.is_none() {
            return Err(no);
        }
        let undone = self.settle(record, &Cause::CutOff(no.message.clone()));
        // The guard reads from the disk that it was begun, and looks again by itself.
        drop(self.keep(record));
        let became = match undone {
            Ok(()) => record.state.as_str(),
            Err(_) => "left to the guard",
        };
        Err(No::new(
            no.code,
            format!("{}; the change is {became}", no.message),
        ))
    }
}

/// From the beginning to where it ends unless it is confirmed.
fn lasts(action: &Action) -> Duration {
    match action.operation {
        Operation::ServerStart { lease_s, .. } => Duration::from_secs(lease_s.into()),
        Operation::PackageInstall { .. } => package::LONGEST.saturating_mul(2),
        _ => Duration::from_secs(action.window_s.into()),
    }
}
