//! This host as the controller in this process knows it: one agent, named as the host.

use netghost_controller::audit;
use netghost_controller::outside::Outside;
use netghost_controller::store::{Error, Store, column};
use netghost_core::artifact::name::Name;
use netghost_core::audit::{Event, Outcome};
use netghost_core::fleet::Id;
use netghost_core::snapshot::Target;
use sqlx::{AnyConnection, Row};

use crate::error::Failure;

/// What a host is called whose own name can't be a VM's.
const NAMELESS: &str = "this-host";

/// The host's row, made at first use; its name follows the host's.
pub(super) async fn this_host(
    store: &Store,
    outside: &Outside,
    target: &Target,
) -> Result<(Id, String), Failure> {
    let id = outside.id().map_err(|error| Failure::failed("internal", error))?;
    let found = keep(store, outside.now_us(), id, target).await;
    found.map_err(|error| {
        Failure::failed(
            "store",
            anyhow::Error::from(error).context("cannot use the command's own store"),
        )
    })
}

/// The name under which the host is selected.
fn name_of(target: &Target) -> String {
    let name = target.name();
    Name::parse(&name.to_string()).map_or_else(|_| NAMELESS.to_owned(), |name| name.as_str().to_owned())
}

async fn keep(store: &Store, now_us: u64, fresh: Id, target: &Target) -> Result<(Id, String), Error> {
    let name = name_of(target);
    let mut transaction = store.begin().await?;
    let row = sqlx::query("SELECT id, name FROM identities WHERE kind = 'agent' AND removed_at_us IS NULL")
        .fetch_optional(&mut *transaction)
        .await?;
    let id = match row {
        None => make(&mut transaction, now_us, fresh, &name).await?,
        Some(row) => {
            let (id, known): (String, String) = (row.try_get("id")?, row.try_get("name")?);
            let id = Id::parse(&id).map_err(|_| Error::Damaged {
                what: "the id of this host".to_owned(),
            })?;
            if known != name {
                rename(&mut transaction, now_us, id, &name).await?;
            }
            id
        }
    };
    describe(&mut transaction, now_us, id, target).await?;
    transaction.commit().await?;
    Ok((id, name))
}

async fn make(transaction: &mut AnyConnection, now_us: u64, id: Id, name: &str) -> Result<Id, Error> {
    sqlx::query("INSERT INTO identities (id, kind, name, enrolled_at_us) VALUES ($1, 'agent', $2, $3)")
        .bind(id.to_string())
        .bind(name)
        .bind(column(now_us))
        .execute(&mut *transaction)
        .await?;
    sqlx::query("INSERT INTO agents (identity) VALUES ($1)")
        .bind(id.to_string())
        .execute(&mut *transaction)
        .await?;
    let event = Event::new("user/local", "host.add", Outcome::Done).target(name);
    audit::append(transaction, now_us, event).await?;
    Ok(id)
}

async fn rename(transaction: &mut AnyConnection, now_us: u64, id: Id, name: &str) -> Result<(), Error> {
    sqlx::query("UPDATE identities SET name = $1 WHERE id = $2")
        .bind(name)
        .bind(id.to_string())
        .execute(&mut *transaction)
        .await?;
    let event = Event::new("user/local", "host.rename", Outcome::Done).target(name);
    audit::append(transaction, now_us, event).await
}

async fn describe(
    transaction: &mut AnyConnection,
    now_us: u64,
    id: Id,
    target: &Target,
) -> Result<(), Error> {
    let (kernel, boot_id) = match target {
        Target::Host { kernel, boot_id, .. } => (kernel.clone(), boot_id.clone().unwrap_or_default()),
        Target::File { .. } | Target::Nic { .. } => Default::default(),
    };
    sqlx::query(
        "UPDATE agents SET version = $1, kernel = $2, host_name = $3, boot_id = $4, last_seen_us = $5 \
         WHERE identity = $6",
    )
    .bind(crate::world::tool())
    .bind(kernel)
    .bind(target.name().to_string())
    .bind(boot_id)
    .bind(column(now_us))
    .bind(id.to_string())
    .execute(&mut *transaction)
    .await?;
    Ok(())
}
