//! The forms of an option's words.

use crate::netfilter::model::{Family, Value};

/// What follows an option.
pub(crate) enum Form {
    /// Nothing; the value is 1.
    Flag,
    /// Nothing; the value is this word.
    Says(&'static str),
    /// A number up to `max`.
    Number {
        /// The largest that the tool takes.
        max: u32,
    },
    /// A number in hexadecimal with this many digits.
    Hex {
        /// The largest that the tool takes.
        max: u32,
        /// Leading zeros up to this width.
        digits: usize,
    },
    /// `5` or `5:80`.
    Span {
        /// The largest that the tool takes.
        max: u32,
        /// From 0 to the largest asks nothing.
        all: bool,
    },
    /// A port or a range of ports.
    Ports,
    /// `0x5`, or `0x5/0xf` where not all bits count; a few numbers have a name.
    Masked {
        /// Number 0 by this name.
        zero: &'static str,
    },
    /// One of these words.
    Word(&'static [(&'static str, &'static str)]),
    /// A number in these words.
    Named(&'static [(u32, &'static str)]),
    /// Some of these words, in this order, joined by commas; first as the tool prints them, with further spellings behind.
    List(&'static [(&'static str, &'static str)]),
    /// Text, in quotes where it needs them.
    Text,
    /// Text without control characters, always in quotes.
    Quoted,
    /// Anything else.
    Other {
        /// How many words.
        words: usize,
        /// From words.
        read: fn(Family, &[&[u8]]) -> Option<Value>,
        /// To words.
        print: fn(&Value) -> Option<Vec<u8>>,
    },
}

impl Form {
    /// How many words it takes.
    pub(crate) fn words(&self) -> usize {
        match self {
            Self::Flag | Self::Says(_) => 0,
            Self::Other { words, .. } => *words,
            _ => 1,
        }
    }
}
