//! The active security modules by system call, for hosts on which securityfs is not mounted (Linux 6.8).
#![allow(unsafe_code, reason = "the standard library has no call for it")]

use std::io;

/// `__NR_lsm_list_modules`, one number on all architectures.
const LIST: libc::c_long = 461;
/// More than there are modules.
const ROOM: usize = 64;

/// `LSM_ID_*` (`linux/lsm.h`), with the names that securityfs shows.
const NAMES: [(u64, &str); 14] = [
    (100, "capability"),
    (101, "selinux"),
    (102, "smack"),
    (103, "tomoyo"),
    (104, "apparmor"),
    (105, "yama"),
    (106, "loadpin"),
    (107, "safesetid"),
    (108, "lockdown"),
    (109, "bpf"),
    (110, "landlock"),
    (111, "ima"),
    (112, "evm"),
    (113, "ipe"),
];

/// Their names, divided by commas.
pub(super) fn modules() -> io::Result<String> {
    let mut ids = [0u64; ROOM];
    let mut size = u32::try_from(size_of_val(&ids)).map_err(io::Error::other)?;
    // SAFETY: the kernel writes at most `size` bytes to `ids`, which has that many, and the number needed to `size`.
    let count = unsafe { libc::syscall(LIST, ids.as_mut_ptr(), &raw mut size, 0u32) };
    if count < 0 {
        return Err(io::Error::last_os_error());
    }
    let count = usize::try_from(count).map_err(io::Error::other)?;
    let ids = ids.get(..count).ok_or(io::ErrorKind::UnexpectedEof)?;
    let names: io::Result<Vec<&str>> = ids.iter().map(|id| name(*id)).collect();
    Ok(names?.join(","))
}

/// A module that this version does not know may be one that refuses.
fn name(id: u64) -> io::Result<&'static str> {
    let known = NAMES.iter().find(|(known, _)| *known == id);
    known
        .map(|(_, name)| *name)
        .ok_or_else(|| io::Error::other(format!("a security module of the unknown number {id}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_module_is_no_harmless_one() {
        assert_eq!(name(104).unwrap(), "apparmor");
        assert!(name(999).is_err());
    }
}
