//! Answers for people.

pub mod certificate;
pub mod comparison;
mod gaps;
pub mod snapshot;
mod table;
