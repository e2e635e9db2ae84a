//! Who may do what, and who was quicker.

use netghost_core::artifact::json::Digest;
use netghost_core::audit::Outcome;
use netghost_core::fleet::Role;
use netghost_core::gate::{ActionState, Answer, Stands};
use netghost_proto::v1;
use netghost_proto::v1::fleet_client::FleetClient;
use tonic::Code;
use tonic::transport::Channel;

use crate::vm::{Vm, stands};
use crate::ways::{approved, waiting};
use crate::world::{ALICE, BOB, CAROL, DAVE, World, approve, operation, refused, signed, wanted};

pub(crate) async fn each_call_needs_its_role(world: &World) {
    let vm = Vm::up(world, "vm1").await;
    let action = waiting(world, &vm, "alice").await;
    let id = || action.id.clone();
    let mut viewer = world.user("vera", Role::Viewer).await;
    let mut operator = world.user("otto", Role::Operator).await;
    let needs = |role: &str| format!("role {role}");
    refused(
        viewer.request_action(wanted("vm1", &operation())).await,
        Code::PermissionDenied,
        &needs("operator"),
    );
    let undo = v1::UndoActionRequest { id: id() };
    refused(
        viewer.undo_action(undo).await,
        Code::PermissionDenied,
        &needs("operator"),
    );
    let viewer_reads = viewer.clone();
    for who in [&mut viewer, &mut operator] {
        let approval = signed(&action, "bob", BOB);
        refused(
            approve(who, &action, approval).await,
            Code::PermissionDenied,
            &needs("approver"),
        );
        let deny = v1::DenyActionRequest {
            id: id(),
            reason: "no".to_owned(),
        };
        refused(
            who.deny_action(deny).await,
            Code::PermissionDenied,
            &needs("approver"),
        );
        refused(
            who.publish_approvers(v1::Approvers::default()).await,
            Code::PermissionDenied,
            &needs("admin"),
        );
    }
    let mut approver = world.user("bob", Role::Approver).await;
    refused(
        approver.publish_approvers(v1::Approvers::default()).await,
        Code::PermissionDenied,
        &needs("admin"),
    );
    reads(viewer_reads, id()).await;
    let shown = world.shown(&action.id).await;
    assert_eq!(
        (shown.state.as_str(), shown.approval.as_str()),
        ("waiting", "pending")
    );
}

/// A viewer sees all of it.
async fn reads(mut viewer: FleetClient<Channel>, id: String) {
    let list = viewer.list_actions(v1::ListActionsRequest::default()).await;
    assert_eq!(list.unwrap().into_inner().actions.len(), 1);
    viewer.show_action(v1::ShowActionRequest { id }).await.unwrap();
    viewer.show_approvers(v1::ShowApproversRequest {}).await.unwrap();
}

pub(crate) async fn an_approval_by_anybody_else_is_none(world: &World) {
    let vm = Vm::up(world, "vm1").await;
    let other = Vm::up(world, "vm2").await;
    let action = waiting(world, &vm, "alice").await;
    let foreign = waiting(world, &other, "ann").await;
    let mut bob = world.user("bob", Role::Approver).await;
    let dave = world.user("dave", Role::Approver).await;
    let mallory = world.user("mallory", Role::Approver).await;
    let by_bob = signed(&action, "bob", BOB);
    let mut altered = by_bob.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    let cases = [
        (&mallory, signed(&action, "mallory", 9), "no_approver"),
        (&dave, signed(&action, "dave", DAVE), "revoked"),
        (&mallory, by_bob.clone(), "bob signed it, and mallory sent it"),
        (&bob, signed(&foreign, "bob", BOB), "other_action"),
        // Bob's key under another's name.
        (&bob, signed(&action, "carol", BOB), "other_action"),
        (&bob, altered, ""),
        (&bob, Vec::new(), ""),
        (&bob, vec![b'x'; 100_000], "malformed"),
    ];
    for (who, approval, words) in cases {
        refused(
            approve(&mut who.clone(), &action, approval).await,
            Code::PermissionDenied,
            words,
        );
    }
    let denied = world.log().await;
    let denied = denied
        .iter()
        .filter(|entry| **entry == ("action.approve".to_owned(), Outcome::Denied));
    assert_eq!(denied.count(), 8, "each refusal is written down");
    assert_eq!(world.shown(&action.id).await.state, "waiting");
    approve(&mut bob, &action, by_bob).await.unwrap();
    world.stands(&action.id, "confirmed").await;
}

pub(crate) async fn of_two_who_decide_one_does(world: &World) {
    let mut bob = world.user("bob", Role::Approver).await;
    let mut carol = world.user("carol", Role::Approver).await;
    let mut alice = world.user("alice", Role::Operator).await;
    let vm = Vm::up(world, "vm1").await;
    for round in 0..10 {
        let asked = alice
            .request_action(wanted("vm1", &operation()))
            .await
            .unwrap()
            .into_inner();
        let action = world.stands(&asked.id, "waiting").await;
        let deny = v1::DenyActionRequest {
            id: action.id.clone(),
            reason: "no".to_owned(),
        };
        let (one, other) = match round % 2 {
            0 => tokio::join!(
                approve(&mut bob, &action, signed(&action, "bob", BOB)),
                approve(&mut carol, &action, signed(&action, "carol", CAROL)),
            ),
            _ => {
                let by_bob = signed(&action, "bob", BOB);
                let (one, other) = tokio::join!(approve(&mut bob, &action, by_bob), carol.deny_action(deny));
                (one, other.map(tonic::Response::into_inner))
            }
        };
        assert_eq!(
            i32::from(one.is_ok()) + i32::from(other.is_ok()),
            1,
            "round {round}"
        );
        let loser = one.err().or(other.err()).unwrap();
        assert_eq!(loser.code(), Code::FailedPrecondition, "{loser:?}");
        let ended = world.stands(
            &action.id,
            match world.shown(&action.id).await.approval.as_str() {
                "denied" => "closed",
                _ => "confirmed",
            },
        );
        let ended = ended.await;
        let done = vm.with(|state| {
            state
                .done
                .get(
                    &netghost_core::gate::Action::from_bytes(&action.document)
                        .unwrap()
                        .digest()
                        .unwrap(),
                )
                .copied()
        });
        assert_eq!(done, (ended.state == "confirmed").then_some(1), "round {round}");
    }
}

