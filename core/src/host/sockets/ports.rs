//! Which ports the kernel hands out to sockets that ask for none.

use crate::bytes::Text;
use crate::raw::HostRaw;
use crate::raw::lift::LiftError;
use crate::section::Gap;

use super::{PORT_RANGE, RESERVED_PORTS};

/// The ports of `ip_local_port_range` without `ip_local_reserved_ports`.
#[derive(Debug, Default)]
pub(super) struct Ports {
    range: Option<(u16, u16)>,
    reserved: Vec<(u16, u16)>,
}

impl Ports {
    pub(super) fn read(raw: &HostRaw, gaps: &mut Vec<Gap>) -> Result<Self, LiftError> {
        let range = match raw.file(PORT_RANGE, "socket/udp", gaps)? {
            Some(text) => Some(range(text).ok_or_else(|| wrong(PORT_RANGE, "not two ports"))?),
            None => None,
        };
        let reserved = match raw.file(RESERVED_PORTS, "socket/udp", gaps)? {
            Some(text) => list(text).ok_or_else(|| wrong(RESERVED_PORTS, "not a list of ports"))?,
            None => Vec::new(),
        };
        Ok(Self { range, reserved })
    }

    /// True if the kernel may have chosen this port by itself.
    pub(super) fn handed_out(&self, port: u16) -> bool {
        let within = |(first, last): &(u16, u16)| (*first..=*last).contains(&port);
        self.range.as_ref().is_some_and(within) && !self.reserved.iter().any(within)
    }
}

fn wrong(part: &str, why: &str) -> LiftError {
    LiftError::Part {
        part: part.to_owned(),
        why: why.to_owned(),
    }
}

/// The one line of a parameter; a cut within it is told by the end that it lacks.
fn line(text: &Text) -> Option<&str> {
    text.as_str()?.strip_suffix('\n')
}

fn range(text: &Text) -> Option<(u16, u16)> {
    let mut words = line(text)?.split_ascii_whitespace().map(str::parse);
    match (words.next(), words.next(), words.next()) {
        (Some(Ok(first)), Some(Ok(last)), None) => Some((first, last)),
        _ => None,
    }
}

/// `80,8000-8080`.
fn list(text: &Text) -> Option<Vec<(u16, u16)>> {
    let words = line(text)?.trim().split(',').filter(|word| !word.is_empty());
    let one = |word: &str| {
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    words.map(one).collect()
}
