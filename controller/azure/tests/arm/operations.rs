//! Long-running operations, whole.

use std::time::{Duration, Instant};

use netghost_azure::Kind;
use serde_json::json;

use crate::play::{Play, Says, TIME, id, nic, rule, vm};

const OP: &str =
    "BASE/subscriptions/s/providers/Microsoft.Network/locations/westeurope/operations/1?api-version=1";
const RES: &str =
    "BASE/subscriptions/s/providers/Microsoft.Network/locations/westeurope/operationResults/1?api-version=1";

fn accepted() -> Says {
    Says::json(202, "null")
        .header("location", RES)
        .header("retry-after", "0")
}

fn followed() -> Says {
    Says::json(202, "")
        .header("azure-asyncoperation", OP)
        .header("location", RES)
        .header("retry-after", "0")
}

fn state(status: &str) -> Says {
    Says::json(200, json!({"status": status})).header("retry-after", "0")
}

fn paths(play: &Play) -> Vec<String> {
    let short = |path: &str| {
        path.split('?')
            .next()
            .unwrap()
            .rsplit('/')
            .nth(1)
            .unwrap()
            .to_owned()
    };
    play.came()
        .iter()
        .map(|came| format!("{} {}", came.method, short(&came.path)))
        .collect()
}

#[tokio::test]
async fn effective_routes_come_from_the_location() {
    let routes = json!({"value": [{"source": "Default", "addressPrefix": ["10.0.0.0/16"], "nextHopType": "VnetLocal"}]});
    let play = Play::of(vec![accepted(), accepted(), Says::json(200, routes.clone())]).await;
    let answer = play.arm().within(TIME).effective_routes(&nic()).await.unwrap();
    assert_eq!(answer.json, routes);
    assert_eq!(answer.bytes, routes.to_string().into_bytes());
    assert_eq!(
        paths(&play),
        ["POST web-nic", "GET operationResults", "GET operationResults"]
    );
    assert_eq!(play.came()[0].header("content-length"), Some("0"));
}

/// JSON that stops midway.
fn half() -> Says {
    Says::json(200, r#"{"value": [{"source": "Default""#)
}

/// Effective routes, always accepted; what the looks at the operation give, the last again and again.
async fn routes(results: Vec<Says>) -> (Play, Result<netghost_azure::Answer, netghost_azure::ArmError>) {
    let mut looks = 0;
    let play = Play::with(Box::new(move |_, came, base| {
        if came.method == "POST" {
            return accepted().based(base);
        }
        looks += 1;
        results[(looks - 1).min(results.len() - 1)].clone().based(base)
    }))
    .await;
    let came = play.arm().within(TIME).effective_routes(&nic()).await;
    (play, came)
}

fn posts(play: &Play) -> usize {
    play.came().iter().filter(|came| came.method == "POST").count()
}

#[tokio::test]
async fn a_result_that_is_cut_is_read_again() {
    let whole = || Says::json(200, json!({"value": []}));
    for cut in [half(), half().claims(500)] {
        let (play, came) = routes(vec![accepted(), cut, whole()]).await;
        assert_eq!(came.unwrap().json, json!({"value": []}));
        assert_eq!((posts(&play), play.count()), (1, 4));
    }
    // An answer that needs no operation, too.
    let play = Play::of(vec![half().claims(500), half(), whole()]).await;
    play.arm().within(TIME).effective_rules(&nic()).await.unwrap();
    assert_eq!(posts(&play), 3);
}

#[tokio::test]
async fn a_result_that_lies_there_cut_is_computed_anew_once() {
    let cut = || vec![half(); 5];
    let (play, came) = routes([cut(), vec![Says::json(200, json!({"value": []}))]].concat()).await;
    assert_eq!(came.unwrap().json, json!({"value": []}));
    assert_eq!((posts(&play), play.count()), (2, 8));
    let (play, came) = routes(cut()).await;
    let error = came.unwrap_err();
    assert_eq!(
        (error.kind.clone(), posts(&play), play.count()),
        (Kind::Cut, 2, 12),
        "{error}"
    );
    assert!(error.to_string().contains("the answer was cut off"), "{error}");
    // Whole and of another shape: it would be the same again.
    let (play, came) = routes(vec![Says::json(200, "[1]")]).await;
    assert_eq!(came.unwrap_err().kind, Kind::Malformed);
    assert_eq!((posts(&play), play.count()), (1, 2));
}

#[tokio::test]
async fn what_does_its_work_each_time_is_not_begun_anew_for_a_cut_result() {
    let play = Play::with(Box::new(|_, came, base| match came.method.as_str() {
        "POST" => accepted().based(base),
        _ => half(),
    }))
    .await;
    let error = play
        .arm()
        .within(TIME)
        .run_command(&vm(), &["true"])
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind.clone(), posts(&play), play.count()),
        (Kind::Cut, 1, 6),
        "{error}"
    );
}

