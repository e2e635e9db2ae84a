//! The digest of a legacy ruleset, decoded on every processor.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use netghost_core::artifact::json::Digest;
use netghost_core::netfilter::xt::pieces::{Joined, PieceError, Pieces};
use netghost_core::raw::XtablesRaw;
use netghost_core::section::{Gap, State};

use super::{IPV4, IPV6, Kernel, Kind, Source as _, attempt, chain, refused};
use crate::tries::{Outcome, TRIES, repeat};

/// More threads than this wait for memory.
const THREADS: usize = 8;

/// What a digest is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digested {
    /// As that of a section: only of `captured` is the digest that of the whole configuration.
    pub state: State,
    /// The digest of what was read.
    pub digest: Option<Digest>,
}

/// Reads legacy iptables and digests its configuration.
pub fn digest_ipv4() -> Digested {
    digest(IPV4)
}

/// Reads legacy ip6tables and digests its configuration.
pub fn digest_ipv6() -> Digested {
    digest(IPV6)
}

/// How many bytes of entries the tables of legacy iptables have, each asked for once and nothing checked: what the kernel's own
/// part of a reading takes. `None` where they can't be had.
pub fn bare_ipv4() -> Option<usize> {
    let mut source = Kernel {
        kind: IPV4,
        socket: None,
    };
    let names = source.names().ok()?;
    let mut bytes = 0;
    for name in &names {
        bytes += source.table(name).ok()??.entries.0.len();
    }
    Some(bytes)
}

/// The bytes of all tables of legacy iptables as a reading of them keeps them, nothing decoded. `None` where they can't be had.
pub fn raw_ipv4() -> Option<XtablesRaw> {
    match outcome(IPV4) {
        Outcome::Done(raw) => Some(raw),
        _ => None,
    }
}

fn outcome(kind: Kind) -> Outcome<XtablesRaw, super::ReadError> {
    let mut source = Kernel { kind, socket: None };
    let mut before = None;
    repeat(|| attempt(kind, &mut source, &mut before), thread::sleep)
}

fn digest(kind: Kind) -> Digested {
    let without = |state| Digested { state, digest: None };
    match outcome(kind) {
        Outcome::Failed(error) => without(refused(kind, &error)),
        Outcome::Torn(_) => without(State::Torn {
            why: format!(
                "the tables changed during each of {TRIES} reads: something rewrites them all the time"
            ),
        }),
        Outcome::Done(raw) => match of(&raw) {
            Err(error) => without(State::Unreadable {
                why: format!("cannot decode it: {}", chain(&error)),
            }),
            Ok((digest, gaps)) => Digested {
                state: state(&gaps),
                digest: Some(digest),
            },
        },
    }
}

fn state(gaps: &[Gap]) -> State {
    if gaps.is_empty() {
        return State::Captured;
    }
    let all: Vec<String> = gaps
        .iter()
        .map(|gap| format!("{}: {}", gap.path, gap.why))
        .collect();
    State::Unreadable { why: all.join("; ") }
}

/// The pieces, each made by whichever thread is free and put in as soon as it is made.
fn of(raw: &XtablesRaw) -> Result<(Digest, Vec<Gap>), PieceError> {
    let pieces = Pieces::new(raw)?;
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = threads.min(THREADS).min(pieces.count());
    let joined = Mutex::new(Joined::default());
    let make = || -> Result<(), PieceError> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= pieces.count() {
                return Ok(());
            }
            let piece = pieces.piece(number)?;
            lock(&joined).put(number, piece);
        }
    };
    thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(make)).collect();
        make()?;
        for helper in helpers {
            // What a thread that panicked had taken is missing, and is made at the end.
            helper.join().unwrap_or(Ok(()))?;
        }
        Ok::<_, PieceError>(())
    })?;
    pieces.finish(joined.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn lock(joined: &Mutex<Joined>) -> MutexGuard<'_, Joined> {
    joined.lock().unwrap_or_else(PoisonError::into_inner)
}
