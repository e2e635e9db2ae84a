//! What the command is made of.

pub mod store;
