//! The rest of a host: links, addresses, routes, and what else decides.

pub mod addresses;
pub mod conntrack;
pub mod ipset;
pub mod links;
pub mod neighbours;
pub mod nexthops;
pub mod policy_rules;
pub mod routes;
pub mod sockets;
pub mod sysctls;
