//! Rulesets in files.

use serde_json::json;

use super::program::{Place, data};

fn diff(place: &Place, a: &str, b: &str) -> (i32, serde_json::Value) {
    let run = place.run(&["firewall", "diff", a, b, "-o", "json"]);
    (run.status, run.json())
}

#[test]
fn a_ruleset_is_shown_with_every_chain_and_rule() {
    let run = Place::new().run(&[
        "firewall",
        "parse",
        "--format",
        "iptables-save",
        &data("before.txt"),
        "-o",
        "json",
    ]);
    assert_eq!(run.status, 0);
    let document = run.json();
    let section = &document["sections"][0];
    assert_eq!(
        (&section["name"], &section["reader"]),
        (&json!("iptables-save"), &json!("text"))
    );
    let filter = &section["tables"][0];
    assert_eq!(
        (&filter["family"], &filter["name"]),
        (&json!("ip"), &json!("filter"))
    );
    let chains: Vec<(&str, &str, usize)> = filter["chains"]
        .as_array()
        .unwrap()
        .iter()
        .map(|chain| {
            let policy = chain["policy"].as_str().unwrap_or("");
            (
                chain["name"].as_str().unwrap(),
                policy,
                chain["rules"].as_array().unwrap().len(),
            )
        })
        .collect();
    let upper: Vec<_> = chains
        .iter()
        .map(|(name, policy, n)| (*name, policy.to_uppercase(), *n))
        .collect();
    let wanted = [
        ("FORWARD", "DROP", 0),
        ("INPUT", "ACCEPT", 4),
        ("OUTPUT", "ACCEPT", 0),
        ("web", "", 3),
    ];
    assert_eq!(
        upper,
        wanted.map(|(name, policy, n)| (name, policy.to_owned(), n))
    );
    assert_eq!(filter["chains"][1]["rules"][2]["comment"], "ssh from anywhere");
}

#[test]
fn counters_are_no_drift() {
    let (status, found) = diff(&Place::new(), &data("before.txt"), &data("counted.txt"));
    assert_eq!(
        (status, &found["verdict"], &found["drift_detected"]),
        (0, &json!("no_drift"), &json!(false))
    );
    assert_eq!(found["digests"]["baseline"], found["digests"]["current"]);
    assert_eq!(found["changes"], json!([]));
}

#[test]
fn one_rule_on_top_is_one_change_with_its_text() {
    let (status, found) = diff(&Place::new(), &data("before.txt"), &data("inserted.txt"));
    assert_eq!((status, &found["verdict"]), (1, &json!("drift")));
    assert_eq!(found["changes"].as_array().unwrap().len(), 1);
    let change = &found["changes"][0];
    assert_eq!(change["kind"], "rule_added");
    assert_eq!(change["path"], "ip/filter/INPUT/rule[1]");
    assert_eq!(
        change["after"]["text"],
        "-A INPUT -p tcp -m tcp --dport 5001 -j DROP"
    );
    assert_eq!(
        (&change["before"], &change["significance"]),
        (&json!(null), &json!("unrated"))
    );
    assert_eq!(change["effect"], json!(null));
}

#[test]
fn text_says_what_is_not_covered() {
    let place = Place::new();
    let run = place.run(&["firewall", "diff", &data("before.txt"), &data("inserted.txt")]);
    assert!(run.stdout.starts_with("drift: 1 change\n"), "{}", run.stdout);
    assert!(
        run.stdout
            .contains("+    1  -A INPUT -p tcp -m tcp --dport 5001 -j DROP")
    );
    assert!(run.stdout.contains("not covered"));
}

#[test]
fn what_is_cut_or_empty_or_of_another_family_is_unknown() {
    let place = Place::new();
    place.write("empty.txt", b"");
    for other in [data("cut.txt"), "./empty.txt".to_owned(), data("six.txt")] {
        for (a, b) in [
            (data("before.txt"), other.clone()),
            (other.clone(), data("before.txt")),
        ] {
            let (status, found) = diff(&place, &a, &b);
            assert_eq!(
                (status, &found["verdict"], &found["drift_detected"]),
                (3, &json!("unknown"), &json!(null))
            );
            assert_eq!(found["not_covered"][0]["requested"], true, "{other}");
        }
    }
    let (status, _) = diff(&place, "./empty.txt", "./empty.txt");
    assert_eq!(status, 3, "two empty files prove nothing");
}

