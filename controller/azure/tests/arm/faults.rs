//! Answers that must not be taken for something else.

use netghost_azure::{Kind, Scope};
use serde_json::json;

use crate::play::{Play, SUBSCRIPTION, Says, TIME, nic, rule, vm};
use std::time::Duration;

const PAGE: &str = "<!DOCTYPE html><html><title>Sign in to the proxy</title></html>";
const HALF: &str = r#"{"value": [{"name": "a"}, {"na"#;

async fn reads(says: Says) -> (Kind, String) {
    let play = Play::of(vec![says]).await;
    let error = play.arm().within(TIME).nic(&nic()).await.unwrap_err();
    (error.kind.clone(), error.to_string())
}

#[tokio::test]
async fn a_page_for_a_browser_is_no_answer() {
    for status in [200, 403, 404] {
        let html = Says::json(status, PAGE).header("content-type", "text/html; charset=utf-8");
        let (kind, said) = reads(html).await;
        assert!(
            matches!(kind, Kind::NotJson { html: true, .. }),
            "{status}: {said}"
        );
        assert!(
            said.contains("page for a browser") && said.contains("Sign in to the proxy"),
            "{said}"
        );
    }
    // Nor is one that calls itself JSON, or a text.
    assert!(matches!(
        reads(Says::json(200, PAGE)).await.0,
        Kind::NotJson { html: true, .. }
    ));
    let text = Says::json(200, "ok").header("content-type", "text/plain");
    assert!(matches!(reads(text).await.0, Kind::NotJson { html: false, .. }));
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_an_error() {
    // The connection breaks within the body, or the body has the length that it claims and stops midway.
    for says in [Says::json(200, HALF).claims(500), Says::json(200, HALF)] {
        let play = Play::of(vec![says]).await;
        let error = play.arm().within(TIME).nic(&nic()).await.unwrap_err();
        assert_eq!((error.kind.clone(), error.retries), (Kind::Cut, 4), "{error}");
        assert_eq!((play.count(), error.status), (5, Some(200)));
        let said = error.to_string();
        for word in ["the answer was cut off", "30 bytes", "tried 5 times", "req-1"] {
            assert!(said.contains(word), "{word}: {said}");
        }
    }
}

#[tokio::test]
async fn what_is_whole_and_wrong_is_not_asked_again() {
    let html = Says::json(200, PAGE).header("content-type", "text/html");
    for says in [html, Says::json(200, "{\"value\": [}"), Says::json(200, "[]")] {
        let play = Play::of(vec![says]).await;
        let error = play
            .arm()
            .within(TIME)
            .effective_routes(&nic())
            .await
            .unwrap_err();
        assert!(
            matches!(error.kind, Kind::NotJson { .. } | Kind::Malformed),
            "{error}"
        );
        assert_eq!(play.count(), 1, "{error}");
    }
}

#[tokio::test]
async fn an_empty_body_is_no_empty_resource() {
    for body in ["", "null", "[]", "\"\"", "true"] {
        assert_eq!(reads(Says::json(200, body)).await.0, Kind::Malformed, "{body:?}");
    }
    let play = Play::of(vec![Says::json(200, "null")]).await;
    let error = play
        .arm()
        .within(TIME)
        .effective_routes(&nic())
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Malformed);
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let big = json!({"x": "y".repeat(5000)});
    let play = Play::of(vec![Says::json(200, big)]).await;
    let tokens = || Box::new(crate::play::Numbered::default());
    let small = play.build().longest_answer(4000).with_tokens(tokens()).unwrap();
    assert_eq!(
        small.within(TIME).nic(&nic()).await.unwrap_err().kind,
        Kind::TooLarge
    );
    let large = play.build().longest_answer(6000).with_tokens(tokens()).unwrap();
    assert!(large.within(TIME).nic(&nic()).await.is_ok());
}

#[tokio::test]
async fn an_error_names_its_requests() {
    let says = Says::error(
        400,
        "NicMustBeAttachedToRunningVmToGetEffectiveRoutes",
        "A network interface must be attached.",
    );
    let play = Play::of(vec![says]).await;
    let error = play
        .arm()
        .within(TIME)
        .effective_routes(&nic())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind.clone(), error.status, play.count()),
        (Kind::NotRunning, Some(400), 1)
    );
    assert_eq!(
        (error.ids.request.as_deref(), error.ids.correlation.as_deref()),
        (Some("req-1"), Some("corr-1"))
    );
    let sent = play.came();
    assert_eq!(
        sent[0].header("x-ms-client-request-id"),
        error.ids.client.as_deref()
    );
    let said = error.to_string();
    assert!(
        said.contains("NicMustBeAttachedToRunningVmToGetEffectiveRoutes") && said.contains("req-1"),
        "{said}"
    );
}

#[tokio::test]
async fn a_missing_permission_names_action_and_scope() {
    let message = format!(
        "The client 'c' with object id 'o' does not have authorization to perform action \
        'Microsoft.Network/networkInterfaces/read' over scope '{}' or the scope is invalid.",
        nic()
    );
    let (kind, said) = reads(Says::error(403, "AuthorizationFailed", &message)).await;
    let action = "Microsoft.Network/networkInterfaces/read".to_owned();
    assert_eq!(
        kind,
        Kind::Forbidden {
            action: Some(action),
            scope: Some(nic().to_string())
        }
    );
    assert!(
        said.contains("may not do Microsoft.Network/networkInterfaces/read at /subscriptions/"),
        "{said}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let play = Play::of(vec![Says::json(307, "").header("location", "BASE/elsewhere")]).await;
    let error = play.arm().within(TIME).nic(&nic()).await.unwrap_err();
    assert_eq!((error.kind.clone(), play.count()), (Kind::Rejected, 1), "{error}");
    assert!(error.to_string().contains("/elsewhere"));
}

#[tokio::test]
async fn an_answer_that_never_comes_ends_with_the_time() {
    let play = Play::of(vec![Says::json(200, json!({})).thinks(Duration::from_secs(60))]).await;
    let error = play
        .arm()
        .within(Duration::from_millis(200))
        .nic(&nic())
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Deadline, "{error}");
    assert!(error.ids.client.is_some());
}

#[tokio::test]
async fn wrong_arguments_are_not_sent() {
    let play = Play::of(vec![Says::json(200, json!({"value": []}))]).await;
    let arm = play.arm();
    let call = arm.within(TIME);
    assert_eq!(call.nic(&vm()).await.unwrap_err().kind, Kind::Argument);
    assert_eq!(
        call.run_command(&rule(), &["true"]).await.unwrap_err().kind,
        Kind::Argument
    );
    for name in ["", "..", "a/b", "a?b", "a#b", "a%2fb", "a b"] {
        let scope = Scope::Group {
            subscription: SUBSCRIPTION,
            group: name,
        };
        assert_eq!(
            call.nics(scope).await.unwrap_err().kind,
            Kind::Argument,
            "{name:?}"
        );
        assert_eq!(
            call.service_tags(name, "westeurope").await.unwrap_err().kind,
            Kind::Argument,
            "{name:?}"
        );
    }
    assert_eq!(
        call.permissions("/subscriptions/x/../y").await.unwrap_err().kind,
        Kind::Argument
    );
    assert_eq!(play.count(), 0);
}
