//! A word that has no effect is refused with the reason.

use std::ffi::OsString;

use netghost_cli::commands;
use netghost_cli::error::Failure;
use netghost_cli::world::World;

use super::place::Place;

const HERE: &str = "5f130ffc-0a3e-4795-b691-4f56a12a5547";
const ELSEWHERE: &str = "6f130ffc-0a3e-4795-b691-4f56a12a5547";

/// How a line fails, whose `S` and `T` are subscriptions.
fn fails(world: &World, line: &str) -> Failure {
    let words = line.split_whitespace().map(|word| {
        let word = word
            .strip_prefix("S")
            .map_or(word.to_owned(), |rest| format!("{HERE}{rest}"));
        word.replace("/S/", &format!("/{HERE}/"))
            .replace("/T/", &format!("/{ELSEWHERE}/"))
    });
    let words: Vec<OsString> = std::iter::once("netghost".to_owned())
        .chain(words)
        .map(OsString::from)
        .collect();
    let args = netghost_cli::args::parse(&words).unwrap();
    commands::run(&args, world).unwrap_err()
}

/// Every command that reads what is selected.
const EACH: [&str; 4] = [
    "baseline create x",
    "drift check --baseline x",
    "sweep run --baseline x",
    "sweep schedule s --every 1h --baseline x",
];

fn refused(world: &World, line: &str, wanted: &str) {
    let failure = fails(world, line);
    let said = format!("{:#}", failure.error);
    assert_eq!(failure.code, "wrong_use", "{line}: {said}");
    assert!(said.contains(wanted), "{line}: {said}");
    assert!(failure.hint.is_some(), "{line}");
}

/// The line gets beyond its words: what fails is what comes then.
fn heard(world: &World, line: &str) {
    let failure = fails(world, line);
    assert_ne!(failure.code, "wrong_use", "{line}: {:#}", failure.error);
}

const NIC: &str = "--nic /subscriptions/S/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/n";
const OTHER_NIC: &str =
    "--nic /subscriptions/T/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/n";

#[test]
fn a_controller_is_told_no_subscription_that_it_would_not_look_in() {
    let place = Place::new();
    let world = place.world();
    place
        .script
        .with(|state| state.refuse = Some(tonic::Code::Internal));
    for command in EACH {
        for (words, wanted) in [
            ("--all", "`--all` means"),
            ("--all --group g", "`--all` means"),
            ("--tag role=web", "selected by their own names and tags"),
            ("--vm ada@web", "selected by their own names and tags"),
            ("--vm web", "looked for in the controller's own subscription"),
            (OTHER_NIC, "named by its id lies in 6f130ffc"),
        ] {
            refused(&world, &format!("{command} {words} --subscription S"), wanted);
        }
        let both = format!("{OTHER_NIC} --group g");
        for words in ["", "--group g", "--tag a=b --group g", "--vm g/web", NIC, &both] {
            heard(&world, &format!("{command} {words} --subscription S"));
        }
    }
    refused(
        &world,
        "window close CHG-1 --subscription S",
        "`--subscription` names",
    );
    refused(
        &world,
        "window open CHG-1 --baseline x --subscription S",
        "the members of the baseline are compared",
    );
    heard(
        &world,
        &format!("window open CHG-1 --baseline x {NIC} --subscription S"),
    );
}

#[test]
fn a_way_to_hosts_is_said_where_hosts_are_read() {
    let place = Place::new();
    let world = place.world();
    place
        .script
        .with(|state| state.refuse = Some(tonic::Code::Internal));
    for command in EACH {
        for words in [NIC, "--all --layers azure", "--group g --subscription S"] {
            for via in ["agent", "run-command"] {
                refused(
                    &world,
                    &format!("{command} {words} --via {via}"),
                    "says how hosts are read, and none is",
                );
            }
        }
        heard(&world, &format!("{command} --vm ada@web --via ssh"));
    }
    refused(
        &world,
        "window open CHG-1 --baseline x --layers azure --via run-command",
        "says how hosts are read, and none is",
    );
    for command in EACH {
        heard(
            &world,
            &format!("{command} --all --layers host,azure --via agent"),
        );
    }
}

