//! Sections that are lists of facts: what their readers share.

use std::fs;
use std::io;
use std::path::Path;

use netghost_core::bytes::Text;
use netghost_core::facts::{Facts, Lifted};
use netghost_core::raw::lift::LiftError;
use netghost_core::raw::{HostPart, HostRaw, PartRead};
use netghost_core::section::{Section, SectionName, State};

use crate::link_names;
use crate::netlink::{DumpError, Protocol, Socket};
use crate::steady::{self, Configured, Pass, Reading};
use crate::tries::Outcome;

/// How one section is read.
pub(crate) struct Source {
    /// The section.
    pub(crate) name: SectionName,
    /// Proof that the mechanism is not in this kernel, where there is one; nothing is asked for then.
    pub(crate) absent: fn() -> Option<String>,
    /// One pass over all parts.
    pub(crate) pass: fn(&mut Parts) -> Result<(), DumpError>,
    /// Decodes them.
    pub(crate) lift: fn(&HostRaw) -> Result<Lifted, LiftError>,
}

/// For mechanisms that every kernel has.
pub(crate) fn always_there() -> Option<String> {
    None
}

/// The parts of one pass. A part that can't be had is a part too; only what a further try may mend ends the pass.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    parts: Vec<HostPart>,
}

impl Parts {
    /// Everything that the kernel lists for a request.
    pub(crate) fn dump(
        &mut self,
        socket: &mut Socket,
        source: &str,
        request: u16,
        body: &[u8],
    ) -> Result<(), DumpError> {
        let read = part(socket.dump(request, body))?;
        self.push(source, read);
        Ok(())
    }

    /// A file, such as one under `/proc`.
    pub(crate) fn file(&mut self, path: &str) {
        self.file_as(path, Path::new(path));
    }

    /// A file whose path may not be text, as a part of this name.
    pub(crate) fn file_as(&mut self, source: &str, path: &Path) {
        let read = match fs::read(path) {
            Ok(content) => PartRead::File {
                content: Text::from(content),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing(source, path, Path::exists),
            Err(error) => PartRead::Unreadable {
                why: format!("cannot read {source}: {error}"),
            },
        };
        self.push(source, read);
    }

    /// What was had in another way.
    pub(crate) fn push(&mut self, source: &str, read: PartRead) {
        self.parts.push(HostPart {
            source: source.to_owned(),
            read,
        });
    }
}

/// What is always there below a directory that the kernel shows: without it, the directory is hidden or not mounted.
const ANCHORS: [(&str, &str); 4] = [
    ("/proc/sys", "/proc/sys/net/core/somaxconn"),
    ("/proc/thread-self", "/proc/thread-self/stat"),
    ("/proc", "/proc/version"),
    ("/sys", "/sys/kernel"),
];

/// A file that is not there is not in this kernel only where its surroundings are.
fn missing(source: &str, path: &Path, exists: fn(&Path) -> bool) -> PartRead {
    let mut anchors = ANCHORS.iter().filter(|(below, _)| path.starts_with(below));
    match anchors.find(|(_, anchor)| !exists(Path::new(anchor))) {
        Some((_, anchor)) => PartRead::Unreadable {
            why: format!(
                "there is no {source}, and no {anchor} either: mount what hides it, or run where it is shown"
            ),
        },
        None => PartRead::Absent {
            why: format!("there is no {source}"),
        },
    }
}

/// True if the kernel does not have this file under `/proc/sys`; not where nothing is shown there.
pub(crate) fn lacks(path: &str) -> bool {
    let path = Path::new(path);
    !path.exists() && matches!(missing("", path, Path::exists), PartRead::Absent { .. })
}

/// What came of a dump, as a part. An error that a further try may mend stays one.
pub(crate) fn part(
    answer: Result<Vec<netghost_core::raw::RawMessage>, DumpError>,
) -> Result<PartRead, DumpError> {
    match answer {
        Ok(messages) => Ok(PartRead::Messages { messages }),
        Err(error) if error.is_transient() => Err(error),
        Err(error) => Ok(match error.errno() {
            Some(libc::EOPNOTSUPP | libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT) => {
                PartRead::Absent { why: error.chain() }
            }
            _ => PartRead::Unreadable { why: error.chain() },
        }),
    }
}

impl Configured for Lifted {
    type Config = Facts;

    fn configuration(&self) -> &Facts {
        &self.config
    }
}

/// Reads a section. `now_us` gives microseconds since 1970 UTC.
pub(crate) fn read(source: &Source, now_us: &dyn Fn() -> u64) -> Section {
    if let Some(why) = (source.absent)() {
        return Section {
            state: State::NotApplicable { why },
            ..steady::blank(source.name, now_us)
        };
    }
    let outcome = match Socket::open(Protocol::Route) {
        Ok(mut route) => steady::settle(
            || pass(source, &mut route),
            |raw| (source.lift)(raw),
            std::thread::sleep,
        ),
        Err(error) => Outcome::Failed(error),
    };
    steady::ended(source.name, outcome, now_us, fill)
}

fn pass(source: &Source, route: &mut Socket) -> Result<Pass<HostRaw>, DumpError> {
    let links = link_names::read(route)?;
    let mut parts = Parts::default();
    (source.pass)(&mut parts)?;
    let links_agree = link_names::read(route)? == links;
    Ok(Pass {
        raw: HostRaw {
            links,
            parts: parts.parts,
        },
        links_agree,
    })
}

/// Puts a reading into a section and says how whole it is.
pub(crate) fn fill(section: &mut Section, reading: Reading<HostRaw, Lifted>) -> State {
    netghost_core::facts::fill(section, reading.raw, reading.lifted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_absent_only_where_its_surroundings_are_shown() {
        let path = Path::new("/proc/sys/net/ipv4/no_such_parameter");
        assert!(matches!(missing("x", path, |_| true), PartRead::Absent { .. }));
        assert!(matches!(
            missing("x", path, |_| false),
            PartRead::Unreadable { .. }
        ));
        let hidden = |anchor: &Path| !anchor.starts_with("/proc/sys");
        assert!(matches!(missing("x", path, hidden), PartRead::Unreadable { .. }));
        let other = Path::new("/proc/thread-self/net/raw");
        assert!(matches!(missing("x", other, hidden), PartRead::Absent { .. }));
    }
}
