//! What goes over the sockets: frames of a length (four bytes, big-endian) and that many bytes.

use std::io::{self, Read, Write};

use netghost_core::artifact::json;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a frame of at most so many bytes. Memory grows with what comes, not with what is stated.
///
/// # Errors
/// The connection's; `InvalidData` for a longer one.
pub fn read(from: &mut impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > most {
        let why = format!("{length} bytes are more than the {most} that are taken");
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    let mut bytes = Vec::new();
    from.take(u64::try_from(length).unwrap_or(u64::MAX))
        .read_to_end(&mut bytes)?;
    match bytes.len() == length {
        true => Ok(bytes),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Writes a frame, at once.
///
/// # Errors
/// The connection's.
pub fn write(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend_from_slice(bytes);
    to.write_all(&frame)?;
    to.flush()
}

/// Reads a value.
///
/// # Errors
/// As [`read`]; `InvalidData` for what is not of the form.
pub fn take<T: DeserializeOwned>(from: &mut impl Read, most: usize) -> io::Result<T> {
    let bytes = read(from, most)?;
    serde_json::from_slice(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Writes a value, as canonical JSON: whoever passes it on takes nothing else for an answer.
///
/// # Errors
/// As [`write`].
pub fn give<T: Serialize>(to: &mut impl Write, value: &T) -> io::Result<()> {
    write(to, &json::to_vec(value).map_err(io::Error::other)?)
}
