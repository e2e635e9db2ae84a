//! Streams that end when their caller may no longer have them.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use netghost_core::fleet::Role;
use tokio::time::{Instant, sleep_until};
use tonic::{Extensions, Status};

use super::Replies;
use crate::Controller;

/// How often is looked whether the caller still may.
const LOOK: Duration = Duration::from_secs(1);

struct Held<T> {
    controller: Controller,
    caller: Extensions,
    needed: Role,
    replies: Replies<T>,
    look: Instant,
}

/// The replies, as long as the caller's certificate and role hold; then the refusal. Whoever takes them away may be another
/// process: the store is asked.
pub(super) fn held<T: Send + 'static>(
    controller: &Controller,
    caller: Extensions,
    needed: Role,
    replies: Replies<T>,
) -> Replies<T> {
    let held = Held {
        controller: controller.clone(),
        caller,
        needed,
        replies,
        look: Instant::now() + LOOK,
    };
    Box::pin(stream::try_unfold(held, Held::next))
}

impl<T> Held<T> {
    async fn next(mut self) -> Result<Option<(T, Self)>, Status> {
        loop {
            tokio::select! {
                biased;
                () = sleep_until(self.look) => {}
                reply = self.replies.next() => {
                    return Ok(reply.transpose()?.map(|reply| (reply, self)));
                }
            }
            self.controller.user(&self.caller, self.needed).await?;
            self.look = Instant::now() + LOOK;
        }
    }
}
