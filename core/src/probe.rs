//! A host without an agent: what the static probe prints there, taken apart and made sections of a snapshot.
//!
//! The probe is one fixed script ([`Script`]). It prints frames ([`frame`]) around what the tools of the host printed
//! ([`parts`]), packed where the host can pack. A way that keeps only the end of an answer is read in pieces ([`Reading`]);
//! whoever carries the script there and its answer back implements [`Carrier`]. What was read becomes sections with
//! [`Reader::Text`](crate::section::Reader), decoded by the same modules as a kernel reading ([`snapshot`]).
//!
//! Whatever a frame does not prove whole is an error, and a section whose tool is missing, failed, or printed what this
//! version does not know is unreadable: nothing is ever empty for want of an answer.

pub mod frame;
pub mod parts;

mod carrier;
mod lift;
mod reading;
mod script;
mod values;

pub use carrier::{Carrier, Keeps, ReadError, read};
pub(crate) use lift::nftables_again;
pub use lift::{sections, snapshot, target};
pub use reading::{Reading, ReadingError};
pub use script::{MOST_PIECES, PieceNumber, Script};

#[cfg(test)]
mod tests;
