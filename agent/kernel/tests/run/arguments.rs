//! What is handed over, and what is refused.

use super::*;

/// Commands that the earlier toolkit ran, or would have run once approved, one a line; some would end this host.
const FORMS: &str = include_str!("forms.txt");

/// Forms that make a file where a shell sees them, `FILE` being its path; a `\n` in them is a line end.
const MARKS: [&str; 16] = [
    "$(touch FILE)",
    "`touch FILE`",
    "; touch FILE",
    "| tee FILE",
    "> FILE",
    ">> FILE",
    "&& touch FILE",
    "|| touch FILE",
    "& touch FILE",
    "\ntouch FILE\n",
    "' ; touch FILE ; '",
    "\" ; touch FILE ; \"",
    "<(touch FILE)",
    "x\u{0b}$IFS;touch${IFS}FILE",
    "{touch,FILE}",
    "!touch FILE",
];

/// Hands the arguments to a program that writes each, and a NUL behind it.
fn echoed<S: AsRef<OsStr>>(args: &[S]) -> Vec<Vec<u8>> {
    let mut all: Vec<&OsStr> = vec![OsStr::new("%s\\0")];
    all.extend(args.iter().map(AsRef::as_ref));
    let output = program("/usr/bin/printf", &all).run().unwrap();
    assert_eq!(output.ended, Ended::Status(0));
    assert!(!output.cut && !output.timed_out && !output.left_children);
    let text = output.stdout.strip_suffix(b"\0").unwrap();
    text.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect()
}

/// Fails before anything that does harm is handed to a runner that is not to be trusted.
fn marks_mean_nothing() {
    let directory = Directory::new();
    let file = directory.path("made");
    for form in MARKS {
        let form = form.replace("FILE", file.to_str().unwrap());
        assert_eq!(echoed(&[&form]), [form.as_bytes()]);
        let words: Vec<&str> = form.split(' ').collect();
        let expected: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        assert_eq!(echoed(&words), expected);
    }
    assert_eq!(directory.names(), Vec::<OsString>::new());
}

#[test]
fn what_a_shell_would_do_is_a_plain_argument() {
    marks_mean_nothing();
}

#[test]
fn forms_that_turned_into_execution_reach_the_program_as_they_are() {
    marks_mean_nothing();
    let root = fs::read_dir("/").unwrap().count();
    for form in FORMS.lines() {
        assert_eq!(echoed(&[form]), [form.as_bytes()]);
        let words: Vec<&str> = form.split(' ').collect();
        let expected: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        assert_eq!(echoed(&words), expected);
    }
    assert!(FORMS.lines().count() > 150);
    assert_eq!(fs::read_dir("/").unwrap().count(), root);
}

#[test]
fn an_argument_may_have_any_byte_but_nul() {
    let bytes: Vec<u8> = (1..=255).collect();
    assert_eq!(echoed(&[OsString::from_vec(bytes.clone())]), [bytes]);
    assert_eq!(echoed(&["", "", "a"]), [&b""[..], b"", b"a"]);
}

#[test]
fn a_nul_is_refused() {
    let refused = program("/usr/bin/printf", &[OsStr::from_bytes(b"a\0b")]).run();
    assert!(matches!(refused, Err(RunError::NotAnArgument(_))), "{refused:?}");
    let mut run = program::<&str>("/usr/bin/env", &[]);
    for (name, value) in [("A", "b\0"), ("A\0", "b"), ("", "b"), ("A=B", "c")] {
        run.env = vec![(name.into(), value.into())];
        let refused = run.run();
        assert!(
            matches!(refused, Err(RunError::NotAnArgument(_))),
            "{name} {refused:?}"
        );
    }
}

#[test]
fn three_megabytes_in_an_argument_are_an_error_at_once() {
    let started = Instant::now();
    let refused = program("/usr/bin/printf", &["a".repeat(3 << 20)]).run();
    assert!(matches!(refused, Err(RunError::Start { .. })), "{refused:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn only_a_program_by_its_whole_path_is_run() {
    let by_name = program::<&str>("printf", &[]).run();
    assert!(matches!(by_name, Err(RunError::NotAbsolute(_))), "{by_name:?}");
    let missing = program::<&str>("/usr/bin/there-is-no-such-program", &[]).run();
    assert!(matches!(missing, Err(RunError::NoProgram { .. })), "{missing:?}");
    let directory = program::<&str>("/usr/bin", &[]).run();
    assert!(
        matches!(directory, Err(RunError::NoProgram { .. })),
        "{directory:?}"
    );
}

#[test]
fn a_text_without_interpreter_is_not_handed_to_a_shell() {
    let directory = Directory::new();
    let file = directory.path("made");
    let text = directory.script(&format!("echo > {}\n", file.display()));
    let refused = program::<&str>(&text, &[]).run();
    assert!(matches!(refused, Err(RunError::NotAProgram(_))), "{refused:?}");
    assert!(!file.exists());
}

#[test]
fn the_environment_is_what_is_given_and_input_is_empty() {
    let mut run = program::<&str>("/usr/bin/env", &[]);
    assert_eq!(run.run().unwrap().stdout, b"");
    run.env = vec![("A".into(), "b=$HOME".into())];
    assert_eq!(run.run().unwrap().stdout, b"A=b=$HOME\n");
    assert_eq!(program::<&str>("/bin/cat", &[]).run().unwrap().stdout, b"");
    assert_eq!(program::<&str>("/bin/pwd", &[]).run().unwrap().stdout, b"/\n");
}
