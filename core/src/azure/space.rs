//! Exact sets of flows: addresses, ports and protocols, with union, difference and containment.
//!
//! They answer which flows a rule decides once all earlier ones have taken theirs, so that a rule hidden by several earlier
//! ones together is found. Two families of addresses never mix.

mod addresses;
mod ranges;
mod region;

pub use addresses::Addresses;
pub use ranges::{Ranges, Whole};
pub use region::{Block, Budget, Protocols, Region, TooMany};
