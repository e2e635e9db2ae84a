//! The Activity Log of Azure: who changed what, and when; and which of its events a change that was found may come from.
//!
//! The log has what was asked of Azure Resource Manager. A route that a peer withdrew by BGP, or an address that Microsoft added
//! to a service tag, is in no log: that there is no record of it is the right answer, and it names the period searched.
//! (<https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema>)

mod attribution;
mod event;
mod index;
mod origins;
mod peers;
#[cfg(test)]
mod tests;
mod time;

pub use attribution::{Attribution, Link, Logs, Outcome, Period, Recorded, Searched, attribute};
pub use event::{Event, Log};
pub use index::Index;
pub use origins::{Around, Origins};
pub use peers::{Peers, peers};
pub use time::microseconds;

/// How far back the log goes, microseconds: 90 days.
pub const KEPT_US: u64 = 90 * 86_400 * 1_000_000;

/// By how much the clocks of Azure and of whoever read the resources may differ, microseconds.
pub const MARGIN_US: u64 = 5 * 60 * 1_000_000;

/// After this time an event stands in the log, microseconds: Azure says three to twenty minutes.
pub const WRITTEN_AFTER_US: u64 = 20 * 60 * 1_000_000;
