//! What goes over the sockets: frames, and JSON in them.

use std::io::{self, Read, Write};

use netghost_core::artifact::json;
use netghost_kernel::frames;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a frame of at most so many bytes.
///
/// # Errors
/// The connection's; `InvalidData` for a longer one.
pub fn read(from: &mut impl Read, most: usize) -> io::Result<Vec<u8>> {
    Ok(frames::read(from, most)?)
}

/// Writes a frame.
///
/// # Errors
/// The connection's.
pub fn write(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    frames::write(to, bytes)
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
