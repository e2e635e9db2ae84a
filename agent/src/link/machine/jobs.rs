//! The commands in hand.

use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Text;
use netghost_core::fleet::Id;

use super::{Action, IN_HAND, Machine, Uploaded};
use crate::order::{Failed, Order, Outcome};

/// How long to wait before an outcome that could not be written is written again.
const WRITE_AGAIN: Duration = Duration::from_secs(5);
/// How long to wait before an upload is gone on with that failed although the connection stays.
const UPLOAD_AGAIN: Duration = Duration::from_secs(5);

/// A command as the spool holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// To be captured or passed on.
    Accepted {
        /// When nobody wants it any more, since boot.
        deadline: Duration,
        /// What it is.
        order: Order,
    },
    /// Captured, to be uploaded.
    Captured {
        /// When nobody wants it any more, since boot.
        deadline: Duration,
    },
    /// Ended, to be told.
    Finished(Outcome),
}

/// A command in hand, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InHand {
    /// Its id.
    pub id: Id,
    /// `accepted`, `acting`, `capturing`, `captured`, `uploading`, `finished`.
    pub state: &'static str,
}

#[derive(Debug)]
pub(super) struct Job {
    /// Since boot.
    deadline: Option<Duration>,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// Being written down.
    Accepting(Order),
    /// On the disk, to be captured or passed on.
    Waiting(Order),
    Capturing,
    /// Passed on. It ends when it is known what became of it: its lifetime was for the beginning.
    Acting,
    /// In the spool, to be uploaded from this time on.
    Captured(Duration),
    Uploading,
    /// The outcome is being written down.
    Finishing(Outcome),
    /// It could not be; to be tried again.
    FinishAgain(Outcome, Duration),
    /// On the disk; told whenever there is a connection, until acknowledged.
    Finished(Outcome),
}

impl From<Kept> for Job {
    fn from(kept: Kept) -> Self {
        let (deadline, phase) = match kept {
            Kept::Accepted { deadline, order } => (Some(deadline), Phase::Waiting(order)),
            Kept::Captured { deadline } => (Some(deadline), Phase::Captured(Duration::ZERO)),
            Kept::Finished(outcome) => (None, Phase::Finished(outcome)),
        };
        Self { deadline, phase }
    }
}

impl Job {
    pub(super) fn in_hand(&self, id: Id) -> InHand {
        let state = match self.phase {
            Phase::Accepting(_) | Phase::Waiting(_) => "accepted",
            Phase::Capturing => "capturing",
            Phase::Acting => "acting",
            Phase::Captured(_) => "captured",
            Phase::Uploading => "uploading",
            Phase::Finishing(_) | Phase::FinishAgain(..) | Phase::Finished(_) => "finished",
        };
        InHand { id, state }
    }

    /// When time alone lets it go on, as seen at `now`.
    pub(super) fn wake_at(&self, now: Duration) -> Option<Duration> {
        match &self.phase {
            Phase::Captured(at) if *at > now => Some(self.deadline.map_or(*at, |deadline| deadline.min(*at))),
            Phase::FinishAgain(_, at) => Some(*at),
            // Waiting for what will come as an event, or for nothing.
            Phase::Accepting(_) | Phase::Acting | Phase::Finishing(_) | Phase::Finished(_) => None,
            _ => self.deadline,
        }
    }

    /// True where the lifetime can still end it: not while a step is being written down, nor afterwards; nor where an earlier
    /// process may have had it done.
    fn can_expire(&self) -> bool {
        match &self.phase {
            Phase::Waiting(Order::Act(act)) => act.performs().is_none(),
            Phase::Waiting(Order::Capture(_)) | Phase::Capturing | Phase::Captured(_) | Phase::Uploading => {
                true
            }
            _ => false,
        }
    }

    fn finish(&mut self, id: Id, outcome: Outcome, actions: &mut Vec<Action>) {
        actions.push(Action::Finish(id, outcome.clone()));
        self.phase = Phase::Finishing(outcome);
    }
}

