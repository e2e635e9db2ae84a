//! What the kernel tells of changes as they happen: which sections are to be read again, and who made the change.
//!
//! A notice is a reason to read, never the reading itself: what is shown of a change comes from whole readings before and
//! after it. So a notice that was lost costs nothing but a reading of everything. ipset has no notices
//! (`linux/netfilter/nfnetlink.h` has no group for it), nor have legacy xtables, sockets and sysctls: those are read
//! regularly.

use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, Instant};

use netghost_core::bytes::Text;
use netghost_core::section::SectionName;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

mod listener;

use listener::{Listener, Notice};

/// Changes that follow each other this closely are one reading.
const TOGETHER: Duration = Duration::from_millis(50);

/// How long a burst of changes is gathered at most.
const GATHER: Duration = Duration::from_millis(500);

/// Sections that the kernel gives notice of.
pub const WITH_NOTICE: [SectionName; 9] = [
    SectionName::Nftables,
    SectionName::Tc,
    SectionName::Links,
    SectionName::Routes,
    SectionName::Addresses,
    SectionName::PolicyRules,
    SectionName::Nexthops,
    SectionName::Neighbours,
    SectionName::Bridge,
];

/// A program that changed something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Program {
    /// What it changed.
    pub section: SectionName,
    /// Its process id, in the namespace of whoever watches (`NFTA_GEN_PROC_PID`).
    pub pid: u32,
    /// Its name, up to 15 bytes (`NFTA_GEN_PROC_NAME`).
    pub name: Text,
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// Sections that changed.
    pub sections: BTreeSet<SectionName>,
    /// Notices were lost, so anything may have changed.
    pub lost: bool,
    /// Who made changes, where the kernel says so.
    pub programs: BTreeSet<Program>,
}

impl Heard {
    fn is_empty(&self) -> bool {
        self.sections.is_empty() && !self.lost
    }

    fn take(&mut self, notice: Notice) {
        match notice {
            Notice::Changed(sections) => self.sections.extend(sections),
            Notice::By(program) => {
                self.programs.insert(program);
            }
            Notice::Lost => self.lost = true,
        }
    }
}

/// Listens to the kernel in the network namespace of the thread that made it.
#[derive(Debug)]
pub struct Watch {
    listeners: Vec<Listener>,
}

impl Watch {
    /// Begins to listen. What is read after this is not missed.
    ///
    /// # Errors
    /// Where the kernel refuses: nf_tables notices need CAP_NET_ADMIN.
    pub fn open() -> io::Result<Self> {
        Ok(Self {
            listeners: vec![Listener::netfilter()?, Listener::route()?],
        })
    }

    /// Waits until something changes and the changes pause, or until `deadline`, when what was heard is nothing.
    ///
    /// # Errors
    /// Where the kernel's notices can't be received any more.
    pub fn wait(&mut self, deadline: Instant) -> io::Result<Heard> {
        let mut heard = Heard::default();
        let mut until = deadline;
        let mut gathered = None;
        while self.ready(until)? {
            for listener in &mut self.listeners {
                listener.drain(&mut |notice| heard.take(notice))?;
            }
            if heard.is_empty() {
                continue;
            }
            let now = Instant::now();
            let end = *gathered.get_or_insert(now + GATHER);
            until = end.min(now + TOGETHER);
        }
        Ok(heard)
    }

    /// True as soon as something can be received, false at the deadline.
    fn ready(&self, deadline: Instant) -> io::Result<bool> {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut fds: Vec<PollFd<'_>> = self
            .listeners
            .iter()
            .map(|listener| PollFd::new(listener, PollFlags::IN))
            .collect();
        let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut fds, Some(&timeout)) {
            Ok(count) => Ok(count > 0),
            Err(rustix::io::Errno::INTR) => Ok(Instant::now() < deadline),
            Err(errno) => Err(errno.into()),
        }
    }
}
