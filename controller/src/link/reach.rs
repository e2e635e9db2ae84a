//! Has agents read themselves.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use netghost_core::artifact::json::Digest;
use netghost_core::audit::{Event, Outcome as Ended};
use netghost_core::bytes::Text;
use netghost_proto::v1::{self, command, controller_message::Kind};
use tokio::time::{Duration, Instant};

use super::orders::{Expected, Outcome, Progress};
use super::registry::Seat;
use crate::jobs::{Order, Reach, Unreached};
use crate::store::presence::{self, Standing};
use crate::store::{Error, commands};
use crate::{Controller, audit};

/// Room in a control message around a command.
const AROUND_A_COMMAND: usize = 64;

/// Reaches agents over their control streams. An agent that is away is waited for until the order's lifetime ends; one that
/// comes back is told again, by the same id.
#[derive(Debug, Clone, Copy, Default)]
pub struct LinkReach;

impl Reach for LinkReach {
    fn capture<'a>(
        &'a self,
        controller: &'a Controller,
        order: Order,
        started: &'a (dyn Fn() + Send + Sync),
    ) -> BoxFuture<'a, Result<Digest, Unreached>> {
        capture(controller, order, started).boxed()
    }
}

async fn capture(controller: &Controller, order: Order, started: &(dyn Fn() + Send + Sync)) -> Outcome {
    let until = Instant::now().checked_add(order.lifetime);
    let orders = &controller.links.shared().orders;
    // First, so that no outcome falls between the look into the store and the waiting.
    let expected = orders.expect(order.target, order.command);
    let (stored, standing) = before(controller, &order)
        .await
        .map_err(|error| internal(&error))?;
    if let Some(outcome) = stored {
        return outcome;
    }
    let Some(standing) = standing else {
        return Err(refusal("internal", format!("there is no agent {}", order.target)));
    };
    if let Some(why) = &standing.revoked {
        return Err(revoked(&standing.name, why));
    }
    if let Some(why) = &standing.contested {
        controller.links.contest(order.target, why);
    }
    let command = v1::Command {
        id: order.command.to_string(),
        lifetime_ms: 0,
        kind: Some(command::Kind::Capture(wanted(&order))),
    };
    if prost::Message::encoded_len(&command) + AROUND_A_COMMAND > netghost_proto::CONTROL_MESSAGE {
        let why = "the command is longer than a control message: shorten the note or the ticket";
        return Err(refusal("refused", why.to_owned()));
    }
    let waiting = Waiting {
        controller,
        order: &order,
        name: standing.name,
        command,
        until,
        sent: None,
        audited: false,
    };
    waiting.run(expected, started).await
}

struct Waiting<'a> {
    controller: &'a Controller,
    order: &'a Order,
    name: String,
    command: v1::Command,
    until: Option<Instant>,
    /// The stream that was told.
    sent: Option<u64>,
    audited: bool,
}

