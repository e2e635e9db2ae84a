//! Jobs over a fleet: what is asked for and what follows from it, without clock, store or network.

pub mod baseline;
mod choose;
pub mod export;
mod pace;
mod request;
mod way;

pub use choose::{Allowed, Chosen, Known, NoWay, choose};
pub use pace::{delay, next_run, remaining};
pub use request::{
    BadRequest, DEFAULT_CONCURRENCY, DEFAULT_DEADLINE_MS, LONGEST_DEADLINE_MS, Request, SHORTEST_PERIOD_MS,
    Work,
};
pub use way::{Layer, Via, Way};
