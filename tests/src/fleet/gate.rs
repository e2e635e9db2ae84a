//! The gate of a fleet: an approvers' CA, an approver beside the admin, and on each VM the process that acts with its guard.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::{Fleet, READY, borrowed};
use crate::daemon::Daemon;
use crate::error::{LabError, Result};
use crate::vm::Vm;

/// Who approves what the admin asks for.
pub const APPROVER: &str = "bob";

/// What the owner of each VM lets be asked for.
const POLICY: &str = "change = \"approve\"\ninstall = \"approve\"\n";

impl Fleet {
    /// Makes the approvers' CA as the admin, and has [`APPROVER`] on its list.
    ///
    /// # Errors
    /// When a step fails.
    pub fn found_approvers(&self, tell: &dyn Fn(&str)) -> Result<()> {
        self.log_in(APPROVER, "approver")?;
        self.operated("ada", &["approvers", "init"], tell)?;
        let key = self.controller_vm()?.home().join(format!("{APPROVER}.pub.pem"));
        let key = key.display().to_string();
        self.operated(APPROVER, &["approvers", "key", "--out", &key], tell)?;
        self.operated("ada", &["approvers", "add", APPROVER, "--key", &key], tell)
    }

    fn operated(&self, user: &str, words: &[&str], tell: &dyn Fn(&str)) -> Result<()> {
        tell(&format!("controller# netghost {}   # as {user}", words.join(" ")));
        self.netghost_as(user, words, b"")?.ok(words).map(drop)
    }

    /// The approvers' CA, as the admin has it.
    ///
    /// # Errors
    /// Before [`Fleet::found_approvers`].
    pub fn authority(&self) -> Result<String> {
        let pem = self
            .controller_vm()?
            .home()
            .join("ada/config/netghost/approvers/approvers.pem");
        std::fs::read_to_string(&pem).map_err(|source| LabError::File {
            doing: "read",
            path: pem,
            source,
        })
    }

    /// Writes a VM's policy and the approvers' CA, as its owner does, and starts its guard and the process that acts.
    ///
    /// # Errors
    /// When they do not get ready.
    pub fn start_gate(&mut self, vm: &str) -> Result<()> {
        let pem = self.authority()?;
        let here = self.lab.vm(vm)?;
        let places = Places::of(here);
        here.write(&places.policy, POLICY)?;
        here.write(&places.approvers, &pem)?;
        let program = self.programs.act()?;
        let guard = started(here, "act-guard", &program, "guard", &places.guard, &places)?;
        let act = started(here, "act", &program, "serve", &places.socket, &places)?;
        self.gates.insert(vm.to_owned(), (act, guard));
        Ok(())
    }

    /// A VM's process that acts, and its guard.
    ///
    /// # Errors
    /// When they were never started.
    pub fn gate(&mut self, vm: &str) -> Result<(&mut Daemon, &mut Daemon, &Vm)> {
        let (act, guard) = self.gates.get_mut(vm).ok_or_else(|| super::never_started(vm))?;
        Ok((act, guard, self.lab.vm(vm)?))
    }
}

/// Where a VM's gate has its files.
#[derive(Debug, Clone)]
pub(super) struct Places {
    pub(super) socket: PathBuf,
    pub(super) approvers: PathBuf,
    policy: PathBuf,
    guard: PathBuf,
    state: PathBuf,
}

impl Places {
    pub(super) fn of(vm: &Vm) -> Self {
        let home = vm.home().join("gate");
        Self {
            socket: home.join("act.sock"),
            approvers: home.join("approvers.pem"),
            policy: home.join("policy.toml"),
            guard: home.join("guard.sock"),
            state: home.join("state"),
        }
    }
}

fn started(
    vm: &Vm,
    label: &str,
    program: &Path,
    job: &str,
    socket: &Path,
    places: &Places,
) -> Result<Daemon> {
    let shown = |path: &Path| path.display().to_string();
    let words = [
        shown(program),
        job.to_owned(),
        "--listen".to_owned(),
        shown(socket),
        "--state".to_owned(),
        shown(&places.state),
        "--policy".to_owned(),
        shown(&places.policy),
        "--approvers".to_owned(),
        shown(&places.approvers),
        "--guard".to_owned(),
        shown(&places.guard),
        // As whom agents of the lab run.
        "--user".to_owned(),
        "nobody".to_owned(),
    ];
    let mut daemon = vm.start(label, &borrowed(&words))?;
    let deadline = Instant::now() + READY;
    loop {
        if vm.exec(&["test", "-S", &shown(socket)])?.status.success() {
            return Ok(daemon);
        }
        if !daemon.is_running(vm)? {
            return Err(daemon.not_ready(vm, "has ended"));
        }
        if Instant::now() > deadline {
            return Err(daemon.not_ready(vm, &format!("does not listen on {}", shown(socket))));
        }
        thread::sleep(Duration::from_millis(20));
    }
}
