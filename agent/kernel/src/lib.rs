//! Reads a Linux host's network state from its kernel: whole, or with an error that says what is missing.
//!
//! To read, no program is run and no command's output is parsed: everything comes by netlink and `getsockopt`, in the network
//! namespace of the calling thread.

mod addresses;
mod bpf;
mod bridge;
mod capture;
mod conntrack;
pub mod ebtables;
mod facts;
pub mod frames;
mod generic;
mod groups;
mod ipset;
mod ipvs;
pub mod link_names;
pub mod links;
pub mod modules;
mod mptcp;
pub mod namespaces;
mod neighbours;
pub mod netlink;
mod nexthops;
pub mod nftables;
pub mod persisted;
mod policy_rules;
pub mod routes;
pub mod run;
mod security_labels;
mod sockets;
mod steady;
mod sysctls;
mod table_socket;
pub mod tc;
pub mod tries;
pub mod watch;
pub mod write;
mod xfrm;
pub mod xtables;

pub use capture::capture;
