//! Sources without a generation: read until two consecutive readings have the same configuration.

use std::time::Duration;

use netghost_core::raw::lift::{LiftError, Lifted};
use netghost_core::raw::{NetlinkRaw, Raw};
use netghost_core::section::{Content, DECODER, Reader, Section, SectionName, State};

use crate::netlink::{DumpError, Protocol, Socket};
use crate::tries::{Outcome, TRIES, Try, repeat};

/// What one pass brought.
#[derive(Debug)]
pub(crate) struct Pass<W = NetlinkRaw> {
    /// The undecoded content, with the names of the links.
    pub(crate) raw: W,
    /// Whether the links were the same before and after.
    pub(crate) links_agree: bool,
}

/// What is read, and how.
pub(crate) struct Source<C, R> {
    /// The section.
    pub(crate) name: SectionName,
    /// One pass.
    pub(crate) pass: fn(&mut Socket) -> Result<Pass, DumpError>,
    /// Decodes it.
    pub(crate) lift: fn(&NetlinkRaw) -> Result<Lifted<C, R>, LiftError>,
    /// Makes it a section's content.
    pub(crate) content: fn(Lifted<C, R>) -> Content,
}

/// Reads a section. `now_us` gives microseconds since 1970 UTC.
pub(crate) fn read<C: PartialEq + Clone, R>(source: &Source<C, R>, now_us: &dyn Fn() -> u64) -> Section {
    let outcome = match Socket::open(Protocol::Route) {
        Ok(mut socket) => settle(|| (source.pass)(&mut socket), source.lift, std::thread::sleep),
        Err(error) => Outcome::Failed(error),
    };
    ended(source.name, outcome, now_us, |section, reading| {
        fill(section, reading, source.content)
    })
}

/// A section with nothing in it yet.
pub(crate) fn blank(name: SectionName, now_us: &dyn Fn() -> u64) -> Section {
    Section {
        name,
        state: State::Captured,
        reader: Reader::Kernel,
        decoder: DECODER,
        taken_at_us: now_us(),
        generation: None,
        content: None,
        raw: None,
        gaps: Vec::new(),
        warnings: Vec::new(),
    }
}

/// The section that an outcome makes; `fill` puts a reading into it and says how whole that is.
pub(crate) fn ended<T>(
    name: SectionName,
    outcome: Outcome<T, DumpError>,
    now_us: &dyn Fn() -> u64,
    fill: impl Fn(&mut Section, T) -> State,
) -> Section {
    let mut section = blank(name, now_us);
    section.state = match outcome {
        Outcome::Done(reading) => fill(&mut section, reading),
        Outcome::Torn(last) => {
            let moved =
                format!("it changed between each of {TRIES} reads: something rewrites it all the time");
            let why = match last.map(|reading| fill(&mut section, reading)) {
                Some(State::Unreadable { why }) => format!("{moved}; {why}"),
                _ => moved,
            };
            State::Torn { why }
        }
        Outcome::Failed(error) => State::Unreadable {
            why: format!("cannot read {name}: {}", error.chain()),
        },
    };
    section
}

/// A pass and what it decodes to.
#[derive(Debug)]
pub(crate) struct Reading<W, L> {
    pub(crate) raw: W,
    pub(crate) lifted: Result<L, LiftError>,
}

/// What a reading is compared by.
pub(crate) trait Configured {
    /// Its configuration.
    type Config: PartialEq + Clone;

    /// Only configurations have to agree.
    fn configuration(&self) -> &Self::Config;
}

impl<C: PartialEq + Clone, R> Configured for Lifted<C, R> {
    type Config = C;

    fn configuration(&self) -> &C {
        &self.config
    }
}

/// Puts a reading into a section and says how whole it is.
fn fill<C, R>(
    section: &mut Section,
    reading: Reading<NetlinkRaw, Lifted<C, R>>,
    content: fn(Lifted<C, R>) -> Content,
) -> State {
    section.raw = Some(Raw::Netlink(reading.raw));
    match reading.lifted {
        Ok(lifted) => {
            section.content = Some(content(lifted));
            State::Captured
        }
        Err(error) => State::Unreadable {
            why: format!("cannot decode {}: {error}", section.name),
        },
    }
}

/// Reads until two consecutive readings agree. Counters may differ: only configurations are compared.
pub(crate) fn settle<W, L: Configured>(
    mut pass: impl FnMut() -> Result<Pass<W>, DumpError>,
    lift: impl Fn(&W) -> Result<L, LiftError>,
    pause: impl FnMut(Duration),
) -> Outcome<Reading<W, L>, DumpError> {
    let mut previous: Option<L::Config> = None;
    let attempt = || {
        let Pass { raw, links_agree } = match pass() {
            Ok(pass) => pass,
            Err(error) => {
                // What was read before the gap is not consecutive with what comes after it.
                previous = None;
                return after_error(error);
            }
        };
        let lifted = lift(&raw);
        let config = lifted.as_ref().ok().map(|lifted| lifted.configuration().clone());
        let agrees = links_agree && config.is_some() && config == previous;
        // A link that came and went between the dumps is a change; anything else that does not decode will not next time.
        let hopeless = matches!(&lifted, Err(error) if !matches!(error, LiftError::NoLink { .. }));
        previous = config.filter(|_| links_agree);
        let reading = Reading { raw, lifted };
        if agrees || hopeless {
            Try::Done(reading)
        } else {
            Try::Moved(reading)
        }
    };
    repeat(attempt, pause)
}

fn after_error<T>(error: DumpError) -> Try<T, DumpError> {
    // A device that a list named may be gone when it is asked about.
    let gone = matches!(error.errno(), Some(libc::ENODEV | libc::ENOENT));
    if error.is_transient() || gone {
        Try::Again
    } else {
        Try::Failed(error)
    }
}

#[cfg(test)]
mod tests;
