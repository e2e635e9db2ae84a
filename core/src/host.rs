//! The rest of a host: links, addresses, routes, and what else decides.

pub mod addresses;
pub mod bpf;
pub mod bridge;
pub mod conntrack;
pub mod ipset;
pub mod ipvs;
pub mod links;
pub mod mptcp;
pub mod namespaces;
pub mod neighbours;
pub mod nexthops;
pub mod persisted;
pub mod policy_rules;
pub mod routes;
pub mod security_labels;
pub mod sockets;
pub mod sysctls;
pub mod xfrm;
