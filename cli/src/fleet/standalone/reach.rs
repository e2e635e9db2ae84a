//! Reads this host for the controller in this process.

use futures_util::future::BoxFuture;
use netghost_controller::Controller;
use netghost_controller::jobs::{Order, Reach, Unreached, keep, kept};
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest;
use netghost_core::fleet::Id;
use netghost_core::job::Way;
use netghost_core::section::SectionName;
use netghost_core::snapshot::Target;

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
            let done = kept(controller, order.command).await;
            if let Some(digest) = done.map_err(|error| internal(&error))? {
                return Ok(digest);
            }
            started();
            let stored = self.read(&order).await?;
            let kept = keep(controller, (order.target, order.command), stored).await;
            kept.map_err(|error| internal(&error))
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
