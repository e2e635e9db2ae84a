//! The agent of a VM: reads its kernel, and serves one controller over mutual TLS.

pub mod advice;
pub mod args;
pub mod capture;
pub mod check;
pub mod commands;
pub mod config;
pub mod disk;
pub mod failure;
pub mod files;
pub mod link;
pub mod order;
pub mod outside;
pub mod spool;
pub mod status;
#[cfg(test)]
pub(crate) mod testing;
