//! Time and output.

use super::*;

fn limited(text: &str, limit: Duration) -> (Output, Duration) {
    let started = Instant::now();
    let output = Run {
        limit,
        ..script(text)
    }
    .run()
    .unwrap();
    (output, started.elapsed())
}

#[test]
fn exit_status_and_signal_are_told() {
    assert_eq!(script("exit 7").run().unwrap().ended, Ended::Status(7));
    assert_eq!(script("kill -9 $$").run().unwrap().ended, Ended::Signal(9));
}

#[test]
fn both_outputs_are_whole_and_apart() {
    let output = script("head -c 300000 /dev/zero; head -c 200000 /dev/zero >&2")
        .run()
        .unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len()), (300_000, 200_000));
    assert!(!output.cut);
}

#[test]
fn output_that_is_not_utf8_is_kept_as_it_is() {
    let output = program("/usr/bin/printf", &["\\377\\200a\\n"]).run().unwrap();
    assert_eq!(output.stdout, b"\xff\x80a\n");
    assert_eq!(output.shown().stdout, "\u{fffd}\u{fffd}a\n");
}

#[test]
fn endless_output_is_cut_and_ended() {
    let started = Instant::now();
    let run = Run {
        limit: Duration::from_millis(500),
        most_output: 1_000,
        ..script("yes; yes >&2")
    };
    let output = run.run().unwrap();
    assert!(output.cut && output.timed_out);
    assert_eq!(output.stdout.len(), 1_000);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn what_runs_too_long_is_ended() {
    let (output, took) = limited("echo begun; exec sleep 100", Duration::from_millis(300));
    assert!(output.timed_out);
    assert_eq!(output.ended, Ended::Signal(15));
    assert_eq!(output.stdout, b"begun\n", "what it wrote before is not lost");
    assert!(took < Duration::from_secs(2), "{took:?}");
}

/// Makes a grandchild that takes no notice of SIGTERM, and waits until that is so.
const STUBBORN: &str = "(trap '' TERM; echo ready; while :; do sleep 0.05; done) & echo pid $!; ";

fn grandchild(output: &Output) -> String {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines()
        .find_map(|line| line.strip_prefix("pid "))
        .unwrap()
        .to_owned()
}

#[test]
fn grandchildren_that_ignore_sigterm_are_ended_at_the_limit() {
    let (output, took) = limited(&format!("{STUBBORN} wait"), Duration::from_millis(500));
    assert!(output.timed_out);
    assert!(!alive(&grandchild(&output)));
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[test]
fn what_a_program_leaves_behind_is_ended_and_told() {
    let (output, took) = limited(&format!("{STUBBORN} sleep 0.2"), Duration::from_secs(20));
    assert_eq!(output.ended, Ended::Status(0));
    assert!(output.left_children && !output.timed_out);
    assert!(!alive(&grandchild(&output)));
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[test]
fn children_without_outputs_are_found_too() {
    let text = "sleep 100 >/dev/null 2>&1 </dev/null & echo pid $!";
    let (output, took) = limited(text, Duration::from_secs(20));
    assert!(output.left_children);
    assert!(!alive(&grandchild(&output)));
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn an_output_that_another_session_holds_open_is_not_waited_for() {
    let text = "setsid sh -c 'echo pid $$; while echo more; do sleep 0.01; done' & sleep 0.3";
    let (output, took) = limited(text, Duration::from_secs(20));
    assert_eq!(output.ended, Ended::Status(0));
    assert!(took < Duration::from_secs(4), "{took:?}");
    // The reading end is closed, so that `echo` ends it.
    let pid = grandchild(&output);
    let until = Instant::now() + Duration::from_secs(5);
    while alive(&pid) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!alive(&pid));
}

#[test]
fn many_run_at_once() {
    std::thread::scope(|scope| {
        for number in 0..16 {
            scope.spawn(move || {
                let number = number.to_string();
                let output = program("/usr/bin/printf", &["%s", &number]).run().unwrap();
                assert_eq!(output.stdout, number.as_bytes());
            });
        }
    });
}
