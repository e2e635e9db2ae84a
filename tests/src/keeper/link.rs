//! The channel to the command loop in a machine: many requests at a time, each with its answer or the reason why none can come.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Write};
use std::process::{Child, ChildStdin};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::error::{LabError, Result};
use crate::wire::{Answer, FromGuest, Request, TRAVEL, WINDOW, read_line, write_line};

/// A machine that has not said hello by then never will.
const BOOT: Duration = Duration::from_secs(90);

/// The way to the command loop in the machine, shared by all clients.
pub(super) struct Link {
    to: Mutex<Outgoing>,
    state: Mutex<State>,
    changed: Condvar,
}

/// The machine's side of requests, and how many bytes went there in all.
struct Outgoing {
    pipe: ChildStdin,
    sent: u64,
}

impl Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.pipe.write_all(bytes)?;
        self.sent = self
            .sent
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }
}

#[derive(Default)]
struct State {
    /// Bytes of requests that the guest has read.
    taken: u64,
    ready: bool,
    /// Why the machine is no more.
    ended: Option<String>,
    last_id: u64,
    waiting: BTreeMap<u64, Sender<Answer>>,
}

impl Link {
    /// Takes over the machine: its channel is read until it ends, and the machine with it.
    pub(super) fn new(mut machine: Child) -> Result<Arc<Self>> {
        let missing = || LabError::Pipe("take the machine's channel", io::ErrorKind::BrokenPipe.into());
        let to = machine.stdin.take().ok_or_else(missing)?;
        let from = machine.stdout.take().ok_or_else(missing)?;
        let link = Arc::new(Self {
            to: Mutex::new(Outgoing { pipe: to, sent: 0 }),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let reader = Arc::clone(&link);
        thread::spawn(move || {
            let mut from = BufReader::new(from);
            let why = reader.read_all(&mut from);
            // A machine whose channel is broken is of no use, running or not.
            machine.kill().ok();
            let status = machine
                .wait()
                .map_or_else(|error| error.to_string(), |status| status.to_string());
            reader.end(format!("{why} ({status})"));
        });
        Ok(link)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what the guest says until its channel ends; says why it did.
    fn read_all(&self, from: &mut impl io::BufRead) -> String {
        loop {
            match read_line(from) {
                Ok(Some(FromGuest::Hello)) => {
                    self.state().ready = true;
                    self.changed.notify_all();
                }
                Ok(Some(FromGuest::Taken(bytes))) => {
                    self.state().taken = bytes;
                    self.changed.notify_all();
                }
                Ok(Some(FromGuest::Answer { id, answer })) => {
                    if let Some(waiting) = self.state().waiting.remove(&id) {
                        // The client may have gone meanwhile.
                        waiting.send(answer).ok();
                    }
                }
                Ok(None) => return "the machine has ended".to_owned(),
                Err(error) => return format!("the channel to the machine broke: {error}"),
            }
        }
    }

    fn end(&self, why: String) {
        let mut state = self.state();
        state.ended = Some(why);
        state.waiting.clear();
        self.changed.notify_all();
    }

    /// Waits for the guest's hello. The error says why it can't come.
    fn wait_ready(&self) -> Result<(), String> {
        let waits = |state: &mut State| !state.ready && state.ended.is_none();
        let (state, timeout) = self
            .changed
            .wait_timeout_while(self.state(), BOOT, waits)
            .unwrap_or_else(PoisonError::into_inner);
        match &state.ended {
            Some(why) => Err(why.clone()),
            None if timeout.timed_out() => Err(format!("it was not up after {} s", BOOT.as_secs())),
            None => Ok(()),
        }
    }

    /// Sends a request, never more of it than the guest has room for. A request that stays half sent would garble the next, so
    /// that is the end of the machine.
    fn send(&self, request: &Request) -> Result<(), String> {
        let mut line = Vec::new();
        write_line(&mut line, request).map_err(|error| error.to_string())?;
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = line.chunks(WINDOW).try_for_each(|chunk| {
            self.wait_taken(to.sent)?;
            to.write(chunk)
                .map_err(|error| format!("its channel is closed: {error}"))
        });
        sent.inspect_err(|why| self.end(why.clone()))
    }

    /// Waits until the guest has read all that was sent.
    fn wait_taken(&self, sent: u64) -> Result<(), String> {
        let waits = |state: &mut State| state.taken < sent && state.ended.is_none();
        let (state, timeout) = self
            .changed
            .wait_timeout_while(self.state(), TRAVEL, waits)
            .unwrap_or_else(PoisonError::into_inner);
        match &state.ended {
            Some(why) => Err(why.clone()),
            None if timeout.timed_out() => {
                Err(format!("it left a request unread for {} s", TRAVEL.as_secs()))
            }
            None => Ok(()),
        }
    }

    /// Hands a request to the guest and waits for its answer.
    ///
    /// # Errors
    /// Why no answer can come: the machine has ended, did not come up, or does not answer.
    pub(super) fn ask(&self, mut request: Request) -> Result<Answer, String> {
        self.wait_ready()?;
        let (sender, answers) = channel();
        request.id = self.enter(sender)?;
        self.send(&request)?;
        answers
            .recv_timeout(request.limits.time + TRAVEL)
            .map_err(|_| self.give_up(&request))
    }

    /// Lists a request as waiting for its answer; hands out its number.
    fn enter(&self, sender: Sender<Answer>) -> Result<u64, String> {
        let mut state = self.state();
        if let Some(why) = &state.ended {
            return Err(why.clone());
        }
        state.last_id += 1;
        let id = state.last_id;
        state.waiting.insert(id, sender);
        Ok(id)
    }

    fn give_up(&self, request: &Request) -> String {
        let time = request.limits.time + TRAVEL;
        let mut state = self.state();
        state.waiting.remove(&request.id);
        state
            .ended
            .clone()
            .unwrap_or_else(|| format!("no answer came in {} s", time.as_secs()))
    }
}
