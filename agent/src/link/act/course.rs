//! From a demand to the last word on it: pure.
//!
//! A change that has to be confirmed is confirmed only after a new connection to the controller worked, and again after each
//! one that did, until its window ends. Then it is asked what became of it. Whatever this process does or fails to do, the
//! guard undoes what was not confirmed.

use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Text;
use netghost_core::gate::{ActionState, Answer, Demand, Stands};

use crate::order::Failed;

/// How long an answer is tried for that breaks off, and one that is not the last word.
const TRYING: Duration = Duration::from_secs(60);
/// The first pause between two tries, doubled each time, and the longest.
const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);

/// What is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// One question: the first answer counts.
    Once,
    /// Something is to be done.
    Perform {
        /// The action.
        action: Digest,
        /// True if it has to be confirmed.
        confirm: bool,
        /// True if it is wanted no more: only what became of it is asked for.
        late: bool,
    },
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// As it came.
    pub(super) answer: Text,
    /// As it was read.
    pub(super) parsed: Answer,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Silence {
    /// The demand did not arrive.
    #[error("{0}")]
    NotAsked(String),
    /// It may have arrived.
    #[error("the connection to the process that acts: {0}")]
    Broken(String),
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Happened {
    /// The process that acts answered, or did not.
    Answered(Result<Said, Silence>),
    /// The controller was called over a new connection.
    Reached(Result<(), String>),
    /// Time went by.
    Waited,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Pass the demand on as it came.
    Demand,
    /// Make this demand.
    Ask(Demand),
    /// Call the controller over a new connection.
    Reach(Digest),
    /// Let so much time go by.
    Wait(Duration),
    /// Nothing: this is the outcome.
    End(Result<Text, Failed>),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Course {
    way: Way,
    phase: Phase,
    /// Until when it is tried to get an answer.
    trying: Duration,
    /// Failures since the last success.
    tries: u32,
    /// What went wrong last.
    why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The demand is on its way, or is about to be made again.
    Demanded,
    /// It is done, and has to be confirmed until then.
    Reaching { until: Duration },
    /// The new connection worked, and the confirmation is on its way.
    Confirming { until: Duration },
    /// What became of it is asked for.
    Asking,
}

impl Course {
    pub(super) fn new(way: Way, now: Duration) -> Self {
        let late = matches!(way, Way::Perform { late: true, .. });
        Self {
            way,
            phase: if late { Phase::Asking } else { Phase::Demanded },
            trying: now.saturating_add(TRYING),
            tries: 0,
            why: String::new(),
        }
    }

    /// What is to be done first.
    pub(super) fn first(&self) -> Next {
        self.again()
    }

    /// What follows.
    pub(super) fn handle(&mut self, happened: Happened, now: Duration) -> Next {
        match (happened, self.phase) {
            (Happened::Waited, _) => self.again(),
            (Happened::Answered(Err(Silence::NotAsked(why))), Phase::Demanded) => {
                Next::End(Err(Failed::new("unsupported", why)))
            }
            (Happened::Answered(Err(silence)), phase) => self.silent(silence.to_string(), phase, now),
            (Happened::Answered(Ok(said)), Phase::Demanded) => self.demanded(said, now),
            (Happened::Answered(Ok(said)), Phase::Confirming { until }) => self.confirmed(said, until, now),
            (Happened::Answered(Ok(said)), _) => self.asked(said, now),
            (Happened::Reached(Ok(())), Phase::Reaching { until }) => {
                self.phase = Phase::Confirming { until };
                self.again()
            }
            (Happened::Reached(Err(why)), Phase::Reaching { until }) => {
                tracing::warn!(why, "the controller was not reached over a new connection");
                self.why = why;
                self.reach_again(until, now)
            }
            (Happened::Reached(_), _) => self.again(),
        }
    }

    /// The step of this phase.
    fn again(&self) -> Next {
        let Way::Perform { action, .. } = self.way else {
            return Next::Demand;
        };
        match self.phase {
            Phase::Demanded => Next::Demand,
            Phase::Reaching { .. } => Next::Reach(action),
            Phase::Confirming { .. } => Next::Ask(Demand::Confirm { action }),
            Phase::Asking => Next::Ask(Demand::Standing { action }),
        }
    }

    fn demanded(&mut self, said: Said, now: Duration) -> Next {
        let Way::Perform {
            action,
            confirm: true,
            ..
        } = self.way
        else {
            return Next::End(Ok(said.answer));
        };
        match stands(&said, action) {
            Some(stands) if stands.state == ActionState::Applied => self.applied(stands, now),
            Some(stands) if stands.state == ActionState::Running => self.settle(now),
            _ => Next::End(Ok(said.answer)),
        }
    }

    fn applied(&mut self, stands: &Stands, now: Duration) -> Next {
        let left = Duration::from_millis(stands.ends_in_ms.unwrap_or(0));
        self.tries = 0;
        self.phase = Phase::Reaching {
            until: now.saturating_add(left),
        };
        self.again()
    }

    fn confirmed(&mut self, said: Said, until: Duration, now: Duration) -> Next {
        let Way::Perform { action, .. } = self.way else {
            return Next::End(Ok(said.answer));
        };
        match (stands(&said, action), &said.parsed) {
            (Some(stands), _) if stands.state.has_ended() => return Next::End(Ok(said.answer)),
            (Some(Stands { why: Some(why), .. }), _) => self.why = why.to_string(),
            (_, Answer::Refused { message, .. }) => self.why = message.to_string(),
            _ => {}
        }
        self.reach_again(until, now)
    }

    /// Tries again while the window lasts; then asks what became of it.
    fn reach_again(&mut self, until: Duration, now: Duration) -> Next {
        let pause = self.pause();
        if now.saturating_add(pause) >= until {
            self.phase = Phase::Asking;
            self.tries = 0;
            self.trying = until.max(now).saturating_add(TRYING);
            // The guard undoes it at the end of the window: asked before, it would say that it is not decided.
            return Next::Wait(until.saturating_sub(now).saturating_add(FIRST));
        }
        self.phase = Phase::Reaching { until };
        Next::Wait(pause)
    }

    /// What became of it is asked for.
    fn settle(&mut self, now: Duration) -> Next {
        self.phase = Phase::Asking;
        self.tries = 0;
        self.trying = now.saturating_add(TRYING);
        Next::Wait(self.pause())
    }

    fn asked(&mut self, said: Said, now: Duration) -> Next {
        let Way::Perform {
            action,
            confirm,
            late,
        } = self.way
        else {
            return Next::End(Ok(said.answer));
        };
        match (
            stands(&said, action).map(|stands| (stands, stands.state)),
            &said.parsed,
        ) {
            // It was never done, and is not any more.
            (None, Answer::Refused { .. }) | (Some((_, ActionState::Waiting)), _) if late => {
                Next::End(Err(Failed::expired()))
            }
            (Some((stands, ActionState::Applied)), _) if confirm && late && self.tries == 0 => {
                self.applied(stands, now)
            }
            (Some((_, ActionState::Applied)), _) if !confirm => Next::End(Ok(said.answer)),
            (Some((_, state)), _) if state.has_ended() => Next::End(Ok(said.answer)),
            _ if now >= self.trying => Next::End(Ok(said.answer)),
            _ => Next::Wait(self.pause()),
        }
    }

    fn silent(&mut self, why: String, phase: Phase, now: Duration) -> Next {
        tracing::warn!(why, "the process that acts did not answer");
        let until = match phase {
            Phase::Confirming { until } => return self.reach_again(until, now),
            Phase::Reaching { .. } => return self.again(),
            Phase::Demanded | Phase::Asking => self.trying,
        };
        // A question is asked once: whoever asked it asks again.
        if self.way == Way::Once || now >= until {
            return Next::End(Err(Failed::new("act_silent", why)));
        }
        Next::Wait(self.pause())
    }

    fn pause(&mut self) -> Duration {
        let pause = FIRST.saturating_mul(1_u32.checked_shl(self.tries.min(16)).unwrap_or(1));
        self.tries = self.tries.saturating_add(1);
        pause.min(LONGEST)
    }
}

/// Where this action stands, if that was said.
fn stands(said: &Said, action: Digest) -> Option<&Stands> {
    match &said.parsed {
        Answer::Stands(stands) if stands.action == action => Some(stands),
        _ => None,
    }
}