#[test]
fn a_controller_is_not_told_how_to_ask() {
    let place = Place::new();
    for command in EACH {
        for option in [
            "--jump a@b",
            "--ssh-config f",
            "--cloud china",
            "--arm-endpoint https://x",
            "--arm-authority https://x",
            "--arm-ca-file f",
            "--credential az",
            "--tenant t",
            "--client-id i",
            "--client-secret-file f",
        ] {
            let name = option.split(' ').next().unwrap();
            refused(&place.world(), &format!("{command} --all {option}"), name);
        }
    }
}

#[test]
fn options_for_ssh_want_a_host_that_is_reached_by_it() {
    let place = Place::new();
    let alone = place.alone();
    for command in &EACH[..3] {
        for option in ["--jump ada@gate", "--ssh-config f"] {
            for words in ["", "--all", "--vm g/web", "--vm ada@web --via run-command"] {
                let line = format!("{command} --standalone {words} {option}");
                refused(&alone, &line, "for hosts that are read by ssh, and none is named");
            }
            let line = format!("{command} --standalone --vm ada@web --layers azure {option}");
            refused(&alone, &line, "no host is read");
        }
    }
}

#[test]
fn what_says_how_azure_is_asked_wants_something_to_ask() {
    let place = Place::new();
    let alone = place.alone();
    for option in ["--subscription S", "--cloud china", "--credential az"] {
        for line in [
            "baseline create x --standalone --all",
            "baseline create x --standalone --vm ada@web",
            "baseline create x --standalone --layers host --all",
            "drift check --baseline x --standalone --layers host --all",
            "sweep run --baseline x --standalone --layers host --all",
            "window open CHG-1 --standalone --vm ada@web --layers host",
            "window open CHG-1 --standalone --baseline x --layers host",
        ] {
            refused(
                &alone,
                &format!("{line} {option}"),
                "says how Azure is asked, and nothing of it is",
            );
        }
    }
    heard(
        &alone,
        "drift check --baseline x --standalone --all --subscription S",
    );
}

#[test]
fn what_says_who_asks_is_of_who_asks() {
    let place = Place::new();
    let alone = place.alone();
    for (option, who) in [
        ("--client-id i", "logged in to `az`"),
        ("--client-secret-file f", "logged in to `az`"),
        ("--credential az --client-id i", "logged in to `az`"),
        ("--credential managed-identity --tenant t", "a managed identity"),
        (
            "--credential managed-identity --client-secret-file f",
            "a managed identity",
        ),
        (
            "--credential workload-identity --client-secret-file f",
            "a workload's identity",
        ),
    ] {
        refused(
            &alone,
            &format!("baseline create x --standalone {NIC} {option}"),
            who,
        );
        refused(&alone, &format!("azure vms --subscription S {option}"), who);
    }
}

#[test]
fn a_group_by_its_name_is_in_the_subscription_of_the_controller() {
    let place = Place::new();
    let world = place.world();
    // Nobody says one: neither line nor controller (nor, in these tests, the environment).
    let none = fails(&world, "baseline create x --group g");
    assert_eq!(none.code, "no_subscription");
    let hint = none.hint.unwrap_or_default();
    assert!(
        hint.contains("`[azure]`") && hint.contains("--subscription"),
        "{hint}"
    );
    place.script.with(|state| state.subscription = HERE.to_owned());
    for (words, subscription) in [
        ("--group g", HERE),
        (
            "--group g --subscription 6f130ffc-0a3e-4795-b691-4f56a12a5547",
            ELSEWHERE,
        ),
    ] {
        fails(&world, &format!("baseline create x {words}"));
        let selector = place.script.with(|state| state.selector.clone()).unwrap();
        assert_eq!(
            selector.azure,
            [format!("/subscriptions/{subscription}/resourceGroups/g")]
        );
    }
}