#[test]
fn parsing_what_is_cut_is_partial_and_what_is_empty_is_warned_of() {
    let place = Place::new();
    assert_eq!(place.run(&["firewall", "parse", &data("cut.txt")]).status, 3);
    let run = place.run_with_input(
        &[
            "firewall",
            "parse",
            "--format",
            "ip6tables-save",
            "-",
            "-o",
            "json",
        ],
        b"",
    );
    assert_eq!(run.status, 0);
    let document = run.json();
    assert_eq!(document["warnings"][0]["code"], "EMPTY_INPUT");
    assert_eq!(document["sections"][0]["name"], "ip6tables-save");
}

#[test]
fn other_input_is_not_of_the_format() {
    let place = Place::new();
    place.write("other.json", br#"{"rules": []}"#);
    place.write("binary", &[0x7f, b'E', b'L', b'F', 0, 0xff]);
    place.write("half.json", br#"{"schema": "netghost.snapshot/v1", "#);
    for file in ["./other.json", "./binary", "./half.json"] {
        let run = place.run(&["firewall", "parse", file, "-o", "json"]);
        assert_eq!(run.status, 2, "{file}");
        assert_eq!(run.error()["code"], "not_the_format", "{file}");
    }
    assert_eq!(place.run(&["firewall", "parse", "missing.txt"]).status, 2);
    assert_eq!(
        place
            .run(&[
                "firewall",
                "parse",
                "--format",
                "ip6tables-save",
                &data("before.txt")
            ])
            .status,
        2
    );
    assert_eq!(place.run(&["firewall", "diff", "-", "-"]).status, 2);
}

#[test]
fn the_output_of_parse_serves_as_input() {
    let place = Place::new();
    let out = [
        "firewall",
        "parse",
        &data("before.txt"),
        "-o",
        "json",
        "--out",
        "parsed.json",
    ];
    assert_eq!(place.run(&out).status, 0);
    assert_eq!(diff(&place, "parsed.json", &data("counted.txt")).0, 0);
    let (status, found) = diff(&place, "parsed.json", &data("inserted.txt"));
    assert_eq!((status, found["changes"].as_array().unwrap().len()), (1, 1));
    let parsed = std::fs::read_to_string(place.path("parsed.json")).unwrap();
    place.write("edited.json", parsed.replace("\"web: \"", "\"wob: \"").as_bytes());
    let run = place.run(&[
        "firewall",
        "diff",
        "edited.json",
        &data("before.txt"),
        "-o",
        "json",
    ]);
    assert_eq!((run.status, &run.error()["code"]), (4, &json!("edited")));
}

#[test]
fn muted_changes_are_counted() {
    let place = Place::new();
    let args = [
        "firewall",
        "diff",
        &data("before.txt"),
        &data("inserted.txt"),
        "--mute",
        "INP*",
        "-o",
        "json",
    ];
    let run = place.run(&args);
    let found = run.json();
    assert_eq!((run.status, &found["verdict"]), (0, &json!("no_drift")));
    assert_eq!(
        (&found["muted"][0]["count"], &found["muted"][0]["chain_pattern"]),
        (&json!(1), &json!("INP*"))
    );
}

#[test]
fn what_a_snapshot_does_not_hold_is_unknown_against_a_reboot() {
    let place = Place::new();
    let run = place.run(&["firewall", "parse", &data("before.txt"), "-o", "json"]);
    place.write("rules.json", run.stdout.as_bytes());
    let run = place.run(&["firewall", "persisted", "./rules.json", "-o", "json"]);
    let found = run.json();
    assert_eq!((run.status, &found["verdict"]), (3, &json!("unknown")));
    assert_eq!(found["survives_reboot"], json!(null));
    let open = found["not_covered"].as_array().unwrap();
    assert!(open.iter().any(|row| row["section"] == "persisted"), "{open:?}");
    let run = place.run(&["firewall", "persisted", "./rules.json"]);
    assert!(run.stdout.starts_with("unknown: 0 findings\n"), "{}", run.stdout);
    let run = place.run(&["firewall", "persisted", "./rules.json", "--root", "."]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
}
