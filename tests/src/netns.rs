//! Network namespaces: made, entered, and gone again.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use rustix::mount::{MountPropagationFlags, mount_bind, mount_bind_recursive, mount_change};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::error::{LabError, Result};
use crate::run::{Limits, Output, command, run};

/// Where `ip netns` keeps its names.
const NAMES: &str = "/run/netns";

/// A network namespace of its own, with `lo` up and nothing else in it.
///
/// Without a name it lives exactly as long as this value or a process in it, so it can't be left behind even by a killed
/// test. With a name (`ip netns`) it is removed on drop.
#[derive(Debug)]
pub struct Namespace {
    handle: File,
    /// Removed on drop: the name is ours.
    name: Option<String>,
    limits: Limits,
    environment: Vec<(String, PathBuf)>,
}

impl Namespace {
    /// A throw-away namespace without a name.
    ///
    /// # Errors
    /// Without root, or where `unshare` (util-linux) or `ip` (iproute2) is missing.
    pub fn new() -> Result<Self> {
        let namespace = Self::from_handle(unnamed()?, None);
        namespace.loopback_up()?;
        Ok(namespace)
    }

    /// A namespace that `ip netns` shows under this name, for as long as this value lives.
    ///
    /// This process gives the name itself: a child that did could do so after its parent was killed and cleaned up after.
    ///
    /// # Errors
    /// As [`Namespace::new`], and where the name is taken.
    pub fn named(name: &str) -> Result<Self> {
        let handle = unnamed()?;
        let path = Path::new(NAMES).join(name);
        prepare_names()
            .and_then(|()| OpenOptions::new().write(true).create_new(true).open(&path))
            .map_err(|source| LabError::File {
                doing: "make the namespace's name",
                path: path.clone(),
                source,
            })?;
        let namespace = Self::from_handle(handle, Some(name.to_owned()));
        let source = format!("/proc/self/fd/{}", namespace.handle.as_raw_fd());
        mount_bind(&source, &path).map_err(|errno| LabError::File {
            doing: "mount the namespace at",
            path,
            source: errno.into(),
        })?;
        namespace.loopback_up()?;
        Ok(namespace)
    }

