//! Ends what waits in vain.

use std::collections::BTreeSet;
use std::time::Duration;

use netghost_core::fleet::Id;
use netghost_core::gate::{ActionState, Event};
use sqlx::AnyConnection;

use super::course;
use super::decide::void;
use super::move_on::move_alone;
use super::run::left;
use crate::Controller;
use crate::store::Error;
use crate::store::actions::{self, ActionRow};

/// How often it is looked what has expired.
const TICK: Duration = Duration::from_secs(1);

/// Lets expire what has, again and again.
pub(super) async fn run(controller: Controller) {
    loop {
        if let Err(error) = sweep(&controller).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the actions that wait could not be looked at"
            );
        }
        tokio::time::sleep(TICK).await;
    }
}

/// Lets every approval expire whose action's lifetime has ended, and says how many.
pub async fn sweep(controller: &Controller) -> Result<usize, Error> {
    let mut connection = controller.store.pool().acquire().await?;
    let rows = actions::open(&mut connection).await?;
    drop(connection);
    let open: BTreeSet<Id> = rows.iter().map(|row| row.id).collect();
    controller.live().keep(&open);
    let mut expired = 0;
    for row in rows.iter().filter(|row| row.state == ActionState::Waiting) {
        if left(controller, row).is_zero() && expire(controller, row).await? {
            expired += 1;
        }
    }
    Ok(expired)
}

/// Lets one expire. False if somebody decided meanwhile.
pub(super) async fn expire(controller: &Controller, row: &ActionRow) -> Result<bool, Error> {
    let now_us = controller.outside.now_us();
    let why = "nobody decided within the action's lifetime";
    let next = course::closed(row, Event::Expire, "expired", why, now_us);
    move_alone(controller, "controller", row, &next).await
}

/// An agent was taken away: what is open of it ends, within the transaction that takes it away.
pub(crate) async fn taken_away(
    transaction: &mut AnyConnection,
    actor: &str,
    agent: Id,
    why: &str,
    now_us: u64,
) -> Result<(), Error> {
    for row in actions::open_of(transaction, agent).await? {
        void(transaction, actor, &row, ("revoked", why), now_us).await?;
    }
    Ok(())
}

/// An agent says which boot it is in: what was written in another boot and waits is void, within the transaction that keeps
/// what it says.
pub(crate) async fn rebooted(
    transaction: &mut AnyConnection,
    agent: Id,
    boot_id: &str,
    now_us: u64,
) -> Result<(), Error> {
    for row in actions::open_of(transaction, agent).await? {
        let other = course::document(&row).is_some_and(|action| action.target.boot_id != boot_id);
        if row.state == ActionState::Waiting && other {
            let why = "the VM was started anew since it proposed the action";
            void(transaction, "controller", &row, ("other_boot", why), now_us).await?;
        }
    }
    Ok(())
}
