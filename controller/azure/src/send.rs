//! One request until it is answered: token, throttle, retries.

use std::time::Duration;

use reqwest::{Method, Url};

use crate::answer::Answer;
use crate::arm::Inner;
use crate::bucket::Counts;
use crate::call::Call;
use crate::error::{ArmError, Kind};
use crate::http::{Lost, Outgoing, exchange};
use crate::judge::cause;
use crate::read::{Failed, read};
use crate::retry::{Next, Tally, next};
use crate::token::Token;

impl Inner {
    /// Sends the request, again where that can help, until it is answered with a status of 2xx or the deadline is near.
    pub(crate) async fn send(&self, call: &Call, out: &Outgoing) -> Result<Answer, ArmError> {
        let mut tally = Tally::default();
        let mut renewed = false;
        let mut token = self.token(call).await?;
        loop {
            let failed = match self.attempt(call, out, &token).await? {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            if failed.error.kind == Kind::Unauthenticated && !renewed {
                renewed = true;
                token = self.other_token(call, &token, failed.error).await?;
                continue;
            }
            self.wait_after(call, failed, &mut tally).await?;
            // A long wait may have outlived the token.
            token = self.token(call).await?;
        }
    }

    /// Waits until the call may be made again; its error where it may not.
    pub(crate) async fn wait_after(
        &self,
        call: &Call,
        failed: Failed,
        tally: &mut Tally,
    ) -> Result<(), ArmError> {
        // A call that follows an operation may come with a count of its own.
        let error = failed
            .error
            .with(|failure| failure.retries = failure.retries.max(tally.all()));
        let Some(cause) = cause(&error.kind, error.status, failed.repeatable) else {
            return Err(error);
        };
        match next(
            &self.retry,
            tally,
            cause,
            failed.retry_after,
            call.left(),
            chance(),
        ) {
            Next::Again(wait) => {
                tracing::debug!(call = call.name, ?cause, ?wait, %error, "the call is made again");
                tally.count(cause);
                call.wait(wait, "waiting to try again").await
            }
            Next::Enough => Err(error),
            Next::TooLate(wait) => Err(error.with(|failure| {
                let wait = wait.as_secs_f64().ceil();
                failure
                    .message
                    .push_str(&format!(" (the next try, in {wait} s, is behind the deadline)"));
            })),
        }
    }

    async fn token(&self, call: &Call) -> Result<Token, ArmError> {
        let token = call.limit("getting a token", self.tokens.current()).await?;
        token.map_err(|none| call.error(Kind::NoToken, none.to_string()))
    }

    async fn other_token(&self, call: &Call, refused: &Token, error: ArmError) -> Result<Token, ArmError> {
        let token = call
            .limit("renewing the token", self.tokens.instead_of(refused))
            .await?;
        token.map_err(|none| {
            error.with(|failure| failure.message = format!("{}; then {none}", failure.message))
        })
    }

    /// One attempt. The outer error ends the call; after the inner one there may be another attempt.
    async fn attempt(
        &self,
        call: &Call,
        out: &Outgoing,
        token: &Token,
    ) -> Result<Result<Answer, Failed>, ArmError> {
        let subscription = subscription(&out.url);
        let pass = self.throttle.pass(&subscription, counts(out));
        let pass = call
            .limit("waiting for a turn within Azure's limit of calls", pass)
            .await?;
        let id = request_id();
        let exchanged = exchange(&self.clients.http, out, token, &id, self.longest_answer);
        let exchanged = call.limit("waiting for the answer", exchanged).await;
        let came =
            match exchanged.map_err(|late| late.with(|failure| failure.ids.client = Some(id.clone())))? {
                Ok(came) => came,
                Err(lost) => return Ok(Err(self.lost(call, out, lost, &id))),
            };
        self.throttle.heard(&subscription, &pass, &came.heard);
        let answer = read(call, out, came);
        if let Err(Failed {
            retry_after: Some(after),
            of_subscription: true,
            ..
        }) = &answer
        {
            pass.pause(*after);
        }
        Ok(answer)
    }

    /// What did not come, as an error.
    fn lost(&self, call: &Call, out: &Outgoing, lost: Lost, id: &str) -> Failed {
        let (kind, message, repeatable, came) = match lost {
            Lost::Unreached(why) => (Kind::Network, format!("no connection: {why}"), true, None),
            Lost::Broken(why) => (Kind::Network, why, out.repeatable, None),
            Lost::Cut {
                why,
                got,
                heard,
                status,
            } => {
                let message = format!("{got} bytes of it came: {why}");
                (Kind::Cut, message, out.repeatable, Some((heard, status)))
            }
            Lost::TooLong(heard, status) => {
                let message = format!("more than {} bytes", self.longest_answer);
                (Kind::TooLarge, message, false, Some((heard, status)))
            }
        };
        let error = call.error(kind, message).with(|failure| match came {
            Some((heard, status)) => {
                failure.ids = heard.ids;
                failure.status = Some(status);
            }
            None => failure.ids.client = Some(id.to_owned()),
        });
        Failed {
            error,
            repeatable,
            retry_after: None,
            of_subscription: false,
        }
    }
}

/// The subscription whose limit a URL counts to; empty for those of the tenant.
fn subscription(url: &Url) -> String {
    let mut parts = url.path_segments().into_iter().flatten();
    let there = parts.any(|part| part.eq_ignore_ascii_case("subscriptions"));
    there
        .then(|| parts.next())
        .flatten()
        .unwrap_or_default()
        .to_owned()
}

fn counts(out: &Outgoing) -> Counts {
    let graph = out
        .url
        .path()
        .to_ascii_lowercase()
        .starts_with("/providers/microsoft.resourcegraph/");
    match out.method {
        _ if graph => Counts::Graph,
        Method::GET | Method::HEAD => Counts::Read,
        Method::DELETE => Counts::Delete,
        _ => Counts::Write,
    }
}

/// A random id. Without randomness it is all zeros: it only serves to find the request.
fn request_id() -> String {
    uuid::Builder::from_random_bytes(random()).into_uuid().to_string()
}

/// Between 0 and 1, without 1.
fn chance() -> f64 {
    f64::from(u32::from_le_bytes(random())) / (f64::from(u32::MAX) + 1.0)
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    match getrandom::fill(&mut bytes) {
        Ok(()) => bytes,
        Err(_) => [0; N],
    }
}

/// How long is waited between two looks at an operation where Azure names no time.
pub(crate) const POLL: Duration = Duration::from_secs(5);

/// The least time between two looks, so that a `Retry-After: 0` makes no storm.
pub(crate) const POLL_LEAST: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_counts_to_its_subscription() {
        let of = |path: &str| subscription(&Url::parse(&format!("https://arm{path}")).unwrap());
        assert_eq!(of("/subscriptions/S-1/resourceGroups/g?api-version=1"), "S-1");
        assert_eq!(of("/Subscriptions/S-1"), "S-1");
        assert_eq!(of("/providers/Microsoft.ResourceGraph/resources"), "");
        assert_eq!(of("/"), "");
    }

    #[test]
    fn an_action_counts_as_a_write() {
        let counts = |method: Method, path: &str| {
            counts(&Outgoing {
                method,
                ..Outgoing::get(Url::parse(&format!("https://arm{path}")).unwrap())
            })
        };
        assert_eq!(
            counts(Method::POST, "/subscriptions/s/x/effectiveRouteTable"),
            Counts::Write
        );
        assert_eq!(counts(Method::PUT, "/subscriptions/s"), Counts::Write);
        assert_eq!(counts(Method::GET, "/subscriptions/s"), Counts::Read);
        assert_eq!(counts(Method::DELETE, "/subscriptions/s"), Counts::Delete);
        assert_eq!(
            counts(Method::POST, "/providers/Microsoft.ResourceGraph/resources"),
            Counts::Graph
        );
    }

    #[test]
    fn chance_stays_below_one() {
        assert!((0..1000).all(|_| (0.0..1.0).contains(&chance())));
        assert_ne!(request_id(), request_id());
    }
}
