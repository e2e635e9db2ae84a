//! From a request to its end.

use netghost_core::artifact::json::Digest;
use netghost_core::audit::Outcome;
use netghost_core::bytes::Text;
use netghost_core::fleet::{Id, Role};
use netghost_core::gate::{Action, ActionState, Answer, Operation, Server, Stands};
use netghost_proto::v1;

use crate::vm::{Script, Vm, stands};
use crate::world::{BOB, World, approve, operation, signed, wanted};

/// An action that waits.
pub(crate) async fn waiting(world: &World, vm: &Vm, who: &str) -> v1::Action {
    let mut asks = world.user(who, Role::Operator).await;
    let request = wanted(&vm.name, &operation());
    let first = asks.request_action(request).await.unwrap().into_inner();
    world.stands(&first.id, "waiting").await
}

/// An action that Bob approved.
pub(crate) async fn approved(world: &World, vm: &Vm) -> v1::Action {
    let action = waiting(world, vm, "alice").await;
    let mut bob = world.user("bob", Role::Approver).await;
    let running = approve(&mut bob, &action, signed(&action, "bob", BOB))
        .await
        .unwrap();
    assert_eq!(running.decided_by, "bob");
    action
}

pub(crate) async fn an_approved_action_is_done_and_written_down(world: &World) {
    let vm = Vm::up(world, "vm1").await;
    let action = approved(world, &vm).await;
    assert_eq!(
        (action.approval.as_str(), action.requester.as_str()),
        ("pending", "alice")
    );
    let document = Action::from_bytes(&action.document).unwrap();
    assert_eq!(document.target.agent, Some(vm.id));
    assert!(action.until_us > action.requested_at_us + 590_000_000);
    let ended = world.stands(&action.id, "confirmed").await;
    assert_eq!(
        (ended.approval.as_str(), ended.decided_by.as_str()),
        ("used", "bob")
    );
    assert!(!ended.self_approved && ended.ended_at_us > 0);
    assert_eq!(
        vm.with(|state| state.done.clone()),
        [(document.digest().unwrap(), 1)].into()
    );
    let log = world.log().await;
    let log: Vec<_> = log
        .iter()
        .map(|(action, outcome)| (action.as_str(), *outcome))
        .collect();
    assert_eq!(
        log,
        [
            ("action.request", Outcome::Begun),
            ("action.propose", Outcome::Done),
            ("action.approve", Outcome::Done),
            ("action.confirm", Outcome::Done),
        ]
    );
    let records = world.records().await;
    let approval = records
        .iter()
        .find(|record| record.action == "action.approve")
        .unwrap();
    assert_eq!(approval.actor, "user/bob");
    let digest = document.digest().unwrap().to_string();
    assert!(approval.arguments.iter().any(|argument| argument.value == digest));
    for record in records
        .iter()
        .filter(|record| record.action.starts_with("action."))
    {
        let tickets: Vec<&str> = record
            .arguments
            .iter()
            .filter(|argument| argument.name == "ticket")
            .map(|argument| argument.value.as_str())
            .collect();
        assert_eq!(tickets, ["CHG-1"], "{}", record.action);
    }
}

pub(crate) async fn a_denied_action_is_withdrawn(world: &World) {
    let vm = Vm::up(world, "vm1").await;
    let action = waiting(world, &vm, "alice").await;
    let mut bob = world.user("bob", Role::Approver).await;
    let request = v1::DenyActionRequest {
        id: action.id.clone(),
        reason: "not today".to_owned(),
    };
    let denied = bob.deny_action(request).await.unwrap().into_inner();
    assert_eq!(
        (
            denied.approval.as_str(),
            denied.state.as_str(),
            denied.decision.as_str()
        ),
        ("denied", "closed", "not today")
    );
    vm.demanded("withdraw", 1).await;
    // Whoever would present an approval now finds the VM's ledger closed too.
    let answer = approve(&mut bob, &action, signed(&action, "bob", BOB)).await;
    crate::world::refused(answer, tonic::Code::FailedPrecondition, "denied");
    assert!(vm.with(|state| state.done.is_empty()));
}

pub(crate) async fn what_the_vm_says_is_where_it_stands(world: &World) {
    let states = [
        ActionState::Confirmed,
        ActionState::Done,
        ActionState::Undone,
        ActionState::Conflict,
        ActionState::Failed,
        ActionState::Unknown,
    ];
    let mut bob = world.user("bob", Role::Approver).await;
    let mut alice = world.user("alice", Role::Operator).await;
    for (number, state) in states.into_iter().enumerate() {
        let vm = Vm::up(world, &format!("vm{number}")).await;
        let said = Stands {
            why: Some(Text::from("so it is")),
            output: Some(Text::from("line 1\nline 2 Bearer abcdef\x1b[2J")),
            ..stands(Digest::of(b""), state)
        };
        vm.with(|vm| vm.script.performed = Some(Answer::Stands(said)));
        let asked = alice
            .request_action(wanted(&vm.name, &operation()))
            .await
            .unwrap()
            .into_inner();
        let action = world.stands(&asked.id, "waiting").await;
        approve(&mut bob, &action, signed(&action, "bob", BOB))
            .await
            .unwrap();
        let ended = world.stands(&action.id, state.as_str()).await;
        assert_eq!(
            (ended.approval.as_str(), ended.why.as_str()),
            ("used", "so it is")
        );
        assert!(ended.output.starts_with("line 1\nline 2"), "{:?}", ended.output);
        assert!(
            !ended.output.contains("abcdef") && !ended.output.contains('\x1b'),
            "{:?}",
            ended.output
        );
    }
}

