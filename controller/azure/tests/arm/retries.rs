//! What is tried again, when, and how often.

use std::time::{Duration, Instant};

use netghost_azure::Kind;
use netghost_azure::bucket::{Counts, Limit};
use serde_json::json;

use crate::play::{Came, Numbered, Play, Says, TIME, nic, rule, vm};

fn busy() -> Says {
    Says::error(
        409,
        "Conflict",
        "Run command extension execution is in progress. Please wait for completion before invoking a run command.",
    )
}

fn fine() -> Says {
    Says::json(200, json!({"name": "web-nic"}))
}

#[tokio::test]
async fn a_throttled_call_waits_as_long_as_azure_says() {
    let throttled =
        || Says::error(429, "SubscriptionRequestsThrottled", "too many").header("retry-after", "1");
    let play = Play::of(vec![throttled(), throttled(), fine()]).await;
    play.arm().within(TIME).nic(&nic()).await.unwrap();
    let came = play.came();
    assert_eq!(came.len(), 3);
    for pair in came.windows(2) {
        assert!(pair[1].at.duration_since(pair[0].at) >= Duration::from_secs(1));
    }
}

#[tokio::test]
async fn other_calls_of_the_subscription_wait_too() {
    let play = Play::of(vec![
        Says::error(429, "SubscriptionRequestsThrottled", "x").header("retry-after", "1"),
        fine(),
    ])
    .await;
    let arm = play.arm();
    let first = arm.within(TIME);
    let (nic, other) = (nic(), nic());
    let second = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        arm.within(TIME).nic(&other).await
    };
    let (first, second) = tokio::join!(first.nic(&nic), second);
    assert!(first.is_ok() && second.is_ok());
    let came = play.came();
    assert!(
        came[1..]
            .iter()
            .all(|later| later.at.duration_since(came[0].at) >= Duration::from_secs(1))
    );
}

#[tokio::test]
async fn a_wait_behind_the_deadline_is_not_begun() {
    let play = Play::of(vec![
        Says::error(429, "TooManyRequests", "x").header("retry-after", "60"),
    ])
    .await;
    let begun = Instant::now();
    let error = play
        .arm()
        .within(Duration::from_secs(5))
        .nic(&nic())
        .await
        .unwrap_err();
    assert_eq!(
        error.kind,
        Kind::Throttled {
            retry_after: Some(Duration::from_secs(60))
        },
        "{error}"
    );
    assert!(begun.elapsed() < Duration::from_secs(3) && play.count() == 1);
}

#[tokio::test]
async fn throttling_without_end_ends() {
    let play = Play::of(vec![Says::error(429, "TooManyRequests", "x")]).await;
    let error = play.arm().within(TIME).nic(&nic()).await.unwrap_err();
    assert_eq!(
        (error.kind.clone(), error.retries),
        (Kind::Throttled { retry_after: None }, 15),
        "{error}"
    );
    assert_eq!(play.count(), 16);
}

#[tokio::test]
async fn a_lock_is_waited_for_and_does_not_stop_the_others() {
    let locked = Says::error(429, "RetryableErrorDueToAnotherOperation", "x").header("retry-after", "1");
    let play = Play::of(vec![locked, fine(), fine()]).await;
    let arm = play.arm();
    let (nic, begun) = (nic(), Instant::now());
    let other = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let read = arm.within(TIME).nic(&nic).await;
        (read, begun.elapsed())
    };
    let (first, (second, took)) = tokio::join!(arm.within(TIME).nic(&nic), other);
    assert!(first.is_ok() && second.is_ok());
    assert!(took < Duration::from_millis(900), "{took:?}");
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_busy_vm_is_asked_again_but_not_for_ever() {
    let play = Play::of(vec![busy()]).await;
    let error = play
        .arm()
        .within(TIME)
        .run_command(&vm(), &["true"])
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind.clone(), error.retries, play.count()),
        (Kind::Locked, 8, 9),
        "{error}"
    );
    assert!(error.to_string().contains("tried 9 times"), "{error}");
}

#[tokio::test]
async fn an_error_in_azure_is_tried_again_for_what_may_be_repeated() {
    let broken = || Says::error(503, "ServiceUnavailable", "x");
    let gateway = || Says::json(502, "<html>Bad gateway</html>").header("content-type", "text/html");
    let play = Play::of(vec![broken(), gateway(), fine()]).await;
    play.arm().within(TIME).nic(&nic()).await.unwrap();
    assert_eq!(play.count(), 3);
    // A script runs each time that Azure is told to: it is not told twice.
    for says in [broken(), gateway(), Says::json(200, "{").claims(100)] {
        let play = Play::of(vec![says]).await;
        assert!(
            play.arm()
                .within(TIME)
                .run_command(&vm(), &["true"])
                .await
                .is_err()
        );
        assert_eq!(play.count(), 1);
    }
}

