//! The kernel's tables, as far as this process can read them, and the spool.

use std::path::Path;

use netghost_core::section::{Section, SectionName, State};

use super::Line;
use crate::config::Config;
use crate::disk::Disk;
use crate::outside::now_us;

/// The room that a snapshot of a large host takes, in bytes.
const ROOM: u64 = 64 << 20;

/// Walks.
pub(super) fn walk(config: &Config) -> Vec<Line> {
    let uid = rustix::process::geteuid().as_raw();
    let sections = netghost_kernel::capture(&SectionName::HOST, &now_us);
    let mut lines: Vec<Line> = sections.iter().map(|section| read(section, uid)).collect();
    lines.extend(spool(&config.state_directory, config.spool_limit));
    lines
}

/// Reads a section in earnest: what the kernel answers is the only proof that it does.
fn read(section: &Section, uid: u32) -> Line {
    let step = format!("section {}", section.name);
    match &section.state {
        State::Captured => Line::ok(&step, format!("read as uid {uid}")),
        State::NotApplicable { why } => Line::ok(&step, format!("not applicable: {why}")),
        State::Unreadable { why } => Line::failed(
            &step,
            format!("unreadable as uid {uid}: {why}"),
            Some(
                "give the process CAP_NET_ADMIN and the group root, as the unit does; docs/privileges.md"
                    .to_owned(),
            ),
        ),
        State::Torn { why } => Line::failed(
            &step,
            format!("torn: {why}"),
            Some("find what keeps changing it, and check again".to_owned()),
        ),
    }
}

fn spool(state: &Path, limit: u64) -> Vec<Line> {
    let fix = |what: &str| {
        Some(format!(
            "{what}: install -d -m 0700 -o netghost -g netghost {}",
            state.display()
        ))
    };
    if !state.is_dir() {
        let detail = format!("{} is not there", state.display());
        return vec![
            Line::failed("spool", detail, fix("make it")),
            Line::skipped("spool room", "there is no state directory"),
        ];
    }
    let probe = state.join("check");
    let disk = Disk::default();
    let written = disk
        .replace(&probe, 0o600, b"netghost")
        .and_then(|()| disk.remove(&probe));
    let writable = match written {
        Ok(()) => Line::ok(
            "spool",
            format!(
                "{} can be written as uid {}",
                state.display(),
                rustix::process::geteuid().as_raw()
            ),
        ),
        Err(error) => Line::failed(
            "spool",
            format!("{}: {error}", state.display()),
            fix("give it to the agent's user"),
        ),
    };
    vec![writable, room(state, limit)]
}

fn room(state: &Path, limit: u64) -> Line {
    let step = "spool room";
    match rustix::fs::statvfs(state) {
        Err(error) => Line::skipped(step, format!("{}: {error}", state.display())),
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let detail = format!("{} MiB free, the spool may take {} MiB", free >> 20, limit >> 20);
            if free >= ROOM.min(limit) {
                Line::ok(step, detail)
            } else {
                let fix = format!("make room on the file system of {}", state.display());
                Line::failed(step, detail, Some(fix))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Mark;
    use super::*;
    use crate::testing::Scratch;

    #[test]
    fn a_spool_that_can_be_written_is_well() {
        let scratch = Scratch::new();
        let lines = spool(&scratch.0, 1 << 20);
        assert!(lines.iter().all(|line| line.result == Mark::Ok), "{lines:?}");
        assert_eq!(
            std::fs::read_dir(&scratch.0).unwrap().count(),
            0,
            "nothing is left"
        );
        let gone = spool(&scratch.0.join("none"), 1 << 20);
        assert_eq!(gone[0].result, Mark::Failed);
        assert_eq!(gone[1].result, Mark::Skipped);
    }

    #[test]
    fn an_unreadable_section_is_not_well() {
        let mut section = netghost_kernel::capture(&[SectionName::Links], &|| 0).remove(0);
        for (state, mark) in [
            (State::Captured, Mark::Ok),
            (State::NotApplicable { why: "no".to_owned() }, Mark::Ok),
            (
                State::Unreadable {
                    why: "EPERM".to_owned(),
                },
                Mark::Failed,
            ),
            (
                State::Torn {
                    why: "busy".to_owned(),
                },
                Mark::Failed,
            ),
        ] {
            section.state = state;
            assert_eq!(read(&section, 1).result, mark);
        }
    }
}
