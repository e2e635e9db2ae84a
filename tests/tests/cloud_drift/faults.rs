//! What goes wrong between here and Azure: never a verdict that nothing changed, never a baseline that is complete.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::site::{Site, gaps};

/// The verdict under faults, each of which is set before a baseline is made and before a check: the first is partial, the second
/// unknown, both name the interface, and the words say why. The other interface is told as before.
fn unknown(fault: &Value, words: &[&str], more: &[&str]) {
    let site = Site::sealed();
    site.cloud.arm.fault(fault).unwrap();
    let nic = site.nic("vm1");
    let found = site.check(more).with(3).json();
    assert_eq!(
        (&found["verdict"], &found["drift_detected"]),
        (&json!("unknown"), &Value::Null),
        "{fault}"
    );
    let gaps = gaps(&found, &nic);
    assert!(
        !gaps.is_empty() && gaps.iter().any(|gap| gap["requested"] != false),
        "{fault}: {found:#}"
    );
    let text = json!(gaps).to_string();
    for word in words {
        assert!(text.contains(word), "{fault}: {word}: {text}");
    }
    site.cloud.arm.clear_faults();
    site.cloud.arm.fault(fault).unwrap();
    let made = site.run(&[&["baseline", "create", "c", "--nic", &nic][..], more].concat());
    let other = site.nic("vm2");
    let both = site.run(&[&["baseline", "create", "d", "--nic", &nic, &other][..], more].concat());
    assert!(matches!(made.status, 3 | 4), "{fault}: {made:?}");
    if made.status == 4 {
        assert!(made.stdout.is_empty() && made.stderr.contains(&nic), "{made:?}");
    }
    let both = both.with(3).json();
    assert_eq!(both["verdict"], "partial", "{fault}: {both:#}");
    let missing = both["missing"].as_array().unwrap();
    assert!(
        missing.iter().any(|row| row["target"] == nic),
        "{fault}: {both:#}"
    );
    // What was sealed in part is compared in part.
    site.cloud.arm.clear_faults();
    let later = site
        .run(&["drift", "check", "--baseline", "d", "--nic", &nic, &other])
        .with(3)
        .json();
    assert_eq!(later["verdict"], "unknown", "{fault}: {later:#}");
}

/// A fault that befalls whatever is asked of the first interface below this word.
fn of_the_first(word: &str, mut fault: Value) -> Value {
    fault["path"] = json!(format!("networkInterfaces/vm1{word}"));
    fault
}

fn refused(code: &str, message: &str) -> Value {
    json!({"fault": "error", "status": 403, "code": code, "message": message})
}

const ROUTES: &str = "/effectiveRouteTable";
const RULES: &str = "/effectiveNetworkSecurityGroups";

#[test]
fn a_permission_that_is_missing_is_named() {
    let action = "Microsoft.Network/networkInterfaces/effectiveRouteTable/action";
    let message = format!(
        "The client 'c' with object id 'o' does not have authorization to perform action '{action}' over scope '/s' or the scope is invalid."
    );
    let fault = of_the_first(ROUTES, refused("AuthorizationFailed", &message));
    unknown(&fault, &[action, "AuthorizationFailed", "effective-routes"], &[]);
}

#[test]
fn a_page_for_a_browser_is_no_table() {
    let fault = of_the_first(RULES, json!({"fault": "html", "status": 200}));
    unknown(&fault, &["effective-nsg", "a page for a browser"], &[]);
}

#[test]
fn json_that_is_cut_is_no_table() {
    unknown(
        &of_the_first(ROUTES, json!({"fault": "truncate", "at": 40})),
        &["effective-routes", "cut off"],
        &["--deadline", "6s"],
    );
}

#[test]
fn a_table_that_was_cut_once_is_had_by_asking_again() {
    let site = Site::sealed();
    let cut = of_the_first(RULES, json!({"fault": "truncate", "at": 40, "times": 1}));
    site.cloud.arm.fault(&cut).unwrap();
    let found = site.check(&[]).with(0).json();
    assert_eq!(found["verdict"], "no_drift", "{found:#}");
}

#[test]
fn a_list_that_is_null_is_not_empty() {
    let fault = json!({"fault": "edit", "pointer": "/value", "value": null});
    unknown(&of_the_first(RULES, fault), &["effective-nsg"], &[]);
}

#[test]
fn an_association_that_is_null_is_not_known() {
    unknown(
        &of_the_first(RULES, json!({"fault": "association_null"})),
        &["effective-nsg", "it is not known whether"],
        &[],
    );
}

#[test]
fn an_association_with_something_else_is_not_known() {
    unknown(
        &of_the_first(RULES, json!({"fault": "association_unknown"})),
        &["effective-nsg", "it is not known whether"],
        &[],
    );
}

#[test]
fn a_priority_that_is_a_word_is_not_known() {
    unknown(
        &of_the_first(RULES, json!({"fault": "priority_word"})),
        &["effective-nsg", "priority"],
        &[],
    );
}

