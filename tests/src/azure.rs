//! Azure as the lab has it: what is configured, what Azure would compute from it, and both enforced on real packets.
//!
//! All of it is written from Microsoft's documentation and on purpose shares no code with the product's own evaluation of
//! Azure's answers, so that each checks the other.

pub mod effective;
pub mod enforce;
pub mod prefix;
pub mod world;

pub use enforce::Fabric;
pub use prefix::Prefix;
pub use world::{Id, World, WorldError};
