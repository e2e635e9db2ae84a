//! The network namespaces of this host: which there are, and reading inside another one.
//!
//! Entering one needs root. A namespace that neither a process is in nor a file below `/run/netns` or `/run/docker/netns`
//! is mounted on is not found: the kernel lists none.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;

use netghost_core::bytes::{Hex, Text};
use netghost_core::host::namespaces::{self, PROCESSES, SOURCE, attribute};
use netghost_core::raw::{PartRead, RawMessage};
use netghost_core::section::{Section, SectionName};

use crate::facts::{Parts, Source, always_there, read as read_facts};
use crate::netlink::DumpError;

mod enter;
mod names;
mod reading;

pub use enter::own_processes;
pub use reading::{Doors, FindError, find, read as read_others};

/// Where names are kept: by `ip netns`, and by Docker.
const DIRECTORIES: [&str; 2] = [namespaces::NAMES, "/run/docker/netns"];
/// The namespace of the calling thread.
const OWN: &str = "/proc/thread-self/ns/net";

/// A network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// By which the kernel knows it; unlike that of any other that there is at the same time.
    pub inode: u64,
    /// True for the one that the calling thread is in.
    pub own: bool,
    /// Files that it is mounted on, sorted.
    pub paths: Vec<PathBuf>,
    /// How many processes are in it, as far as they were seen.
    pub processes: u32,
    /// A file by which it can be entered while the process or the file is there.
    pub door: PathBuf,
    /// The name by which it is matched between two snapshots: [`netghost_core::namespace::name`].
    pub known_as: Text,
}

impl Namespace {
    /// The name that `ip netns` knows it by.
    pub fn name(&self) -> Option<&Path> {
        let mut named = self.paths.iter();
        named.find_map(|path| path.strip_prefix(namespaces::NAMES).ok())
    }
}

/// What [`list`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// All that were found, by inode.
    pub namespaces: Vec<Namespace>,
    /// Processes and files whose namespace was not shown.
    pub hidden: u32,
    /// Those of them that are files, or directories of files.
    pub hidden_files: u32,
}

/// The network namespaces of this host, as seen from the calling thread.
///
/// # Errors
/// Where `/proc` can't be read.
pub fn list() -> io::Result<Listed> {
    let own = fs::metadata(OWN)?.ino();
    let mut found: BTreeMap<u64, Namespace> = BTreeMap::new();
    let mut hidden = 0u32;
    let mut processes = Vec::new();
    entry(&mut found, own, OWN.into()).own = true;
    for process in fs::read_dir("/proc")? {
        let path = process?.path();
        let is_process = path
            .file_name()
            .is_some_and(|name| name.as_bytes().iter().all(u8::is_ascii_digit));
        if !is_process {
            continue;
        }
        let door = path.join("ns/net");
        match fs::metadata(&door) {
            Ok(namespace) => {
                processes.push((path, namespace.ino()));
                let namespace = entry(&mut found, namespace.ino(), door);
                namespace.processes = namespace.processes.saturating_add(1);
            }
            // Ended meanwhile.
            Err(error) if gone(&error) => {}
            // Has ended and waits for its parent: it is in no namespace any more.
            Err(_) if ended(&path) => {}
            Err(_) => hidden = hidden.saturating_add(1),
        }
    }
    let mut hidden_files = 0u32;
    for directory in DIRECTORIES {
        hidden_files = hidden_files.saturating_add(mounted(directory, &mut found));
    }
    hidden = hidden.saturating_add(hidden_files);
    names::give(&mut found, &processes);
    Ok(Listed {
        namespaces: found.into_values().collect(),
        hidden,
        hidden_files,
    })
}

/// `1234 (name) Z …`: the state stands behind the last bracket.
fn ended(process: &Path) -> bool {
    let state = names::status(process).and_then(|fields| fields.first()?.bytes().next());
    matches!(state, None | Some(b'Z' | b'X'))
}

fn gone(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::ENOENT | libc::ESRCH | libc::EINVAL)
    )
}

fn entry(found: &mut BTreeMap<u64, Namespace>, inode: u64, door: PathBuf) -> &mut Namespace {
    found.entry(inode).or_insert_with(|| Namespace {
        inode,
        own: false,
        paths: Vec::new(),
        processes: 0,
        door,
        known_as: Text::default(),
    })
}

/// Adds what is mounted below a directory, and says how much of it was not shown.
fn mounted(directory: &str, found: &mut BTreeMap<u64, Namespace>) -> u32 {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return 0,
        Err(_) => return 1,
    };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let mut hidden = 0u32;
    for path in paths {
        match enter::inode(&path) {
            Ok(Some(inode)) => {
                let namespace = entry(found, inode, path.clone());
                // A file outlives any process.
                namespace.door.clone_from(&path);
                namespace.paths.push(path);
            }
            // A name that nothing is mounted on any more.
            Ok(None) => {}
            Err(error) if gone(&error) => {}
            Err(_) => hidden = hidden.saturating_add(1),
        }
    }
    hidden
}

/// Runs something inside a namespace, on a thread of its own that ends with it.
///
/// # Errors
/// Where the namespace is gone or can't be entered (needs root), or no thread can be made.
pub fn within<T: Send>(namespace: &Namespace, inside: impl FnOnce() -> T + Send) -> io::Result<T> {
    let gone = || {
        io::Error::new(
            io::ErrorKind::NotFound,
            "the namespace is gone, something else is in its place",
        )
    };
    let door = enter::open(&namespace.door)?.ok_or_else(gone)?;
    if door.metadata()?.ino() != namespace.inode {
        return Err(gone());
    }
    within_file(&door, inside)
}

/// The same by an open file of the namespace.
pub(crate) fn within_file<T: Send>(door: &File, inside: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let moved = || {
            enter::enter(door)?;
            Ok(inside())
        };
        let thread = thread::Builder::new().spawn_scoped(scope, moved)?;
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Reads which namespaces there are. `now_us` gives microseconds since 1970 UTC.
pub(crate) fn read(now_us: &dyn Fn() -> u64) -> Section {
    let source = Source {
        name: SectionName::Namespaces,
        absent: always_there,
        pass,
        lift: namespaces::lift,
    };
    read_facts(&source, now_us)
}

fn pass(parts: &mut Parts) -> Result<(), DumpError> {
    let listed = match list() {
        Ok(listed) => listed,
        Err(error) => {
            let why = format!("cannot list the processes: {error}");
            parts.push(PROCESSES, PartRead::Unreadable { why: why.clone() });
            parts.push(SOURCE, PartRead::Unreadable { why });
            return Ok(());
        }
    };
    parts.push(
        PROCESSES,
        match listed.hidden {
            0 => PartRead::Messages { messages: Vec::new() },
            hidden => PartRead::Unreadable {
                why: format!(
                    "not enabled: the namespaces of {hidden} processes or files are shown to root only"
                ),
            },
        },
    );
    let messages = listed.namespaces.iter().map(message).collect();
    parts.push(SOURCE, PartRead::Messages { messages });
    Ok(())
}

fn message(namespace: &Namespace) -> RawMessage {
    let mut payload = field(attribute::INODE, &namespace.inode.to_ne_bytes());
    if namespace.own {
        payload.extend(field(attribute::OWN, &[]));
    }
    for path in &namespace.paths {
        payload.extend(field(attribute::PATH, path.as_os_str().as_bytes()));
    }
    payload.extend(field(attribute::PROCESSES, &namespace.processes.to_ne_bytes()));
    RawMessage {
        message_type: 0,
        payload: Hex(payload),
    }
}

fn field(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len().saturating_add(4)).unwrap_or(u16::MAX);
    let mut out = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}
