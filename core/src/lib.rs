//! The domain of netghost: what is read from a host, how it is compared, and what is signed about it.
//!
//! Pure functions over plain types. Nothing here opens a file or a socket, reads a clock or draws a random number, so every
//! decision can be tested without a network.

pub mod artifact;
pub mod audit;
pub mod azure;
pub mod bytes;
pub mod diff;
pub mod facts;
pub mod fleet;
pub mod gate;
pub mod host;
pub mod job;
pub mod namespace;
pub mod netfilter;
pub mod probe;
pub mod raw;
pub mod section;
pub mod snapshot;
pub mod tc;
pub mod window;