impl Waiting<'_> {
    async fn run(mut self, mut expected: Expected<'_>, started: &(dyn Fn() + Send + Sync)) -> Outcome {
        let mut seat = self.controller.links.watch(self.order.target);
        let mut begun = false;
        loop {
            let now = seat.borrow_and_update().clone();
            self.tell(&now).await?;
            let end = async {
                match self.until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                changed = expected.progress.changed() => {
                    let Progress { started: has_begun, outcome } = expected.progress.borrow_and_update().clone();
                    if has_begun && !begun {
                        begun = true;
                        started();
                    }
                    match (outcome, changed) {
                        (Some(outcome), _) => return outcome,
                        (None, Ok(())) => {}
                        (None, Err(gone)) => return Err(refusal("internal", gone.to_string())),
                    }
                }
                changed = seat.changed() => if let Err(gone) = changed {
                    return Err(refusal("internal", gone.to_string()));
                },
                () = end => {
                    let connected = seat.borrow().live.is_some();
                    return self.late(connected).await;
                },
            }
        }
    }

    /// Tells a stream that was not told yet.
    async fn tell(&mut self, seat: &Seat) -> Result<(), Unreached> {
        if let Some(why) = &seat.revoked {
            return Err(revoked(&self.name, why));
        }
        if let Some(why) = &seat.contested {
            return Err(contested(&self.name, why));
        }
        let Some(live) = &seat.live else {
            return Ok(());
        };
        if self.sent == Some(live.number) {
            return Ok(());
        }
        if !self.audited {
            self.write_down().await.map_err(|error| internal(&error))?;
            self.audited = true;
        }
        let left = self.until.map_or(Duration::MAX, |until| {
            until.saturating_duration_since(Instant::now())
        });
        live.send(Kind::Command(v1::Command {
            lifetime_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
            ..self.command.clone()
        }));
        self.sent = Some(live.number);
        Ok(())
    }

    async fn write_down(&self) -> Result<(), Error> {
        let event = Event::new("controller", "command.send", Ended::Begun)
            .target(&self.name)
            .target(self.order.command)
            .with("kind", "capture");
        let mut transaction = self.controller.store.begin().await?;
        audit::append(&mut transaction, self.controller.outside.now_us(), event).await?;
        Ok(transaction.commit().await?)
    }

    /// What the order's lifetime ends with: a word that came in the last moment, or why there is none.
    async fn late(&self, connected: bool) -> Outcome {
        let (name, lifetime) = (&self.name, self.order.lifetime);
        let (stored, standing) = before(self.controller, self.order)
            .await
            .map_err(|error| internal(&error))?;
        if let Some(outcome) = stored {
            return outcome;
        }
        if connected {
            let why = format!("agent {name} is connected, but did not end the command within {lifetime:?}");
            return Err(refusal("expired", why));
        }
        let seen = match standing.map_or(0, |standing| standing.last_seen_us) {
            0 => "it never was connected".to_owned(),
            last => {
                let now = self.controller.outside.now_us();
                format!("it was last seen {} ago", ago(now, last))
            }
        };
        let what = match self.sent {
            Some(_) => "went offline and did not come back",
            None => "was offline",
        };
        let why = format!(
            "agent {name} {what} within {lifetime:?}; {seen}: see `systemctl status netghost-agent` on it"
        );
        Err(refusal("offline", why))
    }
}

/// What the store knows before anything is asked for.
async fn before(
    controller: &Controller,
    order: &Order,
) -> Result<(Option<Outcome>, Option<Standing>), Error> {
    let mut connection = controller.store.pool().acquire().await?;
    let stored = commands::outcome(&mut connection, order.command).await?;
    Ok((stored, presence::standing(&mut connection, order.target).await?))
}

fn wanted(order: &Order) -> v1::Capture {
    let text = |text: &Option<Text>| text.as_ref().map(Text::to_string).unwrap_or_default();
    v1::Capture {
        sections: order.sections.iter().map(ToString::to_string).collect(),
        name: order
            .meta
            .name
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        asked_by: text(&order.meta.asked_by),
        ticket: text(&order.meta.ticket),
        note: text(&order.meta.note),
    }
}

/// A span of time, in the largest unit that it fills.
fn ago(now_us: u64, then_us: u64) -> String {
    let seconds = now_us.saturating_sub(then_us) / 1_000_000;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86400),
    }
}

fn refusal(code: &str, message: String) -> Unreached {
    Unreached {
        code: code.to_owned(),
        message,
    }
}

fn revoked(name: &str, why: &str) -> Unreached {
    refusal("revoked", format!("agent {name} was revoked: {why}"))
}

fn contested(name: &str, why: &str) -> Unreached {
    refusal(
        "contested",
        format!("two hosts hold the identity of agent {name} ({why}): revoke it and enrol both anew"),
    )
}

fn internal(error: &Error) -> Unreached {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "a command could not be kept"
    );
    refusal(
        "internal",
        format!("{error} failed: the controller's log says why"),
    )
}
