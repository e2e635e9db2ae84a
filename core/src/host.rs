//! The rest of a host: links, addresses, routes.

pub mod addresses;
pub mod links;
pub mod routes;
