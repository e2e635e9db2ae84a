//! The socket options by which tables are read (`linux/netfilter_ipv4/ip_tables.h`, `linux/netfilter_ipv6/ip6_tables.h`).
#![allow(
    unsafe_code,
    reason = "the standard library has no socket without an address and no getsockopt"
)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use netghost_core::bytes::Text;

/// `IPT_SO_GET_INFO`, `IP6T_SO_GET_INFO`.
const GET_INFO: libc::c_int = 64;
/// `IPT_SO_GET_ENTRIES`, `IP6T_SO_GET_ENTRIES`.
const GET_ENTRIES: libc::c_int = 65;
/// `struct ipt_getinfo`; `ip6t_getinfo` is laid out alike.
const INFO_SIZE: usize = 84;
/// Where `size` stands in it.
const SIZE_AT: usize = 80;
/// `struct ipt_get_entries` before its entries: name, size, padding to 8.
const ENTRIES_HEADER: usize = 40;
/// `XT_TABLE_MAXNAMELEN`, with the NUL.
const NAME_SIZE: usize = 32;

/// A socket that is never bound or connected.
#[derive(Debug)]
pub(super) struct TableSocket {
    socket: OwnedFd,
    level: libc::c_int,
}

impl TableSocket {
    pub(super) fn open(ipv6: bool) -> io::Result<Self> {
        let (family, level) = if ipv6 {
            (libc::AF_INET6, libc::IPPROTO_IPV6)
        } else {
            (libc::AF_INET, libc::IPPROTO_IP)
        };
        // SAFETY: takes three numbers and no memory.
        let fd = unsafe { libc::socket(family, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just gave this descriptor to us alone.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { socket, level })
    }

    /// `struct ipt_getinfo` of a table that is there: the kernel makes one that isn't.
    pub(super) fn info(&self, name: &Text) -> io::Result<Vec<u8>> {
        let mut info = named(name, INFO_SIZE)?;
        self.get(GET_INFO, &mut info)?;
        Ok(info)
    }

    /// The entries of a table whose info is this.
    pub(super) fn entries(&self, name: &Text, info: &[u8]) -> io::Result<Vec<u8>> {
        let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let size: [u8; 4] = *info
            .get(SIZE_AT..)
            .and_then(<[u8]>::first_chunk)
            .ok_or_else(cut)?;
        let length = usize::try_from(u32::from_ne_bytes(size)).map_err(io::Error::other)?;
        let mut answer = named(name, ENTRIES_HEADER.checked_add(length).ok_or_else(cut)?)?;
        answer
            .get_mut(NAME_SIZE..NAME_SIZE + 4)
            .ok_or_else(cut)?
            .copy_from_slice(&size);
        self.get(GET_ENTRIES, &mut answer)?;
        answer.drain(..ENTRIES_HEADER);
        Ok(answer)
    }

    /// Fills the whole of `answer`, or fails.
    fn get(&self, option: libc::c_int, answer: &mut [u8]) -> io::Result<()> {
        let mut length = libc::socklen_t::try_from(answer.len()).map_err(io::Error::other)?;
        // SAFETY: the kernel writes at most `length` bytes to `answer`, which has that many, and the number to `length`.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                self.level,
                option,
                answer.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        let whole = usize::try_from(length) == Ok(answer.len());
        whole
            .then_some(())
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

/// A request of this size that begins with a table's name and its NUL.
fn named(name: &Text, size: usize) -> io::Result<Vec<u8>> {
    let bytes = name.as_bytes();
    if bytes.len() >= NAME_SIZE {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a table name of more than 31 bytes",
        ));
    }
    // Fresh pages are zero already, and a large request is nothing but those.
    let mut request = vec![0; size];
    for (to, from) in request.iter_mut().zip(bytes) {
        *to = *from;
    }
    Ok(request)
}
