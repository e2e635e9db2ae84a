//! The scripts that may run on a host: one text, and in front of it one of a fixed list of lines.

/// What all of them have in common.
const TEXT: &str = include_str!("script.sh");

/// More pieces than this are not read one by one: a run takes twenty seconds or more.
pub const MOST_PIECES: u8 = 64;

/// One of the scripts. None holds anything but fixed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Script {
    /// Reads everything and prints it.
    Stream,
    /// Reads everything, keeps it for root alone, and prints how many pieces it has.
    Keep,
    /// Prints one piece of what is kept. It changes nothing, so it may run again.
    Piece(PieceNumber),
    /// Removes what is kept.
    Remove,
}

/// The number of a piece, from 1 to [`MOST_PIECES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceNumber(u8);

impl PieceNumber {
    /// The first piece.
    pub const FIRST: Self = Self(1);

    /// A number in the range.
    pub fn new(number: u8) -> Option<Self> {
        (1..=MOST_PIECES).contains(&number).then_some(Self(number))
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Script {
    /// Every script that there is.
    pub fn all() -> impl Iterator<Item = Self> {
        let pieces = (1..=MOST_PIECES).filter_map(PieceNumber::new).map(Self::Piece);
        [Self::Stream, Self::Keep, Self::Remove].into_iter().chain(pieces)
    }

    /// The text, for `sh -s` or run-command.
    pub fn text(self) -> String {
        match self {
            Self::Stream => format!("stage=stream\n{TEXT}"),
            Self::Keep => format!("stage=keep\n{TEXT}"),
            Self::Remove => format!("stage=remove\n{TEXT}"),
            Self::Piece(PieceNumber(number)) => format!("stage={number}\n{TEXT}"),
        }
    }
}
