//! The gate over the wire: one change approved and confirmed, one denied, one that cuts its VM off and undoes itself; the same
//! commands on one host without a controller.

use netghost_lab::{APPROVER, Fleet, Kind, Vm};
use serde_json::Value;

use crate::operator::{Answer, audit_is_good, document, plan};

const RULE: &str = "tcp dport 5001 drop";
const CHAIN: [&str; 6] = ["--family", "inet", "--table", "t", "--chain", "c"];

/// A chain with a rule, as somebody forgot it.
fn forgotten(vm: &Vm) {
    for words in [
        "add table inet t",
        "add chain inet t c { type filter hook input priority 0 ; }",
        "add rule inet t c tcp dport 5001 drop",
    ] {
        let argv: Vec<&str> = ["nft"].into_iter().chain(words.split(' ')).collect();
        vm.must(&argv).unwrap();
    }
}

fn rules(vm: &Vm) -> String {
    vm.must(&["nft", "list", "chain", "inet", "t", "c"])
        .unwrap()
        .text()
}

/// The one action of an answer.
fn row(answer: &Value) -> (Value, String, String) {
    let row = answer["actions"][0].clone();
    let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
    let (id, digest) = (text("id"), text("digest"));
    (row, id, digest)
}

/// The admin asks; the action waits for an approval.
fn asked(fleet: &Fleet, vm: &str, options: &[&str], operation: &[&str]) -> (Value, String, String) {
    let words: Vec<&str> = ["action", "request", vm, "--reason", "a test"]
        .iter()
        .chain(options)
        .chain(operation)
        .copied()
        .collect();
    row(&document(fleet, &words, 5))
}

fn decided(fleet: &Fleet, words: &[&str], status: i32) -> Value {
    let words: Vec<&str> = words.iter().copied().chain(["-o", "json"]).collect();
    let answer = Answer::from(fleet.netghost_as(APPROVER, &words, b"").unwrap());
    row(&answer.with(status).json()).0
}

#[test]
fn root_one_change_is_confirmed_one_denied_and_one_undoes_itself() {
    let fleet = Fleet::up(&plan(&[Kind::Netns]).with_gate()).unwrap();
    let vm = fleet.vm("vm1").unwrap();
    forgotten(vm);
    let before = rules(vm);

    let delete: Vec<&str> = ["nft-delete"]
        .into_iter()
        .chain(CHAIN)
        .chain(["--rule", RULE])
        .collect();
    let (_, id, _) = asked(&fleet, "vm1", &[], &delete);
    let denied = decided(&fleet, &["approval", "deny", &id, "--reason", "not now"], 0);
    assert_eq!(
        (&denied["state"], &denied["approval"]),
        (&"closed".into(), &"denied".into())
    );
    assert_eq!(rules(vm), before);

    // The rule is on the way of what comes back from the controller.
    let cut = "tcp sport 7443 drop";
    let insert: Vec<&str> = ["nft-insert"]
        .into_iter()
        .chain(CHAIN)
        .chain(["--first", "--rule", cut])
        .collect();
    let (_, id, digest) = asked(&fleet, "vm1", &["--window", "6s"], &insert);
    let undone = decided(&fleet, &["approval", "approve", &id, "--digest", &digest], 1);
    assert_eq!(undone["state"], "undone", "{undone}");
    assert_eq!(rules(vm), before);

    let (asked_for, id, digest) = asked(&fleet, "vm1", &["--ticket", "CHG-1"], &delete);
    assert_eq!(asked_for["requester"], "ada");
    // Who asked has no say in it, and what nobody signed is not done.
    let own = Answer::from(
        fleet
            .netghost(&["approval", "approve", &id, "--digest", &digest])
            .unwrap(),
    );
    assert_ne!(own.status, 0, "{own:?}");
    assert_eq!(rules(vm), before);
    let confirmed = decided(&fleet, &["approval", "approve", &id, "--digest", &digest], 0);
    assert_eq!(
        (&confirmed["state"], &confirmed["decided_by"]),
        (&"confirmed".into(), &APPROVER.into())
    );
    assert!(!rules(vm).contains("5001"));

    // The undo of what was confirmed needs an approval of its own.
    let (undo, id, digest) = row(&document(&fleet, &["action", "undo", &id], 5));
    assert_eq!(undo["operation"]["action"], confirmed["digest"]);
    let undone = decided(&fleet, &["approval", "approve", &id, "--digest", &digest], 0);
    assert_eq!(undone["state"], "confirmed", "{undone}");
    assert_eq!(rules(vm), before);
    let states: Vec<Value> = document(&fleet, &["action", "list"], 0)["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["state"].clone())
        .collect();
    assert_eq!((states.len(), &states[0]), (4, &"confirmed".into()));
    assert_eq!(states[2..], ["undone", "closed"]);
    audit_is_good(&fleet);
}

/// The command on a VM, without a controller, as a person who logged in there.
fn alone(fleet: &Fleet, person: &str, words: &[&str], status: i32) -> Value {
    let vm = fleet.vm("vm1").unwrap();
    let home = vm.home();
    let of = |name: &str| home.join(name).display().to_string();
    let program = fleet.programs().netghost.display().to_string();
    let environment = [
        format!("XDG_CONFIG_HOME={}", of("config")),
        format!("XDG_STATE_HOME={}", of("local")),
        format!("NETGHOST_ACT_SOCKET={}", of("gate/act.sock")),
        format!("NETGHOST_ETC={}", of("gate")),
        format!("SUDO_USER={person}"),
    ];
    let argv: Vec<&str> = ["env"]
        .into_iter()
        .chain(environment.iter().map(String::as_str))
        .chain([program.as_str()])
        .chain(words.iter().copied())
        .chain(["--standalone", "-o", "json"])
        .collect();
    let answer = Answer::from(vm.exec(&argv).unwrap()).with(status);
    row(&answer.json()).0
}

#[test]
fn root_without_a_controller_a_person_confirms() {
    let fleet = Fleet::up(&plan(&[Kind::Netns]).with_gate()).unwrap();
    let vm = fleet.vm("vm1").unwrap();
    forgotten(vm);
    let before = rules(vm);
    let operator = fleet.controller_vm().unwrap().home();
    let copy = |from: std::path::PathBuf, to: &str| {
        let to = vm.home().join(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
    };
    copy(
        operator.join("ada/config/netghost/approvers/roster.dsse.json"),
        "gate/roster.dsse.json",
    );
    copy(
        operator.join("bob/config/netghost/approver.key"),
        "config/netghost/approver.key",
    );
    let request: Vec<&str> = [
        "action",
        "request",
        "localhost",
        "--reason",
        "a test",
        "--window",
        "30s",
        "nft-delete",
    ]
    .into_iter()
    .chain(CHAIN)
    .chain(["--rule", RULE])
    .collect();
    for end in ["undo", "confirm"] {
        let asked_for = alone(&fleet, "ada", &request, 5);
        let text = |field: &str| asked_for[field].as_str().unwrap().to_owned();
        let (id, digest) = (text("id"), text("digest"));
        let applied = alone(
            &fleet,
            "ada",
            &["approval", "approve", &id, "--digest", &digest],
            5,
        );
        assert_eq!(applied["state"], "applied", "{applied}");
        assert!(!rules(vm).contains("5001"));
        let ended = alone(&fleet, "ada", &["action", end, &id], 0);
        let (state, there) = match end {
            "undo" => ("undone", true),
            _ => ("confirmed", false),
        };
        assert_eq!(ended["state"], state, "{ended}");
        assert_eq!(rules(vm) == before, there, "{end}");
    }
}
