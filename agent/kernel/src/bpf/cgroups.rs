//! What is attached to control groups, group by group.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use netghost_core::host::bpf::{CGROUP_TYPES, attached};
use netghost_core::raw::{PartRead, RawMessage};

use crate::netlink::DumpError;

use super::{outcome, query};

pub(super) fn read() -> Result<PartRead, DumpError> {
    let mounts = match fs::read("/proc/self/mountinfo") {
        Ok(mounts) => mounts,
        Err(error) => return outcome(Err(error)),
    };
    let Some(root) = mount(&mounts) else {
        return Ok(PartRead::Absent {
            why: "no control groups of version 2 are mounted (/proc/self/mountinfo)".to_owned(),
        });
    };
    let mut messages = Vec::new();
    let walked = walk(&root, &root, &mut messages);
    outcome(walked.map(|()| messages))
}

/// Where the unified hierarchy is mounted: `36 25 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw`.
fn mount(mounts: &[u8]) -> Option<PathBuf> {
    let mut lines = mounts.split(|byte| *byte == b'\n');
    lines.find_map(|line| {
        let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let separator = words.iter().position(|word| *word == b"-")?;
        let kind = words.get(separator.checked_add(1)?)?;
        (*kind == b"cgroup2").then_some(())?;
        Some(PathBuf::from(OsString::from_vec(unescaped(words.get(4)?))))
    })
}

/// Spaces and the like stand as `\040`.
fn unescaped(word: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = word;
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind
            .get(..3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if *first == b'\\' => {
                out.push(byte);
                rest = behind.get(3..).unwrap_or_default();
            }
            _ => {
                out.push(*first);
                rest = behind;
            }
        }
    }
    out
}

/// A group that goes while it is looked at takes its programs with it.
fn walk(root: &Path, group: &Path, messages: &mut Vec<RawMessage>) -> io::Result<()> {
    let directory = match File::open(group) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let target = u32::try_from(directory.as_raw_fd()).map_err(io::Error::other)?;
    let below = group.strip_prefix(root).unwrap_or(group).as_os_str().as_bytes();
    let path = [b"/", below].concat();
    for (attach_type, _) in CGROUP_TYPES {
        messages.extend(query(target, attach_type, &[(attached::PATH, path.clone())])?);
    }
    let entries = match fs::read_dir(group) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        read => read?,
    };
    let mut groups = Vec::new();
    for entry in entries {
        let Ok(entry) = entry else { continue };
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            groups.push(entry.path());
        }
    }
    groups.sort();
    groups.iter().try_for_each(|group| walk(root, group, messages))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_is_found_by_its_type() {
        let mounts = b"30 25 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
            36 25 0:30 / /sys/fs/cgroup\\040two rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";
        assert_eq!(mount(mounts), Some(PathBuf::from("/sys/fs/cgroup two")));
        assert_eq!(mount(b"cgroup2\n- cgroup2\n"), None);
    }
}
