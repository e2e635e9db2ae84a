//! The process that answers: one connection, one demand, one answer.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use netghost_core::gate::{Answer, Demand, LONGEST_DEMAND};
use netghost_kernel::frames::Timed;
use rustix::net::sockopt::socket_peercred;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::frame;
use crate::guard::Socket;
use crate::host::Host;
use crate::paths::Paths;
use crate::site::Site;

/// How long a caller may take for its demand, and again to hear the answer, however slowly it does.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many are answered at once where one process answers all.
const MOST: usize = 16;

/// Where a process listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// At its standard input, which systemd has made a listening socket.
    Standard,
    /// At a path.
    At(PathBuf),
}

impl Listen {
    /// Begins to listen.
    ///
    /// # Errors
    /// Standard input is none, or somebody else listens there.
    pub fn open(&self) -> io::Result<UnixListener> {
        match self {
            Self::Standard => {
                let listener = UnixListener::from(io::stdin().as_fd().try_clone_to_owned()?);
                listener.local_addr()?;
                Ok(listener)
            }
            Self::At(path) => {
                let left = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
                if left && UnixStream::connect(path).is_err() {
                    fs::remove_file(path)?;
                }
                let listener = UnixListener::bind(path)?;
                fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
                Ok(listener)
            }
        }
    }
}

/// This VM's gate.
pub fn site(paths: &Paths) -> Site<Host, Socket> {
    Site {
        paths: paths.clone(),
        disk: Disk::default(),
        clock: Clock::default(),
        work: Host,
        guard: Socket(paths.guard.clone()),
    }
}

/// Answers the one demand of a connection. `allowed` are the users who may ask.
///
/// # Errors
/// The connection's. A demand that is refused is no error: its caller is told why.
pub fn one(stream: &UnixStream, paths: &Paths, allowed: &[u32]) -> io::Result<()> {
    patiently(stream, paths, allowed, PATIENCE)
}

fn patiently(stream: &UnixStream, paths: &Paths, allowed: &[u32], patience: Duration) -> io::Result<()> {
    let answer = match demand(stream, allowed, patience) {
        Ok(demand) => site(paths).answer(&demand),
        Err(why) => Answer::refused("malformed", why),
    };
    frame::give(&mut Timed::new(stream, patience), &answer)
}

fn demand(stream: &UnixStream, allowed: &[u32], patience: Duration) -> Result<Demand, String> {
    let peer =
        socket_peercred(stream).map_err(|error| format!("the kernel does not say who asks: {error}"))?;
    let user = peer.uid.as_raw();
    if !allowed.contains(&user) {
        return Err(format!("user {user} may not ask"));
    }
    frame::take(&mut Timed::new(stream, patience), LONGEST_DEMAND)
        .map_err(|error| format!("not a demand that is answered here: {error}"))
}

/// Answers one connection after another, side by side.
///
/// # Errors
/// The listening socket's.
pub fn all(listen: &Listen, paths: &Paths, allowed: &[u32]) -> io::Result<()> {
    let listener = listen.open()?;
    let busy = Arc::new(AtomicUsize::new(0));
    loop {
        let (stream, _) = listener.accept()?;
        if busy.load(Ordering::SeqCst) >= MOST {
            continue;
        }
        let (busy, paths, allowed) = (Arc::clone(&busy), paths.clone(), allowed.to_vec());
        busy.fetch_add(1, Ordering::SeqCst);
        thread::spawn(move || {
            // Whoever went away hears nothing.
            drop(one(&stream, &paths, &allowed));
            busy.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::time::Instant;

    use super::*;

    /// So many are answered at once: who never comes to an end must not hold a place.
    #[test]
    fn who_says_a_byte_now_and_then_is_not_heard_for_ever() {
        let (here, mut there) = UnixStream::pair().unwrap();
        let slow = thread::spawn(move || {
            there.write_all(&10_000_u32.to_be_bytes()).unwrap();
            while (&there).write_all(b" ").is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
            let mut heard = Vec::new();
            drop(there.read_to_end(&mut heard));
        });
        let begun = Instant::now();
        let own = rustix::process::geteuid().as_raw();
        patiently(&here, &Paths::default(), &[own], Duration::from_millis(300)).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(10));
        drop(here);
        slow.join().unwrap();
    }
}
