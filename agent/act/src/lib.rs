//! Does on a VM what an approver signed for, and undoes what nobody confirms.
//!
//! Two processes, both root. `netghost-act` answers one demand of a connection and ends. The guard lives as long as something may
//! have to be undone. Both keep what they know on the disk, so that each may be killed at any moment: a change is confirmed, or what
//! was there before is there again, or somebody else has changed it meanwhile and it is reported and left alone.

pub mod ask;
pub mod authority;
pub mod cgroup;
mod checks;
pub mod clock;
mod cut;
pub mod disk;
pub mod exec;
pub mod frame;
pub mod guard;
pub mod host;
mod later;
pub mod lease;
pub mod ledger;
pub mod lock;
mod namespace;
pub mod package;
pub mod paths;
mod perform;
mod planned;
pub mod policy;
mod propose;
pub mod record;
pub mod serve;
mod settle;
pub mod site;
pub mod trace;
pub mod trusted;
pub mod work;

/// This program with its version.
pub const TOOL: &str = concat!("netghost-act ", env!("CARGO_PKG_VERSION"));

#[cfg(test)]
mod tests;
