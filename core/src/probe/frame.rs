//! The frames around an answer of the probe: a first line, and a last line that says the same again.
//!
//! ```text
//! netghost-probe 1 WORDS
//! (the bytes, then a line feed; or base64)
//! netghost-probe-end WORDS
//! ```
//!
//! The words are `stream PACKING LENGTH SHA256`, `kept PACKING LENGTH SHA256 PIECES`, `removed`, `failed` with a reason, or
//! `piece NUMBER PIECES PACKING LENGTH SHA256 PIECE-LENGTH PIECE-SHA256`.
//!
//! Lines before the first are what a login shell of the host printed by itself; behind the last there is nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::script::{MOST_PIECES, PieceNumber};
use crate::artifact::json::Digest;
use crate::bytes::Text;

const BEGIN: &[u8] = b"netghost-probe ";
/// With the version of the frames.
const FIRST: &str = "netghost-probe 1 ";
const END: &[u8] = b"netghost-probe-end";
/// As much as a login shell may print before the answer.
const MOST_NOISE: usize = 64 * 1024;

/// How the bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// By gzip.
    Gzip,
    /// Not at all: the host has no gzip.
    Plain,
}

/// What an answer says of everything that was read, before it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// How it is packed.
    pub packing: Packing,
    /// Its bytes, packed.
    pub length: usize,
    /// Their SHA-256.
    pub digest: Digest,
}

/// An answer whose frame is whole and whose bytes are those that were printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Everything.
    Stream {
        /// What it says of itself.
        about: About,
        /// The packed bytes.
        bytes: Vec<u8>,
    },
    /// It is kept on the host.
    Kept {
        /// What is kept.
        about: About,
        /// In how many pieces it is read: any number, more than [`MOST_PIECES`] too.
        pieces: u64,
    },
    /// One piece of it.
    Piece {
        /// Which.
        number: PieceNumber,
        /// Of how many.
        pieces: u64,
        /// Of what.
        about: About,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// Nothing is kept any more.
    Removed,
}

/// Why an answer is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Neither of the two lines is there.
    #[error("there is no answer of the probe in {length} bytes of output{}", shown(.beginning))]
    Nothing {
        /// The bytes that came instead.
        length: usize,
        /// The first of them.
        beginning: Text,
    },
    /// The last line is there and the first is not: only the end was kept.
    #[error("the beginning of the answer was cut off")]
    BeginningCut,
    /// The last line is not there.
    #[error("the end of the answer is missing")]
    EndCut,
    /// The probe itself says that it could not do its work.
    #[error("the probe could not read the host: {why}")]
    Failed {
        /// In its words.
        why: Text,
    },
    /// A first line that this version does not know.
    #[error("the answer's first line is not known: {line}")]
    Unknown {
        /// It.
        line: Text,
    },
    /// The two lines contradict each other, or something follows the last.
    #[error("the answer's last line does not belong to its first: {line}")]
    Disagree {
        /// The last line.
        line: Text,
    },
    /// More or fewer bytes than the first line says.
    #[error("the answer has {found} bytes where its frame says {stated}")]
    Length {
        /// What the frame says.
        stated: usize,
        /// What is there.
        found: usize,
    },
    /// Other bytes than those that were printed.
    #[error("the answer was altered: its SHA-256 is {found} where its frame says {stated}")]
    Digest {
        /// What the frame says.
        stated: Digest,
        /// That of the bytes.
        found: Digest,
    },
    /// A piece that is no base64.
    #[error("the answer was altered: it is no base64")]
    Base64,
}

fn shown(beginning: &Text) -> String {
    if beginning.is_empty() {
        String::new()
    } else {
        format!(", which begin {beginning}")
    }
}

/// An answer taken out of its frame.
///
/// # Errors
/// If anything about it is not as the probe prints it.
pub fn answer(output: &[u8]) -> Result<Answer, FrameError> {
    let begin = begin(output)?;
    let from_begin = output.get(begin..).unwrap_or_default();
    let (first, rest) = line(from_begin).ok_or(FrameError::EndCut)?;
    let unknown = || FrameError::Unknown {
        line: Text::from(first.get(..first.len().min(200)).unwrap_or_default()),
    };
    let words = std::str::from_utf8(first)
        .ok()
        .and_then(|first| first.strip_prefix(FIRST));
    let words = words.ok_or_else(unknown)?;
    let end = format!("netghost-probe-end {words}");
    if let Some(why) = words.strip_prefix("failed ") {
        expect_end(rest, &end)?;
        return Err(FrameError::Failed { why: why.into() });
    }
    let words: Vec<&str> = words.split(' ').collect();
    match words.as_slice() {
        ["stream", about @ ..] => stream(self::about(about).ok_or_else(unknown)?, rest, &end),
        ["kept", about @ .., pieces] => {
            let (about, pieces) = self::about(about).zip(number(pieces)).ok_or_else(unknown)?;
            expect_end(rest, &end)?;
            Ok(Answer::Kept { about, pieces })
        }
        ["piece", piece, pieces, about @ .., length, digest] => {
            let about = self::about(about).ok_or_else(unknown)?;
            let piece = number(piece).and_then(|piece| u8::try_from(piece).ok());
            let number = piece.and_then(PieceNumber::new).zip(number(pieces));
            let own = size(length).zip(Digest::parse(digest));
            let ((number, pieces), own) = number.zip(own).ok_or_else(unknown)?;
            let bytes = piece_bytes(own, rest, &end)?;
            Ok(Answer::Piece {
                number,
                pieces,
                about,
                bytes,
            })
        }
        ["removed"] => {
            expect_end(rest, &end)?;
            Ok(Answer::Removed)
        }
        _ => Err(unknown()),
    }
}

