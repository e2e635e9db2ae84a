//! Has agents read themselves.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use netghost_core::artifact::json::Digest;
use netghost_core::audit::{Event, Outcome as Audited};
use netghost_core::bytes::Text;
use netghost_core::fleet::Id;
use netghost_proto::v1::{self, command, controller_message::Kind};
use tokio::time::{Duration, Instant};

use super::orders::{Expected, Outcome, Progress};
use super::registry::Seat;
use crate::jobs::{Order, Reach, Unreached};
use crate::store::Error;
use crate::store::commands::{self, Ended};
use crate::store::presence::{self, Standing};
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

async fn capture(
    controller: &Controller,
    order: Order,
    started: &(dyn Fn() + Send + Sync),
) -> Result<Digest, Unreached> {
    let sent = Sent {
        target: order.target,
        command: order.command,
        lifetime: order.lifetime,
        patience: Duration::ZERO,
        kind: command::Kind::Capture(wanted(&order)),
    };
    match reach(controller, sent, started).await? {
        Ended::Captured(digest) => Ok(digest),
        // A command's outcome is of its kind before it is kept.
        Ended::Acted(_) => Err(refusal("internal", "an answer that is no snapshot".to_owned())),
    }
}

/// A command as it goes to its target.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) target: Id,
    pub(crate) command: Id,
    /// Within which the agent may begin it.
    pub(crate) lifetime: Duration,
    /// How much longer its end is waited for.
    pub(crate) patience: Duration,
    pub(crate) kind: command::Kind,
}

/// Has an agent do something, and waits for how it ended.
pub(crate) async fn reach(
    controller: &Controller,
    sent: Sent,
    started: &(dyn Fn() + Send + Sync),
) -> Outcome {
    let now = Instant::now();
    let begin_until = now.checked_add(sent.lifetime);
    let until = now.checked_add(sent.lifetime.saturating_add(sent.patience));
    let orders = &controller.links.shared().orders;
    let snapshot = matches!(sent.kind, command::Kind::Capture(_));
    // First, so that no outcome falls between the look into the store and the waiting.
    let expected = orders.expect(sent.target, sent.command, snapshot);
    let (stored, standing) = before(controller, &sent)
        .await
        .map_err(|error| internal(&error))?;
    if let Some(outcome) = stored {
        return outcome;
    }
    let Some(standing) = standing else {
        return Err(refusal("internal", format!("there is no agent {}", sent.target)));
    };
    if let Some(why) = &standing.revoked {
        return Err(revoked(&standing.name, why));
    }
    if let Some(why) = &standing.contested {
        controller.links.contest(sent.target, why);
    }
    let command = v1::Command {
        id: sent.command.to_string(),
        lifetime_ms: 0,
        kind: Some(sent.kind.clone()),
    };
    if prost::Message::encoded_len(&command) + AROUND_A_COMMAND > netghost_proto::CONTROL_MESSAGE {
        let why = "the command is longer than a control message: shorten what people wrote about it";
        return Err(refusal("refused", why.to_owned()));
    }
    let waiting = Waiting {
        controller,
        order: &sent,
        name: standing.name,
        command,
        begin_until,
        until,
        sent: None,
        audited: false,
    };
    waiting.run(expected, started).await
}

struct Waiting<'a> {
    controller: &'a Controller,
    order: &'a Sent,
    name: String,
    command: v1::Command,
    begin_until: Option<Instant>,
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
        let left = self.begin_until.map_or(Duration::MAX, |until| {
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
        let event = Event::new("controller", "command.send", Audited::Begun)
            .target(&self.name)
            .target(self.order.command)
            .with("kind", self.order.word());
        let mut transaction = self.controller.store.begin().await?;
        audit::append(&mut transaction, self.controller.outside.now_us(), event).await?;
        Ok(transaction.commit().await?)
    }

    /// What the order's lifetime ends with: a word that came in the last moment, or why there is none.
    async fn late(&self, connected: bool) -> Outcome {
        let lifetime = self.order.lifetime.saturating_add(self.order.patience);
        let name = &self.name;
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

impl Sent {
    fn word(&self) -> &'static str {
        match self.kind {
            command::Kind::Capture(_) => "capture",
            command::Kind::Act(_) => "act",
        }
    }
}

/// What the store knows before anything is asked for.
async fn before(controller: &Controller, order: &Sent) -> Result<(Option<Outcome>, Option<Standing>), Error> {
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
