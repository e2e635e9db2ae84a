//! Azure's run-command: the VM's own agent of Azure runs the script, and Azure hands back the end of what it printed.
//!
//! The action keeps the last 4,096 bytes of each stream and runs one script at a time for each VM, so a host is read in
//! pieces. Where there are many, they are read several at a time by managed run-commands, which the same role allows; where
//! that fails, one after the other by the action. The scripts may run again without harm, so a call whose answer was lost is
//! made again.

use std::collections::BTreeMap;
use std::time::Duration;

use netghost_azure::{Arm, ArmError, Kind};
use netghost_core::azure::id::ResourceId;
use netghost_core::probe::frame::{About, Answer, answer};
use netghost_core::probe::{Carrier, Keeps, PieceNumber, Script};
use tokio::time::{Instant, sleep};

mod failure;
mod managed;
mod output;

pub use failure::RunCommandError;

use output::Streams;

/// Bytes of each stream that Azure keeps: the last ones.
const KEPT: usize = 4_096;
/// How long everything may take if nobody says otherwise.
const LIMIT: Duration = Duration::from_secs(20 * 60);
/// What is kept back of the time to remove what the host keeps: a run takes twenty seconds or more.
const TO_REMOVE: Duration = Duration::from_secs(60);
/// Pieces that are worth a command of their own each.
const FEW: u64 = 3;
/// How long pieces may be read ahead.
const AHEAD: Duration = Duration::from_secs(3 * 60);
/// Between two tries where Azure names no time.
const PAUSE: Duration = Duration::from_secs(2);
/// How often a call is made whose answer was lost.
const LOST: u8 = 3;

/// A way to a VM by run-command.
#[derive(Debug, Clone)]
pub struct RunCommand {
    arm: Arm,
    vm: ResourceId,
    limit: Duration,
    /// From the first script on.
    deadline: Option<Instant>,
    /// How many pieces of what the last reading has, where several at a time are worth it.
    many: Option<(u64, About)>,
    /// Pieces that were read ahead, as they were printed.
    ahead: BTreeMap<PieceNumber, Vec<u8>>,
}

impl RunCommand {
    /// The way to this VM.
    pub fn new(arm: Arm, vm: ResourceId) -> Self {
        Self {
            arm,
            vm,
            limit: LIMIT,
            deadline: None,
            many: None,
            ahead: BTreeMap::new(),
        }
    }

    /// With this much time for all scripts together, from the first on.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// The VM.
    pub fn vm(&self) -> &ResourceId {
        &self.vm
    }

    /// What is left for a script. A part of the time is for the last one alone, which removes what is kept.
    fn left(&mut self, script: Script) -> Duration {
        let limit = self.limit;
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + limit);
        let left = deadline.saturating_duration_since(Instant::now());
        match script {
            Script::Remove => left,
            _ => left.saturating_sub(TO_REMOVE.min(limit / 4)),
        }
    }

    /// Runs a script by the action until it ran, or the time is over.
    async fn act(&mut self, script: Script) -> Result<Streams, RunCommandError> {
        let text = script.text();
        let lines: Vec<&str> = text.lines().collect();
        let mut lost = 0;
        let mut busy = None;
        let mut last = None;
        loop {
            let left = self.left(script);
            if left.is_zero() {
                return Err(self.late(busy.or(last)));
            }
            let error = match self.arm.within(left).run_command(&self.vm, &lines).await {
                Ok(answer) => return output::streams(&answer.json),
                Err(error) => error,
            };
            let pause = match error.kind {
                Kind::Locked => {
                    busy = Some(error);
                    PAUSE
                }
                Kind::Network | Kind::Cut | Kind::Server if lost < LOST => {
                    lost += 1;
                    last = Some(error);
                    PAUSE
                }
                Kind::Deadline => return Err(self.late(busy.or(Some(error)))),
                _ => return Err(failure::told(error, self.limit)),
            };
            sleep(pause.min(self.left(script))).await;
        }
    }

    fn late(&self, last: Option<ArmError>) -> RunCommandError {
        let limit = self.limit;
        match last {
            Some(error) => failure::told(error, limit),
            None => RunCommandError::TimedOut { limit, source: None },
        }
    }

    /// Reads all pieces ahead, where there are many; what does not come this way is read by the action.
    async fn read_ahead(&mut self) {
        if let Some(many) = self.many.take() {
            // At most half of what is left, so that the action has its time where this one hangs.
            let left = self.left(Script::Piece(PieceNumber::FIRST)) / 2;
            let left = left.min(AHEAD);
            self.ahead = managed::pieces(&self.arm, &self.vm, many, left).await;
        }
    }
}

impl Carrier for RunCommand {
    type Error = RunCommandError;

    fn keeps(&self) -> Keeps {
        Keeps::Tail(KEPT)
    }

    async fn run(&mut self, script: Script) -> Result<Vec<u8>, RunCommandError> {
        if let Script::Piece(number) = script {
            self.read_ahead().await;
            if let Some(read) = self.ahead.remove(&number) {
                return Ok(read);
            }
        }
        let streams = self.act(script).await?;
        if script == Script::Keep {
            self.ahead.clear();
            self.many = match answer(&streams.stdout) {
                Ok(Answer::Kept { pieces, about }) if pieces > FEW => Some((pieces, about)),
                _ => None,
            };
        }
        streams.answer()
    }
}

#[cfg(test)]
mod tests;