#[tokio::test]
async fn a_cut_result_is_asked_for_within_the_deadline_alone() {
    let slow = half().thinks(Duration::from_millis(400));
    let play = Play::of(vec![accepted(), slow]).await;
    let begun = Instant::now();
    let arm = play.arm();
    let call = arm.within(Duration::from_millis(1500));
    let error = call.effective_routes(&nic()).await.unwrap_err();
    assert!(matches!(error.kind, Kind::Cut | Kind::Deadline), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!((3..=5).contains(&play.count()), "{} {error}", play.count());
    // The time ends while another result is waited for: the first one's end is not forgotten.
    let play = Play::with(Box::new(|number, came, base| {
        match (came.method.as_str(), number) {
            ("POST", 0) => accepted().based(base),
            ("POST", _) => accepted().header("retry-after", "60").based(base),
            _ => half(),
        }
    }))
    .await;
    let error = play
        .arm()
        .within(TIME)
        .effective_routes(&nic())
        .await
        .unwrap_err();
    assert_eq!((error.kind.clone(), posts(&play)), (Kind::Deadline, 2), "{error}");
    assert!(error.to_string().contains("was cut off"), "{error}");
}

#[tokio::test]
async fn azures_time_between_two_looks_is_kept() {
    let slow = accepted().header("retry-after", "1");
    let play = Play::of(vec![slow, Says::json(200, json!({"value": []}))]).await;
    play.arm().within(TIME).effective_rules(&nic()).await.unwrap();
    let came = play.came();
    assert!(came[1].at.duration_since(came[0].at) >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_rule_that_is_put_is_read_at_the_end() {
    let made = Says::json(201, json!({"properties": {"provisioningState": "Updating"}}))
        .header("azure-asyncoperation", OP)
        .header("retry-after", "0");
    let whole = json!({"name": "allow-http", "properties": {"provisioningState": "Succeeded"}});
    let play = Play::of(vec![
        made,
        state("InProgress"),
        state("Succeeded"),
        Says::json(200, whole.clone()).header("etag", "W/\"2\""),
    ])
    .await;
    let answer = play
        .arm()
        .within(TIME)
        .put_security_rule(&rule(), json!({"properties": {}}), Some("W/\"1\""))
        .await
        .unwrap();
    assert_eq!((answer.json, answer.etag.as_deref()), (whole, Some("W/\"2\"")));
    assert_eq!(
        paths(&play),
        [
            "PUT securityRules",
            "GET operations",
            "GET operations",
            "GET securityRules"
        ]
    );
    assert_eq!(play.came()[0].header("if-match"), Some("W/\"1\""));
}

#[tokio::test]
async fn a_delete_follows_the_state_and_leaves_the_location() {
    let play = Play::of(vec![followed(), state("InProgress"), state("Succeeded")]).await;
    play.arm()
        .within(TIME)
        .delete_security_rule(&rule(), None)
        .await
        .unwrap();
    assert_eq!(
        paths(&play),
        ["DELETE securityRules", "GET operations", "GET operations"]
    );
    let absent = Play::of(vec![Says::json(204, "")]).await;
    absent
        .arm()
        .within(TIME)
        .delete_security_rule(&rule(), None)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_script_gives_its_output() {
    let output = json!({"value": [{"code": "ProvisioningState/succeeded", "message": "Enable succeeded: \n[stdout]\nhi\n[stderr]\n"}]});
    let play = Play::of(vec![
        followed(),
        state("InProgress"),
        state("Succeeded"),
        Says::json(200, output.clone()),
    ])
    .await;
    let answer = play
        .arm()
        .within(TIME)
        .run_command(&vm(), &["echo hi"])
        .await
        .unwrap();
    assert_eq!(answer.json, output);
    assert_eq!(
        paths(&play),
        [
            "POST web",
            "GET operations",
            "GET operations",
            "GET operationResults"
        ]
    );
    assert_eq!(
        play.came()[0].body,
        r#"{"commandId":"RunShellScript","script":["echo hi"]}"#
    );
}

#[tokio::test]
async fn a_capture_is_stopped_with_nothing_to_read() {
    let capture = id("Microsoft.Network/networkWatchers/w/packetCaptures/c");
    let done = Says::json(200, json!({"status": "Succeeded", "properties": {}}));
    let play = Play::of(vec![followed(), done, Says::json(200, "null")]).await;
    play.arm().within(TIME).stop_capture(&capture).await.unwrap();
}

#[tokio::test]
async fn a_failure_inside_a_good_status_is_an_error() {
    let failed = |code: &str| {
        Says::json(
            200,
            json!({"status": "Failed", "error": {"code": code, "message": "why"}}),
        )
    };
    let play = Play::of(vec![followed(), failed("InternalExecutionError")]).await;
    let error = play
        .arm()
        .within(TIME)
        .run_command(&vm(), &["true"])
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind.clone(), error.code.as_deref()),
        (Kind::Server, Some("InternalExecutionError"))
    );
    assert!(
        error.asynchronous && error.operation.as_deref().unwrap().contains("/operations/1"),
        "{error}"
    );
    // A lock that shows only there is waited for, and the whole call made again.
    let play = Play::of(vec![
        followed(),
        failed("AnotherOperationInProgress"),
        followed(),
        state("Succeeded"),
    ])
    .await;
    play.arm()
        .within(TIME)
        .delete_security_rule(&rule(), None)
        .await
        .unwrap();
    assert_eq!(
        paths(&play)
            .iter()
            .filter(|path| path.starts_with("DELETE"))
            .count(),
        2
    );
    // Not so where the work may have been done.
    let play = Play::of(vec![followed(), failed("AnotherOperationInProgress")]).await;
    assert_eq!(
        play.arm()
            .within(TIME)
            .run_command(&vm(), &["true"])
            .await
            .unwrap_err()
            .kind,
        Kind::Locked
    );
    assert_eq!(play.count(), 2);
}

#[tokio::test]
async fn the_result_may_be_the_failure() {
    let says = Says::error(400, "NicMustBeAttachedToRunningVmToGetEffectiveRoutes", "x");
    let play = Play::of(vec![accepted(), says]).await;
    let error = play
        .arm()
        .within(TIME)
        .effective_routes(&nic())
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::NotRunning);
    assert!(error.to_string().starts_with("POST /subscriptions/"), "{error}");
}

#[tokio::test]
async fn an_operation_without_end_ends_with_the_time() {
    let play = Play::of(vec![accepted()]).await;
    let begun = Instant::now();
    let error = play
        .arm()
        .within(Duration::from_millis(700))
        .effective_routes(&nic())
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Deadline, "{error}");
    assert!(
        error
            .operation
            .as_deref()
            .unwrap()
            .contains("/operationResults/1"),
        "{error}"
    );
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert!((3..=10).contains(&play.count()), "{}", play.count());
}

