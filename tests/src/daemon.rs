//! Programs that stay: started in a VM, they run until they are ended, with the lab at the latest.

use std::fs::{File, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{LabError, Result};
use crate::lab::find_program;
use crate::netns::Namespace;
use crate::record::RunDir;
use crate::run::{Status, command, tail};
use crate::vm::Vm;

/// A program that was started in a VM. Dropping the value leaves it running.
#[derive(Debug)]
pub struct Daemon {
    label: String,
    log: PathBuf,
    pid: String,
    /// Of this process, where the VM has no kernel of its own.
    child: Option<Child>,
}

/// Starts a program in a namespace of this machine's kernel. It writes itself down before it becomes what was asked for, so that
/// it is found whoever is killed when.
pub(crate) fn start_here(
    dir: &RunDir,
    vm: &str,
    namespace: &Namespace,
    label: &str,
    argv: &[&str],
) -> Result<Daemon> {
    let log = dir.vm_file(vm, &format!("{label}.log"));
    let file = append_to(&log)?;
    let errors = file
        .try_clone()
        .map_err(|source| LabError::Pipe("copy a handle", source))?;
    let mut command = Command::new(find_program(None)?);
    command
        .args(["become", "--name", dir.name(), &format!("{vm}.{label}"), "--"])
        .args(argv)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(errors);
    let child = namespace.spawn(command)?;
    Ok(Daemon {
        label: label.to_owned(),
        log,
        pid: child.id().to_string(),
        child: Some(child),
    })
}

fn append_to(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|source| LabError::File {
            doing: "open",
            path: path.to_owned(),
            source,
        })
}

/// Writes this process down as one of the lab's and becomes the program.
///
/// The lab is looked for *after* that: either it is gone and nothing runs, or whoever removes it finds this process.
pub fn become_program(dir: &RunDir, label: &str, argv: &[String]) -> LabError {
    let prepared = dir.add_current_process(label).and_then(|_| dir.record());
    if let Err(error) = prepared {
        return error;
    }
    // It outlives the terminal; that it leads a session already is as good.
    rustix::process::setsid().ok();
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    match command(&argv) {
        Ok(mut command) => LabError::Start {
            program: argv.join(" "),
            source: command.exec(),
        },
        Err(error) => error,
    }
}

/// Starts a program in a VM with a kernel of its own; it ends with that.
pub(crate) fn start_inside(vm: &Vm, label: &str, argv: &[&str]) -> Result<Daemon> {
    let log = format!("/run/{label}.log");
    let script = "log=$1; shift; setsid \"$@\" </dev/null >>\"$log\" 2>&1 & echo $!";
    let words: Vec<&str> = ["sh", "-c", script, "sh", &log]
        .iter()
        .chain(argv)
        .copied()
        .collect();
    let output = vm.must(&words)?;
    Ok(Daemon {
        label: label.to_owned(),
        log: log.into(),
        pid: output.text().trim().to_owned(),
        child: None,
    })
}

impl Daemon {
    /// Its process id, in the VM's kernel.
    pub fn pid(&self) -> &str {
        &self.pid
    }

    /// Where what it says goes, as its VM sees it.
    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// All that it has said, also before it was started again.
    ///
    /// # Errors
    /// When the VM does not answer.
    pub fn log(&self, vm: &Vm) -> Result<String> {
        let path = self.log.display().to_string();
        vm.must(&["cat", &path]).map(|output| output.text())
    }

    /// Sends it a signal by its name: `TERM`, `STOP` ….
    ///
    /// # Errors
    /// When it has ended already.
    pub fn signal(&self, vm: &Vm, name: &str) -> Result<()> {
        vm.must(&["sh", "-c", "kill -s \"$1\" \"$2\"", "sh", name, &self.pid])
            .map(drop)
    }

    /// Ends it at once, as a crash would, and waits until it is gone. That it is gone already is fine.
    ///
    /// # Errors
    /// When it does not go.
    pub fn kill(&mut self, vm: &Vm) -> Result<()> {
        if self.is_running(vm)? {
            // It may end just now.
            self.signal(vm, "KILL").ok();
            self.wait(vm, Duration::from_secs(10))?;
        }
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Errors
    /// When it has not ended within the time.
    pub fn stop(&mut self, vm: &Vm, time: Duration) -> Result<Option<Status>> {
        self.signal(vm, "TERM")?;
        self.wait(vm, time)
    }

    /// True while it runs.
    ///
    /// # Errors
    /// When the VM does not answer.
    pub fn is_running(&mut self, vm: &Vm) -> Result<bool> {
        if let Some(child) = &mut self.child {
            let ended = child
                .try_wait()
                .map_err(|source| LabError::Pipe("wait for a program", source))?;
            return Ok(ended.is_none());
        }
        // Z: it has ended, and nobody has collected it yet.
        let script = "while read -r key state _; do [ \"$key\" != State: ] || break; done \
                      2>/dev/null <\"/proc/$1/status\" && [ \"$state\" != Z ]";
        vm.exec(&["sh", "-c", script, "sh", &self.pid])
            .map(|output| output.status.success())
    }

    /// Waits for its end; how it ended is known only of a child of this process.
    ///
    /// # Errors
    /// When it has not ended within the time.
    pub fn wait(&mut self, vm: &Vm, time: Duration) -> Result<Option<Status>> {
        let deadline = Instant::now() + time;
        while self.is_running(vm)? {
            if Instant::now() > deadline {
                return Err(self.not_ready(vm, "does not end"));
            }
            thread::sleep(Duration::from_millis(5));
        }
        let status = match &mut self.child {
            Some(child) => child
                .wait()
                .map(|status| Some(status.into()))
                .map_err(|source| LabError::Pipe("wait for a program", source))?,
            None => None,
        };
        Ok(status)
    }

    pub(crate) fn not_ready(&self, vm: &Vm, what: &str) -> LabError {
        LabError::NotReady {
            program: self.label.clone(),
            vm: vm.name().to_owned(),
            what: what.to_owned(),
            log: self
                .log(vm)
                .map_or_else(|error| error.to_string(), |log| tail(log.as_bytes())),
        }
    }
}
