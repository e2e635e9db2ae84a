//! A hostile controller: the test plays one, with the controller's own keys, against a real agent and the real process that acts.
//!
//! Whatever it says, nothing is done that no approver signed for, and each refusal has its word. Behind that the same world does
//! what an approver did sign for: what is refused here is refused for its reason, not because nothing works.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use netghost_core::artifact::json::{self, Digest};
use netghost_core::artifact::key::Signer;
use netghost_core::artifact::name::Name;
use netghost_core::bytes::Text;
use netghost_core::fleet::Id;
use netghost_core::gate::{
    Action, ActionState, Answer, Approval, Asked, Demand, LONGEST_DEMAND, Operation, Package, Roster, RuleRef,
};
use netghost_core::netfilter::model::Family;
use netghost_lab::Namespace;
use netghost_proto::v1;
use netghost_proto::v1::command_finished::Outcome;

use crate::controller::{Controller, SOON, Stage};
use crate::site::{Site, id};

/// The approvers' CA; Bob, an approver; and a key that the controller made for itself.
const CA: u8 = 1;
const BOB: u8 = 2;
const OWN: u8 = 66;

fn signer(seed: u8) -> Signer {
    Signer::from_seed(&[seed; 32]).unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// Bob alone.
fn roster() -> Roster {
    Roster::new().with(name("bob"), signer(BOB).public()).unwrap()
}

/// The rule whose end would be seen.
const RULE: &str = "tcp dport 5001 drop";
const RULESET: &str = "table inet filter {
    chain input {
        type filter hook input priority 0; policy accept;
        tcp dport 5001 drop
        tcp dport 22 accept
    }
}
";

fn delete(rule: &str) -> Operation {
    Operation::NftDelete {
        family: Family::Inet,
        table: Text::from("filter"),
        chain: Text::from("input"),
        rule: RuleRef {
            text: Text::from(rule),
            occurrence: 1,
        },
    }
}

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A VM: a network namespace, the real programs, and the controller that lies.
struct World {
    namespace: Namespace,
    site: Site,
    stage: Stage,
    _controller: Controller,
    _processes: Vec<Process>,
    next: u32,
}

fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_netghost-agent")).with_file_name(name);
    assert!(
        path.is_file(),
        "{} is not built: cargo build -p {name}",
        path.display()
    );
    path
}

