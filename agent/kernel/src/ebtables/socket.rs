//! The socket options by which tables are read (`linux/netfilter_bridge/ebtables.h`).
#![allow(
    unsafe_code,
    reason = "the standard library has no socket without an address and no getsockopt"
)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// `EBT_SO_GET_INFO`; the next number asks for the entries.
const GET_INFO: libc::c_int = 128;
const GET_ENTRIES: libc::c_int = 129;
/// `struct ebt_replace` on 64-bit kernels.
const REPLACE: usize = 120;
/// What of it holds no pointer.
const INFO: usize = 48;
const NAME_SIZE: usize = 32;
/// `nentries`, `entries_size`, `num_counters`, `counters`, `entries`.
const ENTRIES_AT: usize = 36;
const SIZE_AT: usize = 40;
const COUNTED_AT: usize = 96;
const COUNTERS_AT: usize = 104;
const POINTER_AT: usize = 112;
/// `struct ebt_counter`.
const COUNTER: usize = 16;

/// Why a table could not be had.
#[derive(Debug)]
pub(super) enum Asked {
    /// The kernel does not know the option.
    NotThere,
    Failed(io::Error),
}

/// A socket that is never bound or connected.
#[derive(Debug)]
pub(super) struct TableSocket(OwnedFd);

impl TableSocket {
    pub(super) fn open() -> io::Result<Self> {
        // SAFETY: takes three numbers and no memory.
        let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just gave this descriptor to us alone.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Info, entries and counters of one table; `None` if it changed meanwhile. Asking makes a table that is not there.
    pub(super) fn table(&self, name: &str) -> Result<Option<[Vec<u8>; 3]>, Asked> {
        let mut request = name.as_bytes().to_vec();
        if request.len() >= NAME_SIZE {
            return Err(Asked::Failed(io::ErrorKind::InvalidInput.into()));
        }
        request.resize(REPLACE, 0);
        let mut info = request.clone();
        self.get(GET_INFO, &mut info, REPLACE)
            .map_err(|error| match error.raw_os_error() {
                Some(libc::ENOPROTOOPT) => Asked::NotThere,
                _ => Asked::Failed(error),
            })?;
        let (count, size) = (word(&info, ENTRIES_AT), word(&info, SIZE_AT));
        let (count, size) = count
            .zip(size)
            .ok_or(Asked::Failed(io::ErrorKind::UnexpectedEof.into()))?;
        let mut entries = vec![0_u8; size];
        let mut counters = vec![0_u8; count.saturating_mul(COUNTER)];
        request
            .get_mut(..INFO)
            .into_iter()
            .zip(info.get(..INFO))
            .for_each(|(to, from)| to.copy_from_slice(from));
        put(
            &mut request,
            COUNTED_AT,
            info.get(ENTRIES_AT..ENTRIES_AT + 4).unwrap_or_default(),
        );
        put(
            &mut request,
            COUNTERS_AT,
            &(counters.as_mut_ptr() as usize).to_ne_bytes(),
        );
        put(
            &mut request,
            POINTER_AT,
            &(entries.as_mut_ptr() as usize).to_ne_bytes(),
        );
        let whole = REPLACE + entries.len() + counters.len();
        // A program at the cgroup may copy as much as is named here, and back.
        request.resize(whole, 0);
        match self.get(GET_ENTRIES, &mut request, whole) {
            Ok(()) => {}
            // The table is of another size than it was.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EAGAIN)) => {
                return Ok(None);
            }
            Err(error) => return Err(Asked::Failed(error)),
        }
        info.truncate(INFO);
        Ok(Some([info, entries, counters]))
    }

    /// Asks with a `struct ebt_replace`. `length` is what the kernel wants to hear: the structure and all it points to.
    fn get(&self, option: libc::c_int, replace: &mut [u8], length: usize) -> io::Result<()> {
        let mut length = libc::socklen_t::try_from(length).map_err(io::Error::other)?;
        // SAFETY: `replace` has `length` bytes and begins with a whole `struct ebt_replace`; nothing behind it is touched.
        // Its pointers are null, or lead to memory of the sizes that it names, which lives until this returns; the kernel
        // refuses to write if the table has another size than named.
        let result = unsafe {
            libc::getsockopt(
                self.0.as_raw_fd(),
                libc::IPPROTO_IP,
                option,
                replace.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..)?.first_chunk::<4>()?;
    usize::try_from(u32::from_ne_bytes(*word)).ok()
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}
