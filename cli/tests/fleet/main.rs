//! The fleet's commands against a controller that follows a script, in the same process.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they expect by failing"
)]

#[cfg(test)]
mod act;
#[cfg(test)]
mod actions;
#[cfg(test)]
mod agents;
#[cfg(test)]
mod approvals;
#[cfg(test)]
mod approvers;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod drift;
#[cfg(test)]
mod heard;
#[cfg(test)]
mod login;
#[cfg(test)]
mod place;
#[cfg(test)]
mod proposal;
#[cfg(test)]
mod script;
#[cfg(test)]
mod standalone;
#[cfg(test)]
mod watch;
