//! Security rules as Azure computes them for a network interface: what gates there are, what each decides about a flow, which
//! rules can never fire, and what a change means.
//!
//! A gate is one network security group at one place: the subnet or the network interface. Both must let a flow through. A
//! rule, an entry or an association that is not understood makes the answer unknown where it could matter, and never ALLOW.

mod audit;
mod compiled;
mod diff;
mod evaluate;
mod model;
pub(crate) mod parse;

pub use audit::{Audit, DefaultOnly, Doubt, Hidden, Permissive, Place, Severity, Wildcard, audit};
pub use compiled::{Compiled, Match};
pub(crate) use diff::Spot;
pub use diff::{Change, Diff, Effect, Flows, Kind, NotCovered, diff};
pub use evaluate::{Evaluation, Flow, FlowError, GateVerdict, PublicAddress, Reason, Undecided, Verdict};
pub use model::{
    Access, Direction, Effective, Gate, GateKind, Ports, Protocol, Rule, Side, Term, Warning, WarningCode,
};
pub use parse::{BodyError, parse, parse_bytes};
