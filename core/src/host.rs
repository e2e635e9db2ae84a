//! The rest of a host: links, routes.

pub mod links;
pub mod routes;
