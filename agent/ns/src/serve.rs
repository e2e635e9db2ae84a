//! The side that may enter namespaces.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use netghost_core::bytes::Text;
use netghost_core::namespace::{Asked, Namespace, NamespaceState, Namespaces};
use netghost_kernel::frames::{FrameError, Timed};
use netghost_kernel::namespaces::{Doors, list, read_others};
use rustix::net::sockopt::socket_peercred;

use crate::wire::{self, LONGEST_ANSWER, LONGEST_QUESTION, Question, SCHEMA, WireError};

/// How long a caller may take for its question.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it may take to hear the answer.
const LONGEST_HEARING: Duration = Duration::from_secs(30);
/// After this long no further namespace is read.
const LONGEST: Duration = Duration::from_secs(60);

/// Answers the one question of a connection. `allowed` are the users who may ask.
///
/// # Errors
/// Where the connection fails. A question that is not answered is no error: its caller is told why.
pub fn serve(stream: &UnixStream, allowed: &[u32]) -> Result<(), WireError> {
    let answer = peer(stream, allowed).and_then(|()| {
        let question = wire::read_frame(&mut Timed::new(stream, PATIENCE), LONGEST_QUESTION)
            .map_err(|error| error.to_string())?;
        let question = read(&question)?;
        stored(&question)
    });
    let mut out = Timed::new(stream, LONGEST_HEARING);
    match answer {
        Ok(stored) => wire::answer(&mut out, &stored)?,
        Err(why) => wire::refuse(&mut out, &why)?,
    }
    Ok(out.flush().map_err(FrameError::Connection)?)
}

/// Who asks, by what the kernel says of the other end.
fn peer(stream: &UnixStream, allowed: &[u32]) -> Result<(), String> {
    let peer =
        socket_peercred(stream).map_err(|error| format!("the kernel does not say who asks: {error}"))?;
    let user = peer.uid.as_raw();
    match allowed.contains(&user) {
        true => Ok(()),
        false => Err(format!("user {user} may not ask")),
    }
}

fn read(bytes: &[u8]) -> Result<Question, String> {
    let question: Question = serde_json::from_slice(bytes)
        .map_err(|error| format!("not the question that is answered here: {error}"))?;
    if question.schema != SCHEMA {
        return Err(format!("not a {SCHEMA} document"));
    }
    if let Some(other) = question.sections.iter().find(|name| !name.is_of_namespace()) {
        return Err(format!("{other} is no section of a namespace"));
    }
    if let Asked::Named(names) = &question.namespaces {
        let listed = list().map_err(|error| format!("list the network namespaces: {error}"))?;
        let known = |name: &Text| {
            let mut all = listed.namespaces.iter();
            all.any(|namespace| !namespace.own && namespace.known_as == *name)
        };
        if let Some(unknown) = names.iter().find(|name| !known(name)) {
            return Err(format!("there is no network namespace {unknown}"));
        }
    }
    Ok(question)
}

fn stored(question: &Question) -> Result<wire::Stored, String> {
    let begun = Instant::now();
    let stop = || (begun.elapsed() > LONGEST).then(|| format!("not read within {} s", LONGEST.as_secs()));
    let mut sections = question.sections.clone();
    sections.sort();
    sections.dedup();
    let read = read_others(&question.namespaces, (&sections, Doors::Listed), &now_us, &stop);
    let whole = wire::stored(read.clone()).map_err(|error| error.to_string())?;
    if wire::size(&whole) <= LONGEST_ANSWER / 2 {
        return Ok(whole);
    }
    wire::stored(shortened(read, LONGEST_ANSWER / 2)).map_err(|error| error.to_string())
}

/// Without those for which there is no room, in bytes.
fn shortened(read: Namespaces, whole: usize) -> Namespaces {
    let mut room = whole;
    let fit = |namespace: Namespace| {
        let alone = Namespaces::new(Asked::All, None, vec![namespace.clone()]);
        let size = wire::stored(alone).map_or(usize::MAX, |stored| wire::size(&stored));
        match room.checked_sub(size) {
            Some(rest) => {
                room = rest;
                namespace
            }
            None => {
                let why = format!("the namespaces before it fill an answer of {whole} bytes");
                Namespace::unread(namespace.name, NamespaceState::Unread { why })
            }
        }
    };
    Namespaces::new(read.asked, read.why, read.all.into_iter().map(fit).collect())
}

fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netghost_core::netfilter::nft_file;

    fn namespace(name: &str) -> Namespace {
        let source = format!("table ip {name} {{\n}}\n");
        let section = nft_file::parse_text(source.as_bytes(), &|_| None).unwrap();
        Namespace::read(name.into(), vec![section])
    }

    fn of(all: Vec<Namespace>) -> Namespaces {
        Namespaces::new(Asked::All, None, all)
    }

    #[test]
    fn what_has_no_room_in_the_answer_is_named_as_unread() {
        let alone = wire::size(&wire::stored(of(vec![namespace("a")])).unwrap());
        let both = || of(vec![namespace("a"), namespace("b")]);
        let states = |whole: usize| -> Vec<&'static str> {
            let short = shortened(both(), whole);
            short.all.iter().map(|one| one.state.word()).collect()
        };
        assert_eq!(states(2 * alone), ["read", "read"]);
        assert_eq!(states(2 * alone - 1), ["read", "unread"]);
        assert_eq!(states(0), ["unread", "unread"]);
        assert!(!shortened(both(), alone).is_known());
    }

    #[test]
    fn an_answer_is_taken_as_it_was_given_or_not_at_all() {
        let stored = wire::stored(of(vec![namespace("a")])).unwrap();
        let mut bytes = Vec::new();
        wire::answer(&mut bytes, &stored).unwrap();
        let taken = wire::take(&mut bytes.as_slice()).unwrap();
        assert_eq!(taken.all[0].name, Text::from("a"));
        for length in 0..bytes.len() {
            assert!(wire::take(&mut &bytes[..length]).is_err(), "cut at {length}");
        }
        // A letter of the last object's content is another.
        let at = bytes.len() - 5;
        bytes[at] ^= 1;
        assert!(wire::take(&mut bytes.as_slice()).is_err());
    }
}
