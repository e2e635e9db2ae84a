//! Effective security rules in files. The bodies are made here, in the form of `az network nic list-effective-nsg`.

use serde_json::{Value, json};

use super::program::Place;

fn rule(name: &str, priority: Value, access: &str, source: &str, port: &str) -> Value {
    json!({"name": name, "priority": priority, "access": access, "direction": "Inbound", "protocol": "Tcp",
        "sourceAddressPrefix": source, "sourcePortRange": "0-65535",
        "destinationAddressPrefix": "0.0.0.0/0", "destinationPortRange": port})
}

fn entry(place: &str, rules: &[Value]) -> Value {
    let mut rules = rules.to_vec();
    let mut last = rule(
        "defaultSecurityRules/DenyAllInBound",
        json!(65_500),
        "Deny",
        "0.0.0.0/0",
        "0-65535",
    );
    last["protocol"] = json!("All");
    let mut vnet = rule(
        "defaultSecurityRules/AllowVnetInBound",
        json!(65_000),
        "Allow",
        "VirtualNetwork",
        "0-65535",
    );
    vnet["protocol"] = json!("All");
    rules.extend([vnet, last]);
    let nsg = format!(
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/{place}-nsg"
    );
    json!({"networkSecurityGroup": {"id": nsg}, "association": {place: {"id": "/x"}}, "effectiveSecurityRules": rules})
}

fn put(place: &Place, name: &str, body: &Value) {
    place.write(name, body.to_string().as_bytes());
}

/// Asks about TCP from `source` to port `port` of 10.0.1.4.
fn ask(place: &Place, more: &[&str], source: &str, port: &str) -> (i32, Value) {
    let flow =
        "nsg evaluate --rules rules.json --direction Inbound --protocol TCP --destination 10.0.1.4 -o json";
    let words: Vec<&str> = flow
        .split(' ')
        .chain(["--source", source, "--port", port])
        .chain(more.iter().copied())
        .collect();
    let run = place.run(&words);
    (run.status, run.json())
}

