use super::*;
use crate::answer::{PollHeaders, RequestIds};
use proptest::prelude::*;
use serde_json::json;

const OP: &str = "https://arm/op";
const RES: &str = "https://arm/res";

fn answer(status: u16, operation: Option<&str>, location: Option<&str>, json: Value) -> Answer {
    Answer {
        status,
        bytes: Vec::new(),
        json,
        ids: RequestIds::default(),
        etag: None,
        date: None,
        poll: PollHeaders {
            operation: operation.map(str::to_owned),
            location: location.map(str::to_owned),
            retry_after: Some(Duration::from_secs(10)),
        },
    }
}

fn plain(status: u16, json: Value) -> Answer {
    answer(status, None, None, json)
}

fn poll(url: &str) -> Step {
    Step::Ask {
        at: Target::Url(url.to_owned()),
        after: Some(Duration::from_secs(10)),
        ended: false,
    }
}

fn fetch(at: Target) -> Step {
    Step::Ask {
        at,
        after: None,
        ended: true,
    }
}

fn run(verb: Verb, answers: &[Answer]) -> Vec<Step> {
    let mut operation = Operation::new(verb);
    answers.iter().map(|answer| operation.handle(answer)).collect()
}

#[test]
fn a_network_action_is_polled_at_its_location() {
    let accepted = || answer(202, None, Some(RES), Value::Null);
    let steps = run(
        Verb::Post,
        &[accepted(), accepted(), plain(200, json!({"value": []}))],
    );
    assert_eq!(steps, [poll(RES), poll(RES), Step::Done]);
    // The body of the year 2017's status query says nothing while the status is 202.
    let early = answer(202, None, Some(RES), json!({"packetCaptureStatus": "NotStarted"}));
    assert_eq!(run(Verb::Post, &[early]), [poll(RES)]);
}

#[test]
fn a_network_action_may_end_at_once() {
    assert_eq!(
        run(Verb::Post, &[answer(200, None, Some(RES), json!({"value": []}))]),
        [Step::Done]
    );
}

#[test]
fn a_put_ends_with_the_resource() {
    let made = answer(
        201,
        Some(OP),
        None,
        json!({"properties": {"provisioningState": "Updating"}}),
    );
    let steps = run(
        Verb::Put,
        &[
            made,
            plain(200, json!({"status": "InProgress"})),
            plain(200, json!({"status": "Succeeded"})),
            plain(200, json!({"name": "r"})),
        ],
    );
    assert_eq!(steps, [poll(OP), poll(OP), fetch(Target::Resource), Step::Done]);
}

#[test]
fn a_put_without_headers_is_followed_by_its_own_state() {
    let state = |state: &str| plain(200, json!({"properties": {"provisioningState": state}}));
    let wait = Step::Ask {
        at: Target::Resource,
        after: Some(Duration::from_secs(10)),
        ended: false,
    };
    assert_eq!(
        run(
            Verb::Put,
            &[state("Updating"), state("Updating"), state("Succeeded")]
        ),
        [wait.clone(), wait, Step::Done]
    );
    assert_eq!(run(Verb::Put, &[plain(201, json!({"name": "r"}))]), [Step::Done]);
    assert!(matches!(
        run(Verb::Put, &[state("Failed")]).as_slice(),
        [Step::Failed {
            kind: Kind::OperationFailed,
            ..
        }]
    ));
}

#[test]
fn a_delete_has_no_result() {
    let accepted = answer(202, Some(OP), Some(RES), Value::Null);
    assert_eq!(
        run(
            Verb::Delete,
            &[accepted, plain(200, json!({"status": "Succeeded"}))]
        ),
        [poll(OP), Step::Done]
    );
    assert_eq!(run(Verb::Delete, &[plain(204, Value::Null)]), [Step::Done]);
    assert_eq!(run(Verb::Delete, &[plain(200, Value::Null)]), [Step::Done]);
}

