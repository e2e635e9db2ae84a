//! The words of a fleet: who is in it, what they may do, and how some of it is selected.

mod id;
mod role;
mod selector;
mod spiffe;
mod token;

pub use id::{Id, NotAnId, gap_name, resource_name, ssh_host_name};
pub use role::Role;
pub use selector::{Selector, Tag};
pub use spiffe::{Kind, NotSpiffe, SpiffeId};
pub use token::{NotAToken, Secret, Token};
