//! The process group of a program.

use std::fs;
use std::io;

use rustix::process::{Pid, Signal, kill_process_group};

/// Sends a signal to all of a group. One that is gone has got all that it needs.
pub(super) fn signal(group: Pid, signal: Signal) -> io::Result<()> {
    match kill_process_group(group, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// True if a process of the group, other than its leader, still runs. The leader is not reaped yet, so the number is the group's
/// and nobody else's.
pub(super) fn has_others(leader: Pid) -> io::Result<bool> {
    for entry in fs::read_dir("/proc")? {
        let Ok(entry) = entry else { continue };
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        if pid == leader.as_raw_nonzero().get() {
            continue;
        }
        // One that is gone by now is gone.
        let Ok(stat) = fs::read(entry.path().join("stat")) else {
            continue;
        };
        if runs_in(&stat, leader) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// proc(5): `pid (comm) state ppid pgrp …`, where comm may have any byte in it, `)` and blanks too.
fn runs_in(stat: &[u8], group: Pid) -> bool {
    let Some(end) = stat.iter().rposition(|byte| *byte == b')') else {
        return false;
    };
    let rest = String::from_utf8_lossy(stat.get(end.saturating_add(1)..).unwrap_or_default());
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next();
    let of = fields.nth(1).and_then(|field| field.parse::<i32>().ok());
    of == Some(group.as_raw_nonzero().get()) && !matches!(state, Some("Z" | "X"))
}