impl Machine {
    pub(super) fn command(
        &mut self,
        id: Id,
        lifetime: Duration,
        order: Result<Order, Failed>,
        now: Duration,
        actions: &mut Vec<Action>,
    ) {
        if let Some(job) = self.jobs.get(&id) {
            // Asked for again: the first receipt counts.
            match &job.phase {
                Phase::Accepting(_) => {}
                Phase::Finished(outcome) => actions.push(Action::TellFinished(id, outcome.clone())),
                _ => actions.push(Action::TellStarted(id)),
            }
            return;
        }
        let order = match order {
            Ok(order) if self.jobs.len() < IN_HAND => order,
            Ok(_) => {
                let message = format!("{IN_HAND} commands are in hand already: ask again later");
                return refuse(id, Failed::new("busy", message), actions);
            }
            Err(failed) => return refuse(id, failed, actions),
        };
        let deadline = now.saturating_add(lifetime);
        actions.push(Action::Accept {
            id,
            deadline,
            order: order.clone(),
        });
        let job = Job {
            deadline: Some(deadline),
            phase: Phase::Accepting(order),
        };
        self.jobs.insert(id, job);
    }

    pub(super) fn accepted(&mut self, id: Id, result: Result<(), Failed>, actions: &mut Vec<Action>) {
        let up = self.connection.is_up();
        let Some(job) = self.jobs.get_mut(&id) else {
            // Acknowledged meanwhile.
            return actions.push(Action::Forget(vec![id]));
        };
        let Phase::Accepting(order) = &job.phase else {
            return;
        };
        match result {
            Ok(()) => {
                job.phase = Phase::Waiting(order.clone());
                if up {
                    actions.push(Action::TellStarted(id));
                }
            }
            Err(failed) => {
                self.jobs.remove(&id);
                actions.push(Action::Forget(vec![id]));
                if up {
                    refuse(id, failed, actions);
                }
            }
        }
    }

    pub(super) fn captured(&mut self, id: Id, result: Result<Digest, Failed>, actions: &mut Vec<Action>) {
        if self.capturing == Some(id) {
            self.capturing = None;
        }
        let Some(job) = self.jobs.get_mut(&id) else {
            return;
        };
        // One that ran out meanwhile has its outcome.
        if matches!(job.phase, Phase::Capturing) {
            match result {
                Ok(_) => job.phase = Phase::Captured(Duration::ZERO),
                Err(failed) => job.finish(id, Outcome::Failed(failed), actions),
            }
        }
    }

    pub(super) fn acted(&mut self, id: Id, result: Result<Text, Failed>, actions: &mut Vec<Action>) {
        let Some(job) = self.jobs.get_mut(&id) else {
            return;
        };
        if matches!(job.phase, Phase::Acting) {
            let outcome = match result {
                Ok(answer) => Outcome::Acted { answer },
                Err(failed) => Outcome::Failed(failed),
            };
            job.finish(id, outcome, actions);
        }
    }

    pub(super) fn uploaded(&mut self, id: Id, result: Uploaded, now: Duration, actions: &mut Vec<Action>) {
        let Some(job) = self.jobs.get_mut(&id) else {
            return;
        };
        if matches!(job.phase, Phase::Uploading) {
            match result {
                Uploaded::Whole(manifest) => job.finish(id, Outcome::Captured { manifest }, actions),
                Uploaded::Cut => job.phase = Phase::Captured(now.saturating_add(UPLOAD_AGAIN)),
                Uploaded::Failed(failed) => job.finish(id, Outcome::Failed(failed), actions),
            }
        }
    }

    pub(super) fn recorded(
        &mut self,
        id: Id,
        result: Result<Outcome, Failed>,
        now: Duration,
        actions: &mut Vec<Action>,
    ) {
        let up = self.connection.is_up();
        let Some(job) = self.jobs.get_mut(&id) else {
            return actions.push(Action::Forget(vec![id]));
        };
        let Phase::Finishing(wanted) = &job.phase else {
            return;
        };
        match result {
            Ok(outcome) => {
                if up {
                    actions.push(Action::TellFinished(id, outcome.clone()));
                }
                job.phase = Phase::Finished(outcome);
            }
            // Untold until it is on the disk: another process could come to another outcome.
            Err(_) => {
                job.phase = Phase::FinishAgain(wanted.clone(), now.saturating_add(WRITE_AGAIN));
            }
        }
    }