    /// An existing named namespace; it stays when this value goes.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn open(name: &str) -> Result<Self> {
        let path = Path::new(NAMES).join(name);
        let handle = File::open(&path).map_err(|source| LabError::File {
            doing: "open the namespace",
            path,
            source,
        })?;
        Ok(Self::from_handle(handle, None))
    }

    fn from_handle(handle: File, name: Option<String>) -> Self {
        Self {
            handle,
            name,
            limits: Limits::default(),
            environment: Vec::new(),
        }
    }

    /// Other limits than 30 s and 16 MiB for what follows.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// A variable for every command run here.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: PathBuf) -> Self {
        self.environment.push((name.to_owned(), value));
        self
    }

    /// Hands the name over to whoever removes it by other means; dropping this value no longer does.
    #[must_use]
    pub fn leave(mut self) -> Self {
        self.name = None;
        self
    }

    /// Runs a program in the namespace to its end. Its status is in the output, also when it failed.
    ///
    /// `xtables` tools of all namespaces share one lock file: give `iptables` a wait (`-w 5`) where tests run in parallel.
    ///
    /// # Errors
    /// When it can't be started, runs too long or writes too much.
    pub fn exec(&self, argv: &[&str]) -> Result<Output> {
        self.exec_with_input(argv, b"")
    }

    /// As [`Namespace::exec`], with bytes for standard input.
    ///
    /// # Errors
    /// As [`Namespace::exec`].
    pub fn exec_with_input(&self, argv: &[&str], input: &[u8]) -> Result<Output> {
        self.exec_within(argv, input, self.limits)
    }

    /// As [`Namespace::exec_with_input`], with limits for this one command.
    ///
    /// # Errors
    /// As [`Namespace::exec`].
    pub fn exec_within(&self, argv: &[&str], input: &[u8], limits: Limits) -> Result<Output> {
        let mut command = command(argv)?;
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        self.enter(|| run(command, input, limits))?
    }

    /// Runs a program that must succeed.
    ///
    /// # Errors
    /// As [`Namespace::exec`], and [`LabError::Failed`] for any status but 0.
    pub fn must(&self, argv: &[&str]) -> Result<Output> {
        self.exec(argv)?.ok(argv)
    }

    /// Starts a program in the namespace and hands out the running child.
    ///
    /// # Errors
    /// When the namespace can't be entered or the program not started.
    pub fn spawn(&self, mut command: Command) -> Result<std::process::Child> {
        let program = command.get_program().to_string_lossy().into_owned();
        self.enter(|| command.spawn())?
            .map_err(|source| LabError::Start { program, source })
    }

    /// Runs a closure inside the namespace, on a thread of its own that ends with it: a thread that has moved must never
    /// be used for anything else. A panic inside goes on outside, so assertions work.
    ///
    /// What the closure opens (sockets) stays in the namespace. `/proc/thread-self/net` shows the namespace, `/proc/net`
    /// and `/sys` do not.
    ///
    /// # Errors
    /// When the thread can't be made or can't move (needs root).
    pub fn enter<T: Send>(&self, inside: impl FnOnce() -> T + Send) -> Result<T> {
        thread::scope(|scope| {
            let moved = || {
                move_into_link_name_space(self.handle.as_fd(), Some(LinkNameSpaceType::Network))
                    .map_err(|errno| LabError::Enter(errno.into()))?;
                Ok(inside())
            };
            let thread = thread::Builder::new()
                .spawn_scoped(scope, moved)
                .map_err(|source| LabError::Pipe("start a thread", source))?;
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    fn loopback_up(&self) -> Result<()> {
        self.must(&["ip", "link", "set", "lo", "up"]).map(drop)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            // A drop has nobody to tell; `netghost-lab down` finds what is left.
            remove(name).ok();
        }
    }
}

/// Removes a named namespace; that there is none is fine.
///
/// # Errors
/// When `ip` can't be run or refuses.
pub(crate) fn remove(name: &str) -> Result<()> {
    if !Path::new(NAMES).join(name).exists() {
        return Ok(());
    }
    let argv = ["ip", "netns", "delete", name];
    run(command(&argv)?, b"", Limits::default())?.ok(&argv).map(drop)
}

/// Makes the directory of names as `ip netns` makes it: a mount of its own that every mount namespace shares, so that a
/// name removed in one is removed in all.
fn prepare_names() -> io::Result<()> {
    std::fs::create_dir_all(NAMES)?;
    let share = || mount_change(NAMES, MountPropagationFlags::SHARED | MountPropagationFlags::REC);
    match share() {
        Err(rustix::io::Errno::INVAL) => {
            mount_bind_recursive(NAMES, NAMES)?;
            Ok(share()?)
        }
        shared => Ok(shared?),
    }
}

/// Lets `unshare` make a namespace and takes hold of it before that process ends.
fn unnamed() -> Result<File> {
    let mut command = Command::new("unshare");
    command
        .args(["--net", "sh", "-c", "echo made; cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|source| LabError::Start {
        program: "unshare (util-linux)".to_owned(),
        source,
    })?;
    let mut made = [0; 5];
    let opened = child
        .stdout
        .as_mut()
        .ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))
        .and_then(|stdout| stdout.read_exact(&mut made))
        .and_then(|()| File::open(format!("/proc/{}/ns/net", child.id())));
    drop(child.stdin.take());
    let status = child
        .wait()
        .map_err(|source| LabError::Pipe("wait for unshare", source))?;
    match opened {
        Ok(handle) => Ok(handle),
        Err(source) if status.success() => Err(LabError::Enter(source)),
        Err(_) => Err(LabError::Enter(io::Error::from_raw_os_error(
            rustix::io::Errno::PERM.raw_os_error(),
        ))),
    }
}
