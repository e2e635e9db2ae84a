//! Documents of actions, approvals and approvers, as the command writes, signs and keeps them.

use std::path::Path;
use std::time::Duration;

use netghost_act::disk::Disk;
use netghost_act::paths::Paths;
use netghost_act::record as undo_record;
use netghost_act::trace::{Process, Trace};
use netghost_cli::documents::actions::{Rows, SCHEMA, Said};
use netghost_cli::documents::document;
use netghost_cli::gate::record::{self, Denied, Record};
use netghost_core::artifact::json::{self, Digest};
use netghost_core::artifact::key::Signer;
use netghost_core::artifact::name::Name;
use netghost_core::bytes::{Big, Hex, Text};
use netghost_core::fleet::Id;
use netghost_core::gate::{
    ACTION_SCHEMA, Action, ActionState, Approval, Check, Consent, Effect, IpFamily, Ledger, Moment,
    Operation, Package, Place, Policy, QdiscPlace, QdiscSpec, Roster, RuleRef, Server, Target,
};
use netghost_core::netfilter::model::Family;
use netghost_proto::v1;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn rule() -> RuleRef {
    RuleRef {
        text: Text::from("tcp dport 5001 drop"),
        occurrence: 2,
    }
}

/// One of each kind, and of each form that a kind has.
fn operations() -> Vec<Operation> {
    let (table, chain, device) = (
        Text::from("filter"),
        Text::from(&b"in\xff"[..]),
        Text::from("eth0"),
    );
    let insert = |place| Operation::NftInsert {
        family: Family::Netdev,
        table: table.clone(),
        chain: chain.clone(),
        place,
        rule: Text::from("accept"),
    };
    let replace = |qdisc| Operation::QdiscReplace {
        device: device.clone(),
        qdisc,
    };
    let action = Digest::of(b"another");
    vec![
        Operation::NftDelete {
            family: Family::Inet,
            table: table.clone(),
            chain: chain.clone(),
            rule: rule(),
        },
        insert(Place::First),
        insert(Place::Before { rule: rule() }),
        Operation::LegacyDelete {
            family: IpFamily::Ip6,
            table: table.clone(),
            chain: chain.clone(),
            rule: rule(),
        },
        Operation::QdiscRemove {
            device: device.clone(),
            at: QdiscPlace::Ingress,
        },
        replace(QdiscSpec::FqCodel),
        replace(QdiscSpec::Pfifo { limit: 100 }),
        replace(QdiscSpec::Tbf {
            rate: u32::MAX,
            burst: 1,
            limit: 2,
        }),
        Operation::PackageInstall {
            package: Package::parse("iperf").unwrap(),
        },
        Operation::ServerStart {
            server: Server::Qperf,
            port: 5_001,
            lease_s: 600,
        },
        Operation::ServerStop { action },
        Operation::Undo { action },
    ]
}

fn action(number: u8, operation: Operation) -> Action {
    let package = matches!(operation, Operation::PackageInstall { .. });
    let timed = !package && !matches!(operation, Operation::ServerStart { .. });
    Action {
        schema: ACTION_SCHEMA.to_owned(),
        id: Id::from_random([number; 16]),
        target: Target {
            agent: (number > 0).then(|| Id::from_random([9; 16])),
            host: Text::from("vm-1"),
            boot_id: "boot-1".to_owned(),
        },
        namespace: Text::from("init"),
        requester: name("alice"),
        reason: Text::from("it is dropped"),
        ticket: (number > 0).then(|| Text::from("CHG-1")),
        permission: operation.permission(),
        operation,
        effect: Effect {
            change: vec![Text::from("do it")],
            inverse: if package {
                vec![]
            } else {
                vec![Text::from("put it back")]
            },
            object: Text::from("chain inet filter input"),
            before: Digest::of(b"before"),
            after: (!package).then(|| Digest::of(b"after")),
            irreversible: package.then(|| Text::from("maintainer scripts run")),
            notes: vec![Text::from("counters")],
        },
        checks: vec![Check::TcpConnect {
            to: "10.0.0.4:443".parse().unwrap(),
        }],
        window_s: if timed { 60 } else { 0 },
        lifetime_s: 3_600,
        nonce: Hex(vec![number; 32]),
        four_eyes: true,
        tool: "netghost-act 0".to_owned(),
    }
}

/// What a controller says of an action.
fn said(action: &Action, proposed: bool) -> Said {
    let document = if proposed {
        action.to_bytes().unwrap()
    } else {
        Vec::new()
    };
    let state = if proposed { "undone" } else { "refused" };
    let row = v1::Action {
        id: action.id.to_string(),
        agent_id: Id::from_random([9; 16]).to_string(),
        agent: "web-1".to_owned(),
        namespace: "init".to_owned(),
        requester: "alice".to_owned(),
        reason: "it is dropped".to_owned(),
        ticket: action
            .ticket
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        operation: json::to_vec(&action.operation).unwrap().into(),
        document: document.into(),
        approval: if proposed { "used" } else { "" }.to_owned(),
        state: state.to_owned(),
        why: "because".to_owned(),
        code: if proposed { "" } else { "not_there" }.to_owned(),
        decided_by: if proposed { "bob" } else { "" }.to_owned(),
        requested_at_us: u64::MAX,
        until_us: 2,
        decided_at_us: 3,
        ended_at_us: 4,
        output: "said".to_owned(),
        ..v1::Action::default()
    };
    Said::try_from(row).unwrap()
}

