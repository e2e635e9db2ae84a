//! A control group for each server, where the second version is mounted and can be written to: what is in it is ended with it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use netghost_core::artifact::json::Digest;

/// The group that holds those of servers.
const OURS: &str = "netghost";
/// How long a group that was killed may take to be empty.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the group of an action is, if there is one; none where there can't be any.
pub fn of(action: Digest) -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let name: String = action.to_string().chars().take(16).collect();
    Some(mounted(&mounts)?.join(OURS).join(name))
}

/// Makes the group of an action; none where there can't be one.
pub fn make(action: Digest) -> Option<PathBuf> {
    let path = of(action)?;
    fs::create_dir_all(&path).ok()?;
    path.join("cgroup.procs").exists().then_some(path)
}

/// Where the second version is mounted.
fn mounted(mounts: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ');
        let (path, kind) = (fields.nth(1)?, fields.next()?);
        (kind == "cgroup2").then(|| PathBuf::from(path))
    })
}

/// Puts the calling process into a group.
///
/// # Errors
/// The kernel's.
pub fn enter(group: &Path) -> io::Result<()> {
    fs::write(group.join("cgroup.procs"), std::process::id().to_string())
}

/// Ends all that is in a group, and removes it. That there is none is fine.
///
/// # Errors
/// It does not become empty.
pub fn remove(group: &Path) -> io::Result<()> {
    // Before 5.14 there is no such file; the processes are ended one by one by then.
    drop(fs::write(group.join("cgroup.kill"), "1"));
    let begun = Instant::now();
    loop {
        match fs::remove_dir(group) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if begun.elapsed() > PATIENCE => return Err(error),
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_version_is_found_wherever_it_is_mounted() {
        let mixed =
            "cgroup /sys/fs/cgroup/pids cgroup rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        assert_eq!(mounted(mixed), Some("/sys/fs/cgroup/unified".into()));
        assert_eq!(mounted("cgroup /sys/fs/cgroup/pids cgroup rw 0 0\n"), None);
    }
}
