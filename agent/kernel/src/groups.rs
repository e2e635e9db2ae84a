//! The paths of control groups, by which rules with `socket cgroupv2` are known: the kernel's number is the inode of a group's
//! directory, as `nft` takes it.

use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};

use netghost_core::bytes::{Big, Text};
use netghost_core::raw::GroupName;

/// Groups that are looked at: no host has as many.
const MOST: usize = 65_536;
const MOUNTS: &str = "/proc/thread-self/mountinfo";

/// The paths of all groups, where a rule or set in `bytes` may hold one.
pub(crate) fn paths_for<'a>(mut bytes: impl Iterator<Item = &'a [u8]>) -> Vec<GroupName> {
    if bytes.any(mentions_a_group) {
        paths()
    } else {
        Vec::new()
    }
}

/// The paths of all groups that are seen, by number; none where the hierarchy is not mounted. What is missing leaves the rules
/// that ask for it unread.
pub(crate) fn paths() -> Vec<GroupName> {
    let mounts = fs::read(MOUNTS).unwrap_or_default();
    let mounts = mounts.split(|byte| *byte == b'\n');
    let Some(root) = mounts.filter_map(hierarchy).next() else {
        return Vec::new();
    };
    below(&root)
}

/// Where a line of mountinfo (proc(5)) mounts the whole hierarchy of version 2.
fn hierarchy(line: &[u8]) -> Option<PathBuf> {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let dash = fields.iter().position(|field| *field == b"-")?;
    let is_it = *fields.get(dash.checked_add(1)?)? == b"cgroup2" && *fields.get(3)? == b"/";
    let point = fields.get(4).filter(|point| is_it && !point.contains(&b'\\'))?;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(point)))
}

fn below(root: &Path) -> Vec<GroupName> {
    let Ok(found) = fs::metadata(root) else {
        return Vec::new();
    };
    let row = |number: u64, path: &Path| GroupName {
        number: Big(number),
        path: Text::from(path.as_os_str().to_os_string().into_vec()),
    };
    let mut out = vec![row(found.ino(), Path::new(""))];
    let mut waiting = vec![PathBuf::new()];
    while let Some(path) = waiting.pop() {
        // One that ended meanwhile has nothing below it.
        let Ok(entries) = fs::read_dir(root.join(&path)) else {
            continue;
        };
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && out.len() < MOST {
                let path = path.join(entry.file_name());
                out.push(row(entry.ino(), &path));
                waiting.push(path);
            }
        }
    }
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

/// Whether the expression `socket` may be in it, by its name, or a set whose keys hold control groups (`NFTA_SET_KEY_TYPE`, six
/// bits for each part).
fn mentions_a_group(bytes: &[u8]) -> bool {
    /// What `nft` numbers `cgroupsv2`.
    const GROUP: u32 = 46;
    let (words, _) = bytes.as_chunks::<4>();
    words.windows(2).any(|pair| match pair {
        [[b's', b'o', b'c', b'k'], [b'e', b't', 0, _]] => true,
        [[8, 0, 4, 0], number] => {
            let number = u32::from_be_bytes(*number);
            (0..5).any(|part| number >> (part * 6) & 0x3f == GROUP)
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hierarchy_is_where_the_whole_of_it_is_mounted() {
        let line = |root: &str, kind: &str| {
            format!(
                "31 24 0:27 {root} /sys/fs/cgroup/unified rw,nosuid shared:9 - {kind} cgroup2 rw,nsdelegate"
            )
        };
        let found = |root: &str, kind: &str| hierarchy(line(root, kind).as_bytes());
        assert_eq!(found("/", "cgroup2"), Some("/sys/fs/cgroup/unified".into()));
        assert_eq!(found("/", "cgroup"), None);
        assert_eq!(found("/system.slice", "cgroup2"), None);
        assert_eq!(hierarchy(b""), None);
    }

    #[test]
    fn rules_and_sets_with_groups_are_told_from_others() {
        assert!(mentions_a_group(b"\x0b\0\x01\0socket\0\0"));
        assert!(mentions_a_group(&[8, 0, 4, 0, 0, 0, 0, 46]));
        assert!(
            mentions_a_group(&[8, 0, 4, 0, 0, 0, 0x0b, 0x87]),
            "with an address before it"
        );
        assert!(!mentions_a_group(&[8, 0, 4, 0, 0, 0, 0, 7]));
        assert!(!mentions_a_group(b"\x0b\0\x01\0payload\0"));
    }

    #[test]
    fn directories_are_named_by_their_inodes() {
        let root = std::env::temp_dir().join(format!("ng-groups-{}", std::process::id()));
        fs::create_dir_all(root.join("a.slice/b.service")).unwrap();
        fs::write(root.join("cgroup.procs"), "").unwrap();
        let found = below(&root);
        let inode = fs::metadata(root.join("a.slice/b.service")).unwrap().ino();
        fs::remove_dir_all(&root).unwrap();
        let shown: Vec<String> = found.iter().map(|group| group.path.to_string()).collect();
        assert_eq!(shown, ["", "a.slice", "a.slice/b.service"]);
        assert_eq!(found[2].number.0, inode);
    }
}