/// What a VM remembers: an action that is open, one that was taken back, and a list of approvers.
fn ledger() -> Ledger {
    let policy = Policy {
        change: Consent::Approve,
        ..Policy::default()
    };
    let now = Moment {
        boot_id: "boot-1".to_owned(),
        since_boot: Duration::from_secs(1),
    };
    let mut ledger = Ledger::default();
    let undo = |seed| Operation::Undo {
        action: Digest::of(seed),
    };
    ledger.propose(action(1, undo(b"one")), &policy, &now).unwrap();
    let gone = ledger.propose(action(2, undo(b"two")), &policy, &now).unwrap();
    assert!(ledger.withdraw(gone.digest().unwrap()));
    let ca = Signer::from_seed(&[3; 32]).unwrap();
    ledger
        .learn(&Roster::new().sign(&ca).unwrap(), ca.public())
        .unwrap();
    ledger
}

/// A change that waits, one that failed with what it said, and a server.
fn undo_records() -> [undo_record::Record<serde_json::Value>; 3] {
    let process = Process {
        pid: 17,
        start: Big(4_711),
    };
    let waits = undo_record::Record {
        schema: undo_record::SCHEMA.to_owned(),
        digest: Digest::of(b"action"),
        action: action(
            1,
            Operation::ServerStop {
                action: Digest::of(b"server"),
            },
        ),
        boot_id: "boot".to_owned(),
        deadline_us: Big(u64::MAX),
        state: ActionState::Applied,
        why: None,
        approver: name("bob"),
        self_approved: false,
        change: Some(serde_json::json!({"of": "kernel"})),
        server: None,
        output: None,
    };
    let mut failed = waits.clone();
    failed.ends(ActionState::Failed, "the lock is held");
    failed.output = Some(Text::from(&b"in\xff"[..]));
    failed.change = None;
    let mut server = waits.clone();
    server.server = Some(Trace {
        process,
        inner: Some(process),
        cgroup: None,
    });
    [waits, failed, server]
}

/// The note of the CA, as it is written where there is none yet.
fn authority(directory: &Path) -> Vec<u8> {
    let paths = Paths {
        state: directory.join("act"),
        ..Paths::default()
    };
    paths.prepare().unwrap();
    let ca = Signer::from_seed(&[3; 32]).unwrap();
    netghost_act::ledger::read_under(&paths, &Disk::default(), ca.public()).unwrap();
    std::fs::read(paths.authority()).unwrap()
}

/// Writes one of each document into `directory`.
pub(crate) fn write(directory: &Path) {
    let put = |name: &str, bytes: Vec<u8>| std::fs::write(directory.join(name), bytes).unwrap();
    let mut rows = Vec::new();
    for (number, operation) in (0..).zip(operations()) {
        let action = action(number, operation);
        let bytes = action.to_bytes().unwrap();
        assert_eq!(Action::from_bytes(&bytes).unwrap(), action, "{number}");
        let approval = Approval::new(&action, name("bob")).unwrap();
        put(
            &format!("approval.{number}.json"),
            json::to_vec(&approval).unwrap(),
        );
        put(&format!("action.{number}.json"), bytes);
        rows.push(said(&action, number % 2 == 0).held());
    }
    assert!(
        rows.iter().any(|row| !row.disagrees.is_empty()),
        "the first is of no agent"
    );
    let status = document(SCHEMA, Rows { actions: rows }).unwrap();
    put("action_status.0.json", serde_json::to_vec(&status).unwrap());
    for (number, record) in undo_records().iter().enumerate() {
        put(
            &format!("undo_record.{number}.json"),
            serde_json::to_vec(record).unwrap(),
        );
    }
    put("authority.0.json", authority(directory));
    put("gate_ledger.0.json", json::to_vec(&ledger()).unwrap());
    let signer = Signer::from_seed(&[2; 32]).unwrap();
    let roster = Roster::new().with(name("bob"), signer.public()).unwrap();
    put("approvers.0.json", json::to_vec(&roster).unwrap());
    for (number, denied) in [None, Some("not now")].into_iter().enumerate() {
        let record = Record {
            schema: record::SCHEMA.to_owned(),
            id: Id::from_random([1; 16]),
            document: "{}".to_owned(),
            requested_at_us: Big(1),
            denied: denied.map(|reason| Denied {
                by: Text::from("bob"),
                reason: Text::from(reason),
                at_us: Big(2),
            }),
        };
        put(
            &format!("action_record.{number}.json"),
            json::to_vec(&record).unwrap(),
        );
    }
}
