//! Answers for people.

pub mod action;
pub mod approvers;
pub mod azure;
pub mod certificate;
pub mod comparison;
pub mod explain;
pub mod fleet;
mod gaps;
pub mod nsg;
pub mod path;
pub mod persisted;
pub mod route;
pub mod snapshot;
mod table;
