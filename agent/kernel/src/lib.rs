//! Reads a Linux host's network state from its kernel: whole, or with an error that says what is missing.
//!
//! No program is run and no command's output is parsed. Everything comes by netlink and `getsockopt`, in the network
//! namespace of the calling thread.

mod addresses;
mod bpf;
mod capture;
mod conntrack;
mod facts;
pub mod link_names;
pub mod links;
pub mod modules;
pub mod namespaces;
pub mod netlink;
pub mod nftables;
pub mod routes;
mod security_labels;
mod sockets;
mod steady;
mod sysctls;
pub mod tc;
pub mod tries;
pub mod xtables;

pub use capture::capture;
