//! The connection: when it is made, ended and made anew.

use std::time::Duration;

use super::{Action, Machine};
use crate::link::backoff::{self, Draw};

/// A connection that lasted so long was a good one: the next failure is a first one.
const GOOD: Duration = Duration::from_secs(60);
/// How long an identity that the controller refuses waits.
const REFUSED: (Duration, Duration) = (Duration::from_secs(300), Duration::from_secs(900));
/// How long an identity that two use at once waits.
const CONTESTED: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(180));
/// After a renewal that failed.
const RENEW_AGAIN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(300));

/// How the connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The controller has welcomed the agent.
    Connected,
    /// It is being made.
    Connecting,
    /// It could not be made or was lost; the next try comes by itself.
    Disconnected,
    /// The controller refuses this identity; tried again much later.
    Refused,
    /// Two agents use this identity; tried again much later.
    Contested,
    /// The controller took this identity away: nothing is tried until there is another.
    Revoked,
}

impl Standing {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Connecting => "connecting",
            Self::Disconnected => "disconnected",
            Self::Refused => "refused",
            Self::Contested => "contested",
            Self::Revoked => "revoked",
        }
    }
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// What follows from it.
    pub kind: LossKind,
    /// For people, as one chain.
    pub why: String,
    /// What to do.
    pub hint: Option<String>,
}

/// What follows from a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossKind {
    /// It may be better in a moment.
    Passing,
    /// The controller refuses this identity.
    Refused,
    /// Two agents use this identity.
    Contested,
}

/// What last went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// For people, as one chain.
    pub why: String,
    /// What to do.
    pub hint: Option<String>,
    /// Since boot.
    pub at: Duration,
}

#[derive(Debug)]
pub(super) struct Connection {
    standing: Standing,
    since: Duration,
    /// When to dial, where there is no connection; never without another identity, if nothing.
    dial_at: Option<Duration>,
    /// Failures since the last good connection.
    tries: u32,
    trouble: Option<Trouble>,
    renew_at: Option<Duration>,
    renewing: bool,
    /// There is another identity on the disk than the connection's.
    newer: bool,
}

impl Connection {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            standing: Standing::Disconnected,
            since: now,
            dial_at: Some(now),
            tries: 0,
            trouble: None,
            renew_at: None,
            renewing: false,
            newer: false,
        }
    }

    pub(super) fn standing(&self) -> (Standing, Duration) {
        (self.standing, self.since)
    }

    pub(super) fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    pub(super) fn is_up(&self) -> bool {
        self.standing == Standing::Connected
    }

    fn is_made(&self) -> bool {
        matches!(self.standing, Standing::Connected | Standing::Connecting)
    }

    fn become_(&mut self, standing: Standing, now: Duration) {
        if self.standing != standing {
            self.standing = standing;
            self.since = now;
        }
    }

    fn down(&mut self, standing: Standing, dial_at: Option<Duration>, now: Duration) {
        if self.is_up() && now.saturating_sub(self.since) >= GOOD {
            self.tries = 0;
        }
        self.renewing = false;
        self.dial_at = dial_at;
        self.become_(standing, now);
    }

    pub(super) fn identity(&mut self, renew_in: Duration, other: bool, now: Duration) {
        self.renew_at = Some(now.saturating_add(renew_in));
        self.renewing = false;
        if !other {
            return;
        }
        self.newer = true;
        if !self.is_made() {
            // What an earlier identity met says nothing about this one.
            self.tries = 0;
            self.dial_at = Some(now);
            self.become_(Standing::Disconnected, now);
        }
    }

    pub(super) fn renew_failed(&mut self, why: String, now: Duration, draw: &mut Draw) {
        self.renewing = false;
        self.renew_at = Some(now.saturating_add(draw.between(RENEW_AGAIN.0, RENEW_AGAIN.1)));
        self.trouble = Some(Trouble {
            why: format!("cannot renew the certificate: {why}"),
            hint: None,
            at: now,
        });
    }

    pub(super) fn wake_at(&self) -> Option<Duration> {
        match self.standing {
            Standing::Connected => self.renew_at.filter(|_| !self.renewing && !self.newer),
            Standing::Connecting => None,
            _ => self.dial_at,
        }
    }

    /// Dials, renews, or changes over to a newer certificate while nothing is being uploaded.
    pub(super) fn advance(&mut self, busy: bool, now: Duration, actions: &mut Vec<Action>) {
        let due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        if self.is_up() {
            if self.newer && !busy {
                actions.push(Action::HangUp);
                self.down(Standing::Disconnected, Some(now), now);
            } else if due(self.renew_at) && !self.renewing && !self.newer {
                self.renewing = true;
                actions.push(Action::Renew);
            }
        }
        if !self.is_made() && due(self.dial_at) {
            self.newer = false;
            self.dial_at = None;
            self.become_(Standing::Connecting, now);
            actions.push(Action::Dial);
        }
    }
}

impl Machine {
    pub(super) fn connected(&mut self, now: Duration, actions: &mut Vec<Action>) {
        self.connection.become_(Standing::Connected, now);
        self.connection.trouble = None;
        self.tell_all(actions);
    }

    pub(super) fn lost(&mut self, loss: Loss, now: Duration) {
        self.cut_uploads();
        if !self.connection.is_made() {
            return;
        }
        let was_good = self.connection.is_up() && now.saturating_sub(self.connection.since) >= GOOD;
        let tries = if was_good { 0 } else { self.connection.tries };
        let (standing, wait) = match loss.kind {
            LossKind::Passing => (Standing::Disconnected, backoff::wait(tries, &mut self.draw)),
            LossKind::Refused => (Standing::Refused, self.draw.between(REFUSED.0, REFUSED.1)),
            LossKind::Contested => (Standing::Contested, self.draw.between(CONTESTED.0, CONTESTED.1)),
        };
        let dial_at = Some(now.saturating_add(wait));
        self.connection.down(standing, dial_at, now);
        self.connection.tries = tries.saturating_add(1);
        self.connection.trouble = Some(Trouble {
            why: loss.why,
            hint: loss.hint,
            at: now,
        });
    }

    pub(super) fn revoked(&mut self, why: String, now: Duration, actions: &mut Vec<Action>) {
        self.cut_uploads();
        actions.push(Action::HangUp);
        // A newer identity that waited for its turn is not the one that was taken away.
        let dial_at = self.connection.newer.then_some(now);
        self.connection.down(Standing::Revoked, dial_at, now);
        self.connection.trouble = Some(Trouble {
            why: format!("the controller took this identity away: {why}"),
            hint: Some("enrol again with a new token: netghost-agent enroll --replace".to_owned()),
            at: now,
        });
    }

    pub(super) fn closing(&mut self, why: String, now: Duration, actions: &mut Vec<Action>) {
        if !self.connection.is_made() {
            return;
        }
        actions.push(Action::HangUp);
        self.lost(
            Loss {
                kind: LossKind::Passing,
                why: format!("the controller ended the connection: {why}"),
                hint: None,
            },
            now,
        );
    }
}