pub(crate) async fn what_the_vm_refuses_is_void_or_failed(world: &World) {
    let mut bob = world.user("bob", Role::Approver).await;
    let mut alice = world.user("alice", Role::Operator).await;
    let cases = [
        ("moved", "void", "closed"),
        ("expired", "expired", "closed"),
        ("other_boot", "void", "closed"),
        ("bad_signature", "void", "closed"),
        ("denied_by_policy", "void", "closed"),
        ("locked", "void", "failed"),
        ("disk", "void", "failed"),
    ];
    for (number, (code, approval, state)) in cases.into_iter().enumerate() {
        let vm = Vm::up(world, &format!("vm{number}")).await;
        vm.with(|vm| vm.script.performed = Some(Answer::refused(code, "because")));
        let asked = alice
            .request_action(wanted(&vm.name, &operation()))
            .await
            .unwrap()
            .into_inner();
        let action = world.stands(&asked.id, "waiting").await;
        approve(&mut bob, &action, signed(&action, "bob", BOB))
            .await
            .unwrap();
        let ended = world.stands(&action.id, state).await;
        assert_eq!(
            (ended.approval.as_str(), ended.code.as_str(), ended.why.as_str()),
            (approval, code, "because")
        );
    }
    // The VM's policy does not let it be asked for at all.
    let vm = Vm::up(world, "strict").await;
    vm.with(|vm| vm.policy = netghost_core::gate::Policy::nothing());
    let asked = alice
        .request_action(wanted(&vm.name, &operation()))
        .await
        .unwrap()
        .into_inner();
    let refused = world.stands(&asked.id, "refused").await;
    assert_eq!(
        (refused.code.as_str(), refused.approval.as_str()),
        ("denied_by_policy", "")
    );
    // Its agent has nobody to pass it on to.
    let vm = Vm::up(world, "bare").await;
    vm.with(|vm| vm.script.fails = Some("unsupported"));
    let asked = alice
        .request_action(wanted(&vm.name, &operation()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(world.stands(&asked.id, "refused").await.code, "unsupported");
}

type Edit = fn(&mut Action);

pub(crate) async fn a_proposal_that_was_not_asked_for_is_refused(world: &World) {
    let edits: [(&str, Edit); 8] = [
        ("id", |action| action.id = Id::from_random([1; 16])),
        ("agent", |action| action.target.agent = None),
        ("namespace", |action| action.namespace = Text::from("blue")),
        ("requester", |action| {
            action.requester = crate::world::name("mallory")
        }),
        ("reason", |action| action.reason = Text::from("another")),
        ("operation", |action| {
            action.operation = Operation::ServerStop {
                action: Digest::of(b"x"),
            };
        }),
        ("lifetime", |action| action.lifetime_s += 1),
        ("window", |action| action.window_s += 1),
    ];
    let mut alice = world.user("alice", Role::Operator).await;
    for (field, edit) in edits {
        let vm = Vm::up(world, &format!("vm-{field}")).await;
        vm.with(|state| {
            state.script = Script {
                edit: Some(edit),
                ..Script::default()
            };
        });
        let asked = alice
            .request_action(wanted(&vm.name, &operation()))
            .await
            .unwrap()
            .into_inner();
        let refused = world.stands(&asked.id, "refused").await;
        assert_eq!(refused.code, "not_asked", "{field}: {refused:?}");
        assert!(
            refused.why.contains(field) && refused.document.is_empty(),
            "{refused:?}"
        );
    }
}

pub(crate) async fn a_server_runs_and_ends(world: &World) {
    let vm = Vm::up(world, "vm1").await;
    vm.with(|vm| {
        vm.script.performed = Some(Answer::Stands(Stands {
            ends_in_ms: Some(300),
            ..stands(Digest::of(b""), ActionState::Applied)
        }));
        vm.script.ends_in_ms = Some(300);
    });
    let mut alice = world.user("alice", Role::Operator).await;
    let mut bob = world.user("bob", Role::Approver).await;
    let server = Operation::ServerStart {
        server: Server::Iperf,
        port: 5001,
        lease_s: 1,
    };
    let asked = alice
        .request_action(wanted("vm1", &server))
        .await
        .unwrap()
        .into_inner();
    let action = world.stands(&asked.id, "waiting").await;
    approve(&mut bob, &action, signed(&action, "bob", BOB))
        .await
        .unwrap();
    let runs = world.stands(&action.id, "applied").await;
    assert_eq!(runs.approval, "used");
    vm.with(|vm| {
        for state in vm.stands.values_mut() {
            *state = ActionState::Undone;
        }
    });
    world.stands(&action.id, "undone").await;
}
