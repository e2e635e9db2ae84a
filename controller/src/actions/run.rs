//! Carries an action on until it waits for a person or has ended.

use std::time::Duration;

use netghost_core::fleet::Id;
use netghost_core::gate::{ActionState, ApprovalState};
use tokio::time::{Instant, sleep};

use super::course;
use super::decide::tell;
use super::demand::{Order, demand, proposing};
use super::move_on::move_alone;
use crate::Controller;
use crate::jobs::Unreached;
use crate::store::actions::{self, ActionRow, Step};
use crate::store::{Error, column, value};

/// How long it is asked what became of an action whose VM does not say.
const ASKING: Duration = Duration::from_secs(24 * 3600);
/// After the store failed.
const AGAIN: Duration = Duration::from_secs(5);
/// Between two questions: the first, then doubled, then at most.
const PAUSE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// Takes up the actions that an earlier process left, and lets those expire that wait, until the runtime ends.
pub async fn resume(controller: &Controller) -> Result<(), Error> {
    let mut connection = controller.store.pool().acquire().await?;
    for row in actions::open(&mut connection).await? {
        if row.state != ActionState::Waiting {
            spawn(controller, row.id);
        }
    }
    drop(tokio::spawn(super::sweep::run(controller.clone())));
    Ok(())
}

/// Carries an action on in a task of its own, unless one does already.
pub(super) fn spawn(controller: &Controller, id: Id) {
    if !controller.live().begin(id) {
        return;
    }
    let controller = controller.clone();
    drop(tokio::spawn(async move {
        loop {
            if let Err(error) = carry_on(&controller, id).await {
                tracing::error!(
                    action = %id,
                    error = &error as &dyn std::error::Error,
                    "an action can't be carried on now: tried again"
                );
                sleep(AGAIN).await;
                continue;
            }
            controller.live().changed();
            // It may have been approved between the last look and now.
            if controller.live().end(id) {
                return;
            }
        }
    }));
}

async fn carry_on(controller: &Controller, id: Id) -> Result<(), Error> {
    let begun = Instant::now();
    let mut asked = 0_u32;
    let mut performed = false;
    while begun.elapsed() < ASKING {
        let Some(row) = read(controller, id).await? else {
            return Ok(());
        };
        let (step, lifetime) = match row.state {
            ActionState::Preparing => (Step::Propose, proposing()),
            ActionState::Running if !performed && !left(controller, &row).is_zero() => {
                performed = true;
                (Step::Perform, left(controller, &row))
            }
            ActionState::Running => {
                pause(asked).await;
                asked = asked.saturating_add(1);
                (Step::Standing, ASKING.saturating_sub(begun.elapsed()))
            }
            ActionState::Applied => {
                // What ends by itself has ended then.
                sleep(until(controller, &row)).await;
                pause(asked).await;
                asked = asked.saturating_add(1);
                (Step::Standing, ASKING.saturating_sub(begun.elapsed()))
            }
            _ => return Ok(()),
        };
        if let Err(why) = demand(controller, &row, Order { step, lifetime }).await {
            unreached(controller, id, step, &why).await?;
        }
        if step == Step::Perform {
            refused(controller, id).await?;
        }
    }
    unknown(controller, id, "the VM did not say for 24 hours").await
}

/// What follows where nobody could be asked, and the agent said nothing itself.
async fn unreached(controller: &Controller, id: Id, step: Step, why: &Unreached) -> Result<(), Error> {
    let Some(row) = read(controller, id).await? else {
        return Ok(());
    };
    if row.state == ActionState::Preparing {
        let now_us = controller.outside.now_us();
        let next = course::ended(&row, ActionState::Failed, &why.code, &why.message, now_us);
        move_alone(controller, "controller", &row, &next).await?;
        return Ok(());
    }
    match (why.code.as_str(), step) {
        // Nothing that is too long was sent.
        ("refused", Step::Perform) => {
            let now_us = controller.outside.now_us();
            if let Some(next) = course::failed(&row, step, why, now_us) {
                move_alone(controller, "controller", &row, &next).await?;
            }
            Ok(())
        }
        ("revoked", _) => unknown(controller, id, &why.message).await,
        _ => Ok(()),
    }
}

/// A VM that refused may still hold the approval for good: it is told that nobody wants the action any more.
async fn refused(controller: &Controller, id: Id) -> Result<(), Error> {
    if let Some(row) = read(controller, id).await?
        && row.approval == Some(ApprovalState::Void)
    {
        tell(controller, &row, &[Step::Withdraw]);
    }
    Ok(())
}

async fn unknown(controller: &Controller, id: Id, why: &str) -> Result<(), Error> {
    let Some(row) = read(controller, id).await? else {
        return Ok(());
    };
    if !row.state.has_ended() && row.state != ActionState::Waiting {
        let now_us = controller.outside.now_us();
        let next = course::ended(&row, ActionState::Unknown, "silent", why, now_us);
        move_alone(controller, "controller", &row, &next).await?;
    }
    Ok(())
}

async fn pause(asked: u32) {
    if asked > 0 {
        let pause = PAUSE.0.saturating_mul(1 << asked.min(6).saturating_sub(1));
        sleep(pause.min(PAUSE.1)).await;
    }
}

/// How long an approved action may still be begun. By this process's own clock where it saw it approved.
pub(super) fn left(controller: &Controller, row: &ActionRow) -> Duration {
    let until = controller.live().until(row.id, wall_left(controller, row));
    until.saturating_duration_since(Instant::now())
}

/// What is left by the wall clock, never more than the whole.
fn wall_left(controller: &Controller, row: &ActionRow) -> Duration {
    let left_us = row.until_us.saturating_sub(controller.outside.now_us());
    let whole = course::document(row).map_or(0, |action| u64::from(action.lifetime_s));
    Duration::from_micros(left_us).min(Duration::from_secs(whole))
}

/// How long something goes on that ends by itself.
fn until(controller: &Controller, row: &ActionRow) -> Duration {
    let left_us = column(row.until_us).saturating_sub(column(controller.outside.now_us()));
    Duration::from_micros(value(left_us)).min(ASKING)
}

async fn read(controller: &Controller, id: Id) -> Result<Option<ActionRow>, Error> {
    let mut connection = controller.store.pool().acquire().await?;
    actions::action(&mut connection, id).await
}
