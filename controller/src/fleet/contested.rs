//! Identities that two hosts held.

use netghost_core::audit::{Event, Outcome};
use netghost_core::fleet::Selector;
use netghost_proto::v1;
use tonic::Status;

use crate::caller::User;
use crate::store::{Error, presence};
use crate::{Controller, audit};

/// Gives commands to these agents again. Those that nobody contested stay as they are.
pub(super) async fn settle_agents(
    controller: &Controller,
    user: &User,
    request: v1::Selector,
) -> Result<v1::AgentList, Status> {
    let agents = controller.select(&Selector::try_from(&request)?).await?;
    let now_us = controller.outside.now_us();
    let mut transaction = controller.store.begin().await?;
    for agent in &agents {
        if presence::settle(&mut transaction, agent.id).await? {
            let event = Event::new(user.actor(), "agent.settle", Outcome::Done).target(&agent.name);
            audit::append(&mut transaction, now_us, event).await?;
        }
    }
    transaction.commit().await.map_err(Error::from)?;
    for agent in &agents {
        controller.links.settle(agent.id);
    }
    super::agents::list_agents(controller, user, request).await
}
