//! Effective routes of a network interface: what Azure computed from the routes of its platform, of gateways and of people.
//!
//! A body is read by [`parse`]; what of it can't be understood stays in the table as [`Undecided`] and makes an answer unknown
//! where it could matter, and nowhere else.

pub mod audit;
pub mod diff;
pub mod facts;
pub mod lookup;
mod parse;
mod select;
mod shown;
mod space;
mod table;
mod word;

pub use lookup::{Answer, Lookup, Reason, Shadowed, lookup};
pub use parse::{ParseError, from_value, parse};
pub use select::Loss;
pub use shown::{Missing, Shown};
pub use table::{Doubt, Properties, Route, Table, Undecided};
pub use word::{Hop, Origin, State, Word};

#[cfg(test)]
mod tests;
