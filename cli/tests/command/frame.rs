//! The contract that every command keeps.

use std::fs;
use std::process::Stdio;

use super::program::{Place, data};

#[test]
fn help_is_an_answer_and_wrong_use_is_not() {
    let place = Place::new();
    for args in [&["--help"][..], &["--version"], &["host", "diff", "--help"]] {
        let run = place.run(args);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""));
        assert!(!run.stdout.is_empty());
    }
    let no_key = ["verify", "x"];
    let wrong = [
        &[][..],
        &["nope"],
        &["firewall"],
        &["firewall", "parse"],
        &["host", "capture", "--section", "x"],
        &no_key,
    ];
    for args in wrong {
        let run = place.run(args);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{args:?}");
        assert!(!run.stderr.is_empty());
        let args = [args, &["-o", "json"]].concat();
        let run = place.run(&args);
        assert_eq!(run.status, 2, "{args:?}");
        assert_eq!(run.error()["code"], "wrong_use");
    }
}

#[test]
fn errors_are_one_chain_that_ends_in_what_to_do() {
    let place = Place::new();
    let run = place.run(&["host", "diff", "nothing"]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert_eq!(
        run.stderr,
        "netghost: there is no baseline nothing: nothing is saved yet; `netghost host capture --save NAME` saves this host\n"
    );
    let run = place.run(&["host", "diff", "nothing", "-o", "json"]);
    assert_eq!(run.error()["code"], "no_such_name");
    assert!(run.error()["hint"].as_str().unwrap().contains("host capture"));
}

#[test]
fn no_name_reaches_a_path_unchecked() {
    let place = Place::new();
    for name in ["../x", "a/b", ".x", "x y", ""] {
        let run = place.run(&["seal", &data("six.txt"), "--name", name]);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{name:?}");
        let run = place.run(&["host", "capture", "--save", name]);
        assert_eq!(run.status, 2, "{name:?}");
    }
    assert_eq!(place.run(&["host", "diff", "x y"]).status, 2);
}

#[test]
fn the_answer_goes_to_a_new_file_and_never_over_an_old_one() {
    let place = Place::new();
    let args = [
        "firewall",
        "parse",
        &data("before.txt"),
        "--out",
        "answer",
        "-o",
        "json",
    ];
    let run = place.run(&args);
    assert_eq!(
        (run.status, run.stdout.as_str(), run.stderr.as_str()),
        (0, "", "")
    );
    let first = fs::read(place.path("answer")).unwrap();
    assert!(first.starts_with(b"{"));
    let run = place.run(&args);
    assert_eq!(run.status, 2);
    assert_eq!(run.error()["code"], "name_exists");
    assert_eq!(fs::read(place.path("answer")).unwrap(), first);
    let names: Vec<_> = fs::read_dir(place.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["answer"], "no temporary file is left behind");
    let run = place.run(&["firewall", "parse", &data("before.txt"), "--out", "-"]);
    assert!(run.stdout.contains("chain web"));
}

#[test]
fn a_taken_name_is_found_before_anything_is_done() {
    let place = Place::new();
    place.write("taken", b"");
    let run = place.run(&[
        "seal",
        &data("six.txt"),
        "--name",
        "x",
        "--out",
        "taken",
        "-o",
        "json",
    ]);
    assert_eq!(run.status, 2);
    assert_eq!(run.error()["code"], "name_exists");
    assert!(!place.path("x.dsse.json").exists() && !place.path("state").exists());
}

#[test]
fn a_full_disk_is_said_and_a_reader_that_left_is_no_error() {
    let place = Place::new();
    let args = ["firewall", "parse", &data("before.txt"), "-o", "json"];
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = place.command(&args).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("No space left")
    );
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = place.command(&args).stdout(Stdio::from(writer)).output().unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}

#[test]
fn a_comment_cannot_steer_the_terminal() {
    let place = Place::new();
    let text = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m comment --comment \"a\x1b[2Jb\" -j DROP\nCOMMIT\n";
    let run = place.run_with_input(&["firewall", "parse", "-"], text.as_bytes());
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stdout.contains("[2Jb"), "{}", run.stdout);
    assert!(!run.stdout.contains('\x1b'));
}

#[test]
fn without_a_place_for_the_store_nothing_is_written() {
    let place = Place::new();
    let mut command = place.command(&["seal", &data("six.txt"), "--name", "x", "-o", "json"]);
    let output = command.env_remove("XDG_STATE_HOME").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("XDG_STATE_HOME")
    );
    assert!(!place.path("x.dsse.json").exists());
}