#[test]
fn a_flow_is_judged_gate_by_gate() {
    let place = Place::new();
    let web = rule("securityRules/web", json!(200), "Allow", "0.0.0.0/0", "443-443");
    let db = rule("securityRules/no-db", json!(100), "Deny", "0.0.0.0/0", "5432");
    let body = json!({"value": [entry("networkInterface", std::slice::from_ref(&web)), entry("subnet", &[db, web])]});
    put(&place, "rules.json", &body);
    let vnet = ["--vnet-prefix", "10.0.0.0/16"];
    let (status, found) = ask(&place, &vnet, "9.9.9.9", "443");
    assert_eq!(
        (status, &found["verdict"], &found["deciding_gate"]),
        (0, &json!("ALLOW"), &json!("nic"))
    );
    assert_eq!(found["schema"], "netghost.nsg-evaluate/v1");
    let gates: Vec<&Value> = found["gates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gate| &gate["gate"])
        .collect();
    assert_eq!(gates, [&json!("subnet"), &json!("nic")]);
    let (status, found) = ask(&place, &vnet, "10.0.0.5", "5432");
    let wanted = json!({"name": "no-db", "collection": "securityRules", "priority": 100, "access": "Deny"});
    assert_eq!(
        (status, &found["deciding_gate"], &found["deciding_rule"]),
        (1, &json!("subnet"), &wanted)
    );
    // Without the virtual network it is not known which default rule decides.
    let (status, found) = ask(&place, &[], "10.0.0.5", "80");
    assert_eq!((status, &found["verdict"]), (3, &json!("UNKNOWN")));
    let missing: Vec<&Value> = found["missing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["what"])
        .collect();
    assert_eq!(missing, [&json!("VirtualNetwork"), &json!("admin rules")]);
    let text = place.run(&[
        "nsg",
        "evaluate",
        "--rules",
        "rules.json",
        "--direction",
        "inbound",
        "--protocol",
        "tcp",
        "--source",
        "10.0.0.5",
        "--destination",
        "10.0.1.4",
        "--port",
        "5432",
    ]);
    let first = "DENY: subnet gate: rule no-db, priority 100 denies it";
    assert_eq!((text.status, text.stdout.lines().next()), (1, Some(first)));
}

#[test]
fn no_group_and_no_body_are_two_things() {
    let place = Place::new();
    put(&place, "rules.json", &json!({"value": []}));
    assert_eq!(ask(&place, &[], "10.0.0.5", "443").0, 0);
    assert_eq!(ask(&place, &[], "9.9.9.9", "443").0, 1);
    assert_eq!(ask(&place, &["--public-address", "none"], "9.9.9.9", "443").0, 0);
    let args: Vec<&str> =
        "nsg evaluate --rules rules.json --direction inbound --protocol tcp --source 10.0.0.5 --destination 10.0.1.4 --port 443 -o json"
            .split(' ')
            .collect();
    for body in [
        "<html>502 Bad Gateway</html>",
        "{\"value\": [",
        "null",
        "{\"value\": null}",
        "",
        "{\"error\": {\"code\": \"AuthorizationFailed\", \"message\": \"x\"}}",
    ] {
        place.write("rules.json", body.as_bytes());
        let run = place.run(&args);
        assert_eq!(
            (run.status, run.error()["code"].as_str()),
            (2, Some("not_the_format")),
            "{body}"
        );
    }
}

#[test]
fn wrong_questions_are_wrong_use() {
    let place = Place::new();
    put(&place, "rules.json", &json!({"value": []}));
    let start = "nsg evaluate --rules rules.json --direction inbound --destination 10.0.1.4 -o json";
    for more in [
        "--protocol tcp --source 10.0.0.5",
        "--protocol tcp --source 10.0.0.5 --port 0",
        "--protocol tcp --source 10.0.0.5 --port 70000",
        "--protocol tcp --source 10.0.0.5 --port 9-8",
        "--protocol sctp --source 10.0.0.5 --port 80",
        "--protocol tcp --source ::1 --port 80",
        "--protocol tcp --source 10.0.0.0/8 --port 80",
        "--protocol tcp --source 10.0.0.5 --port 80 --vnet-prefix 10.0.0.0/33",
        "--protocol tcp --source 10.0.0.5 --port 80 --admin-rules rules.txt",
    ] {
        let words: Vec<&str> = start.split(' ').chain(more.split(' ')).collect();
        let run = place.run(&words);
        assert_eq!(run.status, 2, "{more}");
        run.error();
    }
}

#[test]
fn rules_are_audited() {
    let place = Place::new();
    let rules = [
        rule("no-low", json!(100), "Deny", "0.0.0.0/1", "0-65535"),
        rule("no-high", json!(110), "Deny", "128.0.0.0/1", "0-65535"),
        rule("web", json!(200), "Allow", "0.0.0.0/0", "443"),
    ];
    put(&place, "rules.json", &json!({"value": [entry("subnet", &rules)]}));
    let run = place.run(&["nsg", "audit", "--rules", "rules.json", "-o", "json"]);
    let found = run.json();
    assert_eq!(run.status, 1);
    assert_eq!(
        (&found["permissive"][0]["rule"], &found["shadowed"][0]["rule"]),
        (&json!("web"), &json!("web"))
    );
    assert_eq!(
        found["permissive"][0]["wildcards"],
        json!(["source", "destination"])
    );
    let by: Vec<&Value> = found["shadowed"][0]["shadowed_by"]
        .as_array()
        .unwrap()
        .iter()
        .map(|by| &by["rule"])
        .collect();
    assert_eq!(by, [&json!("no-low"), &json!("no-high")]);
    assert!(
        found["default_only"]
            .as_array()
            .unwrap()
            .iter()
            .any(|gate| gate["absent"] == true)
    );
}

/// `a.json` lets port 443 in, `b.json` port 80.
fn two_readings() -> Place {
    let place = Place::new();
    for (name, port) in [("a.json", "443"), ("b.json", "80")] {
        let rule = rule("web", json!(200), "Allow", "10.0.0.0/8", port);
        put(&place, name, &json!({"value": [entry("subnet", &[rule])]}));
    }
    place
}

#[test]
fn two_readings_are_compared_with_the_flows_that_change() {
    let place = two_readings();
    let same = place.run(&["nsg", "diff", "a.json", "a.json", "-o", "json"]);
    assert_eq!((same.status, &same.json()["drift_detected"]), (0, &json!(false)));
    let run = place.run(&[
        "nsg",
        "diff",
        "a.json",
        "b.json",
        "-o",
        "json",
        "--explain",
        "--vnet-prefix",
        "10.0.0.0/16",
    ]);
    let found = run.json();
    assert_eq!((run.status, found["changes"].as_array().unwrap().len()), (1, 1));
    let change = &found["changes"][0];
    assert_eq!(
        (&change["kind"], &change["path"]),
        (&json!("rule_changed"), &json!("subnet/subnet-nsg/inbound/web"))
    );
    assert_eq!(change["flows"]["result"], "changed");
    assert_eq!(change["before"]["ports"], json!(["443"]));
    assert_eq!(change["significance"], "high");
    put(
        &place,
        "c.json",
        &json!({"value": [entry("subnet", &[rule("web", json!("high"), "Allow", "*", "1")])]}),
    );
    let strange = place.run(&["nsg", "diff", "c.json", "c.json", "-o", "json"]);
    assert_eq!(
        (strange.status, &strange.json()["drift_detected"]),
        (3, &Value::Null)
    );
}

#[test]
fn admin_rules_come_before_what_two_readings_differ_in() {
    let place = two_readings();
    // Admin rules come first: what they stop changes nothing behind them.
    put(&place, "none.json", &json!({"value": []}));
    put(
        &place,
        "all.json",
        &json!({"value": [{"id": "/m/rules/stop", "properties": {"protocol": "Any", "direction": "Inbound",
        "access": "Deny", "priority": 1, "sources": [{"addressPrefix": "*"}], "destinations": [{"addressPrefix": "*"}],
        "sourcePortRanges": ["0-65535"], "destinationPortRanges": ["0-65535"]}}]}),
    );
    let stopped = |a: &str, b: &str| {
        let words = [
            "nsg",
            "diff",
            "a.json",
            "b.json",
            "-o",
            "json",
            "--admin-rules-a",
            a,
            "--admin-rules-b",
            b,
        ];
        let changes = place.run(&words).json()["changes"].clone();
        let changes = changes.as_array().unwrap().clone();
        changes
            .iter()
            .map(|change| (change["section"].clone(), change["significance"].clone()))
            .collect::<Vec<_>>()
    };
    let of = |section: &str, significance: &str| (json!(section), json!(significance));
    assert_eq!(stopped("all.json", "all.json"), [of("effective-nsg", "info")]);
    assert_eq!(
        stopped("none.json", "all.json"),
        [of("admin-rules", "high"), of("effective-nsg", "high")]
    );
}
