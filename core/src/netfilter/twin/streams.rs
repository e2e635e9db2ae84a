//! Two streams of bytes on their way into their digests: hashed once as long as they are the same, and beside the writing where there
//! is much of it.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use sha2::{Digest as _, Sha256};

use crate::artifact::json::{CanonicalError, Digest};

/// Hashed in pieces of about this many bytes.
const PIECE: usize = 64 * 1024;

/// How many pieces may wait to be hashed.
const WAITING: usize = 8;

/// Which of the streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// That of the ruleset before.
    Before,
    /// That of the ruleset after.
    After,
    /// Each of them.
    Both,
}

impl To {
    /// `None`: neither.
    pub(super) fn sides([before, after]: [bool; 2]) -> Option<Self> {
        match (before, after) {
            (true, true) => Some(Self::Both),
            (true, false) => Some(Self::Before),
            (false, true) => Some(Self::After),
            (false, false) => None,
        }
    }

    /// Whether it is in the first and in the second.
    pub(super) fn is_in(self) -> [bool; 2] {
        [self != Self::After, self != Self::Before]
    }
}

/// The digests of the two streams that `write` fills, and what it gives back.
pub(super) fn hashed<T>(
    on_a_thread: bool,
    write: impl FnOnce(&mut Streams) -> Result<T, CanonicalError>,
) -> Result<((Digest, Digest), T), CanonicalError> {
    std::thread::scope(|scope| {
        // Where no thread can be had, this one hashes.
        let started = if on_a_thread { start(scope) } else { None };
        let (way, hasher) = match started {
            Some((sender, hasher)) => (Way::There(sender), Some(hasher)),
            None => (Way::Here(Hashes::default()), None),
        };
        let mut streams = Streams {
            pending: [Vec::new(), Vec::new()],
            apart: false,
            way,
        };
        let written = write(&mut streams);
        let hashes = match (streams.end(), hasher) {
            (_, Some(hasher)) => hasher
                .join()
                .unwrap_or_else(|fault| std::panic::resume_unwind(fault)),
            (hashes, None) => hashes,
        };
        Ok((hashes.finish(), written?))
    })
}

fn start<'s>(scope: &'s Scope<'s, '_>) -> Option<(SyncSender<Piece>, ScopedJoinHandle<'s, Hashes>)> {
    let (sender, receiver) = sync_channel(WAITING);
    let hasher = Builder::new().spawn_scoped(scope, move || Hashes::of(receiver));
    Some((sender, hasher.ok()?))
}

/// What is hashed at once.
struct Piece {
    to: To,
    bytes: Vec<u8>,
}

/// Two digests that are being made.
#[derive(Default)]
struct Hashes {
    before: Sha256,
    /// `None` as long as both are the same.
    after: Option<Sha256>,
}

impl Hashes {
    fn of(pieces: Receiver<Piece>) -> Self {
        let mut hashes = Self::default();
        for piece in pieces {
            hashes.take(piece.to, &piece.bytes);
        }
        hashes
    }

    fn take(&mut self, to: To, bytes: &[u8]) {
        if to != To::Both && self.after.is_none() {
            self.after = Some(self.before.clone());
        }
        let [before, after] = to.is_in();
        if before {
            self.before.update(bytes);
        }
        if let Some(hash) = self.after.as_mut().filter(|_| after) {
            hash.update(bytes);
        }
    }

    fn finish(self) -> (Digest, Digest) {
        let digest = |hash: Sha256| Digest::from(<[u8; 32]>::from(hash.finalize()));
        let after = self.after.unwrap_or_else(|| self.before.clone());
        (digest(self.before), digest(after))
    }
}

/// Where full pieces go.
enum Way {
    Here(Hashes),
    There(SyncSender<Piece>),
}

impl Way {
    /// Takes what is pending.
    fn take(&mut self, to: To, pending: &mut Vec<u8>) {
        match self {
            Self::Here(hashes) => {
                hashes.take(to, pending);
                pending.clear();
            }
            Self::There(sender) => {
                let bytes = std::mem::replace(pending, Vec::with_capacity(PIECE + PIECE / 8));
                // It only ends before this one does if it fails, which whoever waits for it sees.
                let _ended = sender.send(Piece { to, bytes });
            }
        }
    }
}

/// Two streams that are being written.
pub(super) struct Streams {
    /// What was not hashed yet, of each; of both in the first as long as they are the same.
    pending: [Vec<u8>; 2],
    /// Whether they differ.
    apart: bool,
    way: Way,
}

impl Streams {
    /// Writes these bytes.
    pub(super) fn push(&mut self, to: To, bytes: &[u8]) {
        let [before, after] = self.open(to).is_in();
        let [first, second] = &mut self.pending;
        if before {
            first.extend_from_slice(bytes);
        }
        if after {
            second.extend_from_slice(bytes);
        }
        self.flush_from(PIECE);
    }

    /// Writes what `append` puts behind what a buffer holds.
    pub(super) fn write(
        &mut self,
        to: To,
        append: impl FnOnce(&mut Vec<u8>) -> Result<(), CanonicalError>,
    ) -> Result<(), CanonicalError> {
        let to = self.open(to);
        let [first, second] = &mut self.pending;
        let start = first.len();
        match to {
            To::Before => append(first)?,
            To::After => append(second)?,
            To::Both => {
                append(first)?;
                second.extend_from_slice(first.get(start..).unwrap_or_default());
            }
        }
        self.flush_from(PIECE);
        Ok(())
    }

    /// Which buffers are to be written: the first alone for both as long as they are the same.
    fn open(&mut self, to: To) -> To {
        if self.apart {
            return to;
        }
        if to == To::Both {
            return To::Before;
        }
        self.flush_from(0);
        self.apart = true;
        to
    }

    fn flush_from(&mut self, length: usize) {
        let tos = if self.apart {
            [To::Before, To::After]
        } else {
            [To::Both, To::After]
        };
        for (to, pending) in tos.into_iter().zip(&mut self.pending) {
            if pending.len() >= length && !pending.is_empty() {
                self.way.take(to, pending);
            }
        }
    }

    /// Hashes the rest; the digests are here only if they are made here.
    fn end(mut self) -> Hashes {
        self.flush_from(0);
        match self.way {
            Way::Here(hashes) => hashes,
            Way::There(_) => Hashes::default(),
        }
    }
}
