//! Answers for people.

pub mod certificate;
pub mod comparison;
pub mod fleet;
mod gaps;
pub mod snapshot;
mod table;
