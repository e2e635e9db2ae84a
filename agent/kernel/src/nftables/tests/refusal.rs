//! What a refusal proves, against a scripted kernel.

use std::io;

use super::*;

const PORT: u32 = 7;

/// Answers every request with this error.
struct Refusing {
    errno: i32,
    sequence: [u8; 4],
}

impl Link for Refusing {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.sequence.copy_from_slice(&message[8..12]);
        Ok(())
    }

    /// `struct nlmsghdr` of type `NLMSG_ERROR`, then `struct nlmsgerr`: the error and the header of the request.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut answer = vec![0; 36];
        answer[..4].copy_from_slice(&36u32.to_ne_bytes());
        answer[4..6].copy_from_slice(&2u16.to_ne_bytes());
        answer[8..12].copy_from_slice(&self.sequence);
        answer[12..16].copy_from_slice(&PORT.to_ne_bytes());
        answer[16..20].copy_from_slice(&(-self.errno).to_ne_bytes());
        buffer[..36].copy_from_slice(&answer);
        Ok(36)
    }
}

fn socket(errno: i32) -> Socket<Refusing> {
    let sequence = [0; 4];
    Socket::over(Refusing { errno, sequence }, PORT)
}

#[test]
fn only_the_generation_proves_that_there_is_no_nf_tables() {
    for errno in [libc::EINVAL, libc::EOPNOTSUPP] {
        assert!(matches!(known(&mut socket(errno)), Err(Unread::Absent)));
    }
    let denied = known(&mut socket(libc::EPERM));
    assert!(matches!(denied, Err(Unread::Failed(DumpError::Refused { errno })) if errno == libc::EPERM));
}

/// A kernel that has tables may still not know flowtables.
#[test]
fn a_request_that_is_refused_later_is_an_error_and_not_an_empty_ruleset() {
    let mut socket = socket(libc::EINVAL);
    let mut reading = Reading {
        socket: &mut socket,
        moved: false,
    };
    assert!(matches!(reading.all(), Err(DumpError::Refused { .. })));
    let failed = Unread::from(DumpError::Refused { errno: libc::EINVAL });
    assert!(matches!(failed, Unread::Failed(_)));
}

/// What a list named may be gone when it is asked for: the pass goes on, and is not whole.
#[test]
fn a_table_that_vanishes_midway_makes_the_pass_not_whole() {
    let mut socket = socket(libc::ENOENT);
    let mut reading = Reading {
        socket: &mut socket,
        moved: false,
    };
    assert_eq!(reading.all().unwrap(), []);
    assert!(reading.moved);
}
