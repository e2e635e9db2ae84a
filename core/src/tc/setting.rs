//! What qdiscs, classes, filters and actions are told, as named values in the words of `tc`.

use serde::{Deserialize, Serialize};

use crate::bytes::{Big, Hex, Text};

/// One thing that was told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Setting {
    /// The word of `tc`; `internal_…` where `tc` has none.
    pub name: String,
    /// What it was set to.
    pub value: Value,
}

/// A value with its unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum Value {
    /// It is there: the name says all.
    Flag,
    /// A word of `tc` that says all without the name.
    Keyword(String),
    /// A word behind the name.
    Word(String),
    /// A count.
    Number(Big),
    /// A number that may be negative, in decimal digits.
    Signed(String),
    /// A number whose bits mean something each; `tc` prints it in hexadecimal digits.
    Bits(Big),
    /// Packets.
    Packets(Big),
    /// Bytes.
    Bytes(Big),
    /// Bytes per second.
    Rate(Big),
    /// Nanoseconds.
    Nanoseconds(Big),
    /// A part of a whole: a probability.
    Share {
        /// How many parts.
        parts: Big,
        /// How many parts make the whole.
        of: Big,
    },
    /// Text of somebody's choice: the name of a device, a program.
    Text(Text),
    /// A class or qdisc, with the kernel's own choice of number replaced by its place.
    Class(String),
    /// A network or hardware address; behind a slash a prefix length or a mask.
    Address(String),
    /// Bytes that are no number.
    Raw(Hex),
    /// A value of which only the bits of the mask count.
    Masked {
        /// The value.
        value: Box<Value>,
        /// The mask.
        mask: Box<Value>,
    },
    /// From one value to another, both included.
    Range {
        /// The first.
        from: Box<Value>,
        /// The last.
        to: Box<Value>,
    },
    /// 32 bits of the packet, as `u32` compares them.
    Key {
        /// What they must be, in the order of the packet's bytes.
        value: u32,
        /// Which of them count.
        mask: u32,
        /// Where they are, in bytes from the start of the network header.
        at: i32,
        /// Whether from the start of the header behind it instead.
        next_header: bool,
    },
    /// Several in order.
    List(Vec<Value>),
    /// Things told together.
    Group(Vec<Setting>),
}

impl Setting {
    pub(super) fn new(name: &str, value: Value) -> Self {
        Self {
            name: name.to_owned(),
            value,
        }
    }
}

/// The value with this name, if it was told.
pub fn find<'a>(settings: &'a [Setting], name: &str) -> Option<&'a Value> {
    settings
        .iter()
        .find(|setting| setting.name == name)
        .map(|setting| &setting.value)
}
