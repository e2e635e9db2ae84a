//! Effective routes of a network interface: what Azure computed from the routes of its platform, of gateways and of people.
//!
//! A body is read by [`parse`]; what of it can't be understood stays in the table as [`Undecided`] and makes an answer unknown
//! where it could matter, and nowhere else.

mod parse;
mod table;
mod word;

pub use parse::{ParseError, from_value, parse};
pub use table::{Doubt, Properties, Route, Table, Undecided};
pub use word::{Hop, Origin, State, Word};
