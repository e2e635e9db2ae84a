//! The agent of a VM: reads its kernel, and serves one controller over mutual TLS.

pub mod disk;
pub mod link;
pub mod order;
pub mod outside;
