//! Tokens: one at a time, kept until shortly before its end.

use std::fmt;
use std::time::{Duration, Instant};

use azure_core::credentials::Secret;
use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

/// A token is renewed this long before its end, so that no call carries one that ends on the way.
const MARGIN: Duration = Duration::from_secs(300);

/// A token that is already at its end by this machine's clock is used this long all the same: a clock that is wrong must not
/// cost a login for each call. One that really ended is refused, and renewed for that.
const AT_LEAST: Duration = Duration::from_secs(30);

/// A bearer token.
#[derive(Clone)]
pub struct Token {
    pub(crate) secret: Secret,
    /// How long it lasts from when it was given.
    pub(crate) lasts: Duration,
}

impl Token {
    /// A token of this text that lasts this long.
    pub fn new(secret: impl Into<String>, lasts: Duration) -> Self {
        Self {
            secret: Secret::new(secret.into()),
            lasts,
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("lasts", &self.lasts)
            .finish_non_exhaustive()
    }
}

/// No token was given.
#[derive(Debug, thiserror::Error)]
#[error("{by} gave no token: {why}")]
pub struct NoToken {
    /// Which credential.
    pub by: &'static str,
    /// What it said, with its code where the login server named one (`AADSTS7000215`).
    pub why: String,
}

/// Where tokens come from.
pub trait TokenSource: fmt::Debug + Send + Sync {
    /// A new token: never one that was given before, where that can be helped.
    fn fetch(&self) -> BoxFuture<'_, Result<Token, NoToken>>;
}

/// Keeps the token of one source.
#[derive(Debug)]
pub(crate) struct Tokens {
    source: Box<dyn TokenSource>,
    kept: Mutex<Option<Kept>>,
}

#[derive(Debug, Clone)]
struct Kept {
    token: Token,
    since: Instant,
}

impl Kept {
    fn is_fresh(&self, now: Instant) -> bool {
        let fresh = self.token.lasts.saturating_sub(MARGIN).max(AT_LEAST);
        now.saturating_duration_since(self.since) < fresh
    }

    fn is_alive(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < self.token.lasts
    }
}

impl Tokens {
    pub(crate) fn new(source: Box<dyn TokenSource>) -> Self {
        Self {
            source,
            kept: Mutex::new(None),
        }
    }

    /// The token. Many callers wait for one login. Where none can be had but the last one has not ended, that one serves.
    pub(crate) async fn current(&self) -> Result<Token, NoToken> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.is_fresh(Instant::now())) {
            return Ok(kept.token.clone());
        }
        match self.source.fetch().await {
            Ok(token) => Ok(keep(&mut kept, token)),
            Err(error) => match kept.as_ref().filter(|kept| kept.is_alive(Instant::now())) {
                Some(kept) => {
                    tracing::warn!(%error, "the token is near its end and could not be renewed");
                    Ok(kept.token.clone())
                }
                None => Err(error),
            },
        }
    }

    /// Another token, after Azure refused this one. Where somebody else renewed it meanwhile, theirs serves.
    pub(crate) async fn instead_of(&self, refused: &Token) -> Result<Token, NoToken> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.token.secret != refused.secret) {
            return Ok(kept.token.clone());
        }
        *kept = None;
        let token = self.source.fetch().await?;
        Ok(keep(&mut kept, token))
    }
}

fn keep(kept: &mut Option<Kept>, token: Token) -> Token {
    *kept = Some(Kept {
        token: token.clone(),
        since: Instant::now(),
    });
    token
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Gives `t1`, `t2`, … that last as said; refuses from the `ends`th on.
    #[derive(Debug)]
    struct Counting {
        given: AtomicU32,
        lasts: Duration,
        ends: u32,
    }

    impl TokenSource for Counting {
        fn fetch(&self) -> BoxFuture<'_, Result<Token, NoToken>> {
            Box::pin(async {
                tokio::time::sleep(Duration::from_millis(5)).await;
                let number = self.given.fetch_add(1, Ordering::SeqCst) + 1;
                if number >= self.ends {
                    return Err(NoToken {
                        by: "the test",
                        why: "no more".to_owned(),
                    });
                }
                Ok(Token::new(format!("t{number}"), self.lasts))
            })
        }
    }

    fn tokens(seconds: u64, ends: u32) -> Tokens {
        let lasts = Duration::from_secs(seconds);
        Tokens::new(Box::new(Counting {
            given: AtomicU32::new(0),
            lasts,
            ends,
        }))
    }

    #[tokio::test]
    async fn many_callers_share_one_login() {
        let tokens = tokens(3600, 9);
        let all = futures_util::future::join_all((0..20).map(|_| tokens.current())).await;
        assert!(
            all.into_iter()
                .all(|token| token.unwrap().secret.secret() == "t1")
        );
    }

    #[tokio::test]
    async fn a_refused_token_is_renewed_once_for_all() {
        let tokens = tokens(3600, 9);
        let first = tokens.current().await.unwrap();
        let all = futures_util::future::join_all((0..20).map(|_| tokens.instead_of(&first))).await;
        assert!(
            all.into_iter()
                .all(|token| token.unwrap().secret.secret() == "t2")
        );
        assert_eq!(tokens.current().await.unwrap().secret.secret(), "t2");
    }

    #[tokio::test]
    async fn a_token_near_its_end_serves_while_no_other_is_to_be_had() {
        let tokens = tokens(200, 2);
        tokens.current().await.unwrap();
        let old = Instant::now().checked_sub(Duration::from_secs(100)).unwrap();
        tokens.kept.lock().await.as_mut().unwrap().since = old;
        assert_eq!(tokens.current().await.unwrap().secret.secret(), "t1");
        let older = Instant::now().checked_sub(Duration::from_secs(201)).unwrap();
        tokens.kept.lock().await.as_mut().unwrap().since = older;
        assert!(tokens.current().await.is_err());
    }

    #[tokio::test]
    async fn a_wrong_clock_does_not_cost_a_login_for_each_call() {
        let tokens = tokens(0, 9);
        assert_eq!(tokens.current().await.unwrap().secret.secret(), "t1");
        assert_eq!(tokens.current().await.unwrap().secret.secret(), "t1");
    }

    #[test]
    fn a_token_is_not_shown() {
        let token = Token::new("very-secret", Duration::from_secs(1));
        assert!(!format!("{token:?}").contains("very-secret"));
    }
}
