//! What the next boot loads: files of rules, and the links by which services start.
//!
//! No program is run. What is to be read is named by the decoder, from what was read before it: a service's unit names the
//! file, the file what it includes.

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use netghost_core::bytes::Text;
use netghost_core::host::persisted::{self, Ask, matches};
use netghost_core::raw::{HostPart, HostRaw, PartRead};
use netghost_core::section::{Reader, Section, SectionName};

use crate::facts::fill;
use crate::netlink::DumpError;
use crate::steady::{self, Pass};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 16 << 20;
/// All files together, in bytes.
const ALL: u64 = 64 << 20;
/// The most names of one directory, and the most parts.
const MOST: usize = 4096;
/// How often something read names something further.
const ROUNDS: usize = 32;

/// Directories that hold something on every host: without them, what is below them is hidden rather than not there.
const ANCHORS: [&str; 2] = ["etc", "usr"];

/// Reads what this host's next boot loads. `now_us` gives microseconds since 1970 UTC.
pub(crate) fn read(now_us: &dyn Fn() -> u64) -> Section {
    read_below(Path::new("/"), now_us)
}

/// As for this host, of the files below `root`. Links are followed as the kernel does, so absolute ones lead out of `root`.
pub fn read_below(root: &Path, now_us: &dyn Fn() -> u64) -> Section {
    let outcome = steady::settle(
        || Ok::<_, DumpError>(pass(root)),
        persisted::lift,
        std::thread::sleep,
    );
    let section = steady::ended(SectionName::Persisted, outcome, now_us, fill);
    Section {
        reader: Reader::Text,
        ..section
    }
}

fn pass(root: &Path) -> Pass<HostRaw> {
    let mut below = Below { root, left: ALL };
    let mut raw = HostRaw::default();
    for _ in 0..ROUNDS {
        let wanted = persisted::wanted(&raw);
        let room = MOST.saturating_sub(raw.parts.len());
        if wanted.is_empty() || room == 0 {
            break;
        }
        raw.parts
            .extend(wanted.iter().take(room).map(|ask| below.part(ask)));
    }
    Pass {
        raw,
        links_agree: true,
    }
}

/// The files below a root.
struct Below<'r> {
    root: &'r Path,
    /// How many bytes may still be read.
    left: u64,
}

impl Below<'_> {
    fn part(&mut self, ask: &Ask) -> HostPart {
        let (path, read) = match ask {
            Ask::File(path) => (path, self.file(&self.at(path))),
            Ask::Link(path) => (path, link(&self.at(path))),
            Ask::List { directory, pattern } => (directory, list(&self.at(directory), pattern)),
        };
        let read = match read {
            Ok(content) => PartRead::File {
                content: Text::from(content),
            },
            Err(error) => self.refused(path, &error),
        };
        HostPart {
            source: ask.source(),
            read,
        }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    fn file(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        // A pipe would wait for a writer.
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a plain file"));
        }
        let most = LARGEST.min(self.left);
        let mut content = Vec::new();
        file.take(most + 1).read_to_end(&mut content)?;
        let length = content.len() as u64;
        if length > most {
            return Err(io::Error::other(format!("it is larger than {most} bytes")));
        }
        self.left -= length;
        Ok(content)
    }

    /// What is not there is absent only where its surroundings are shown.
    fn refused(&self, path: &str, error: &io::Error) -> PartRead {
        let why = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => match self.hidden(path) {
                None => {
                    return PartRead::Absent {
                        why: format!("there is no {path}"),
                    };
                }
                Some(why) => why,
            },
            io::ErrorKind::PermissionDenied => format!("cannot read {path}: {error}: run as root"),
            _ => format!("cannot read {path}: {error}"),
        };
        PartRead::Unreadable { why }
    }

    /// Why a missing path proves nothing.
    fn hidden(&self, path: &str) -> Option<String> {
        if self.at(path).symlink_metadata().is_ok() {
            return Some(format!("{path} is a link that leads nowhere"));
        }
        for above in Path::new(path).ancestors().skip(1) {
            let above = self.at(&above.to_string_lossy());
            if above.is_symlink() && above.metadata().is_err() {
                return Some(format!(
                    "{path} is behind {}, a link that leads nowhere",
                    above.display()
                ));
            }
        }
        let top = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        if !ANCHORS.contains(&top) {
            return None;
        }
        let shown = fs::read_dir(self.at(top)).is_ok_and(|mut entries| entries.next().is_some());
        (!shown)
            .then(|| format!("there is no {path}, and nothing below /{top} either: run where it is shown"))
    }
}

/// Where a link leads; nothing for what is no link.
fn link(path: &Path) -> io::Result<Vec<u8>> {
    match fs::read_link(path) {
        Ok(target) => Ok(target.into_os_string().into_vec()),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The names that match, sorted, each ended by a NUL.
fn list(directory: &Path, pattern: &str) -> io::Result<Vec<u8>> {
    let mut names = Vec::new();
    for (count, entry) in fs::read_dir(directory)?.enumerate() {
        if count >= MOST {
            return Err(io::Error::other(format!("it holds more than {MOST} names")));
        }
        let name = entry?.file_name();
        if name.to_str().is_none_or(|name| matches(pattern, name)) {
            names.push(name);
        }
    }
    names.sort();
    let ended = names.iter().flat_map(|name| [name.as_bytes(), b"\0"]);
    Ok(ended.flatten().copied().collect())
}

#[cfg(test)]
mod tests;
