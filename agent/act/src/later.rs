//! What is asked of an action after it was proposed or begun.

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Text;
use netghost_core::gate::{ActionState, Answer, Operation, Stands};
use netghost_kernel::write::Standing;

use crate::guard::Guard;
use crate::record::Record;
use crate::settle::Cause;
use crate::site::{No, Site};
use crate::work::Work;
use crate::{checks, ledger};

impl<W: Work, G: Guard> Site<W, G> {
    /// A new connection worked: the change stays, if its checks pass and it is what is there.
    pub(crate) fn confirm(&self, action: Digest) -> Result<Answer, No> {
        let begun = self.begun_or_not(action)?;
        if !self.waits(&begun)? {
            return self.stands(&begun);
        }
        // Not under the lock: somebody else's deadline may come meanwhile.
        let failed = checks::failed(&begun.action);
        let _lock = self.lock()?;
        let mut record = self.begun_or_not(action)?;
        if !self.waits(&record)? {
            return self.stands(&record);
        }
        match failed {
            Some(why) => record.why = Some(Text::from(format!("not confirmed: {why}"))),
            None => self.keep_it(&mut record)?,
        }
        self.keep(&record)?;
        if let (Operation::Undo { action: former }, ActionState::Confirmed) =
            (&record.action.operation, record.state)
        {
            self.note_undone(*former, action);
        }
        self.stands(&record)
    }

    /// True for a change that waits to be confirmed and may still be.
    fn waits(&self, record: &Record<W::Change>) -> Result<bool, No> {
        let left = record.left(&self.now()?);
        Ok(record.action.is_confirmed() && left.is_some_and(|left| !left.is_zero()))
    }

    fn keep_it(&self, record: &mut Record<W::Change>) -> Result<(), No> {
        let change = record
            .change
            .clone()
            .ok_or_else(|| No::new("internal", "there is no change in the record"))?;
        match self.at(record, |at| self.work.standing(at, &change))? {
            Standing::After => {
                record.state = ActionState::Confirmed;
                record.why = None;
            }
            Standing::Before => record.ends(ActionState::Undone, "somebody else put back what was there"),
            Standing::Between => record.why = Some(Text::from("not confirmed: it is half undone")),
            Standing::Other => {
                let object = &record.action.effect.object;
                let why = format!("somebody else has changed {object} meanwhile: it is left as it is");
                record.ends(ActionState::Conflict, why);
            }
        }
        Ok(())
    }

    /// The action that was undone by another is undone; that it can't be noted harms nothing, since its state tells.
    fn note_undone(&self, former: Digest, by: Digest) {
        if let Ok(Some(mut record)) = self.record(former)
            && record.state == ActionState::Confirmed
        {
            record.ends(ActionState::Undone, format!("undone by action {by}"));
            drop(self.keep(&record));
        }
    }

    /// Undoes what was not confirmed yet, or ends a server.
    pub(crate) fn undo(&self, action: Digest) -> Result<Answer, No> {
        let _lock = self.lock()?;
        let mut record = self.begun_or_not(action)?;
        if record.state == ActionState::Confirmed {
            return Err(No::new(
                "confirmed",
                "the action was confirmed: its undo is an action of its own, which needs an approval",
            ));
        }
        if record.is_pending() {
            self.settle(
                &mut record,
                &Cause::Asked("because somebody asked for it".to_owned()),
            )
            .map_err(|why| No::new("unreadable", why))?;
            self.keep(&record)?;
        }
        self.stands(&record)
    }

    /// Nobody wants it any more.
    pub(crate) fn withdraw(&self, action: Digest) -> Result<Answer, No> {
        let _lock = self.lock()?;
        if let Some(begun) = self.record(action)? {
            return self.stands(&begun);
        }
        match self.take_back(action)? {
            true => Ok(not_begun(action, ActionState::Closed)),
            false => self.standing(action),
        }
    }

    /// Takes an open action back. The caller holds the lock.
    pub(crate) fn take_back(&self, action: Digest) -> Result<bool, No> {
        let mut ledger = ledger::read(&self.paths).map_err(|error| No::disk("read the ledger", &error))?;
        let was_open = ledger.withdraw(action);
        if was_open {
            ledger::write(&self.paths, &self.disk, &ledger)
                .map_err(|error| No::disk("write the ledger", &error))?;
        }
        Ok(was_open)
    }

    /// Where an action stands. It waits for nobody: files are replaced whole.
    pub(crate) fn standing(&self, action: Digest) -> Result<Answer, No> {
        if let Some(begun) = self.record(action)? {
            return self.stands(&begun);
        }
        let ledger = ledger::read(&self.paths).map_err(|error| No::disk("read the ledger", &error))?;
        ledger.waiting(action, &self.now()?)?;
        Ok(not_begun(action, ActionState::Waiting))
    }

    fn begun_or_not(&self, action: Digest) -> Result<Record<W::Change>, No> {
        self.record(action)?
            .ok_or_else(|| No::new("unknown_action", "this VM has not begun such an action"))
    }

    fn stands(&self, record: &Record<W::Change>) -> Result<Answer, No> {
        Ok(Answer::Stands(record.stands(&self.now()?)))
    }
}

fn not_begun(action: Digest, state: ActionState) -> Answer {
    Answer::Stands(Stands {
        action,
        state,
        why: None,
        approver: None,
        self_approved: false,
        ends_in_ms: None,
        output: None,
    })
}
