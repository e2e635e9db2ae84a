//! Writes down that agents come, stay, go, and are held twice.

use netghost_core::audit::{Event, Outcome};
use netghost_core::fleet::Id;

use super::churn;
use super::hello::Hello;
use crate::caller::Agent;
use crate::store::identities::Said;
use crate::store::{Error, column, presence};
use crate::{Controller, actions, audit};

/// What a new stream must know of its agent.
pub(super) struct Known {
    pub(super) name: String,
    pub(super) contested: Option<String>,
}

/// An agent came: keeps what it says of itself.
pub(super) async fn connect(
    controller: &Controller,
    agent: &Agent,
    hello: &Hello,
    now_us: u64,
) -> Result<Known, Error> {
    let said = Said {
        version: hello.version.clone(),
        kernel: hello.kernel.clone(),
        host_name: hello.host_name.clone(),
        boot_id: hello.boot_id.clone(),
        capabilities: hello.capabilities.clone(),
        clock_offset_us: column(hello.clock_us).saturating_sub(column(now_us)),
        last_seen_us: now_us,
        contested: None,
    };
    let event = event(agent, "agent.connect", Outcome::Done)
        .with("version", &said.version)
        .with("host", &said.host_name)
        .with("boot_id", &said.boot_id)
        .with("protocol", hello.protocol);
    let mut transaction = controller.store.begin().await?;
    presence::said(&mut transaction, agent.id, &said).await?;
    actions::rebooted(&mut transaction, agent.id, &said.boot_id, now_us).await?;
    let standing = presence::standing(&mut transaction, agent.id).await?;
    if let Some(event) = churn::bounded(controller, agent, event) {
        audit::append(&mut transaction, now_us, event).await?;
    }
    transaction.commit().await?;
    Ok(Known {
        name: standing
            .as_ref()
            .map_or_else(|| agent.name.clone(), |standing| standing.name.clone()),
        contested: standing.and_then(|standing| standing.contested),
    })
}

/// An agent's stream ended.
pub(super) async fn disconnect(
    controller: &Controller,
    agent: &Agent,
    why: &str,
    now_us: u64,
) -> Result<(), Error> {
    let event = event(agent, "agent.disconnect", Outcome::Done).with("why", why);
    let mut transaction = controller.store.begin().await?;
    presence::seen(&mut transaction, agent.id, now_us).await?;
    if let Some(event) = churn::bounded(controller, agent, event) {
        audit::append(&mut transaction, now_us, event).await?;
    }
    Ok(transaction.commit().await?)
}

/// An agent was heard of. If it was revoked since, by whatever process, the answer is why.
pub(super) async fn seen(controller: &Controller, id: Id, now_us: u64) -> Result<Option<String>, Error> {
    let mut transaction = controller.store.begin().await?;
    presence::seen(&mut transaction, id, now_us).await?;
    let standing = presence::standing(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok(standing.map_or_else(|| Some("removed".to_owned()), |standing| standing.revoked))
}

/// Two hold one identity.
pub(super) async fn contest(
    controller: &Controller,
    agent: &Agent,
    why: &str,
    now_us: u64,
) -> Result<(), Error> {
    let mut transaction = controller.store.begin().await?;
    if presence::contest(&mut transaction, agent.id, now_us, why).await? {
        let event = Event::new("controller", "agent.contest", Outcome::Denied)
            .target(&agent.name)
            .with("why", why);
        audit::append(&mut transaction, now_us, event).await?;
    }
    Ok(transaction.commit().await?)
}

/// An event of this agent.
pub(super) fn event(agent: &Agent, action: &str, outcome: Outcome) -> Event {
    Event::new(agent.actor(), action, outcome).target(&agent.name)
}
