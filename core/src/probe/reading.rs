//! Which scripts run one after the other, and what their answers make together.

use super::carrier::Keeps;
use super::frame::{self, About, Answer, FrameError};
use super::parts::{Parts, PartsError};
use super::script::{MOST_PIECES, PieceNumber, Script};

/// A way must keep this many bytes of an answer for its pieces to fit.
pub(super) const ANSWER_BYTES: usize = 4_096;

/// One reading of a host: a decision without input or output. Ask [`Reading::script`] for the script to run, hand its answer to
/// [`Reading::take`], and go on until there is none.
///
/// An answer that is not taken changes nothing, so the script may run again.
#[derive(Debug, Clone)]
pub struct Reading(State);

#[derive(Debug, Clone)]
enum State {
    Stream,
    Keep,
    Pieces {
        about: About,
        pieces: u64,
        next: PieceNumber,
        bytes: Vec<u8>,
    },
    Remove(Box<Result<Parts, PartsError>>),
    Done(Box<Result<Parts, PartsError>>),
}

/// Why a reading can't go on with an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadingError {
    /// The answer is not whole.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// What is whole does not add up.
    #[error(transparent)]
    Parts(#[from] PartsError),
    /// An answer to another script than the one that ran.
    #[error("the answer is to another script than the one that ran")]
    OtherScript,
    /// What is kept on the host is no longer what was read first.
    #[error("what is kept on the host was replaced while it was read: another reading is under way")]
    Replaced,
    /// More than is read in pieces.
    #[error("the host has {pieces} pieces to tell where {MOST_PIECES} are read one by one: read it by ssh")]
    TooLarge {
        /// How many.
        pieces: u64,
    },
    /// A way that keeps less of an answer than a piece has.
    #[error("a piece needs {ANSWER_BYTES} bytes of an answer, and {kept} are kept")]
    TooNarrow {
        /// What it keeps.
        kept: usize,
    },
    /// It was asked for its result too early.
    #[error("the reading has not ended")]
    NotEnded,
}

impl ReadingError {
    /// True if the same script may bring a better answer.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Frame(error) if !matches!(error, FrameError::Failed { .. } | FrameError::Unknown { .. }))
            || matches!(self, Self::OtherScript)
    }
}

impl Reading {
    /// A reading by a way that keeps so much of an answer.
    ///
    /// # Errors
    /// If it keeps too little for a piece.
    pub fn new(keeps: Keeps) -> Result<Self, ReadingError> {
        match keeps {
            Keeps::Everything => Ok(Self(State::Stream)),
            Keeps::Tail(kept) if kept < ANSWER_BYTES => Err(ReadingError::TooNarrow { kept }),
            Keeps::Tail(_) => Ok(Self(State::Keep)),
        }
    }

    /// The script that runs next; none at the end.
    pub fn script(&self) -> Option<Script> {
        match &self.0 {
            State::Stream => Some(Script::Stream),
            State::Keep => Some(Script::Keep),
            State::Pieces { next, .. } => Some(Script::Piece(*next)),
            State::Remove(_) => Some(Script::Remove),
            State::Done(_) => None,
        }
    }

    /// True if something is kept on the host, which [`Script::Remove`] removes: whoever gives up runs it.
    pub fn leaves_something(&self) -> bool {
        matches!(self.0, State::Keep | State::Pieces { .. } | State::Remove(_))
    }

    /// Takes the answer to [`Reading::script`].
    ///
    /// # Errors
    /// If it is not whole, or not what belongs there.
    pub fn take(&mut self, output: &[u8]) -> Result<(), ReadingError> {
        let answer = frame::answer(output)?;
        let next = match (&mut self.0, answer) {
            (State::Stream, Answer::Stream { about, bytes }) => {
                State::Done(Box::new(Ok(Parts::unpack(&about, &bytes)?)))
            }
            (State::Keep, Answer::Kept { about, pieces }) => {
                if !frame::can_be_read(pieces) {
                    return Err(ReadingError::TooLarge { pieces });
                }
                State::Pieces {
                    about,
                    pieces,
                    next: PieceNumber::FIRST,
                    bytes: Vec::new(),
                }
            }
            (
                State::Pieces {
                    about,
                    pieces,
                    next,
                    bytes,
                },
                Answer::Piece {
                    number,
                    pieces: of,
                    about: again,
                    bytes: more,
                },
            ) => {
                if number != *next {
                    return Err(ReadingError::OtherScript);
                }
                if again != *about || of != *pieces {
                    return Err(ReadingError::Replaced);
                }
                bytes.extend_from_slice(&more);
                match number.get().checked_add(1).and_then(PieceNumber::new) {
                    Some(following) if u64::from(number.get()) < *pieces => {
                        *next = following;
                        return Ok(());
                    }
                    // Whether it is whole is told when it is removed, not instead of removing it.
                    _ => State::Remove(Box::new(Parts::unpack(about, bytes))),
                }
            }
            (State::Remove(parts), Answer::Removed) => {
                let unread = Err(PartsError::Form {
                    number: 0,
                    why: "it was taken already",
                });
                State::Done(std::mem::replace(parts, Box::new(unread)))
            }
            _ => return Err(ReadingError::OtherScript),
        };
        self.0 = next;
        Ok(())
    }

    /// What was read.
    ///
    /// # Errors
    /// If the reading has not ended, or if the pieces together are not what was kept.
    pub fn into_parts(self) -> Result<Parts, ReadingError> {
        match self.0 {
            State::Done(parts) => Ok((*parts)?),
            _ => Err(ReadingError::NotEnded),
        }
    }
}