impl World {
    async fn new() -> Self {
        let mut controller = Controller::start().await;
        let site = Site::new(&controller);
        let namespace = Namespace::new().unwrap();
        let loaded = namespace.exec_with_input(&["nft", "-f", "-"], RULESET.as_bytes());
        assert!(loaded.unwrap().status.success());
        let path = |file: &str| site.directory.join(file);
        std::fs::write(path("policy.toml"), "change = \"approve\"\n").unwrap();
        std::fs::write(path("approvers.pem"), signer(CA).public().to_pem().unwrap()).unwrap();
        let mut processes = Vec::new();
        for (job, socket) in [("guard", "guard.sock"), ("serve", "act.sock")] {
            let mut command = Command::new(program("netghost-act"));
            command.arg(job).arg("--listen").arg(path(socket));
            for (option, file) in [
                ("--state", "act"),
                ("--policy", "policy.toml"),
                ("--approvers", "approvers.pem"),
                ("--guard", "guard.sock"),
            ] {
                command.arg(option).arg(path(file));
            }
            command.stdin(Stdio::null()).stdout(Stdio::null());
            processes.push(Process(namespace.spawn(command).unwrap()));
            let end = Instant::now() + SOON;
            while std::os::unix::net::UnixStream::connect(path(socket)).is_err() {
                assert!(Instant::now() < end, "{job} does not listen");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        let mut agent = Command::new(env!("CARGO_BIN_EXE_netghost-agent"));
        agent.arg("run").arg("--config").arg(site.config());
        agent
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        processes.push(Process(agent.spawn().unwrap()));
        let stage = controller.stage().await;
        assert_eq!(stage.hello.capabilities, ["capture", "actions"]);
        Self {
            namespace,
            site,
            stage,
            _controller: controller,
            _processes: processes,
            next: 0,
        }
    }

    fn fresh(&mut self) -> Id {
        self.next += 1;
        let mut bytes = [3; 16];
        bytes[..4].copy_from_slice(&self.next.to_be_bytes());
        Id::from_random(bytes)
    }

    /// What the kernel has, as its own tool says it.
    fn kernel(&self) -> String {
        let listed = self.namespace.must(&["nft", "--stateless", "list", "ruleset"]);
        let qdiscs = self.namespace.must(&["tc", "qdisc", "show"]);
        listed.unwrap().text() + &qdiscs.unwrap().text()
    }

    /// Whether anything was ever begun: each action that was has a record.
    fn begun(&self) -> usize {
        std::fs::read_dir(self.site.directory.join("act/records")).map_or(0, |files| files.count())
    }

    /// What a demand of these bytes ends in: the word of a refusal, or what the answer says.
    async fn say(&mut self, demand: &[u8]) -> Result<Answer, String> {
        let id = self.fresh();
        self.stage.demand(id, 60_000, demand, true).await;
        self.ended(id).await
    }

    async fn ended(&mut self, id: Id) -> Result<Answer, String> {
        let finished = self.stage.finished().await;
        assert_eq!(finished.id, id.to_string());
        self.stage.acknowledge(id).await;
        match finished.outcome.unwrap() {
            Outcome::Failed(failed) => Err(failed.code),
            Outcome::Acted(acted) => match serde_json::from_slice(&acted.answer).unwrap() {
                Answer::Refused { code, .. } => Err(code),
                answer => Ok(answer),
            },
            other => panic!("{other:?}"),
        }
    }

    async fn demand(&mut self, demand: &Demand) -> Result<Answer, String> {
        self.say(&json::to_vec(demand).unwrap()).await
    }

    fn asked(&mut self, operation: Operation) -> Asked {
        Asked {
            id: self.fresh(),
            agent: Some(id(9)),
            namespace: Text::from("init"),
            requester: name("alice"),
            reason: Text::from("nobody asked for it"),
            ticket: None,
            operation,
            checks: Vec::new(),
            window_s: 5,
            lifetime_s: 600,
        }
    }

    /// An action as the VM wrote it.
    async fn proposed(&mut self, operation: Operation) -> Action {
        let asked = self.asked(operation);
        self.proposal(asked).await
    }

    async fn proposal(&mut self, asked: Asked) -> Action {
        match self.demand(&Demand::Propose(Box::new(asked))).await.unwrap() {
            Answer::Proposed { document } => Action::from_bytes(document.as_bytes()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn perform(&mut self, action: Digest, approval: &[u8], roster: &[u8]) -> Result<Answer, String> {
        let demand = Demand::Perform {
            action,
            approval: Text::from(approval),
            roster: Text::from(roster),
        };
        self.demand(&demand).await
    }

    /// Tries to have an action done by this approval and list, and is refused with this word.
    #[track_caller]
    fn refused(&self, case: &str, answer: Result<Answer, String>, word: &str) {
        assert_eq!(answer, Err(word.to_owned()), "{case}");
    }
}

fn approval(action: &Action, who: &str, key: u8) -> Vec<u8> {
    Approval::new(action, name(who))
        .unwrap()
        .sign(&signer(key))
        .unwrap()
}

#[tokio::test]
async fn root_a_hostile_controller_gets_nothing_done_that_nobody_signed_for() {
    let mut world = World::new().await;
    let before = world.kernel();
    assert!(before.contains(RULE), "{before}");
    without_consent(&mut world).await;
    with_consent_to_something_else(&mut world).await;
    with_other_words(&mut world).await;
    by_a_flood(&mut world).await;
    assert_eq!(world.kernel(), before, "the kernel is as it was");
    assert_eq!(world.begun(), 0, "nothing was ever begun");
    what_was_signed_for_is_done_once(world, &before).await;
}

/// Approvals that nobody gave.
async fn without_consent(world: &mut World) {
    let action = world.proposed(delete(RULE)).await;
    let digest = action.digest().unwrap();
    let list = roster().sign(&signer(CA)).unwrap();
    let own_key = approval(&action, "bob", OWN);
    let answer = world.perform(digest, b"", &list).await;
    world.refused("no approval", answer, "malformed");
    let answer = world.perform(digest, &own_key, &list).await;
    world.refused("signed by a key of its own", answer, "no_approver");
    // Bob's key stands for it, but the signature is of another.
    let mut forged: serde_json::Value = serde_json::from_slice(&own_key).unwrap();
    forged["signatures"][0]["keyid"] = signer(BOB).public().id().to_string().into();
    let answer = world
        .perform(digest, &serde_json::to_vec(&forged).unwrap(), &list)
        .await;
    let word = answer.expect_err("a forged approval was taken");
    assert!(
        ["bad_signature", "malformed", "no_approver"].contains(&word.as_str()),
        "{word}"
    );
    // Its own list of approvers, under a CA of its own, and under the key that signs its certificates.
    let own = Roster::new().with(name("bob"), signer(OWN).public()).unwrap();
    for key in [OWN, OWN + 1] {
        let answer = world
            .perform(digest, &own_key, &own.sign(&signer(key)).unwrap())
            .await;
        world.refused("a list of its own", answer, "bad_approvers");
    }
    // The list of the approvers with itself on it, and the CA's signature as it was.
    let mut edited: serde_json::Value = serde_json::from_slice(&list).unwrap();
    let signed: serde_json::Value = serde_json::from_slice(&own.sign(&signer(OWN)).unwrap()).unwrap();
    edited["payload"] = signed["payload"].clone();
    let answer = world
        .perform(digest, &own_key, &serde_json::to_vec(&edited).unwrap())
        .await;
    world.refused("an edited list", answer, "bad_approvers");
    let answer = world.perform(digest, &own_key, b"").await;
    world.refused("no list", answer, "bad_approvers");
    for demand in [
        Demand::Confirm { action: digest },
        Demand::Undo { action: digest },
    ] {
        let answer = world.demand(&demand).await;
        assert!(
            answer.is_err() || stands(&answer) == ActionState::Waiting,
            "{demand:?}: {answer:?}"
        );
    }
}

type Edit = fn(&mut Action);

/// Approvals that Bob did give.
async fn with_consent_to_something_else(world: &mut World) {
    let list = roster().sign(&signer(CA)).unwrap();
    let first = world.proposed(delete(RULE)).await;
    let by_bob = approval(&first, "bob", BOB);
    // He signed, and it was taken back: the signature is replayed for the same action, and for the next of the same kind.
    let digest = first.digest().unwrap();
    world
        .demand(&Demand::Withdraw { action: digest })
        .await
        .unwrap_or_else(|word| panic!("{word}"));
    let answer = world.perform(digest, &by_bob, &list).await;
    world.refused("taken back", answer, "void");
    let next = world.proposed(delete(RULE)).await;
    let answer = world.perform(next.digest().unwrap(), &by_bob, &list).await;
    world.refused("replayed for the next", answer, "other_action");
    // He was shown another document than the VM wrote.
    let harmless = Action {
        operation: delete("tcp dport 22 accept"),
        ..next.clone()
    };
    let swapped = approval(&harmless, "bob", BOB);
    let answer = world.perform(next.digest().unwrap(), &swapped, &list).await;
    world.refused("another document was shown", answer, "other_action");
    let answer = world.perform(harmless.digest().unwrap(), &swapped, &list).await;
    world.refused("the VM never wrote it", answer, "unknown_action");
    // Each field in which two actions could be confused.
    let others: [(&str, Edit); 4] = [
        ("another VM's", |action| action.target.agent = Some(id(8))),
        ("another namespace's", |action| {
            action.namespace = Text::from("blue")
        }),
        ("another nonce", |action| {
            action.nonce = netghost_core::bytes::Hex(vec![1; 32])
        }),
        ("another lifetime", |action| action.lifetime_s = 86_400),
    ];
    for (case, edit) in others {
        let mut other = next.clone();
        edit(&mut other);
        let answer = world
            .perform(next.digest().unwrap(), &approval(&other, "bob", BOB), &list)
            .await;
        world.refused(case, answer, "other_action");
    }
    // It says that Bob asked, and Bob consents.
    let asked = Asked {
        requester: name("bob"),
        ..world.asked(delete(RULE))
    };
    let own = world.proposal(asked).await;
    let answer = world
        .perform(own.digest().unwrap(), &approval(&own, "bob", BOB), &list)
        .await;
    world.refused("four eyes", answer, "self_approval");
    altered_by_one_byte(world, &next, &list).await;
}

async fn altered_by_one_byte(world: &mut World, action: &Action, list: &[u8]) {
    let whole = approval(action, "bob", BOB);
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut altered = whole.clone();
        altered[at] ^= 1;
        let answer = world.perform(action.digest().unwrap(), &altered, list).await;
        let word = answer.expect_err("an altered approval was taken");
        assert!(
            ["malformed", "bad_signature", "no_approver", "other_action"].contains(&word.as_str()),
            "byte {at}: {word}"
        );
    }
}

/// Demands that are none, or not of this VM.
async fn with_other_words(world: &mut World) {
    let asked = world.asked(Operation::PackageInstall {
        package: Package::parse("iperf").unwrap(),
    });
    let answer = world.demand(&Demand::Propose(Box::new(asked))).await;
    world.refused("denied by the policy", answer, "denied_by_policy");
    for agent in [None, Some(id(8))] {
        let asked = Asked {
            agent,
            ..world.asked(delete(RULE))
        };
        let answer = world.demand(&Demand::Propose(Box::new(asked))).await;
        world.refused("in another agent's name", answer, "refused");
    }
    let known = world.asked(delete(RULE));
    let text = String::from_utf8(json::to_vec(&Demand::Propose(Box::new(known))).unwrap()).unwrap();
    for (case, bytes) in [
        (
            "a command line",
            "{\"command\":\"nft flush ruleset\",\"demand\":\"exec\"}".to_owned(),
        ),
        (
            "an operation of another kind",
            text.replace("nft_delete", "shell"),
        ),
        ("a field more", text.replacen('{', "{\"as\":\"root\",", 1)),
        ("no JSON", "; nft flush ruleset".to_owned()),
        ("no text", "\u{0}".to_owned()),
    ] {
        let answer = world.say(bytes.as_bytes()).await;
        world.refused(case, answer, "malformed");
    }
    for length in [0, LONGEST_DEMAND + 1] {
        let answer = world.say(&vec![b' '; length]).await;
        world.refused("of another length", answer, "refused");
    }
    let number = world.fresh();
    let unknown = v1::controller_message::Kind::Command(v1::Command {
        id: number.to_string(),
        lifetime_ms: 60_000,
        kind: None,
    });
    world.stage.tell(unknown).await;
    let answer = world.ended(number).await;
    world.refused("a command of another kind", answer, "unsupported");
    let action = Digest::of(b"never written");
    for demand in [
        Demand::Confirm { action },
        Demand::Undo { action },
        Demand::Standing { action },
        Demand::Perform {
            action,
            approval: Text::from("x"),
            roster: Text::from(roster().sign(&signer(CA)).unwrap()),
        },
    ] {
        let answer = world.demand(&demand).await;
        world.refused("of nothing", answer, "unknown_action");
    }
}

/// More than anybody can mean.
async fn by_a_flood(world: &mut World) {
    let mut words = std::collections::BTreeMap::<String, u32>::new();
    for _ in 0..4 {
        let mut ids = std::collections::BTreeSet::new();
        for _ in 0..40 {
            let (number, asked) = (world.fresh(), world.asked(delete(RULE)));
            let demand = json::to_vec(&Demand::Propose(Box::new(asked))).unwrap();
            world.stage.demand(number, 120_000, &demand, false).await;
            ids.insert(number.to_string());
        }
        while !ids.is_empty() {
            let finished = world.stage.finished().await;
            assert!(ids.remove(&finished.id));
            world.stage.acknowledge(Id::parse(&finished.id).unwrap()).await;
            let word = match finished.outcome.unwrap() {
                Outcome::Failed(failed) => failed.code,
                Outcome::Acted(acted) => match serde_json::from_slice(&acted.answer).unwrap() {
                    Answer::Refused { code, .. } => code,
                    Answer::Proposed { .. } => "proposed".to_owned(),
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            };
            *words.entry(word).or_default() += 1;
        }
    }
    let count = |word: &str| words.get(word).copied().unwrap_or(0);
    assert!(count("proposed") <= 64 && count("too_many") >= 96, "{words:?}");
    assert_eq!(count("proposed") + count("too_many"), 160, "{words:?}");
}

fn stands(answer: &Result<Answer, String>) -> ActionState {
    match answer {
        Ok(Answer::Stands(stands)) => stands.state,
        other => panic!("{other:?}"),
    }
}

/// The same world does what Bob signs for: once, and no more after his key was taken back.
async fn what_was_signed_for_is_done_once(world: World, before: &str) {
    // The flood left no room on the VM; another one has some.
    drop(world);
    let mut world = World::new().await;
    assert_eq!(world.kernel(), before);
    let list = roster().sign(&signer(CA)).unwrap();
    let action = world.proposed(delete(RULE)).await;
    let (digest, by_bob) = (action.digest().unwrap(), approval(&action, "bob", BOB));
    let answer = world.perform(digest, &by_bob, &list).await;
    assert_eq!(stands(&answer), ActionState::Confirmed);
    let after = world.kernel();
    assert!(
        !after.contains(RULE) && after.contains("tcp dport 22 accept"),
        "{after}"
    );
    // Again and again it is told where it stands, and nothing is done.
    world
        .namespace
        .must(&[
            "nft", "add", "rule", "inet", "filter", "input", "tcp", "dport", "5001", "drop",
        ])
        .unwrap();
    let again = world.kernel();
    for _ in 0..3 {
        let answer = world.perform(digest, &by_bob, &list).await;
        assert_eq!(stands(&answer), ActionState::Confirmed);
        // What stays is not undone without a consent of its own.
        drop(world.demand(&Demand::Undo { action: digest }).await);
    }
    assert_eq!(world.kernel(), again);
    // Once the VM saw the list without Bob, an older one does not bring him back.
    let next = world.proposed(delete(RULE)).await;
    let without = roster().without(&name("bob")).unwrap().sign(&signer(CA)).unwrap();
    let by_bob = approval(&next, "bob", BOB);
    let answer = world.perform(next.digest().unwrap(), &by_bob, &without).await;
    world.refused("revoked", answer, "revoked");
    let answer = world.perform(next.digest().unwrap(), &by_bob, &list).await;
    world.refused("an older list", answer, "old_approvers");
    assert_eq!(world.kernel(), again);
    assert_eq!(world.begun(), 1);
}
