//! `firewall parse`, `diff` and `explain` on the text of every tool: good, cut, empty, foreign and odd.

use serde_json::{Value, json};

use super::program::{Place, Run};

/// The text of one tool, and another that differs in one thing.
struct Format {
    word: &'static str,
    section: &'static str,
    text: &'static str,
    edit: (&'static str, &'static str),
    kind: &'static str,
}

const FORMATS: [Format; 5] = [
    Format {
        word: "iptables-save",
        section: "iptables-save",
        text: "*filter\n:INPUT ACCEPT [0:0]\n:web - [0:0]\n-A INPUT -p tcp -m tcp --dport 80 -j web\n\
               -A web -s 10.0.0.0/8 -j ACCEPT\n-A web -s 10.1.0.0/16 -j DROP\nCOMMIT\n",
        edit: ("--dport 80", "--dport 81"),
        kind: "rule_changed",
    },
    Format {
        word: "ip6tables-save",
        section: "ip6tables-save",
        text: "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 2001:db8::/32 -j ACCEPT\n\
               -A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j ACCEPT\nCOMMIT\n",
        edit: (":INPUT DROP", ":INPUT ACCEPT"),
        kind: "policy_changed",
    },
    Format {
        word: "nft",
        section: "nftables",
        text: "table inet f {\n\tset s {\n\t\ttype ipv4_addr\n\t\telements = { 10.0.0.1, 10.0.0.2 }\n\t}\n\n\tchain c {\n\t\ttype filter hook input priority filter; policy accept;\n\
               \t\tip saddr @s drop\n\t}\n}\n",
        edit: ("10.0.0.1, 10.0.0.2", "10.0.0.1"),
        kind: "set_element_removed",
    },
    Format {
        word: "nft-json",
        section: "nftables",
        text: "{\"nftables\": [{\"metainfo\": {\"version\": \"1.0.6\", \"json_schema_version\": 1}}, \
               {\"table\": {\"family\": \"ip\", \"name\": \"t\", \"handle\": 1}}, \
               {\"chain\": {\"family\": \"ip\", \"table\": \"t\", \"name\": \"c\", \"handle\": 1, \"type\": \"filter\", \"hook\": \"input\", \"prio\": 0, \"policy\": \"accept\"}}, \
               {\"rule\": {\"family\": \"ip\", \"table\": \"t\", \"chain\": \"c\", \"handle\": 2, \"expr\": [{\"accept\": null}]}}]}\n",
        edit: ("{\"accept\": null}", "{\"drop\": null}"),
        kind: "rule_changed",
    },
    Format {
        word: "ipset-save",
        section: "ipset",
        text: "create s hash:ip family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x1234\nadd s 10.0.0.1\nadd s 10.0.0.2\n",
        edit: ("add s 10.0.0.2\n", ""),
        kind: "fact_removed",
    },
];

impl Format {
    fn edited(&self) -> String {
        let edited = self.text.replace(self.edit.0, self.edit.1);
        assert_ne!(edited, self.text, "{}", self.word);
        edited
    }
}

fn run(command: &str, format: Option<&str>, input: &[u8]) -> Run {
    let mut args = vec!["firewall", command, "-", "-o", "json"];
    if let Some(format) = format {
        args.extend(["--format", format]);
    }
    Place::new().run_with_input(&args, input)
}

fn diff(a: &[u8], b: &[u8], more: &[&str]) -> (i32, Value) {
    let place = Place::new();
    place.write("a.txt", a);
    place.write("b.txt", b);
    let args = [&["firewall", "diff", "./a.txt", "./b.txt", "-o", "json"], more].concat();
    let run = place.run(&args);
    (
        run.status,
        if run.stdout.is_empty() {
            json!(null)
        } else {
            run.json()
        },
    )
}

