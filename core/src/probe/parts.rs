//! What the tools of the host printed, part by part.
//!
//! ```text
//! netghost-probe-parts 1
//! part NUMBER NAME STATUS LENGTH SHA256 ERROR-LENGTH ERROR-SHA256
//! tool PATH
//! version WORDS
//! (standard output, a line feed, standard error, a line feed)
//! missing NUMBER NAME TOOL
//! skipped NUMBER NAME WORDS
//! parts-end COUNT
//! ```
//!
//! Numbers run from 1 without a gap, names come once, and the last line counts them: a part that is gone, twice, or out of its
//! place is an error.

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::bufread::GzDecoder;

use super::frame::{About, FrameError, Packing, intact};
use crate::artifact::json::Digest;
use crate::bytes::Text;

/// More than any host has to tell, unpacked.
const MOST_UNPACKED: u64 = 512 * 1024 * 1024;

/// Everything that the probe read of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parts(BTreeMap<String, Part>);

/// What came of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Its tool ran.
    Ran(Ran),
    /// There is no such tool on the host.
    Missing {
        /// Its name.
        tool: Text,
    },
    /// It was not asked for, because there is nothing to ask for.
    Skipped {
        /// How that is known.
        why: Text,
    },
}

/// What a tool printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Its path, or the file that was read.
    pub tool: Text,
    /// What it calls its version.
    pub version: Text,
    /// Its exit status, as the shell tells it.
    pub status: u8,
    /// Standard output, whole.
    pub output: Vec<u8>,
    /// Standard error; its first 4,000 bytes.
    pub error: Vec<u8>,
}

/// Why the parts are not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartsError {
    /// The bytes are not those that were packed.
    #[error(transparent)]
    Altered(#[from] FrameError),
    /// They can't be unpacked.
    #[error("it can't be unpacked: {why}")]
    Unpack {
        /// Why.
        why: String,
    },
    /// Not the form above.
    #[error("part {number} of what the probe read is not of its form: {why}")]
    Form {
        /// Where, from 1; 0 is the first line.
        number: usize,
        /// What is wrong.
        why: &'static str,
    },
}

impl Parts {
    /// Unpacks and takes apart what an answer brought.
    ///
    /// # Errors
    /// If it is not whole, or not of the form.
    pub fn unpack(about: &About, bytes: &[u8]) -> Result<Self, PartsError> {
        intact(bytes, about.length, about.digest)?;
        match about.packing {
            Packing::Plain => Self::parse(bytes),
            Packing::Gzip => Self::parse(&gunzip(bytes)?),
        }
    }

    /// Takes unpacked bytes apart.
    ///
    /// # Errors
    /// If they are not of the form.
    pub fn parse(bytes: &[u8]) -> Result<Self, PartsError> {
        let mut cursor = Cursor {
            rest: bytes,
            number: 0,
        };
        if cursor.line()? != "netghost-probe-parts 1" {
            return Err(cursor.wrong("the first line"));
        }
        let mut parts = BTreeMap::new();
        loop {
            cursor.number = cursor.number.saturating_add(1);
            let line = cursor.line()?;
            if let Some(count) = line.strip_prefix("parts-end ") {
                let counted = cursor.number.saturating_sub(1);
                return match (count == counted.to_string(), cursor.rest.is_empty()) {
                    (true, true) => Ok(Self(parts)),
                    (false, _) => Err(cursor.wrong("the count does not agree")),
                    (_, false) => Err(cursor.wrong("something follows the end")),
                };
            }
            let (name, part) = cursor.part(line)?;
            if parts.insert(name, part).is_some() {
                return Err(cursor.wrong("its name stands there twice"));
            }
        }
    }

    /// The part of this name.
    pub fn get(&self, name: &str) -> Option<&Part> {
        self.0.get(name)
    }
}

fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, PartsError> {
    let unpack = |why: String| PartsError::Unpack { why };
    let mut decoder = GzDecoder::new(bytes).take(MOST_UNPACKED);
    let mut out = Vec::new();
    decoder
        .read_to_end(&mut out)
        .map_err(|error| unpack(error.to_string()))?;
    if u64::try_from(out.len()).is_ok_and(|length| length >= MOST_UNPACKED) {
        return Err(unpack(format!("it is larger than {MOST_UNPACKED} bytes")));
    }
    match decoder.into_inner().into_inner() {
        [] => Ok(out),
        _ => Err(unpack("something follows its end".to_owned())),
    }
}

struct Cursor<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Cursor<'a> {
    fn wrong(&self, why: &'static str) -> PartsError {
        PartsError::Form {
            number: self.number,
            why,
        }
    }

    fn line(&mut self) -> Result<&'a str, PartsError> {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or_else(|| self.wrong("it ends before its end"))?;
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        std::str::from_utf8(line).map_err(|_| self.wrong("a line that is no text"))
    }

    /// A line that begins so; the words behind it.
    fn line_of(&mut self, word: &str) -> Result<Text, PartsError> {
        let line = self.line()?;
        let words = line.strip_prefix(word).and_then(|rest| rest.strip_prefix(' '));
        words
            .map(Text::from)
            .ok_or_else(|| self.wrong("a line of it is missing"))
    }

    fn part(&mut self, line: &str) -> Result<(String, Part), PartsError> {
        let (kind, rest) = line.split_once(' ').ok_or_else(|| self.wrong("its first line"))?;
        let (number, rest) = rest.split_once(' ').ok_or_else(|| self.wrong("its first line"))?;
        if number != self.number.to_string() {
            return Err(self.wrong("it is not in its place"));
        }
        let (name, rest) = rest.split_once(' ').ok_or_else(|| self.wrong("its first line"))?;
        let part = match kind {
            "part" => Part::Ran(self.ran(rest)?),
            "missing" => Part::Missing { tool: rest.into() },
            "skipped" => Part::Skipped { why: rest.into() },
            _ => return Err(self.wrong("its kind is not known")),
        };
        Ok((name.to_owned(), part))
    }

    fn ran(&mut self, words: &str) -> Result<Ran, PartsError> {
        let words: Vec<&str> = words.split(' ').collect();
        let [status, length, digest, error_length, error_digest] = words.as_slice() else {
            return Err(self.wrong("its first line"));
        };
        let status = status.parse().map_err(|_| self.wrong("its exit status"))?;
        let tool = self.line_of("tool")?;
        let version = self.line_of("version")?;
        let output = self.bytes(length, digest)?;
        let error = self.bytes(error_length, error_digest)?;
        Ok(Ran {
            tool,
            version,
            status,
            output,
            error,
        })
    }

    fn bytes(&mut self, length: &str, digest: &str) -> Result<Vec<u8>, PartsError> {
        let length: usize = length.parse().map_err(|_| self.wrong("its length"))?;
        let digest = Digest::parse(digest).ok_or_else(|| self.wrong("its digest"))?;
        let (bytes, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| self.wrong("it ends before its end"))?;
        self.rest = rest
            .strip_prefix(b"\n")
            .ok_or_else(|| self.wrong("its length does not agree"))?;
        intact(bytes, length, digest)?;
        Ok(bytes.to_vec())
    }
}
