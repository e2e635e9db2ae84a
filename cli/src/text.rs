//! Answers for people.

pub mod action;
pub mod approvers;
pub mod certificate;
pub mod comparison;
pub mod explain;
pub mod fleet;
mod gaps;
pub mod persisted;
pub mod route;
pub mod snapshot;
mod table;
