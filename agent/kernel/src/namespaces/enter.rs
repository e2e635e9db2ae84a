//! The calls for namespaces that the standard library lacks.
#![allow(
    unsafe_code,
    reason = "the standard library has none of setns, unshare, statfs and ioctl"
)]

use std::fs::{File, OpenOptions};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// `NSFS_MAGIC` (`linux/magic.h`).
const NSFS: i64 = 0x6e73_6673;
/// `NS_GET_NSTYPE` (`linux/nsfs.h`).
const NS_GET_NSTYPE: libc::Ioctl = 0xb703;

/// Moves the calling thread.
pub(super) fn enter(namespace: &File) -> io::Result<()> {
    // SAFETY: takes an open descriptor and a number.
    let result = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The network namespace that is mounted on a file; `None` if none is.
///
/// Whatever else stands there is looked at and not opened: a pipe would wait for a writer, and a device may do something.
pub(super) fn open(path: &Path) -> io::Result<Option<File>> {
    let seen = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_PATH)
        .open(path)?;
    if file_system(&seen)? != NSFS {
        return Ok(None);
    }
    let namespace = File::open(format!("/proc/thread-self/fd/{}", seen.as_raw_fd()))?;
    // SAFETY: takes an open descriptor and a number, and no third argument.
    let kind = unsafe { libc::ioctl(namespace.as_raw_fd(), NS_GET_NSTYPE) };
    match kind {
        libc::CLONE_NEWNET => Ok(Some(namespace)),
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(None),
    }
}

/// What the calling thread starts from now on gets PID namespaces of its own: the first process is number 1 in it, and with that one
/// all that it started end. The thread itself stays where it is, and can start one such process.
///
/// # Errors
/// The kernel's: it needs CAP_SYS_ADMIN.
pub fn own_processes() -> io::Result<()> {
    // SAFETY: takes a number; memory and descriptors stay shared as they are.
    match unsafe { libc::unshare(libc::CLONE_NEWPID) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The inode of the network namespace that is mounted on a file; `None` if none is.
pub(super) fn inode(path: &Path) -> io::Result<Option<u64>> {
    let namespace = open(path)?;
    namespace.map(|file| Ok(file.metadata()?.ino())).transpose()
}

fn file_system(file: &File) -> io::Result<i64> {
    let mut found = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the kernel writes one `struct statfs` to `found`.
    let result = unsafe { libc::fstatfs(file.as_raw_fd(), found.as_mut_ptr()) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so the structure is filled in.
    Ok(unsafe { found.assume_init() }.f_type)
}