    /// What the controller has on its disk may be forgotten, also where it found an outcome by itself.
    pub(super) fn acknowledged(&mut self, ids: &[Id], actions: &mut Vec<Action>) {
        let mut forgotten = Vec::new();
        for id in ids {
            let Some(job) = self.jobs.remove(id) else {
                continue;
            };
            if matches!(job.phase, Phase::Uploading) {
                actions.push(Action::StopUpload(*id));
            }
            forgotten.push(*id);
        }
        if !forgotten.is_empty() {
            actions.push(Action::Forget(forgotten));
        }
    }

    /// Tells the controller where every command stands.
    pub(super) fn tell_all(&self, actions: &mut Vec<Action>) {
        for (id, job) in &self.jobs {
            match &job.phase {
                Phase::Accepting(_) | Phase::Finishing(_) | Phase::FinishAgain(..) => {}
                Phase::Finished(outcome) => actions.push(Action::TellFinished(*id, outcome.clone())),
                _ => actions.push(Action::TellStarted(*id)),
            }
        }
    }

    pub(super) fn is_uploading(&self) -> bool {
        self.jobs
            .values()
            .any(|job| matches!(job.phase, Phase::Uploading))
    }

    /// What was being uploaded is to be uploaded again.
    pub(super) fn cut_uploads(&mut self) {
        for job in self.jobs.values_mut() {
            if matches!(job.phase, Phase::Uploading) {
                job.phase = Phase::Captured(Duration::ZERO);
            }
        }
    }

    pub(super) fn expire(&mut self, now: Duration, actions: &mut Vec<Action>) {
        for (id, job) in &mut self.jobs {
            if job.can_expire() && job.deadline.is_some_and(|deadline| deadline <= now) {
                if matches!(job.phase, Phase::Uploading) {
                    actions.push(Action::StopUpload(*id));
                }
                job.finish(*id, Outcome::Failed(Failed::expired()), actions);
            }
        }
    }

    /// Starts what can be started: one capture at a time, one upload at a time, every demand at once.
    pub(super) fn work(&mut self, now: Duration, actions: &mut Vec<Action>) {
        for (id, job) in &mut self.jobs {
            if let Phase::FinishAgain(outcome, at) = &job.phase
                && *at <= now
            {
                let outcome = outcome.clone();
                job.finish(*id, outcome, actions);
            }
        }
        for (id, job) in &mut self.jobs {
            if let Phase::Waiting(Order::Act(act)) = &job.phase {
                actions.push(Action::Act {
                    id: *id,
                    act: act.clone(),
                    late: job.deadline.is_some_and(|deadline| deadline <= now),
                });
                job.phase = Phase::Acting;
            }
        }
        let is_capture = |phase: &Phase| matches!(phase, Phase::Waiting(Order::Capture(_)));
        if self.capturing.is_none()
            && let Some((id, job)) = soonest(&mut self.jobs, is_capture)
            && let Phase::Waiting(Order::Capture(order)) = &job.phase
        {
            actions.push(Action::Capture(id, order.clone()));
            job.phase = Phase::Capturing;
            self.capturing = Some(id);
        }
        if self.connection.is_up()
            && !self.is_uploading()
            && let Some((id, job)) = soonest(
                &mut self.jobs,
                |phase| matches!(phase, Phase::Captured(at) if *at <= now),
            )
        {
            actions.push(Action::Upload(id));
            job.phase = Phase::Uploading;
        }
    }
}

/// The job in such a phase whose deadline comes first.
fn soonest(
    jobs: &mut std::collections::BTreeMap<Id, Job>,
    phase: impl Fn(&Phase) -> bool,
) -> Option<(Id, &mut Job)> {
    jobs.iter_mut()
        .filter(|(_, job)| phase(&job.phase))
        .min_by_key(|(id, job)| (job.deadline, **id))
        .map(|(id, job)| (*id, job))
}

/// Refuses a command at the door: nothing of it is kept, and asked again it may be taken.
fn refuse(id: Id, failed: Failed, actions: &mut Vec<Action>) {
    actions.push(Action::TellFinished(id, Outcome::Failed(failed)));
}
