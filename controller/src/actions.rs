//! Actions: what people ask VMs to do, the approvals that this waits for, and what became of it.
//!
//! The controller carries things to and fro and keeps them; it is trusted with nothing. What it checks it checks so that people
//! learn early what a VM would refuse: the VM decides by its own policy, its own ledger and its own pinned CA. Where an action
//! stands is decided in `course`, which does no I/O; each step is on the disk, with its audit record, in one transaction.

use netghost_proto::convert::{BadField, digest};
use netghost_proto::v1;
use tonic::Status;

use crate::Controller;
use crate::caller::Agent;
use crate::store::{self, Error, actions};

mod approvers;
mod course;
mod decide;
mod demand;
mod live;
mod move_on;
mod request;
mod run;
mod sweep;

pub(crate) use approvers::{current, publish};
pub(crate) use decide::{approve, deny, undo};
pub use live::Live;
pub(crate) use move_on::heard;
pub(crate) use request::request;
pub use run::resume;
pub use sweep::sweep;
pub(crate) use sweep::{rebooted, taken_away};

/// The longest nonce that is sent back, in bytes.
const LONGEST_NONCE: usize = 64;

/// An agent called over a new connection, to see whether the way is open.
pub(crate) async fn reached(
    controller: &Controller,
    agent: &Agent,
    request: v1::ReachedRequest,
) -> Result<v1::ReachedReply, Status> {
    let action = digest("action", &request.action)?;
    if !(1..=LONGEST_NONCE).contains(&request.nonce.len()) {
        let what = format_args!("a nonce has 1 to {LONGEST_NONCE} bytes");
        return Err(BadField::new("nonce", what).into());
    }
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    match actions::being_done(&mut connection, agent.id, action).await? {
        Some(_) => Ok(v1::ReachedReply { nonce: request.nonce }),
        None => Err(Status::not_found(format!(
            "agent {} was asked for no action {action} that is being done",
            agent.name
        ))),
    }
}

/// The action of this id.
pub(crate) async fn find(
    controller: &Controller,
    id: netghost_core::fleet::Id,
) -> Result<store::actions::ActionRow, Status> {
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    let row = actions::action(&mut connection, id).await?;
    row.ok_or_else(|| Status::not_found(format!("there is no action with the id {id}")))
}
