//! What is taken, and what is refused with its place.

use super::*;

#[test]
fn nothing_set_is_the_default() {
    let config = Config::parse("").unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.listen.to_string(), "[::]:7443");
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:9464");
    assert_eq!(
        config.directory.as_path(),
        Path::new("/var/lib/netghost-controller")
    );
}

#[test]
fn the_packaged_file_is_the_default() {
    let packaged = include_str!("../../../packaging/controller.toml");
    assert_eq!(Config::parse(packaged).unwrap(), Config::default());
    // Every line that is commented out shows the default of its key.
    let uncommented: String = packaged
        .lines()
        .map(|line| match line.strip_prefix("#") {
            Some(code) if code.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => {
                format!("{code}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let mut config = Config::parse(&uncommented).unwrap();
    for key in [
        "listen",
        "names",
        "directory",
        "domain",
        "database",
        "log",
        "[http]",
        "[azure]",
        "subscription",
        "cloud",
        "credential",
        "[probe]",
        "run_command",
        "ssh",
        "ssh_jump",
        "ssh_config",
        "[enrolment.azure]",
        "subscriptions",
        "roots",
        "intermediates",
        "cloud",
        "tags",
        "[limits]",
        "disk_free_mib",
    ] {
        assert!(
            uncommented.contains(&format!("\n{key}")),
            "{key} is not in the packaged file"
        );
    }
    assert!(!config.names.is_empty() && config.database.is_some(), "examples");
    config.names.clear();
    config.database = None;
    assert!(config.enrolment.azure.is_some(), "an example");
    config.enrolment.azure = None;
    let azure = config.azure.take().expect("an example");
    assert!(azure.open().unwrap().subscription.is_some());
    let probe = config.probe.probe();
    assert!(!probe.run_command && probe.ssh.is_none(), "by no way");
    config.probe = Probing::default();
    assert_eq!(config, Config::default());
}

#[test]
fn every_key_is_taken() {
    let config = Config::parse(
        "listen = \"10.0.0.4:443\"\nnames = [\"Controller.example.org\", \"10.0.0.4\", \"fd00::4\"]\n\
         directory = \"/srv/netghost\"\ndomain = \"example.org\"\ndatabase = \"postgres://netghost@db/netghost\"\n\
         log = \"debug\"\n[http]\nlisten = \"[::1]:1\"\n[limits]\ndisk_free_mib = 1\nstop_seconds = 0\n",
    )
    .unwrap();
    let names: Vec<String> = config
        .names(&[ServerName::try_from("given".to_owned()).unwrap()], "host")
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(names, ["controller.example.org", "10.0.0.4", "fd00::4"]);
    assert_eq!(config.limits.disk_free_mib, 1);
    assert_eq!(config.http.listen.to_string(), "[::1]:1");
    assert_eq!(config.domain.as_str(), "example.org");
    assert_eq!(config.log, Level::Debug);
    assert!(!format!("{config:?}").contains("@db"));
}

#[test]
fn without_names_the_host_is_reached_by_its_own() {
    let names: Vec<String> = Config::default()
        .names(&[], "vm1")
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(names, ["localhost", "127.0.0.1", "::1", "vm1"]);
    assert_eq!(Config::default().names(&[], "not a name").len(), 3);
    let given = [ServerName::try_from("given".to_owned()).unwrap()];
    assert_eq!(Config::default().names(&given, "vm1"), given);
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_what_is_allowed() {
    for (text, wanted) in [
        (
            "\nlisen = \"a\"",
            "line 2, \"lisen = \\\"a\\\"\": unknown field `lisen`, expected one of `listen`",
        ),
        (
            "[http]\nport = 1",
            "line 2, \"port = 1\": unknown field `port`, expected `listen`",
        ),
        ("[limit]\n", "line 1, \"[limit]\": unknown field `limit`"),
        ("log = \"info\"\nlog = \"info\"", "line 2"),
        ("listen = 5", "line 1, \"listen = 5\": invalid type: integer"),
        ("listen = \"host:7443\"", "line 1"),
        ("listen = \"10.0.0.4\"", "line 1"),
        ("names = [\"a\",\n\"b:7443\"]", "\"b:7443\" is neither a DNS name"),
        ("names = [\"300.1.1.1\"]", "neither a DNS name"),
        ("names = \"a\"", "line 1"),
        ("directory = \"state\"", "is not an absolute path"),
        ("directory = \"/a?b\"", "is not an absolute path, or holds"),
        ("domain = \"Example.org\"", "is no trust domain"),
        ("database = \"sqlite:///x\"", "postgres://USER@HOST/DATABASE"),
        (
            "log = \"loud\"",
            "unknown variant `loud`, expected one of `error`, `warn`",
        ),
        ("[limits]\ndisk_free_mib = -1", "line 2, \"disk_free_mib = -1\""),
        ("[limits]\nstop_seconds = 70000", "line 2"),
        ("listen = ", "line 1"),
    ] {
        let error = Config::parse(text).unwrap_err();
        assert!(error.contains(wanted), "{text:?}: {error}");
    }
}

#[test]
fn a_password_in_a_bad_line_is_not_shown() {
    let error = Config::parse("database = \"mysql://netghost:hunter2@db/netghost\"").unwrap_err();
    assert!(!error.contains("hunter2"), "{error}");
}
