//! Socket options of IP sockets: how the tables of legacy xtables and of ebtables are read.
#![allow(
    unsafe_code,
    reason = "the standard library has no socket without an address and no getsockopt"
)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// A socket that is never bound or connected.
#[derive(Debug)]
pub(crate) struct TableSocket {
    socket: OwnedFd,
    level: libc::c_int,
}

impl TableSocket {
    /// Options of IPv4, those of ARP and bridges among them.
    pub(crate) fn v4() -> io::Result<Self> {
        Self::open(libc::AF_INET, libc::IPPROTO_IP)
    }

    /// Options of IPv6.
    pub(crate) fn v6() -> io::Result<Self> {
        Self::open(libc::AF_INET6, libc::IPPROTO_IPV6)
    }

    fn open(domain: libc::c_int, level: libc::c_int) -> io::Result<Self> {
        // SAFETY: takes three numbers and no memory.
        let fd = unsafe { libc::socket(domain, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just gave this descriptor to us alone.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { socket, level })
    }

    /// Has the kernel read and fill `bytes`; how many it says it filled.
    ///
    /// # Safety
    /// Every pointer that the option's structure holds in `bytes` is null, or leads to memory of the size that the structure
    /// names, which lives until this returns.
    pub(crate) unsafe fn get(&self, option: libc::c_int, bytes: &mut [u8]) -> io::Result<usize> {
        let mut length = libc::socklen_t::try_from(bytes.len()).map_err(io::Error::other)?;
        // SAFETY: the kernel writes at most `length` bytes to `bytes`, which has that many, and the number to `length`; where
        // pointers in it lead is the caller's promise.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                self.level,
                option,
                bytes.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        if result == 0 {
            usize::try_from(length).map_err(io::Error::other)
        } else {
            Err(io::Error::last_os_error())
        }
    }
}