pub(crate) async fn an_approval_counts_once(world: &World) {
    let vm = Vm::up(world, "vm1").await;
    let action = approved(world, &vm).await;
    world.stands(&action.id, "confirmed").await;
    let mut carol = world.user("carol", Role::Approver).await;
    for (who, key) in [("carol", CAROL), ("bob", BOB)] {
        let again = approve(&mut carol, &action, signed(&action, who, key)).await;
        refused(
            again,
            Code::FailedPrecondition,
            "the approval is used: bob decided",
        );
    }
    assert_eq!(vm.with(|state| state.done.values().sum::<u32>()), 1);
    // The same rule asked for again is another action: the old approval is none for it.
    let mut alice = world.user("ann", Role::Operator).await;
    let asked = alice
        .request_action(wanted("vm1", &operation()))
        .await
        .unwrap()
        .into_inner();
    let next = world.stands(&asked.id, "waiting").await;
    let replayed = approve(&mut carol, &next, signed(&action, "carol", CAROL)).await;
    refused(replayed, Code::PermissionDenied, "other_action");
}

pub(crate) async fn four_eyes_are_two_people(world: &World) {
    let vm = Vm::up(world, "vm1").await;
    let mut alice = world.user("alice", Role::Admin).await;
    let asked = alice
        .request_action(wanted("vm1", &operation()))
        .await
        .unwrap()
        .into_inner();
    let action = world.stands(&asked.id, "waiting").await;
    let own = approve(&mut alice, &action, signed(&action, "alice", ALICE)).await;
    refused(own, Code::PermissionDenied, "self_approval");
    // Where the VM's owner asks for no second person, it is said that there was none.
    vm.with(|state| state.policy.four_eyes = false);
    let asked = alice
        .request_action(wanted("vm1", &operation()))
        .await
        .unwrap()
        .into_inner();
    let action = world.stands(&asked.id, "waiting").await;
    approve(&mut alice, &action, signed(&action, "alice", ALICE))
        .await
        .unwrap();
    assert!(world.shown(&action.id).await.decided_by == "alice");
    world.stands(&action.id, "confirmed").await;
}

pub(crate) async fn what_waits_can_be_taken_back(world: &World) {
    let vm = Vm::up(world, "vm1").await;
    let action = waiting(world, &vm, "alice").await;
    let mut otto = world.user("otto", Role::Operator).await;
    let undo = v1::UndoActionRequest {
        id: action.id.clone(),
    };
    let closed = otto.undo_action(undo.clone()).await.unwrap().into_inner();
    assert_eq!(
        (
            closed.approval.as_str(),
            closed.state.as_str(),
            closed.code.as_str()
        ),
        ("void", "closed", "taken_back")
    );
    vm.demanded("withdraw", 1).await;
    refused(otto.undo_action(undo).await, Code::FailedPrecondition, "closed");
}

pub(crate) async fn an_undo_comes_behind_a_withdrawal(world: &World) {
    let vm = Vm::up(world, "vm1").await;
    vm.with(|vm| {
        // It waits to be confirmed: its agent has no last word yet.
        vm.script.performed = Some(Answer::Stands(Stands {
            ends_in_ms: Some(60_000),
            ..stands(Digest::of(b""), ActionState::Applied)
        }));
        vm.script.silent = vec!["perform"];
    });
    let action = approved(world, &vm).await;
    vm.demanded("perform", 1).await;
    let mut otto = world.user("otto", Role::Operator).await;
    otto.undo_action(v1::UndoActionRequest {
        id: action.id.clone(),
    })
    .await
    .unwrap();
    let undone = world.stands(&action.id, "undone").await;
    assert_eq!(undone.approval, "used");
    let demands = vm.with(|state| state.demands.clone());
    assert_eq!(demands, ["propose", "perform", "withdraw", "undo"]);
    // What is confirmed is undone by another action only.
    let vm = Vm::up(world, "vm2").await;
    let mut ann = world.user("ann", Role::Operator).await;
    let asked = ann
        .request_action(wanted("vm2", &operation()))
        .await
        .unwrap()
        .into_inner();
    let action = world.stands(&asked.id, "waiting").await;
    let mut carol = world.user("carol", Role::Approver).await;
    approve(&mut carol, &action, signed(&action, "carol", CAROL))
        .await
        .unwrap();
    world.stands(&action.id, "confirmed").await;
    let undo = v1::UndoActionRequest {
        id: action.id.clone(),
    };
    refused(
        otto.undo_action(undo).await,
        Code::FailedPrecondition,
        "ask for an action that undoes it",
    );
    assert!(vm.with(|state| !state.demands.contains(&"undo".to_owned())));
}
