//! Whoever keeps actions and hands them to a VM: a controller, or the process that acts on this host.

use std::time::Duration;

use netghost_core::artifact::name::Name;
use netghost_core::bytes::Text;
use netghost_core::fleet::Id;
use netghost_core::gate::{ApprovalState, Check, Operation, Roster};

use crate::documents::actions::Row;
use crate::error::Failure;
use crate::fleet::{self, Where};
use crate::progress::Progress;
use crate::world::World;

mod central;
mod host;
pub mod record;
mod wire;

pub use central::{Central, published};
pub use host::Host;

/// What a person asks for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The id, which the caller drew: the same is the same action.
    pub id: Id,
    /// Which VM.
    pub vm: Name,
    /// The network namespace.
    pub namespace: Text,
    /// What.
    pub operation: Operation,
    /// What has to work afterwards.
    pub checks: Vec<Check>,
    /// Why.
    pub reason: Text,
    /// The change that it belongs to.
    pub ticket: Option<Text>,
    /// Within how many seconds it has to be confirmed.
    pub window_s: u32,
    /// How many seconds an approval is waited for.
    pub lifetime_s: u32,
}

/// Where actions are kept.
#[derive(Debug)]
pub enum Gate {
    /// At a controller.
    Central(Box<Central>),
    /// On this host.
    Host(Box<Host>),
}

impl Gate {
    /// The one that is meant: the controller's, else this host's own.
    pub fn open(world: &World, wanted: &Where) -> Result<Self, Failure> {
        match fleet::context(world, wanted)? {
            Some(context) => {
                let fleet = fleet::controller(world, wanted)?;
                Ok(Self::Central(Box::new(Central::new(
                    fleet,
                    context.settings.user,
                ))))
            }
            None => Ok(Self::Host(Box::new(Host::open(world)?))),
        }
    }

    /// True without a controller.
    pub fn is_standalone(&self) -> bool {
        matches!(self, Self::Host(_))
    }

    /// As whom one acts.
    pub fn person(&self) -> &Name {
        match self {
            Self::Central(central) => central.person(),
            Self::Host(host) => host.person(),
        }
    }

    /// Asks for an action. What comes back may still be prepared.
    pub fn request(&mut self, request: &Request) -> Result<Row, Failure> {
        match self {
            Self::Central(central) => central.request(request),
            Self::Host(host) => host.request(request),
        }
    }

    /// Actions, newest first; those whose approval stands so, if that is said.
    pub fn list(&mut self, approval: Option<ApprovalState>, limit: u32) -> Result<Vec<Row>, Failure> {
        match self {
            Self::Central(central) => central.list(approval, limit),
            Self::Host(host) => host.list(approval, limit),
        }
    }

    /// One action, by its id or the beginning of it that is the only one of its kind.
    pub fn show(&mut self, id: &str) -> Result<Row, Failure> {
        is_id(id)?;
        match self {
            Self::Central(central) => central.show(id),
            Self::Host(host) => host.show(id),
        }
    }

    /// An action as soon as it is so, or as it is when the time is over.
    pub fn until(
        &mut self,
        id: Id,
        is_so: &dyn Fn(&Row) -> bool,
        patience: Duration,
        progress: &mut Progress,
    ) -> Result<Row, Failure> {
        match self {
            Self::Central(central) => central.until(id, is_so, patience, progress),
            Self::Host(host) => host.until(id, is_so, patience),
        }
    }

    /// The list of approvers that is in force, and its CA's trust.
    pub fn approvers(&mut self) -> Result<Option<Roster>, Failure> {
        match self {
            Self::Central(central) => central.approvers(),
            Self::Host(host) => host.approvers(),
        }
    }

    /// Hands over an approval that was signed here.
    pub fn approve(&mut self, row: &Row, envelope: Vec<u8>) -> Result<Row, Failure> {
        match self {
            Self::Central(central) => central.approve(row.id, envelope),
            Self::Host(host) => host.approve(row, envelope),
        }
    }

    /// Says no.
    pub fn deny(&mut self, row: &Row, reason: &str) -> Result<Row, Failure> {
        match self {
            Self::Central(central) => central.deny(row.id, reason),
            Self::Host(host) => host.deny(row, reason),
        }
    }

    /// Undoes what is not confirmed, ends a server, or takes back what waits.
    pub fn undo(&mut self, row: &Row) -> Result<Row, Failure> {
        match self {
            Self::Central(central) => central.undo(row.id),
            Self::Host(host) => host.undo(row),
        }
    }

    /// Says that the way in is open: only without a controller, where nobody else can.
    pub fn confirm(&mut self, row: &Row) -> Result<Row, Failure> {
        match self {
            Self::Central(_) => {
                let error =
                    anyhow::anyhow!("the VM confirms by itself, over a new connection to the controller");
                Err(Failure::usage("wrong_use", error)
                    .hint("`netghost action wait ID` waits for it; on a host without a controller, say --standalone"))
            }
            Self::Host(host) => host.confirm(row),
        }
    }
}

/// An id may be cut, and is never a part of anything else.
fn is_id(text: &str) -> Result<(), Failure> {
    let fits = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    match fits && (1..=36).contains(&text.len()) {
        true => Ok(()),
        false => Err(
            Failure::usage("not_an_id", anyhow::anyhow!("{text:?} is not an action's id"))
                .hint("`netghost action list` shows them"),
        ),
    }
}
