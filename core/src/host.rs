//! The rest of a host: links, addresses, routes, and what else decides.

pub mod addresses;
pub mod bpf;
pub mod conntrack;
pub mod links;
pub mod routes;
pub mod sockets;
pub mod sysctls;
