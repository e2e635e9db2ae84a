use serde_json::{Value, json};

use super::RunCommandError;
use super::output::streams;

fn linux(message: &str) -> Value {
    json!({"value": [{"code": "ProvisioningState/succeeded", "level": "Info",
        "displayStatus": "Provisioning succeeded", "message": message}]})
}

fn code(result: &Value) -> &'static str {
    streams(result).unwrap_err().code()
}

#[test]
fn both_streams_stand_in_one_message() {
    let read = streams(&linux("Enable succeeded: \n[stdout]\na\nb\n\n[stderr]\noops\n")).unwrap();
    assert_eq!(
        (read.stdout.as_slice(), read.stderr.as_str()),
        (&b"a\nb\n"[..], "oops\n")
    );
    // A line that only looks like the other stream's beginning is the first one's.
    let read = streams(&linux("Enable succeeded: \n[stdout]\nx[stderr]\ny\n[stderr]\n")).unwrap();
    assert_eq!(
        (read.stdout.as_slice(), read.stderr.as_str()),
        (&b"x[stderr]\ny"[..], "")
    );
    let read = streams(&linux("Enable succeeded: \n[stdout]\n\n[stderr]\n")).unwrap();
    assert_eq!((read.stdout.as_slice(), read.stderr.as_str()), (&b""[..], ""));
}

#[test]
fn each_stream_may_have_a_status_of_its_own() {
    let two = |out: &str, err: &str| json!({"value": [{"code": out, "message": "hi"}, {"code": err, "message": "oops"}]});
    let read = streams(&two(
        "ComponentStatus/StdOut/succeeded",
        "ComponentStatus/StdErr/succeeded",
    ))
    .unwrap();
    assert_eq!(
        (read.stdout.as_slice(), read.stderr.as_str()),
        (&b"hi"[..], "oops")
    );
    let twice = two(
        "ComponentStatus/StdOut/succeeded",
        "componentstatus/stdout/succeeded",
    );
    assert_eq!(code(&twice), "run_command_answer");
    let none = two("ComponentStatus/StdErr/succeeded", "x");
    assert_eq!(code(&none), "run_command_answer");
    // The display stands for a message that is null.
    let shown = json!({"value": [{"code": "ComponentStatus/StdOut/succeeded", "message": null, "displayStatus": "hi"}]});
    assert_eq!(streams(&shown).unwrap().stdout, b"hi");
}

#[test]
fn what_is_not_known_is_no_output() {
    for bad in [
        json!({}),
        json!(null),
        json!([]),
        json!({"value": null}),
        json!({"value": []}),
        json!({"value": "x"}),
        json!({"value": ["x"]}),
        json!({"value": [{}]}),
        json!({"value": [{"code": 5, "message": "x"}]}),
        json!({"value": [{"code": "ProvisioningState/succeeded", "message": ["x"]}]}),
        json!({"value": [{"code": "ProvisioningState/succeeded"}]}),
        json!({"value": [{"code": "ProvisioningState/updating", "message": "Enable succeeded: \n[stdout]\n\n[stderr]\n"}]}),
        linux("Enable succeeded: "),
        linux("Enable succeeded: \n[stdout]\nno end"),
        linux("[stdout] \n[stderr]\n"),
    ] {
        assert_eq!(code(&bad), "run_command_answer", "{bad}");
    }
}

#[test]
fn a_failure_is_told_without_what_a_terminal_would_obey() {
    let failed = json!({"value": [{"code": "ProvisioningState/failed/1", "message": "Enable failed:\n\u{1b}[2Jexit status 3"}]});
    let Err(RunCommandError::Failed { said }) = streams(&failed) else {
        panic!("it failed");
    };
    assert_eq!(said, "Enable failed: [2Jexit status 3");
    // A script that could not even begin.
    let read = streams(&linux(
        "Enable succeeded: \n[stdout]\n\n[stderr]\nsh: not found\n",
    ))
    .unwrap();
    assert_eq!(read.answer().unwrap_err().code(), "run_command_failed");
}