#[test]
fn an_operation_that_never_ends_ends_with_the_deadline() {
    let begun = Instant::now();
    let fault = of_the_first(ROUTES, json!({"fault": "endless", "verb": "POST"}));
    unknown(&fault, &["effective-routes", "time"], &["--deadline", "6s"]);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn an_operation_that_fails_at_its_end_says_so() {
    let fault =
        json!({"fault": "fail_later", "code": "OperationNotAllowed", "message": "sorry", "verb": "POST"});
    unknown(
        &of_the_first(ROUTES, fault),
        &["effective-routes", "OperationNotAllowed"],
        &[],
    );
}

#[test]
fn a_vm_that_is_stopped_has_no_computed_state() {
    let site = Site::sealed();
    site.cloud.set(
        "vms",
        &site.cloud.machine("vm1"),
        &json!({"power": "deallocated"}),
    );
    let found = site.check(&[]).with(3).json();
    assert_eq!(found["verdict"], "unknown");
    let text = json!(gaps(&found, &site.nic("vm1"))).to_string();
    assert!(text.contains("NicMustBeAttachedToRunningVm"), "{text}");
    let made = site
        .run(&["baseline", "create", "c", "--group", "lab"])
        .with(3)
        .json();
    assert_eq!(made["verdict"], "partial");
}

#[test]
fn an_interface_that_is_deleted_midway_is_unknown() {
    let site = Site::sealed();
    let vanish = json!({"fault": "vanish", "path": "networkInterfaces/vm1/effectiveRouteTable", "verb": "POST", "times": 1});
    site.cloud.arm.fault(&vanish).unwrap();
    let found = site.check(&[]).with(3).json();
    assert!(!gaps(&found, &site.nic("vm1")).is_empty(), "{found:#}");
    // Gone for good: it is asked for once more, and Azure says that it is not there.
    let found = site.check(&[]).with(3).json();
    assert_eq!(found["verdict"], "unknown");
    let text = json!(gaps(&found, &site.nic("vm1"))).to_string();
    assert!(
        text.contains("no longer exists") || text.contains("ResourceNotFound"),
        "{text}"
    );
}

#[test]
fn limits_and_locks_are_waited_for() {
    let site = Site::sealed();
    let throttle = json!({"fault": "throttle", "retry_after": 1, "path": "effectiveRouteTable", "times": 4});
    let lock = json!({"fault": "lock", "path": "effectiveNetworkSecurityGroups", "times": 2});
    let broken =
        json!({"fault": "cut", "at": 20, "verb": "GET", "path": "networkInterfaces/vm2", "times": 1});
    site.cloud.arm.fault(&json!([throttle, lock, broken])).unwrap();
    let found = site.check(&[]).with(0).json();
    assert_eq!(found["verdict"], "no_drift");
    // For longer than the deadline they are not.
    let throttle = json!({"fault": "throttle", "retry_after": 60, "path": "effectiveRouteTable"});
    site.cloud.arm.fault(&throttle).unwrap();
    let found = site.check(&["--deadline", "4s"]).with(3).json();
    assert_eq!(found["verdict"], "unknown");
}

#[test]
fn a_token_that_ends_midway_is_renewed() {
    let site = Site::sealed();
    let ended = json!({"fault": "token_expired", "path": "effectiveRouteTable", "times": 1});
    site.cloud.arm.fault(&ended).unwrap();
    site.check(&[]).with(0);
    let refused = json!({"fault": "error", "status": 401, "code": "InvalidAuthenticationToken", "path": "effectiveRouteTable"});
    site.cloud.arm.fault(&refused).unwrap();
    assert_eq!(site.check(&[]).with(3).json()["verdict"], "unknown");
}

#[test]
fn a_clock_that_is_wrong_hides_no_change() {
    for skew in [-7200, 7200] {
        let site = Site::sealed();
        site.cloud
            .arm
            .patch(&json!({"settings": {"clockSkew": skew}}))
            .unwrap();
        site.rule(Some("Deny"));
        let found = site.check(&[]);
        assert!(matches!(found.status, 1 | 3), "{skew}: {found:?}");
        if found.status == 1 {
            assert_eq!(found.json()["verdict"], "drift");
        }
    }
}

#[test]
fn what_could_not_be_listed_is_not_covered() {
    let site = Site::sealed();
    let fault = json!({"fault": "error", "status": 403, "code": "AuthorizationFailed", "path": "virtualMachineScaleSets"});
    site.cloud.arm.fault(&fault).unwrap();
    let found = site.check(&[]).with(3).json();
    assert_eq!(found["verdict"], "unknown");
    assert!(
        found["not_covered"].to_string().contains("AuthorizationFailed"),
        "{found:#}"
    );
    let made = site
        .run(&["baseline", "create", "c", "--group", "lab"])
        .with(3)
        .json();
    assert_eq!(made["verdict"], "partial");
}

#[test]
fn azure_that_does_not_answer_is_no_answer() {
    let site = Site::sealed();
    site.cloud
        .arm
        .fault(&json!({"fault": "html", "status": 200}))
        .unwrap();
    let found = site.check(&["--deadline", "20s"]);
    assert!(matches!(found.status, 3 | 4), "{found:?}");
    let made = site.run(&["baseline", "create", "c", "--group", "lab"]);
    assert!(matches!(made.status, 3 | 4), "{made:?}");
    if made.status == 3 {
        assert_eq!(made.json()["verdict"], "partial");
    }
}

#[test]
fn a_subscription_that_is_not_there_is_said() {
    let site = Site::new();
    let other = "99999999-2222-4333-8444-555555555555";
    for words in [
        vec![
            "baseline",
            "create",
            "c",
            "--layers",
            "azure",
            "--subscription",
            other,
        ],
        vec!["azure", "vms", "--subscription", other],
    ] {
        let mut all: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        all.extend(site.cloud.login(true));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let ended = site.bare(&all);
        assert!(
            matches!(ended.status, 2 | 4) && ended.stdout.is_empty(),
            "{ended:?}"
        );
        assert!(
            ended.stderr.contains(other) || ended.stderr.contains("subscription"),
            "{ended:?}"
        );
    }
}
