//! One VM of a lab: the same few calls whatever it is made of.

use std::io::BufReader;
use std::net::Ipv4Addr;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::daemon::{self, Daemon};
use crate::error::{LabError, Result};
use crate::fabric;
use crate::kind::Kind;
use crate::netns::Namespace;
use crate::record::{RunDir, VmRecord};
use crate::run::{Limits, Output, tail};
use crate::wire::{Answer, Request, TRAVEL, read_line, write_line};

/// Time for a machine to come up, above a command's own time: the first command waits for it.
const BOOT: Duration = Duration::from_secs(100);

/// A VM of a lab that is up.
#[derive(Debug)]
pub struct Vm {
    record: VmRecord,
    dir: RunDir,
    inside: Inside,
}

/// How commands get into it.
#[derive(Debug)]
enum Inside {
    Namespace(Namespace),
    Keeper,
}

impl Vm {
    pub(crate) fn open(dir: &RunDir, record: VmRecord) -> Result<Self> {
        let inside = if record.kind.has_own_kernel() {
            Inside::Keeper
        } else {
            let namespace = Namespace::open(&dir.namespace(&record.name))?;
            // Programs of one VM wait for each other as on any machine, and for no other VM's.
            let lock = dir.vm_file(&record.name, "xtables.lock");
            Inside::Namespace(namespace.with_variable("XTABLES_LOCKFILE", lock))
        };
        Ok(Self {
            record,
            dir: dir.clone(),
            inside,
        })
    }

    /// Its name in the lab: `vm1`, `vm2` …
    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// Its address in the fabric.
    pub fn address(&self) -> Ipv4Addr {
        self.record.address
    }

    /// What it sees around it.
    pub fn subnet(&self) -> fabric::Subnet {
        self.record.subnet
    }

    /// What it is made of.
    pub fn kind(&self) -> Kind {
        self.record.kind
    }

    /// Its interface to the fabric.
    pub fn nic(&self) -> &'static str {
        self.record.kind.nic()
    }

    /// The namespace of a VM of kind [`Kind::Netns`], to run code of the calling program in it.
    pub fn namespace(&self) -> Option<&Namespace> {
        match &self.inside {
            Inside::Namespace(namespace) => Some(namespace),
            Inside::Keeper => None,
        }
    }

    /// Runs a program in the VM to its end. Its status is in the output, also when it failed.
    ///
    /// A VM sees the machine's files, so a program built there runs in it by its path. In a VM with a kernel of its own
    /// `/run` is its own, and what it writes stays in it. A VM that is a namespace shares all files, `/sys` too: that shows
    /// the machine's interfaces, not the VM's.
    ///
    /// # Errors
    /// When the program can't be started, runs longer than 30 s or writes more than 16 MiB; [`LabError::Died`] when the VM
    /// is no more.
    pub fn exec(&self, argv: &[&str]) -> Result<Output> {
        self.exec_with_input(argv, b"")
    }

    /// As [`Vm::exec`], with bytes for standard input.
    ///
    /// # Errors
    /// As [`Vm::exec`].
    pub fn exec_with_input(&self, argv: &[&str], input: &[u8]) -> Result<Output> {
        self.exec_within(argv, input, Limits::default())
    }

    /// As [`Vm::exec_with_input`], with limits for this one command.
    ///
    /// # Errors
    /// As [`Vm::exec`].
    pub fn exec_within(&self, argv: &[&str], input: &[u8], limits: Limits) -> Result<Output> {
        match &self.inside {
            Inside::Namespace(namespace) => namespace.exec_within(argv, input, limits),
            Inside::Keeper => self.ask(&Request {
                id: 0,
                argv: argv.iter().map(|word| (*word).to_owned()).collect(),
                input: input.to_vec(),
                limits,
            }),
        }
    }

    /// Starts a program that stays until it is ended, with the lab at the latest. What it says is appended to its log.
    ///
    /// `label` is what it is known by: letters, digits and dashes. Started again under the same label, it takes the place of one
    /// that has ended.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start(&self, label: &str, argv: &[&str]) -> Result<Daemon> {
        match &self.inside {
            Inside::Namespace(namespace) => {
                daemon::start_here(&self.dir, self.name(), namespace, label, argv)
            }
            Inside::Keeper => daemon::start_inside(self, label, argv),
        }
    }

    /// A directory of this VM that goes with the lab, for what programs keep; not made yet.
    pub fn home(&self) -> std::path::PathBuf {
        match &self.inside {
            Inside::Namespace(_) => self.dir.vm_file(self.name(), "home"),
            // `/run` is its own there.
            Inside::Keeper => "/run/netghost-lab-home".into(),
        }
    }

    /// Writes a file in the VM, readable by everybody, in a directory that is made where it is missing.
    ///
    /// # Errors
    /// As [`Vm::exec`], and where it can't be written.
    pub fn write(&self, path: &std::path::Path, text: &str) -> Result<()> {
        let path = path.display().to_string();
        let script = "umask 022; mkdir -p \"${1%/*}\" && cat >\"$1\"";
        let argv = ["sh", "-c", script, "sh", &path];
        self.exec_with_input(&argv, text.as_bytes())?.ok(&argv).map(drop)
    }

    /// Runs a program that must succeed.
    ///
    /// # Errors
    /// As [`Vm::exec`], and [`LabError::Failed`] for any status but 0.
    pub fn must(&self, argv: &[&str]) -> Result<Output> {
        self.exec(argv)?.ok(argv)
    }

    fn ask(&self, request: &Request) -> Result<Output> {
        let answer = self.ask_keeper(request).map_err(|source| LabError::Died {
            vm: self.name().to_owned(),
            what: format!("its keeper does not answer: {source}"),
            console: console_tail(&self.dir, self.name()),
        })?;
        answer.into_result(self.name())
    }

    fn ask_keeper(&self, request: &Request) -> std::io::Result<Answer> {
        let mut keeper = UnixStream::connect(self.dir.vm_file(self.name(), "socket"))?;
        keeper.set_read_timeout(Some(BOOT + request.limits.time + TRAVEL))?;
        write_line(&mut keeper, request)?;
        read_line(&mut BufReader::new(keeper))?.ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    }
}

/// The end of everything that a VM's kernel, machine and keeper had to say.
pub(crate) fn console_tail(dir: &RunDir, vm: &str) -> String {
    let mut text = String::new();
    for what in ["serial", "console", "server", "keeper"] {
        // Not every kind has each of them.
        if let Ok(bytes) = std::fs::read(dir.vm_file(vm, what)) {
            text.push_str(&tail(&bytes));
            text.push('\n');
        }
    }
    text.trim().to_owned()
}
