//! The rest of a host: links, addresses, routes, and what else decides.

pub mod addresses;
pub mod bpf;
pub mod conntrack;
pub mod ipset;
pub mod links;
pub mod namespaces;
pub mod neighbours;
pub mod nexthops;
pub mod policy_rules;
pub mod routes;
pub mod security_labels;
pub mod sockets;
pub mod sysctls;
