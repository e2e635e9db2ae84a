//! The commands that someone in this process waits for, and how they end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use netghost_core::fleet::Id;
use netghost_core::gate::LONGEST_DEMAND;
use netghost_proto::convert::{self, BadField};
use netghost_proto::v1::command_finished;
use tokio::sync::watch;

use crate::jobs::Unreached;
use crate::store::commands::Ended;

/// How a command ended: what it led to, or why to nothing.
pub(crate) type Outcome = Result<Ended, Unreached>;

/// The longest message of a failure, in characters.
const MESSAGE: usize = 1000;
/// Words that are the controller's to say.
const OURS: [&str; 3] = ["offline", "revoked", "contested"];

/// The outcome that an agent tells.
pub(super) fn outcome(said: Option<command_finished::Outcome>) -> Result<Outcome, BadField> {
    match said {
        None => Err(BadField::new("outcome", "neither captured, acted nor failed")),
        Some(command_finished::Outcome::Captured(captured)) => {
            convert::digest("captured.manifest", &captured.manifest).map(|digest| Ok(Ended::Captured(digest)))
        }
        Some(command_finished::Outcome::Acted(acted)) => {
            let text = std::str::from_utf8(&acted.answer).ok();
            // What it says is read where it is known what was asked.
            match text.filter(|text| (1..=LONGEST_DEMAND).contains(&text.len()) && !text.contains('\0')) {
                Some(text) => Ok(Ok(Ended::Acted(text.to_owned()))),
                None => Err(BadField::new("acted.answer", "not the text of an answer")),
            }
        }
        Some(command_finished::Outcome::Failed(failed)) => {
            let letters = failed
                .code
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            let word = letters && (1..=32).contains(&failed.code.len());
            if !word || OURS.contains(&failed.code.as_str()) {
                return Err(BadField::new("failed.code", "not a word that an agent can say"));
            }
            // It is shown on terminals: no escape sequence of a VM gets there.
            let plain = failed
                .message
                .chars()
                .map(|at| if at.is_control() { ' ' } else { at });
            Ok(Err(Unreached {
                code: failed.code,
                message: plain.take(MESSAGE).collect(),
            }))
        }
    }
}

/// How far a command is.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    pub(super) started: bool,
    pub(super) outcome: Option<Outcome>,
}

/// Who waits for which command. One command may be waited for more than once.
#[derive(Debug, Default)]
pub(super) struct Orders(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    /// By command, and a number that tells those who wait apart: the target, and where progress goes.
    by: BTreeMap<(Id, u64), (Id, watch::Sender<Progress>)>,
    /// Those numbers of which no snapshot is wanted.
    without_snapshot: BTreeSet<u64>,
}

impl Orders {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a command until what is handed out is dropped.
    pub(super) fn expect(&self, target: Id, command: Id, snapshot: bool) -> Expected<'_> {
        let (sender, progress) = watch::channel(Progress::default());
        let mut waiting = self.waiting();
        waiting.next += 1;
        let key = (command, waiting.next);
        waiting.by.insert(key, (target, sender));
        if !snapshot {
            waiting.without_snapshot.insert(key.1);
        }
        Expected {
            orders: self,
            key,
            progress,
        }
    }

    /// True if someone waits for this command from this agent.
    pub(super) fn expects(&self, target: Id, command: Id) -> bool {
        self.waiting()
            .by
            .range((command, 0)..=(command, u64::MAX))
            .any(|(_, (of, _))| *of == target)
    }

    /// The commands whose snapshots someone waits for from this agent and that have not ended.
    pub(super) fn open(&self, target: Id) -> Vec<Id> {
        let waiting = self.waiting();
        let of = waiting
            .by
            .iter()
            .filter(|((_, number), (of, _))| *of == target && !waiting.without_snapshot.contains(number));
        of.filter(|(_, (_, sender))| sender.borrow().outcome.is_none())
            .map(|((command, _), _)| *command)
            .collect()
    }

    /// Tells those who wait for this command from this agent.
    pub(super) fn tell(&self, target: Id, command: Id, change: impl Fn(&mut Progress)) {
        for (_, (of, sender)) in self.waiting().by.range((command, 0)..=(command, u64::MAX)) {
            if *of == target {
                sender.send_modify(&change);
            }
        }
    }
}

/// See [`Orders::expect`].
#[derive(Debug)]
pub(super) struct Expected<'a> {
    orders: &'a Orders,
    key: (Id, u64),
    pub(super) progress: watch::Receiver<Progress>,
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        let mut waiting = self.orders.waiting();
        waiting.by.remove(&self.key);
        waiting.without_snapshot.remove(&self.key.1);
    }
}
