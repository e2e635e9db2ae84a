//! `iptables-legacy` and `ip6tables-legacy`.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use netghost_core::gate::IpFamily;

use super::WriteError;
use crate::run::{Ended, Output, Run};

/// Where it is looked for.
const DIRECTORIES: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/bin"];
/// How long it waits for the lock, in seconds.
const WAIT: &str = "5";
/// How long it may run; a large table takes seconds.
const LIMIT: Duration = Duration::from_secs(60);
/// What is kept of what it says.
const MOST_OUTPUT: usize = 16 * 1024;
/// The same of a whole table; one of 100,000 rules has a few MiB.
const MOST_SAVED: usize = 64 * 1024 * 1024;
/// `RESOURCE_PROBLEM` of iptables: the lock was not to be had, or memory.
const RESOURCE_PROBLEM: i32 = 4;

/// The program.
#[derive(Debug)]
pub(super) struct Tool {
    path: PathBuf,
}

impl Tool {
    /// The legacy tool of a family.
    pub(super) fn find(family: IpFamily) -> Result<Self, WriteError> {
        Self::find_in(family, &DIRECTORIES)
    }

    fn find_in(family: IpFamily, directories: &[&str]) -> Result<Self, WriteError> {
        let (certain, perhaps) = match family {
            IpFamily::Ip => ("iptables-legacy", "iptables"),
            IpFamily::Ip6 => ("ip6tables-legacy", "ip6tables"),
        };
        let there = |name: &str| {
            let paths = directories
                .iter()
                .map(|directory| Path::new(directory).join(name));
            paths.filter(|path| path.is_file()).collect::<Vec<_>>()
        };
        let certain_path = there(certain).into_iter().next();
        let path = certain_path.or_else(|| there(perhaps).into_iter().find(|path| is_legacy(path)));
        path.map(|path| Self { path })
            .ok_or_else(|| WriteError::NoProgram {
                program: certain.to_owned(),
            })
    }

    /// Its name as people type it.
    pub(super) fn name(&self) -> Vec<u8> {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.as_bytes().to_vec()
    }

    /// What its save program says of a table; none if it is not there or does not do it.
    pub(super) fn saved(&self, table: &[u8]) -> Option<Vec<u8>> {
        let mut path = self.path.clone().into_os_string();
        path.push("-save");
        let args = vec![OsString::from("-t"), OsString::from_vec(table.to_vec())];
        let output = started(Path::new(&path), args, MOST_SAVED).ok()?;
        (output.ended == Ended::Status(0) && !output.cut && !output.timed_out).then_some(output.stdout)
    }

    /// Runs it with these arguments.
    pub(super) fn run(&self, arguments: &[Vec<u8>]) -> Result<(), WriteError> {
        let wait = ["--wait", WAIT].map(OsString::from);
        let given = arguments.iter().cloned().map(OsString::from_vec);
        let output = started(&self.path, wait.into_iter().chain(given).collect(), MOST_OUTPUT)?;
        let said = output.shown().stderr.trim().to_owned();
        match output.ended {
            Ended::Status(0) if !output.timed_out => Ok(()),
            Ended::Status(RESOURCE_PROBLEM) if said.contains("lock") => Err(WriteError::Locked {
                why: format!("waited {WAIT} s: {said}"),
            }),
            ended => Err(WriteError::Refused {
                what: self.path.display().to_string(),
                why: format!("{ended}: {said}"),
            }),
        }
    }
}

fn started(path: &Path, args: Vec<OsString>, most_output: usize) -> Result<Output, WriteError> {
    let run = Run {
        program: path.to_owned(),
        args,
        env: Vec::new(),
        limit: LIMIT,
        most_output,
    };
    run.run().map_err(|error| WriteError::Refused {
        what: path.display().to_string(),
        why: crate::run::chain(&error),
    })
}

/// `iptables v1.8.9 (legacy)`; before 1.8 there was no other and nothing in parentheses.
fn is_legacy(path: &Path) -> bool {
    let Ok(output) = started(path, vec![OsString::from("--version")], MOST_OUTPUT) else {
        return false;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    output.ended == Ended::Status(0)
        && said.contains(" v1.")
        && (said.contains("(legacy)") || !said.contains('('))
}

#[cfg(test)]
mod tests;
