//! From a step to a command, and what it ended in.

use std::time::Duration;

use netghost_core::artifact::json;
use netghost_core::bytes::Text;
use netghost_core::fleet::Id;
use netghost_core::gate::{Demand, LONGEST_DEMAND, Operation};
use netghost_proto::v1::{self, command::Kind};

use super::course;
use crate::Controller;
use crate::jobs::Unreached;
use crate::link::{Outcome, Sent, reach};
use crate::store::actions::{self, ActionRow, Step};
use crate::store::{Error, approvers};

/// How long a VM may take to say what it would do.
const PROPOSING: Duration = Duration::from_secs(120);
/// How long it may take to answer where an action stands, or to undo it, once its agent has the demand.
const ANSWERING: Duration = Duration::from_secs(120);
/// How long it may take to install a package.
const INSTALLING: Duration = Duration::from_secs(25 * 60);

/// How a step is demanded.
pub(super) struct Order {
    pub(super) step: Step,
    /// How long the agent may take to begin it.
    pub(super) lifetime: Duration,
}

/// Demands a step of an action's VM and waits for the end. What the VM said is in the store when this returns.
pub(super) async fn demand(controller: &Controller, row: &ActionRow, order: Order) -> Outcome {
    let _in_hand = controller.live().permit(row.agent, order.step).await;
    let prepared = prepare(controller, row, order.step).await;
    let (command, bytes) = prepared.map_err(|error| internal(&error))?;
    let document = course::document(row);
    let sent = Sent {
        target: row.agent,
        command,
        lifetime: order.lifetime,
        patience: match order.step {
            Step::Perform => document.as_ref().map_or(ANSWERING, |action| {
                let window = Duration::from_secs(u64::from(action.window_s));
                let work = match action.operation {
                    Operation::PackageInstall { .. } => INSTALLING,
                    _ => ANSWERING,
                };
                work.saturating_add(window)
            }),
            _ => ANSWERING,
        },
        kind: Kind::Act(v1::Act {
            demand: bytes.into(),
            confirm: order.step == Step::Perform && document.is_some_and(|action| action.is_confirmed()),
        }),
    };
    reach(controller, sent, &|| {}).await
}

/// How long a VM may take to say what it would do.
pub(super) fn proposing() -> Duration {
    PROPOSING
}

/// The command for a step: the last one that has not ended, or a new one, which is in the store before it is sent.
async fn prepare(controller: &Controller, row: &ActionRow, step: Step) -> Result<(Id, Vec<u8>), Error> {
    let mut transaction = controller.store.begin().await?;
    let roster = approvers::current(&mut transaction).await?.map(|row| row.roster);
    let bytes = json::to_vec(&wanted(row, step, roster)?)?;
    let command = match actions::demanded(&mut transaction, row.id, step).await? {
        Some(command) => command,
        None => {
            let command = controller.outside.id().map_err(Error::Random)?;
            let now_us = controller.outside.now_us();
            actions::demand(&mut transaction, command, (row.id, row.agent), step, now_us).await?;
            command
        }
    };
    transaction.commit().await?;
    Ok((command, bytes))
}

fn wanted(row: &ActionRow, step: Step, roster: Option<String>) -> Result<Demand, Error> {
    let damaged = |what: &str| Error::Damaged {
        what: format!("{what} of action {}", row.id),
    };
    let digest = || row.digest.ok_or_else(|| damaged("the document"));
    Ok(match step {
        Step::Propose => {
            let asked = course::asked(row).ok_or_else(|| damaged("the request"))?;
            Demand::Propose(Box::new(asked))
        }
        Step::Perform => perform(row, &roster.ok_or_else(|| damaged("the approvers' list"))?)
            .ok_or_else(|| damaged("the document"))?,
        Step::Undo => Demand::Undo { action: digest()? },
        Step::Withdraw => Demand::Withdraw { action: digest()? },
        Step::Standing => Demand::Standing { action: digest()? },
    })
}

/// The demand to do an action that was approved.
fn perform(row: &ActionRow, roster: &str) -> Option<Demand> {
    Some(Demand::Perform {
        action: row.digest?,
        approval: Text::from(row.envelope.as_str()),
        roster: Text::from(roster),
    })
}

/// True if an action that is approved so can be demanded: it fits a control message.
pub(super) fn fits(row: &ActionRow, roster: &str) -> bool {
    perform(row, roster)
        .and_then(|demand| json::to_vec(&demand).ok())
        .is_some_and(|bytes| bytes.len() <= LONGEST_DEMAND)
}

fn internal(error: &Error) -> Unreached {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "an action's demand could not be kept"
    );
    Unreached {
        code: "internal".to_owned(),
        message: format!("{error} failed: the controller's log says why"),
    }
}
