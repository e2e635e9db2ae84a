//! The socket options by which tables are read (`linux/netfilter_bridge/ebtables.h`).
#![allow(unsafe_code, reason = "the kernel follows pointers in what it is asked with")]

use std::io;

use crate::table_socket;

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

/// Where tables are asked for.
#[derive(Debug)]
pub(super) struct TableSocket(table_socket::TableSocket);

impl TableSocket {
    pub(super) fn open() -> io::Result<Self> {
        table_socket::TableSocket::v4().map(Self)
    }

    /// Info, entries and counters of one table; `None` if it changed meanwhile. Asking makes a table that is not there.
    pub(super) fn table(&self, name: &str) -> Result<Option<[Vec<u8>; 3]>, Asked> {
        let mut request = name.as_bytes().to_vec();
        if request.len() >= NAME_SIZE {
            return Err(Asked::Failed(io::ErrorKind::InvalidInput.into()));
        }
        request.resize(REPLACE, 0);
        let mut info = request.clone();
        self.get(GET_INFO, &mut info)
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
        match self.get(GET_ENTRIES, &mut request) {
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

    /// Asks with a `struct ebt_replace` and room for all it points to: as much is what the kernel wants to hear.
    fn get(&self, option: libc::c_int, replace: &mut [u8]) -> io::Result<()> {
        // SAFETY: `replace` begins with a whole `struct ebt_replace`; nothing behind it is touched. Its pointers are null, or
        // lead to memory of the sizes that it names, which lives until this returns; the kernel refuses to write if the table
        // has another size than named.
        unsafe { self.0.get(option, replace) }.map(|_| ())
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
