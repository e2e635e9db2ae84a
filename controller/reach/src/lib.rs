//! Ways to a host without an agent. Each carries the fixed scripts of [`netghost_core::probe`] there and the answer back, and
//! nothing else.

pub mod run_command;
pub mod ssh;
