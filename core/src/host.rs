//! The rest of a host: links, addresses, routes.

pub mod addresses;
pub mod bridge;
pub mod ipset;
pub mod ipvs;
pub mod links;
pub mod mptcp;
pub mod neighbours;
pub mod nexthops;
pub mod policy_rules;
pub mod routes;
pub mod xfrm;
