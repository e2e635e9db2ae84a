//! The system call `bpf` (`union bpf_attr`, `linux/bpf.h`), as far as it only reads.
#![allow(unsafe_code, reason = "the standard library has no call for it")]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Room for every field that is used here; the kernel takes zeros behind what it knows.
const ATTRIBUTES: usize = 128;
/// The kernel attaches at most 64 programs at one place (`BPF_CGROUP_MAX_PROGS`, `BPF_MPROG_MAX`).
const PROGRAMS: u32 = 64;

// `enum bpf_cmd`.
const PROGRAM_NEXT: libc::c_int = 11;
const PROGRAM_OPEN: libc::c_int = 13;
const INFORMATION: libc::c_int = 15;
const QUERY: libc::c_int = 16;
const LINK_OPEN: libc::c_int = 30;
const LINK_NEXT: libc::c_int = 31;

/// What is attached at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attached {
    /// `attach_flags`.
    pub(super) flags: u32,
    /// Program ids, in the order in which they run.
    pub(super) programs: Vec<u32>,
}

/// Fields of `union bpf_attr`, in host order.
struct Attributes([u8; ATTRIBUTES]);

impl Attributes {
    fn new(fields: &[(usize, u32)]) -> Self {
        let mut attributes = Self([0; ATTRIBUTES]);
        for (at, value) in fields {
            attributes.put(*at, &value.to_ne_bytes());
        }
        attributes
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        if let Some(field) = self.0.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len())) {
            field.copy_from_slice(bytes);
        }
    }

    /// Where the kernel is to write what does not fit here. The buffer must outlive the call.
    fn put_buffer(&mut self, at: usize, buffer: &mut [u32]) -> io::Result<()> {
        let address = u64::try_from(buffer.as_mut_ptr().addr()).map_err(io::Error::other)?;
        self.put(at, &address.to_ne_bytes());
        Ok(())
    }

    fn get(&self, at: usize) -> u32 {
        let field = self.0.get(at..).and_then(<[u8]>::first_chunk);
        field.copied().map_or(0, u32::from_ne_bytes)
    }

    /// # Safety
    /// Every address in a field that this command takes as one must be of memory that the kernel may write, as much of it
    /// as the fields say.
    unsafe fn call(&mut self, command: libc::c_int) -> io::Result<libc::c_long> {
        // SAFETY: the attributes are as long as said, and their addresses are the caller's promise.
        let result = unsafe { libc::syscall(libc::SYS_bpf, command, self.0.as_mut_ptr(), ATTRIBUTES) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(result)
    }
}

/// Which programs are attached to `target`, the index of a link or a descriptor of a control group or namespace, by
/// `attach_type`. `own_flags`: the kernel wants room for the flags of each program too.
pub(super) fn query(target: u32, attach_type: u32, own_flags: bool) -> io::Result<Attached> {
    let mut ids = [0u32; PROGRAMS as usize];
    let mut flags = [0u32; PROGRAMS as usize];
    let mut attributes = Attributes::new(&[(0, target), (4, attach_type), (24, PROGRAMS)]);
    attributes.put_buffer(16, &mut ids)?;
    if own_flags {
        attributes.put_buffer(32, &mut flags)?;
    }
    // SAFETY: both buffers live to the end of this function and have room for as many numbers as the count says.
    unsafe { attributes.call(QUERY)? };
    let count = usize::try_from(attributes.get(24)).map_err(io::Error::other)?;
    let programs = ids.get(..count).ok_or(io::ErrorKind::UnexpectedEof)?.to_vec();
    Ok(Attached {
        flags: attributes.get(12),
        programs,
    })
}

/// `struct bpf_prog_info` of a program, without instructions.
pub(super) fn program(id: u32) -> io::Result<Vec<u8>> {
    information(&open(PROGRAM_OPEN, id)?)
}

/// `struct bpf_link_info` of a link.
pub(super) fn link(id: u32) -> io::Result<Vec<u8>> {
    information(&open(LINK_OPEN, id)?)
}

/// The id of the link behind this one; `None` behind the last.
pub(super) fn link_after(id: u32) -> io::Result<Option<u32>> {
    after(LINK_NEXT, id)
}

/// Whether the kernel has the call at all.
pub(super) fn is_there() -> bool {
    !matches!(after(PROGRAM_NEXT, 0), Err(error) if error.raw_os_error() == Some(libc::ENOSYS))
}

fn after(command: libc::c_int, id: u32) -> io::Result<Option<u32>> {
    let mut attributes = Attributes::new(&[(0, id)]);
    // SAFETY: the command takes no address.
    match unsafe { attributes.call(command) } {
        Ok(_) => Ok(Some(attributes.get(4))),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

fn open(command: libc::c_int, id: u32) -> io::Result<OwnedFd> {
    let mut attributes = Attributes::new(&[(0, id)]);
    // SAFETY: the command takes no address.
    let fd = unsafe { attributes.call(command)? };
    let fd = libc::c_int::try_from(fd).map_err(io::Error::other)?;
    // SAFETY: the kernel just gave this descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Zero lengths of what a program could show further (instructions, maps) ask for none of it.
fn information(object: &OwnedFd) -> io::Result<Vec<u8>> {
    const WORDS: usize = 64;
    let mut room = [0u32; WORDS];
    let fd = u32::try_from(object.as_raw_fd()).map_err(io::Error::other)?;
    let length = u32::try_from(size_of_val(&room)).map_err(io::Error::other)?;
    let mut attributes = Attributes::new(&[(0, fd), (4, length)]);
    attributes.put_buffer(8, &mut room)?;
    // SAFETY: `room` lives to the end of this function and is as long as said.
    unsafe { attributes.call(INFORMATION)? };
    let written = usize::try_from(attributes.get(4)).map_err(io::Error::other)?;
    let bytes: Vec<u8> = room.iter().flat_map(|word| word.to_ne_bytes()).collect();
    Ok(bytes.get(..written).unwrap_or(&bytes).to_vec())
}