#[tokio::test]
async fn what_no_waiting_helps_is_not_tried_again() {
    for (status, code) in [
        (400, "InvalidRequest"),
        (403, "AuthorizationFailed"),
        (404, "NotFound"),
        (409, "Conflict"),
        (409, "QuotaExceeded"),
        (412, "PreconditionFailed"),
        (404, "SubscriptionNotFound"),
    ] {
        let play = Play::of(vec![Says::error(status, code, "x")]).await;
        assert!(
            play.arm()
                .within(TIME)
                .delete_security_rule(&rule(), None)
                .await
                .is_err()
        );
        assert_eq!(play.count(), 1, "{status} {code}");
    }
}

#[tokio::test]
async fn a_token_that_ends_midway_is_renewed_once() {
    let ended = || {
        Says::error(
            401,
            "ExpiredAuthenticationToken",
            "The access token expiry UTC time is earlier than current.",
        )
    };
    let play = Play::of(vec![fine(), ended(), fine(), fine()]).await;
    let arm = play.arm();
    for _ in 0..3 {
        arm.within(TIME).nic(&nic()).await.unwrap();
    }
    let came = play.came();
    let sent: Vec<_> = came
        .iter()
        .map(|came| came.header("authorization").unwrap())
        .collect();
    assert_eq!(
        sent,
        [
            "Bearer token-1",
            "Bearer token-1",
            "Bearer token-2",
            "Bearer token-2"
        ]
    );
    let play = Play::of(vec![ended()]).await;
    let error = play.arm().within(TIME).nic(&nic()).await.unwrap_err();
    assert_eq!(
        (error.kind.clone(), play.count()),
        (Kind::Unauthenticated, 2),
        "{error}"
    );
}

#[tokio::test]
async fn nobody_at_home_is_an_error_that_says_so() {
    let play = Play::of(vec![fine()]).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut empty = play.clone();
    empty.base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = empty.arm().within(TIME).nic(&nic()).await.unwrap_err();
    assert_eq!((error.kind.clone(), error.retries), (Kind::Network, 4));
    assert!(error.to_string().contains("no connection"), "{error}");
}

/// Azure's side of a limit: a bucket, its remaining calls in a header, and a refusal with a time where it is empty.
fn limited(burst: f64, per_second: f64) -> impl FnMut(usize, &Came, &str) -> Says + Send {
    let (mut tokens, mut at) = (burst, Instant::now());
    move |_, _, _| {
        let now = Instant::now();
        tokens = (tokens + now.duration_since(at).as_secs_f64() * per_second).min(burst);
        at = now;
        if tokens < 1.0 {
            return Says::error(429, "SubscriptionRequestsThrottled", "x").header("retry-after", "1");
        }
        tokens -= 1.0;
        Says::json(200, json!({"value": []})).header(
            "x-ms-ratelimit-remaining-subscription-writes",
            &format!("{}", tokens.floor()),
        )
    }
}

#[tokio::test]
async fn a_sweep_takes_as_long_as_the_limit_makes_it() {
    let play = Play::with(Box::new(limited(50.0, 200.0))).await;
    let limit = |_: Counts| Limit::new(50.0, 200.0);
    let arm = play
        .build()
        .limit(limit)
        .at_once(16)
        .with_tokens(Box::new(Numbered::default()))
        .unwrap();
    let (begun, nic) = (Instant::now(), nic());
    let all = (0..450).map(|_| arm.within(TIME).effective_routes(&nic));
    let all = futures_util::future::join_all(all).await;
    assert!(all.iter().all(Result::is_ok));
    let (took, refused) = (begun.elapsed(), play.count() - 450);
    // 50 at once, 400 more at 200 a second: two seconds.
    assert!(took >= Duration::from_millis(1900), "{took:?}");
    assert!(took < Duration::from_millis(3000), "{took:?}, {refused} refused");
    assert!(refused <= 3, "{refused}");
}

#[tokio::test]
async fn a_limit_that_others_used_up_is_learnt_from_the_answers() {
    let play = Play::with(Box::new(limited(20.0, 50.0))).await;
    let arm = play
        .build()
        .at_once(8)
        .with_tokens(Box::new(Numbered::default()))
        .unwrap();
    let nic = nic();
    // This side believes in 200 at once; only 20 are left.
    let all = futures_util::future::join_all((0..60).map(|_| arm.within(TIME).effective_routes(&nic))).await;
    assert!(all.iter().all(Result::is_ok));
    assert!(play.count() - 60 <= 16, "{} refused", play.count() - 60);
}
