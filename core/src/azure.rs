//! What Azure computes for a network interface: effective routes, effective security rules and admin rules, and what they
//! mean for a packet.
//!
//! Bodies come as Azure Resource Manager or `az` prints them; [`body`] reads the values that come in several shapes.

pub mod activity;
pub mod admin;
pub mod body;
pub mod facts;
pub mod id;
pub mod inventory;
pub mod net;
pub mod nsg;
pub mod path;
pub mod permission;
pub mod route;
pub mod selector;
pub mod space;
pub mod tags;