#[tokio::test]
async fn a_look_that_would_come_too_late_is_not_waited_for() {
    let play = Play::of(vec![accepted().header("retry-after", "3600")]).await;
    let begun = Instant::now();
    let error = play
        .arm()
        .within(Duration::from_secs(10))
        .effective_routes(&nic())
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Deadline);
    assert!(begun.elapsed() < Duration::from_secs(5) && error.operation.is_some());
}

#[tokio::test]
async fn an_operation_elsewhere_is_not_followed() {
    for name in ["location", "azure-asyncoperation"] {
        let thief = Play::of(vec![state("Succeeded")]).await;
        let says = Says::json(202, "null").header(name, &format!("{}/x", thief.base));
        let play = Play::of(vec![says]).await;
        let error = play
            .arm()
            .within(TIME)
            .effective_routes(&nic())
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind.clone(), thief.count()),
            (Kind::OtherHost, 0),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_url_of_four_thousand_characters_is_followed() {
    let long = format!("BASE/subscriptions/s/operationResults/1?t={}", "x".repeat(4000));
    let play = Play::of(vec![
        accepted().header("location", &long),
        Says::json(200, json!({"value": []})),
    ])
    .await;
    play.arm().within(TIME).effective_routes(&nic()).await.unwrap();
    assert!(play.came()[1].path.len() > 4000);
}

#[tokio::test]
async fn a_state_of_no_known_shape_is_not_success() {
    for body in ["null", "{}", r#"{"value": []}"#] {
        let play = Play::of(vec![followed(), Says::json(200, body)]).await;
        let error = play
            .arm()
            .within(TIME)
            .delete_security_rule(&rule(), None)
            .await
            .unwrap_err();
        assert_eq!(error.kind, Kind::Malformed, "{body}");
    }
}

#[tokio::test]
async fn a_look_may_fail_in_between() {
    let play = Play::of(vec![
        accepted(),
        Says::error(503, "ServiceUnavailable", "x"),
        Says::error(401, "ExpiredAuthenticationToken", "x"),
        accepted(),
        Says::json(200, json!({"value": []})),
    ])
    .await;
    play.arm().within(TIME).effective_rules(&nic()).await.unwrap();
    assert_eq!(
        paths(&play)
            .iter()
            .filter(|path| path.starts_with("POST"))
            .count(),
        1
    );
}

#[tokio::test]
async fn a_call_that_is_dropped_asks_no_more() {
    let play = Play::of(vec![accepted()]).await;
    let arm = play.arm();
    let (nic, within) = (nic(), arm.within(TIME));
    assert!(
        tokio::time::timeout(Duration::from_millis(350), within.effective_routes(&nic))
            .await
            .is_err()
    );
    tokio::time::sleep(Duration::from_millis(50)).await;
    let count = play.count();
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(play.count(), count);
}
