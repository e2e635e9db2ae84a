//! What leaves.

use super::*;

fn shown(text: &str) -> String {
    program("/usr/bin/printf", &["%s", text])
        .run()
        .unwrap()
        .shown()
        .stdout
}

#[test]
fn secrets_are_not_shown() {
    for secret in [
        "password: hunter22",
        "  \"password\": \"hunter22\",",
        "DB_PASSWORD=hunter22 next",
        "https://host/?api_key=hunter22&x=y",
        "apiKey = hunter22",
        "Authorization: Basic hunter22",
        "Bearer hunter22",
        "https://user:hunter22@host/",
        "-----BEGIN PRIVATE KEY-----\nhunter22\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nhunter22\nhunter22",
    ] {
        let shown = shown(&format!("before\n{secret}\n"));
        assert!(!shown.contains("hunter22"), "{shown}");
        assert!(
            shown.contains("[redacted]") && shown.starts_with("before\n"),
            "{shown}"
        );
    }
}

#[test]
fn what_is_no_secret_is_shown() {
    for text in [
        "Chain INPUT (policy ACCEPT)\n",
        "a: b=c\nd\te\n",
        "Setting up iperf (2.1.8) ...\n",
    ] {
        assert_eq!(shown(text), text);
    }
}

#[test]
fn control_characters_do_not_reach_a_terminal() {
    assert_eq!(shown("a\u{1b}[2Jb\r\u{9b}c"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}c");
}

#[test]
fn a_line_that_was_cut_is_not_shown() {
    let run = Run {
        most_output: 20,
        ..program("/usr/bin/printf", &["%s", "first\nhttps://user:hunter22@host/"])
    };
    let output = run.run().unwrap();
    assert!(output.cut);
    assert_eq!(output.shown().stdout, "first\n");
}