#[test]
fn an_action_with_both_headers_is_polled_at_its_state_and_read_at_its_location() {
    let accepted = answer(202, Some(OP), Some(RES), Value::Null);
    let done = plain(
        200,
        json!({"status": "Succeeded", "properties": {"output": {"value": []}}}),
    );
    let steps = run(
        Verb::Post,
        &[
            accepted,
            plain(200, json!({"status": "InProgress"})),
            done.clone(),
            plain(200, json!({"value": []})),
        ],
    );
    assert_eq!(
        steps,
        [poll(OP), poll(OP), fetch(Target::Url(RES.to_owned())), Step::Done]
    );
    // Without a Location, the state holds the result.
    let accepted = answer(202, Some(OP), None, Value::Null);
    assert_eq!(
        run(Verb::Post, &[accepted, done]),
        [poll(OP), Step::Output(json!({"value": []}))]
    );
}

#[test]
fn a_newer_url_takes_the_place_of_an_older() {
    let moved = answer(
        200,
        Some("https://arm/op2"),
        None,
        json!({"status": "InProgress"}),
    );
    let steps = run(
        Verb::Delete,
        &[
            answer(202, Some(OP), None, Value::Null),
            moved,
            plain(200, json!({"status": "InProgress"})),
        ],
    );
    assert_eq!(
        steps,
        [poll(OP), poll("https://arm/op2"), poll("https://arm/op2")]
    );
}

#[test]
fn a_failure_inside_status_200_is_one() {
    let fails = |status: &str, code: &str| {
        let body = json!({"status": status, "error": {"code": code, "message": "m"}});
        run(
            Verb::Delete,
            &[answer(202, Some(OP), None, Value::Null), plain(200, body)],
        )
        .pop()
        .unwrap()
    };
    let failed = |kind, code: &str| Step::Failed {
        kind,
        code: Some(code.to_owned()),
        message: "m".to_owned(),
    };
    assert_eq!(fails("Failed", "InUse"), failed(Kind::OperationFailed, "InUse"));
    assert_eq!(
        fails("Failed", "AnotherOperationInProgress"),
        failed(Kind::Locked, "AnotherOperationInProgress")
    );
    assert_eq!(
        fails("Canceled", "OperationPreempted"),
        failed(Kind::Cancelled, "OperationPreempted")
    );
    let bare = run(
        Verb::Delete,
        &[
            answer(202, Some(OP), None, Value::Null),
            plain(200, json!({"status": "Failed"})),
        ],
    );
    assert!(matches!(
        bare.last(),
        Some(Step::Failed {
            kind: Kind::OperationFailed,
            code: None,
            ..
        })
    ));
}

#[test]
fn what_is_of_no_known_shape_is_never_taken_for_done() {
    for body in [
        Value::Null,
        json!({}),
        json!([]),
        json!({"status": 5}),
        json!({"value": []}),
    ] {
        let steps = run(
            Verb::Post,
            &[answer(202, Some(OP), None, Value::Null), plain(200, body.clone())],
        );
        assert!(matches!(steps.last(), Some(Step::Unclear(_))), "{body}");
    }
    for verb in [Verb::Post, Verb::Delete] {
        assert!(matches!(
            run(verb, &[plain(202, Value::Null)]).as_slice(),
            [Step::Unclear(_)]
        ));
    }
}

proptest! {
    /// As long as the operation says that it is under way, nothing but asking comes out, and always at a URL that Azure gave.
    #[test]
    fn it_waits_as_long_as_azure_works(
        post: bool, by_state: bool, words in proptest::collection::vec("(InProgress|Running|Accepted|Updating|[A-Z][a-z]{3,8})", 1..50),
    ) {
        let verb = if post { Verb::Post } else { Verb::Delete };
        let mut operation = Operation::new(verb);
        let (state, location) = if by_state { (Some(OP), None) } else { (None, Some(RES)) };
        let mut step = operation.handle(&answer(202, state, location, Value::Null));
        for word in words {
            prop_assume!(!["Succeeded", "Failed", "Canceled", "Cancelled"].contains(&word.as_str()));
            let url = if by_state { OP } else { RES };
            prop_assert_eq!(&step, &poll(url));
            let body = json!({"status": word});
            step = operation.handle(&plain(if by_state { 200 } else { 202 }, body));
        }
    }
}
