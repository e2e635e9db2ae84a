//! How the controller is.

use netghost_proto::v1;
use sqlx::Row;
use tonic::Status;

use crate::caller::User;
use crate::store::{self, Error, Store};
use crate::{Controller, audit};

pub(super) async fn status(
    controller: &Controller,
    user: &User,
    _request: v1::StatusRequest,
) -> Result<v1::ControllerStatus, Status> {
    Ok(v1::ControllerStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        domain: controller.ca.domain.clone(),
        agents: agents(&controller.store).await?,
        connected: u64::try_from(controller.links.count()).unwrap_or(u64::MAX),
        running_jobs: running_jobs(&controller.store).await?,
        head: audit::last_head(&controller.store).await?,
        clock_us: controller.outside.now_us(),
        user: user.name.clone(),
        role: user.role.to_string(),
        azure: controller.azure().is_some(),
        azure_subscription: controller
            .azure()
            .and_then(|azure| azure.subscription.clone())
            .unwrap_or_default(),
    })
}

/// Agents that are enrolled: neither revoked nor removed.
pub(crate) async fn agents(store: &Store) -> Result<u64, Error> {
    count(
        store,
        "SELECT COUNT(*) AS n FROM identities \
         WHERE kind = 'agent' AND revoked_at_us IS NULL AND removed_at_us IS NULL",
    )
    .await
}

/// Jobs that have not ended.
pub(crate) async fn running_jobs(store: &Store) -> Result<u64, Error> {
    count(store, "SELECT COUNT(*) AS n FROM jobs WHERE state = 'running'").await
}

async fn count(store: &Store, query: &'static str) -> Result<u64, Error> {
    let row = sqlx::query(query).fetch_one(store.pool()).await?;
    let count: i64 = row.try_get("n")?;
    Ok(store::value(count))
}
