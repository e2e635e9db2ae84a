//! What namespaces are known as.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use netghost_core::namespace::name::{self, Holder, Seen};

use super::Namespace;

/// Names what was found, given every process with the inode of its namespace.
pub(super) fn give(found: &mut BTreeMap<u64, Namespace>, processes: &[(PathBuf, u64)]) {
    let first = fs::metadata("/proc/1/ns/net")
        .ok()
        .map(|namespace| namespace.ino());
    // Whoever is alone needs no name that control groups give.
    let mut holders = if found.len() > 1 {
        holders(processes)
    } else {
        BTreeMap::new()
    };
    for namespace in found.values_mut() {
        let paths = namespace.paths.iter();
        let seen = Seen {
            inode: namespace.inode,
            first: first == Some(namespace.inode),
            paths: paths.map(|path| path.as_os_str().as_bytes()).collect(),
            holders: holders.remove(&namespace.inode).unwrap_or_default(),
        };
        namespace.known_as = name::of(&seen);
    }
}

/// What holds processes of each namespace. Of several namespaces with processes of one holder, the one of the oldest has it:
/// a container's own is there before what runs in the container makes another.
fn holders(processes: &[(PathBuf, u64)]) -> BTreeMap<u64, Vec<Holder>> {
    let mut oldest: BTreeMap<Holder, (u64, u64)> = BTreeMap::new();
    for (process, inode) in processes {
        let cgroup = fs::read_to_string(process.join("cgroup")).unwrap_or_default();
        let Some(holder) = name::holder(&cgroup) else {
            continue;
        };
        let this = (started(process), *inode);
        let known = oldest.entry(holder).or_insert(this);
        *known = this.min(*known);
    }
    let mut holders: BTreeMap<u64, Vec<Holder>> = BTreeMap::new();
    for (holder, (_, inode)) in oldest {
        holders.entry(inode).or_default().push(holder);
    }
    holders
}

/// When a process began, in ticks since boot: field 22 of `/proc/PID/stat` (proc(5)). One that has ended meanwhile is the
/// youngest.
fn started(process: &Path) -> u64 {
    let field = status(process).and_then(|fields| fields.get(19)?.parse().ok());
    field.unwrap_or(u64::MAX)
}

/// The fields of `/proc/PID/stat` behind the name, which may hold anything: from the third, the state, on.
pub(super) fn status(process: &Path) -> Option<Vec<String>> {
    let status = fs::read(process.join("stat")).ok()?;
    let behind = status.iter().rposition(|byte| *byte == b')')?;
    let rest = status.get(behind.saturating_add(1)..)?;
    let rest = String::from_utf8_lossy(rest);
    Some(rest.split_ascii_whitespace().map(str::to_owned).collect())
}
