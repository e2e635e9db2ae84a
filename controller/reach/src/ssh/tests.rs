//! Names, arguments, and what ssh's words mean.

use super::*;

fn target(word: &str) -> Target {
    word.parse().unwrap()
}

#[test]
fn names_of_hosts_and_users() {
    for (word, user, host, port) in [
        ("web1", None, "web1", None),
        ("ops@web1", Some("ops"), "web1", None),
        ("ops@10.0.0.4:2222", Some("ops"), "10.0.0.4", Some(2222)),
        ("me@corp.example@vm-1", Some("me@corp.example"), "vm-1", None),
        ("fd00::1", None, "fd00::1", None),
        ("root@[fd00::1]:22", Some("root"), "fd00::1", Some(22)),
        ("[fd00::1]", None, "fd00::1", None),
    ] {
        let target = target(word);
        assert_eq!(
            (target.user(), target.host(), target.port()),
            (user, host, port),
            "{word}"
        );
        assert_eq!(target.to_string().parse(), Ok(target), "{word}");
    }
    for word in [
        "",
        "-oProxyCommand=id",
        "ops@-oProxyCommand=id",
        "-l@web1",
        "@web1",
        "ops@",
        "web1:0",
        "web1:+22",
        "web1:70000",
        "web1:",
        "web 1",
        "web1;id",
        "web1$(id)",
        "o'ps@web1",
        "web1\n",
        "%h",
        "[web1]:22",
        "[fd00::1",
        "[fd00::1]22",
        "[-x]",
        "fd00::1%eth0",
    ] {
        assert!(word.parse::<Target>().is_err(), "{word}");
    }
    assert!("h".repeat(254).parse::<Target>().is_err());
}

fn words(ssh: &Ssh) -> Vec<String> {
    ssh.arguments()
        .into_iter()
        .map(|word| word.into_string().unwrap())
        .collect()
}

#[test]
fn every_connection_is_strict_and_asks_nothing() {
    let ssh = Ssh::new(target("ops@web1:2222")).by(Some(target("hop@bastion")));
    let words = words(&ssh);
    let proxy = words
        .iter()
        .find(|word| word.starts_with("ProxyCommand="))
        .unwrap();
    for option in OPTIONS {
        assert!(words.iter().any(|word| word == option), "{option}");
        assert!(proxy.contains(&format!(" -o {option} ")), "{option}");
    }
    assert!(proxy.ends_with(" -W [%h]:%p -l hop -- bastion"), "{proxy}");
    let tail = words.get(words.len() - 7..).unwrap();
    assert_eq!(tail.get(..6).unwrap(), ["-l", "ops", "-p", "2222", "--", "web1"]);
    assert_eq!(tail.last().unwrap(), AS_ROOT);
}

#[test]
fn a_configuration_is_for_both_connections() {
    let ssh = || Ssh::new(target("web1")).by(Some(target("bastion")));
    let with = ssh().with_config("/tmp/a/config".into()).unwrap();
    let words = words(&with);
    assert!(words.windows(2).any(|pair| pair == ["-F", "/tmp/a/config"]));
    assert!(
        words
            .iter()
            .any(|word| word.contains("/ssh -F /tmp/a/config -o "))
    );
    for path in ["config", "/tmp/a b", "/tmp/$(id)", "/tmp/'a"] {
        assert!(ssh().with_config(path.into()).is_err(), "{path}");
    }
}

#[test]
fn failures_are_told_apart() {
    let changed = "@@@@@@@@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@@\nHost key verification failed.\n";
    for (said, code) in [
        (changed, "host_key_changed"),
        (
            "No ED25519 host key is known for [127.0.0.1]:4022 and you have requested strict checking.\r\nHost key verification failed.\n",
            "host_key_unknown",
        ),
        ("root@web1: Permission denied (publickey).\n", "login_refused"),
        (
            "ssh: Could not resolve hostname web1: Name or service not known\n",
            "no_such_host",
        ),
        (
            "ssh: connect to host web1 port 22: Connection refused\n",
            "unreachable",
        ),
        (
            "ssh: connect to host web1 port 22: Connection timed out\n",
            "unreachable",
        ),
        ("Timeout, server web1 not responding.\n", "unreachable"),
        // Of the jump host first, then what follows from it.
        (
            "hop@bastion: Permission denied (publickey).\nConnection closed by UNKNOWN port 65535\n",
            "login_refused",
        ),
        ("", "ssh_failed"),
    ] {
        assert_eq!(told(said.as_bytes()).code(), code, "{said}");
    }
    let escape = told(b"\x1b[2Jroot@web1: Permission denied (publickey).\n").to_string();
    assert!(!escape.contains('\x1b'));
}

#[test]
fn what_runs_too_long_or_says_too_much_is_ended() {
    let run = |script: &str, limit, most| {
        let arguments = ["-c".into(), script.into()];
        run(Path::new("/bin/sh"), &arguments, Vec::new(), (limit, most))
    };
    let began = std::time::Instant::now();
    let short = Duration::from_millis(300);
    assert!(matches!(
        run("sleep 60 & sleep 60", short, 10),
        Err(SshError::TimedOut { .. })
    ));
    // Its outputs are closed, and it goes on.
    assert!(matches!(
        run("exec >&- 2>&-; sleep 60", short, 10),
        Err(SshError::TimedOut { .. })
    ));
    let minute = Duration::from_secs(60);
    assert!(matches!(
        run("yes", minute, 1000),
        Err(SshError::TooMuch { most: 1000 })
    ));
    assert!(began.elapsed() < Duration::from_secs(20));
    let ended = run("printf 1234567890; echo no >&2; exit 9", minute, 10).unwrap();
    assert_eq!(
        (ended.status, ended.stdout.as_slice(), ended.stderr.as_slice()),
        (Some(9), &b"1234567890"[..], &b"no\n"[..])
    );
}