#[test]
fn each_format_is_told_from_its_content_shown_and_compared() {
    for format in &FORMATS {
        for word in [None, Some(format.word)] {
            // A text that only IPv6 can tell from IPv4 is told; one that nothing tells is IPv4.
            let run = run("parse", word, format.text.as_bytes());
            assert_eq!(run.status, 0, "{}: {}", format.word, run.stderr);
            let document = run.json();
            assert_eq!(document["sections"][0]["name"], format.section);
            assert_eq!(document["sections"][0]["state"], "captured");
        }
        let text = format.text.as_bytes();
        let (status, found) = diff(text, text, &[]);
        assert_eq!(
            (status, &found["verdict"]),
            (0, &json!("no_drift")),
            "{}",
            format.word
        );
        let (status, found) = diff(text, format.edited().as_bytes(), &[]);
        assert_eq!(
            (status, &found["verdict"]),
            (1, &json!("drift")),
            "{}",
            format.word
        );
        assert_eq!(found["changes"].as_array().unwrap().len(), 1, "{}", format.word);
        assert_eq!(found["changes"][0]["kind"], format.kind);
        assert_eq!(
            found["changes"][0].get("explanation"),
            None,
            "it was not asked for"
        );
    }
}

#[test]
fn each_change_is_explained_where_that_is_asked_for() {
    for format in &FORMATS {
        let (status, found) = diff(format.text.as_bytes(), format.edited().as_bytes(), &["--explain"]);
        assert_eq!(status, 1);
        let explanation = &found["changes"][0]["explanation"];
        assert!(
            explanation["text"].as_str().unwrap().ends_with('.'),
            "{explanation}"
        );
        assert!(explanation["evidence"].is_array());
        let place = Place::new();
        place.write("a.txt", format.text.as_bytes());
        place.write("b.txt", format.edited().as_bytes());
        let run = place.run(&["firewall", "diff", "./a.txt", "./b.txt", "--explain"]);
        let text = explanation["text"].as_str().unwrap();
        assert!(run.stdout.contains(&format!("    {text}\n")), "{}", run.stdout);
    }
    let web = &FORMATS[0];
    let edited = web.text.replace("10.1.0.0/16 -j DROP", "10.1.0.0/16 -j REJECT");
    let (_, found) = diff(web.text.as_bytes(), edited.as_bytes(), &["--explain"]);
    let roles: Vec<(&str, &str)> = found["changes"][0]["explanation"]["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["role"].as_str().unwrap(), row["path"].as_str().unwrap()))
        .collect();
    assert_eq!(
        roles,
        [
            ("hook", "ip/filter/INPUT"),
            ("jump", "ip/filter/INPUT/rule[1]"),
            ("shadowed_by", "ip/filter/web/rule[1]"),
        ]
    );
}

#[test]
fn explain_follows_jumps_and_finds_what_is_shadowed() {
    let run = run("explain", None, FORMATS[0].text.as_bytes());
    assert_eq!(run.status, 0, "{}", run.stderr);
    let document = run.json();
    let section = &document["sections"][0];
    assert_eq!(
        section["notes"],
        json!([{"code": "SHADOWED_RULE", "path": "ip/filter/web/rule[2]",
            "message": "rule 1 takes every packet that this one would match"}])
    );
    let leads = &section["chains"][0]["rules"][0]["leads"];
    assert_eq!(
        leads["ends"][0],
        json!({"result": "accept", "by": "ip/filter/web/rule[1]"})
    );
    assert_eq!(leads["comes_back"], true);
    assert_eq!(document["order"][0]["hook"], "input");
    assert_eq!(document["order"][0]["chains"][0]["path"], "ip/filter/INPUT");
    for format in &FORMATS[1..] {
        let run = self::run("explain", None, format.text.as_bytes());
        assert_eq!(run.status, 0, "{}", format.word);
    }
    let place = Place::new();
    place.write("a.txt", FORMATS[0].text.as_bytes());
    let text = place.run(&["firewall", "explain", "./a.txt"]).stdout;
    assert!(
        text.contains(
            "there: accept by ip/filter/web/rule[1]; drop by ip/filter/web/rule[2]; back to the next rule\n"
        ),
        "{text}"
    );
    assert!(text.contains("\norder\n  ip input: one chain"), "{text}");
}

#[test]
fn what_is_cut_is_never_a_good_answer() {
    for format in &FORMATS {
        // Every cut within the last line that says something, and one in the middle.
        let text = format.text.trim_end();
        for end in [text.len() / 2, text.len() - 2] {
            let cut = &text.as_bytes()[..end];
            let status = run("parse", Some(format.word), cut).status;
            assert!(matches!(status, 2 | 3), "{} cut at {end}: {status}", format.word);
            for (a, b) in [(cut, text.as_bytes()), (text.as_bytes(), cut)] {
                let (status, found) = diff(a, b, &["--format", format.word]);
                assert!(
                    matches!(status, 2 | 3),
                    "{} cut at {end}: {status} {found}",
                    format.word
                );
            }
            let status = run("explain", Some(format.word), cut).status;
            assert!(matches!(status, 2 | 3), "{} cut at {end}: {status}", format.word);
        }
    }
}

#[test]
fn an_empty_text_proves_nothing() {
    for format in &FORMATS {
        let run = run("parse", Some(format.word), b"");
        assert_eq!(run.status, 0, "{}", format.word);
        assert_eq!(
            run.json()["warnings"][0]["code"],
            "EMPTY_INPUT",
            "{}",
            format.word
        );
        let (status, found) = diff(b"", b"", &["--format", format.word]);
        assert_eq!(
            (status, &found["verdict"]),
            (3, &json!("unknown")),
            "{}",
            format.word
        );
        let (status, _) = diff(format.text.as_bytes(), b"", &["--format", format.word]);
        assert_eq!(status, 3, "{}", format.word);
    }
}

#[test]
fn what_is_of_another_kind_is_refused_with_what_to_do() {
    let garbage: [&[u8]; 3] = [b"\x7fELF\x02\x01\x01\0\0\0", b"hello, world\n", b"\xff\xfe*\0f\0"];
    let mut inputs: Vec<(&str, &[u8])> = Vec::new();
    for format in &FORMATS {
        for other in FORMATS.iter().filter(|other| other.word != format.word) {
            // Nothing in a text of IPv4 may say so.
            if other.word == "iptables-save" && format.word == "ip6tables-save" {
                continue;
            }
            inputs.push((format.word, other.text.as_bytes()));
        }
        inputs.extend(garbage.map(|garbage| (format.word, garbage)));
    }
    for (word, input) in inputs {
        let shown = String::from_utf8_lossy(input);
        for command in ["parse", "explain"] {
            let run = run(command, Some(word), input);
            assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{word} of {shown}");
            let error = run.error();
            assert_eq!(error["code"], "not_the_format", "{word} of {shown}");
            assert!(!error["message"].as_str().unwrap().is_empty());
            assert!(error["hint"].as_str().unwrap().starts_with("this version takes"));
        }
    }
}

#[test]
fn line_ends_of_windows_and_a_byte_order_mark_change_nothing() {
    for format in &FORMATS {
        let plain = format.text.as_bytes();
        let marked = [b"\xef\xbb\xbf", plain].concat();
        let windows = format.text.replace('\n', "\r\n");
        for odd in [marked.as_slice(), windows.as_bytes()] {
            let (status, found) = diff(plain, odd, &[]);
            assert_eq!(
                (status, &found["verdict"]),
                (0, &json!("no_drift")),
                "{}",
                format.word
            );
        }
    }
}

#[test]
fn a_nul_byte_is_never_read_over() {
    for format in &FORMATS {
        let text = format.text.as_bytes();
        for at in [0, text.len() / 3, text.len() * 2 / 3] {
            let odd = [&text[..at], b"\0", &text[at..]].concat();
            let status = run("parse", Some(format.word), &odd).status;
            assert!(matches!(status, 2 | 3), "{} at {at}: {status}", format.word);
        }
    }
}

#[test]
fn more_than_a_ruleset_can_be_is_refused() {
    let place = Place::new();
    let file = std::fs::File::create(place.path("large")).unwrap();
    file.set_len(100_000_001).unwrap();
    let run = place.run(&["firewall", "parse", "./large", "-o", "json"]);
    assert_eq!((run.status, &run.error()["code"]), (2, &json!("too_large")));
    assert!(run.error()["hint"].is_string());
}
