//! How netghost's processes on one host speak with each other: over a socket, in frames of a length (four bytes, big-endian) and that
//! many bytes, with an end however slow the other side is, and only with users who may.

use std::io::{self, Read, Write};

mod timed;

pub use timed::Timed;

/// Why there is no frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// It could not be read, or took too long.
    #[error("the connection")]
    Connection(#[source] io::Error),
    /// It is longer than anything that is taken.
    #[error("{length} bytes are more than the {most} that are taken")]
    TooLong {
        /// What it states.
        length: usize,
        /// What is taken.
        most: usize,
    },
}

impl From<FrameError> for io::Error {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Connection(error) => error,
            FrameError::TooLong { .. } => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}

/// Reads a frame of at most so many bytes. Memory grows with what comes, not with what is stated.
///
/// # Errors
/// [`FrameError`].
pub fn read(from: &mut impl Read, most: usize) -> Result<Vec<u8>, FrameError> {
    let mut length = [0; 4];
    from.read_exact(&mut length).map_err(FrameError::Connection)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > most {
        return Err(FrameError::TooLong { length, most });
    }
    let mut bytes = Vec::new();
    from.take(u64::try_from(length).unwrap_or(u64::MAX))
        .read_to_end(&mut bytes)
        .map_err(FrameError::Connection)?;
    match bytes.len() == length {
        true => Ok(bytes),
        false => Err(FrameError::Connection(io::ErrorKind::UnexpectedEof.into())),
    }
}

/// Writes a frame.
///
/// # Errors
/// The connection's; `InvalidInput` for one that has no length.
pub fn write(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(bytes)?;
    to.flush()
}

/// The number of a user of `/etc/passwd` (passwd(5)).
pub fn uid(users: &str, name: &str) -> Option<u32> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_the_number_of_its_own_line() {
        let users = "root:x:0:0::/root:/bin/sh\nnetghost-controller:x:997:997::/:/x\nnetghost:x:998:998::/:/x\nbad:x\n";
        assert_eq!(uid(users, "netghost"), Some(998));
        assert_eq!(uid(users, "nobody"), None);
        assert_eq!(uid(users, "bad"), None);
    }

    #[test]
    fn a_frame_comes_back_or_is_none() {
        let mut bytes = Vec::new();
        write(&mut bytes, b"abc").unwrap();
        assert_eq!(bytes, b"\0\0\0\x03abc");
        assert_eq!(read(&mut bytes.as_slice(), 3).unwrap(), b"abc");
        assert!(matches!(
            read(&mut bytes.as_slice(), 2),
            Err(FrameError::TooLong { length: 3, most: 2 })
        ));
        for cut in 0..bytes.len() {
            assert!(read(&mut &bytes[..cut], 3).is_err(), "cut at {cut}");
        }
    }
}
