//! The socket options by which tables are read (`linux/netfilter_ipv4/ip_tables.h`, `linux/netfilter_ipv6/ip6_tables.h`,
//! `linux/netfilter_arp/arp_tables.h`).
#![allow(unsafe_code, reason = "the kernel fills what it is asked with")]

use std::io;

use netghost_core::bytes::Text;
use netghost_core::netfilter::model::Family;

use crate::table_socket;

/// `IPT_SO_GET_INFO`, `IP6T_SO_GET_INFO`; the next number asks for the entries.
const GET_INFO: libc::c_int = 64;
/// `ARPT_SO_GET_INFO`; likewise.
const GET_INFO_ARP: libc::c_int = 96;
/// `struct ipt_getinfo`; `ip6t_getinfo` is laid out alike.
const INFO_SIZE: usize = 84;
/// `struct arpt_getinfo`, which has three hooks instead of five.
const INFO_SIZE_ARP: usize = 68;
/// How far from the end of both `size` stands.
const SIZE_FROM_END: usize = 4;
/// `struct ipt_get_entries` before its entries: name, size, padding to 8.
const ENTRIES_HEADER: usize = 40;
/// `XT_TABLE_MAXNAMELEN`, with the NUL.
const NAME_SIZE: usize = 32;

/// Where the tables of a family are asked for.
#[derive(Debug)]
pub(super) struct TableSocket {
    socket: table_socket::TableSocket,
    get_info: libc::c_int,
    info_size: usize,
}

impl TableSocket {
    pub(super) fn open(family: Family) -> io::Result<Self> {
        let socket = match family {
            Family::Ip6 => table_socket::TableSocket::v6()?,
            // Those of ARP are options of IPv4 too.
            _ => table_socket::TableSocket::v4()?,
        };
        let (get_info, info_size) = match family {
            Family::Arp => (GET_INFO_ARP, INFO_SIZE_ARP),
            _ => (GET_INFO, INFO_SIZE),
        };
        Ok(Self {
            socket,
            get_info,
            info_size,
        })
    }

    /// `struct ipt_getinfo` of a table that is there: the kernel makes one that isn't.
    pub(super) fn info(&self, name: &Text) -> io::Result<Vec<u8>> {
        let mut info = named(name, self.info_size)?;
        self.get(self.get_info, &mut info)?;
        Ok(info)
    }

    /// The entries of a table whose info is this.
    pub(super) fn entries(&self, name: &Text, info: &[u8]) -> io::Result<Vec<u8>> {
        let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let length = size(info).ok_or_else(cut)?;
        let word = u32::try_from(length).map_err(io::Error::other)?;
        let mut answer = named(name, ENTRIES_HEADER.checked_add(length).ok_or_else(cut)?)?;
        in_large_pages(&answer);
        answer
            .get_mut(NAME_SIZE..NAME_SIZE + 4)
            .ok_or_else(cut)?
            .copy_from_slice(&word.to_ne_bytes());
        self.get(self.get_info + 1, &mut answer)?;
        answer.drain(..ENTRIES_HEADER);
        Ok(answer)
    }

    /// Fills the whole of `answer`, or fails.
    fn get(&self, option: libc::c_int, answer: &mut [u8]) -> io::Result<()> {
        // SAFETY: neither `struct ipt_getinfo` nor `struct ipt_get_entries` nor their like hold a pointer.
        let filled = unsafe { self.socket.get(option, answer) }?;
        let whole = filled == answer.len();
        whole
            .then_some(())
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

/// The size of a table's entries in bytes, by its info.
pub(super) fn size(info: &[u8]) -> Option<usize> {
    let at = info.len().checked_sub(SIZE_FROM_END)?;
    let size: [u8; 4] = *info.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_ne_bytes(size)).ok()
}

/// Below this size ordinary pages are as good.
const LARGE: usize = 8 << 20;
/// A large page of x86-64; where they are larger the kernel takes what fits.
const PAGE: usize = 2 << 20;

/// Tells the kernel that memory which is about to be filled may be of large pages: it need not be made page by page then. A quarter
/// of the time that reading a large table takes (measured).
fn in_large_pages(memory: &[u8]) {
    if memory.len() < LARGE {
        return;
    }
    let start = memory.as_ptr().addr();
    let first = start.next_multiple_of(PAGE);
    let length = (start + memory.len()).saturating_sub(first) / PAGE * PAGE;
    let first = memory.as_ptr().wrapping_add(first - start).cast_mut().cast();
    // SAFETY: these whole pages lie within `memory`; the advice changes nothing of what they hold. It may be refused: then all
    // stays as it is.
    let _refused = unsafe { libc::madvise(first, length, libc::MADV_HUGEPAGE) };
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
