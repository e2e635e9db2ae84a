//! Why something in the lab did not work.

use std::io;
use std::path::PathBuf;

use crate::kind::Kind;

/// Why a lab, a VM or a command in it failed. An answer that is not here was given whole.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The program could not be started at all.
    #[error("start `{program}` (is it installed? are you root?)")]
    Start {
        /// The program as it was named.
        program: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The command was still running, or something still held its output open, at the end of its time.
    #[error(
        "`{command}` was not finished after {seconds} s and was ended (a program left in the background must redirect its \
         output); stderr so far: {stderr}"
    )]
    TimedOut {
        /// The whole command, words separated by blanks.
        command: String,
        /// The time that it had.
        seconds: u64,
        /// The end of what it had written to standard error.
        stderr: String,
    },
    /// The command wrote more than the caller allows; nothing of it is handed out, because a cut answer is not an answer.
    #[error("`{command}` wrote more than {limit} bytes to its {stream}")]
    TooMuchOutput {
        /// The whole command.
        command: String,
        /// `stdout` or `stderr`.
        stream: &'static str,
        /// The number of bytes allowed.
        limit: usize,
    },
    /// A command of the lab's own ended with a failure.
    #[error("`{command}` failed ({status}): {stderr}")]
    Failed {
        /// The whole command.
        command: String,
        /// Its exit status or signal.
        status: String,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// An empty argument vector.
    #[error("no command was given")]
    NoCommand,
    /// What is configured in the lab's Azure can't be understood or enforced.
    #[error("Azure in the lab")]
    World(#[source] crate::azure::WorldError),
    /// The thread could not move into the network namespace.
    #[error("enter the network namespace (needs root: CAP_SYS_ADMIN)")]
    Enter(#[source] io::Error),
    /// A file or directory of the lab could not be used.
    #[error("{doing} {path}")]
    File {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The command loop in a VM failed in a way that has no variant of its own.
    #[error("{vm}: {message}")]
    Guest {
        /// The VM.
        vm: String,
        /// What the loop said.
        message: String,
    },
    /// The VM has ended, or did not come up. It gave no answer, which is not an empty answer.
    #[error("{vm} is not running: {what}; its console ended with:\n{console}")]
    Died {
        /// The VM.
        vm: String,
        /// What was seen of its end.
        what: String,
        /// The end of its console.
        console: String,
    },
    /// The VM's link came up, but its addresses did not.
    #[error("the link of {vm} did not get its IPv6 addresses in time")]
    Unsettled {
        /// The VM.
        vm: String,
    },
    /// Something that the kind of VM needs is not on this machine.
    #[error("a {kind} VM needs {what}: apt-get install {package}")]
    Missing {
        /// The kind asked for.
        kind: Kind,
        /// The file that was looked for.
        what: String,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// A lab of that name runs already.
    #[error("a lab named `{0}` is up already: take another name, or `netghost-lab down --name {0}`")]
    Taken(String),
    /// There is no lab of that name.
    #[error("there is no lab named `{0}`: see `netghost-lab list`")]
    NoLab(String),
    /// The lab has no such VM.
    #[error("the lab `{lab}` has no VM `{vm}`, only {has}")]
    NoVm {
        /// The lab.
        lab: String,
        /// The VM asked for.
        vm: String,
        /// Those that it has.
        has: String,
    },
    /// A name that could leave the run directory or is too long.
    #[error(
        "`{0}` is no name for a lab: letters, digits, `.`, `_` and `-`, at most 32, starting with a letter or digit"
    )]
    BadName(String),
    /// More VMs than the fabric has addresses for, or none.
    #[error("a lab has 1 to 200 VMs, not {0}")]
    BadCount(usize),
    /// The program `netghost-lab`, which keeps VMs and runs in them, was not found.
    #[error(
        "the program netghost-lab is not beside {0}: build it (cargo build -p netghost-lab) or name it in NETGHOST_LAB"
    )]
    NoProgram(PathBuf),
    /// The VM's kernel can't carry this fault.
    #[error("the fault {fault} can't be put on {vm}: a {kind} VM can't carry it, only {needs}")]
    WrongKind {
        /// The fault.
        fault: &'static str,
        /// The VM.
        vm: String,
        /// Its kind.
        kind: Kind,
        /// The kinds that can, separated by `or`.
        needs: String,
    },
    /// The fault is there already.
    #[error("the fault {fault} is on {vm} already")]
    AlreadyInjected {
        /// The fault.
        fault: &'static str,
        /// The VM.
        vm: String,
    },
    /// No fault of the catalogue has that name.
    #[error("there is no fault `{0}`: see `netghost-lab list`")]
    NoFault(String),
    /// A program that stays has ended, or never got ready.
    #[error("{program} on {vm} {what}; its log ends with:\n{log}")]
    NotReady {
        /// The program's label.
        program: String,
        /// The VM.
        vm: String,
        /// What was waited for.
        what: String,
        /// The end of its log.
        log: String,
    },
    /// A program of the product is not built.
    #[error("the program {0} is not built: cargo build --workspace --bins")]
    NotBuilt(PathBuf),
    /// A program of the product said something else than it should.
    #[error("{what}: {said}")]
    Said {
        /// What was asked.
        what: String,
        /// What came.
        said: String,
    },
    /// A process of the lab could not be looked at or ended.
    #[error("end process {pid} of the lab")]
    Process {
        /// Its number.
        pid: i32,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A pipe to a program, or a thread for it, failed.
    #[error("{0}")]
    Pipe(&'static str, #[source] io::Error),
}

/// Short for results of this crate.
pub type Result<T, E = LabError> = std::result::Result<T, E>;