/// Where the first line begins, behind whole lines that are not ours.
fn begin(output: &[u8]) -> Result<usize, FrameError> {
    let mut at = 0;
    while at <= MOST_NOISE {
        let rest = output.get(at..).unwrap_or_default();
        if rest.starts_with(BEGIN) {
            return Ok(at);
        }
        if rest.starts_with(END) {
            return Err(FrameError::BeginningCut);
        }
        match line(rest) {
            Some((line, _)) => at = at.saturating_add(line.len()).saturating_add(1),
            None => break,
        }
    }
    // A tail that was kept has its end, if nothing else.
    let last = output.trim_ascii_end().rsplit(|byte| *byte == b'\n').next();
    if last.is_some_and(|last| last.starts_with(END)) {
        return Err(FrameError::BeginningCut);
    }
    Err(FrameError::Nothing {
        length: output.len(),
        beginning: Text::from(output.get(..output.len().min(80)).unwrap_or_default()),
    })
}

fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((bytes.get(..end)?, bytes.get(end.saturating_add(1)..)?))
}

/// The packing, the length, and the digest.
fn about(words: &[&str]) -> Option<About> {
    let [packing, length, digest] = words else {
        return None;
    };
    let packing = match *packing {
        "gzip" => Packing::Gzip,
        "plain" => Packing::Plain,
        _ => return None,
    };
    Some(About {
        packing,
        length: size(length)?,
        digest: Digest::parse(digest)?,
    })
}

/// Digits alone: no sign, no leading zero.
fn number(word: &str) -> Option<u64> {
    let number: u64 = word.parse().ok()?;
    (number.to_string() == word).then_some(number)
}

fn size(word: &str) -> Option<usize> {
    usize::try_from(number(word)?).ok()
}

/// Exactly the last line, and nothing behind it but white space.
fn expect_end(rest: &[u8], end: &str) -> Result<(), FrameError> {
    let found = rest.trim_ascii_end();
    if found == end.as_bytes() {
        return Ok(());
    }
    // A part of it, or nothing: the rest did not come.
    if end.as_bytes().starts_with(found) {
        return Err(FrameError::EndCut);
    }
    Err(FrameError::Disagree {
        line: Text::from(found.get(..found.len().min(200)).unwrap_or_default()),
    })
}

fn stream(about: About, rest: &[u8], end: &str) -> Result<Answer, FrameError> {
    let Some((bytes, behind)) = rest.split_at_checked(about.length) else {
        return Err(FrameError::EndCut);
    };
    match behind.strip_prefix(b"\n") {
        Some(behind) => expect_end(behind, end)?,
        None if behind.is_empty() => return Err(FrameError::EndCut),
        None => {
            return Err(FrameError::Disagree {
                line: Text::from(behind.get(..behind.len().min(80)).unwrap_or_default()),
            });
        }
    }
    intact(bytes, about.length, about.digest)?;
    Ok(Answer::Stream {
        about,
        bytes: bytes.to_vec(),
    })
}

/// The bytes of a piece, from lines of base64.
fn piece_bytes((length, digest): (usize, Digest), rest: &[u8], end: &str) -> Result<Vec<u8>, FrameError> {
    let at = rest.windows(END.len()).position(|window| window == END);
    let (body, last) = at
        .and_then(|at| rest.split_at_checked(at))
        .ok_or(FrameError::EndCut)?;
    expect_end(last, end)?;
    let letters: Vec<u8> = body
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let bytes = STANDARD.decode(letters).map_err(|_| FrameError::Base64)?;
    intact(&bytes, length, digest)?;
    Ok(bytes)
}

/// Whether bytes are those that a frame speaks of.
///
/// # Errors
/// If they are not.
pub(super) fn intact(bytes: &[u8], stated: usize, digest: Digest) -> Result<(), FrameError> {
    if bytes.len() != stated {
        return Err(FrameError::Length {
            stated,
            found: bytes.len(),
        });
    }
    match Digest::of(bytes) {
        found if found == digest => Ok(()),
        found => Err(FrameError::Digest {
            stated: digest,
            found,
        }),
    }
}

/// True if so many pieces are read one by one.
pub(super) fn can_be_read(pieces: u64) -> bool {
    (1..=u64::from(MOST_PIECES)).contains(&pieces)
}
