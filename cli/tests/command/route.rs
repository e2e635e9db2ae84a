//! Effective routes in files.

use serde_json::{Value, json};

use super::program::{Place, Run};

fn entry(prefix: &str, source: &str, hop: &str, address: &str) -> Value {
    json!({"name": null, "source": source, "state": "Active", "addressPrefix": [prefix], "nextHopType": hop,
        "nextHopIpAddress": [address], "disableBgpRoutePropagation": false})
}

/// A place with a table of this name.
fn place(name: &str, body: &Value) -> Place {
    let place = Place::new();
    place.write(name, body.to_string().as_bytes());
    place
}

fn usual() -> Value {
    json!({"value": [
        entry("10.0.0.0/16", "Default", "VnetLocal", ""),
        entry("10.0.5.0/24", "VirtualNetworkGateway", "VirtualNetworkGateway", "10.255.0.4"),
        entry("0.0.0.0/0", "User", "VirtualAppliance", "10.0.0.4"),
        entry("172.16.0.0/12", "User", "None", ""),
    ]})
}

fn to(place: &Place, destination: &str) -> Run {
    place.run(&[
        "route",
        "lookup",
        "--table",
        "t.json",
        "--destination",
        destination,
        "-o",
        "json",
    ])
}

#[test]
fn a_lookup_names_the_route_and_why() {
    let place = place("t.json", &usual());
    let run = to(&place, "10.0.5.9");
    let found = run.json();
    assert_eq!((run.status, &found["result"]), (0, &json!("winner")));
    assert_eq!(
        (&found["winner"]["prefix"], &found["reason"]),
        (&json!("10.0.0.0/16"), &json!("system_before_bgp"))
    );
    let run = to(&place, "8.8.8.8");
    assert_eq!(
        (run.status, &run.json()["warnings"][0]["code"]),
        (0, &json!("NVA"))
    );
    let run = to(&place, "172.16.1.1");
    assert_eq!(
        (run.status, &run.json()["warnings"][0]["code"]),
        (1, &json!("BLACKHOLE"))
    );
    let run = to(&place, "fd00::1");
    assert_eq!((run.status, &run.json()["result"]), (1, &json!("no_route")));
    let text = place.run(&["route", "lookup", "--table", "t.json", "--destination", "8.8.8.8"]);
    assert!(
        text.stdout
            .starts_with("8.8.8.8: winner: User 0.0.0.0/0 -> VirtualAppliance 10.0.0.4\n"),
        "{}",
        text.stdout
    );
}

#[test]
fn what_is_not_understood_is_status_3_where_it_matters() {
    let mut body = usual();
    body["value"][2]["state"] = Value::Null;
    let place = place("t.json", &body);
    let run = to(&place, "8.8.8.8");
    assert_eq!((run.status, &run.json()["result"]), (3, &json!("unknown")));
    let run = to(&place, "10.0.0.1");
    assert_eq!(
        (run.status, run.json()["missing"].as_array().unwrap().len()),
        (0, 1)
    );
    let run = place.run(&["route", "audit", "--table", "t.json", "-o", "json"]);
    assert_eq!(
        (run.status, &run.json()["findings"][0]["code"]),
        (1, &json!("USER_BLACKHOLE"))
    );
}

#[test]
fn what_is_no_table_is_wrong_input() {
    let place = Place::new();
    let error = json!({"error": {"code": "NicMustBeAttachedToRunningVmToGetEffectiveRoutes", "message": "not running"}});
    for (body, says) in [
        ("<html>".to_owned(), "not JSON"),
        ("{\"value\": [{".to_owned(), "not JSON"),
        (String::new(), "not JSON"),
        ("{\"value\": null}".to_owned(), "no effective routes"),
        (
            error.to_string(),
            "NicMustBeAttachedToRunningVmToGetEffectiveRoutes",
        ),
    ] {
        place.write("t.json", body.as_bytes());
        let before = to(&place, "10.0.0.1");
        let audit = place.run(&["route", "audit", "--table", "t.json", "-o", "json"]);
        let diff = place.run(&["route", "diff", "t.json", "t.json", "-o", "json"]);
        for run in [before, audit, diff] {
            assert_eq!(run.status, 2, "{body}");
            let message = run.error()["message"].as_str().unwrap().to_owned();
            assert!(message.contains(says), "{message}");
        }
    }
    for wrong in [
        &[
            "route",
            "lookup",
            "--table",
            "t.json",
            "--destination",
            "10.0.0.0/8",
        ][..],
        &["route", "diff", "-", "-"],
    ] {
        assert_eq!(place.run(wrong).status, 2);
    }
    assert_eq!(
        place.run(&["route", "audit", "--table", "missing.json"]).status,
        2
    );
}

#[test]
fn a_difference_says_which_addresses_go_elsewhere() {
    let place = place("a.json", &usual());
    let mut after = usual();
    after["value"][2]["nextHopIpAddress"] = json!(["10.0.0.5"]);
    place.write("b.json", after.to_string().as_bytes());
    let run = place.run(&["route", "diff", "a.json", "b.json", "--explain", "-o", "json"]);
    let found = run.json();
    assert_eq!(
        (run.status, &found["verdict"], &found["drift_detected"]),
        (1, &json!("drift"), &json!(true))
    );
    assert_eq!(
        (&found["changes"][0]["kind"], &found["changes"][0]["fields"]),
        (&json!("route_modified"), &json!(["next_hop_ips"]))
    );
    assert!(
        found["changes"][0]["explanation"]["text"]
            .as_str()
            .unwrap()
            .contains("10.0.0.5")
    );
    assert_eq!(
        found["effects"][0]["after"]["winner"]["next_hop_ips"],
        json!(["10.0.0.5"])
    );
    let same = place.run_with_input(
        &["route", "diff", "a.json", "-", "-o", "json"],
        usual().to_string().as_bytes(),
    );
    assert_eq!((same.status, &same.json()["verdict"]), (0, &json!("no_drift")));
    after["nextLink"] = json!("https://next");
    after["value"] = usual()["value"].clone();
    place.write("b.json", after.to_string().as_bytes());
    let run = place.run(&["route", "diff", "a.json", "b.json", "-o", "json"]);
    assert_eq!((run.status, &run.json()["drift_detected"]), (3, &Value::Null));
}
