//! The gate: what may be asked of a VM, what exactly would be done, and who consented.
//!
//! A person asks for an [`Operation`]. The VM reads its kernel and answers with an [`Action`]: the operation, the exact change and
//! its inverse, digests of the state before and after, a nonce. An [`Approval`] is an approver's signature over that action's
//! digest. [`Ledger::authorise`] is the only way to an [`Authorised`], and nothing runs without one. All of it is pure: disks,
//! clocks, sockets and random numbers are its caller's.

mod action;
mod approval;
mod demand;
mod ledger;
mod operation;
mod policy;
mod roster;
mod state;

pub use action::{Action, Effect, NotAnAction, SCHEMA as ACTION_SCHEMA, Target};
pub use approval::{Approval, PAYLOAD_TYPE as APPROVAL_TYPE, SCHEMA as APPROVAL_SCHEMA};
pub use demand::{Answer, Asked, Demand, LONGEST as LONGEST_DEMAND, Stands, nonce};
pub use ledger::{Authorised, Ledger, Moment, Presented, Refusal, SCHEMA as LEDGER_SCHEMA};
pub use operation::{
    Check, Class, IpFamily, LONGEST_LEASE, LONGEST_LIFETIME, LONGEST_WINDOW, NotAnOperation, Operation,
    Package, Permission, Place, QdiscPlace, QdiscSpec, RuleRef, SHORTEST_WINDOW, Server,
};
pub use policy::{Consent, Policy};
pub use roster::{
    Approver, LONGEST as LONGEST_ROSTER, PAYLOAD_TYPE as ROSTER_TYPE, Roster, RosterError,
    SCHEMA as ROSTER_SCHEMA,
};
pub use state::{ActionState, ApprovalState, Event, Illegal};

#[cfg(test)]
mod tests;
