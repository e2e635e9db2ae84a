//! Reads this host for the controller in this process.

use futures_util::future::BoxFuture;
use netghost_controller::Controller;
use netghost_controller::jobs::{Order, Reach, Unreached};
use netghost_controller::store::{self, column};
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest;
use netghost_core::fleet::Id;
use netghost_core::job::Way;
use netghost_core::section::SectionName;
use netghost_core::snapshot::Target;
use sqlx::Row;

use crate::host;
use crate::world::Capture;

/// This host.
pub(super) struct ThisHost {
    pub(super) id: Id,
    pub(super) capture: Capture,
    pub(super) target: fn() -> Target,
    pub(super) now_us: fn() -> u64,
}

impl std::fmt::Debug for ThisHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ThisHost")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Reach for ThisHost {
    fn way(&self) -> Way {
        Way::ThisHost
    }

    fn capture<'a>(
        &'a self,
        controller: &'a Controller,
        order: Order,
        started: &'a (dyn Fn() + Send + Sync),
    ) -> BoxFuture<'a, Result<Digest, Unreached>> {
        Box::pin(async move {
            if order.target != self.id {
                return Err(unreached(
                    "offline",
                    "without a controller only this host is read",
                ));
            }
            let done = manifest_of(controller, order.command).await;
            if let Some(digest) = done.map_err(|error| internal(&error))? {
                return Ok(digest);
            }
            started();
            let stored = self.read(&order).await?;
            let digest = stored.artifact_digest();
            let kept = keep(controller, &order, stored).await;
            kept.map(|()| digest).map_err(|error| internal(&error))
        })
    }
}

impl ThisHost {
    async fn read(&self, order: &Order) -> Result<manifest::Stored, Unreached> {
        let mut names = order.sections.clone();
        if names.is_empty() {
            names = SectionName::DEFAULT.to_vec();
        }
        let (capture, target, now_us) = (self.capture.clone(), self.target, self.now_us);
        // A thread of its own is in the network namespace in which the command was started.
        let read = tokio::task::spawn_blocking(move || host::snapshot(&*capture, target, now_us, &names));
        let snapshot = read.await.map_err(|_| {
            unreached(
                "internal",
                "reading this host failed; this is a fault of the program",
            )
        })?;
        manifest::store(&snapshot, &order.meta).map_err(|error| internal(&error))
    }
}

async fn manifest_of(controller: &Controller, command: Id) -> Result<Option<Digest>, store::Error> {
    let row = sqlx::query("SELECT digest FROM manifests WHERE command = $1")
        .bind(command.to_string())
        .fetch_optional(controller.store.pool())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let text: String = row.try_get("digest")?;
    Digest::parse(&text)
        .map(Some)
        .ok_or_else(|| store::Error::Damaged {
            what: format!("the manifest of command {command}"),
        })
}

/// Objects first: a manifest that stands in the table is whole.
async fn keep(controller: &Controller, order: &Order, stored: manifest::Stored) -> Result<(), store::Error> {
    for (_, bytes) in stored.objects {
        controller.store.put_object(bytes).await?;
    }
    let digest = controller.store.put_object(stored.manifest_bytes).await?;
    let mut transaction = controller.store.begin().await?;
    sqlx::query(
        "INSERT INTO manifests (digest, identity, command, at_us) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (digest) DO NOTHING",
    )
    .bind(digest.to_string())
    .bind(order.target.to_string())
    .bind(order.command.to_string())
    .bind(column(controller.outside.now_us()))
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

fn unreached(code: &str, message: &str) -> Unreached {
    Unreached {
        code: code.to_owned(),
        message: message.to_owned(),
    }
}

/// The whole chain: whoever reads it has no other place to look.
fn internal(error: &(dyn std::error::Error + 'static)) -> Unreached {
    let mut message = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        message += &format!(": {error}");
        next = error.source();
    }
    unreached("internal", &message)
}
