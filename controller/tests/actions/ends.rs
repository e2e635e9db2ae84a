//! What ends by itself, and what is found out late.

use netghost_controller::actions;
use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Role;
use netghost_core::gate::Action;
use netghost_proto::v1;
use tonic::Code;

use crate::vm::Vm;
use crate::ways::waiting;
use crate::world::{BOB, World, approve, operation, refused, signed, wanted};

pub(crate) async fn nobody_decides_and_it_expires(world: &World) {
    let vm = Vm::up(world, "vm1").await;
    let mut alice = world.user("alice", Role::Operator).await;
    let mut bob = world.user("bob", Role::Approver).await;
    let mut request = wanted("vm1", &operation());
    request.lifetime_s = 1;
    let asked = alice.request_action(request.clone()).await.unwrap().into_inner();
    let action = world.stands(&asked.id, "waiting").await;
    assert_eq!(actions::sweep(&world.controller).await.unwrap(), 0);
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    // Too late, whether or not it was looked for.
    let late = approve(&mut bob, &action, signed(&action, "bob", BOB)).await;
    refused(late, Code::FailedPrecondition, "expired");
    let closed = world.stands(&action.id, "closed").await;
    assert_eq!(
        (closed.approval.as_str(), closed.code.as_str()),
        ("expired", "expired")
    );
    request.id = crate::world::new_id().to_string();
    let asked = alice.request_action(request).await.unwrap().into_inner();
    let other = world.stands(&asked.id, "waiting").await;
    assert_eq!(actions::sweep(&world.controller).await.unwrap(), 0);
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(actions::sweep(&world.controller).await.unwrap(), 1);
    assert_eq!(world.shown(&other.id).await.approval, "expired");
    assert!(vm.with(|state| state.done.is_empty()));
}

pub(crate) async fn a_revoked_agent_ends_its_actions(world: &World) {
    let mut admin = world.user("ada", Role::Admin).await;
    let mut bob = world.user("bob", Role::Approver).await;
    for (name, remove) in [("vm1", false), ("vm2", true)] {
        let vm = Vm::up(world, name).await;
        let action = waiting(world, &vm, &format!("asks-{name}")).await;
        let selector = Some(v1::Selector {
            names: vec![name.to_owned()],
            ..v1::Selector::default()
        });
        match remove {
            true => drop(admin.remove_agents(v1::RemoveRequest { selector }).await.unwrap()),
            false => {
                let reason = "sold".to_owned();
                drop(
                    admin
                        .revoke_agents(v1::RevokeRequest { selector, reason })
                        .await
                        .unwrap(),
                );
            }
        }
        let closed = world.stands(&action.id, "closed").await;
        assert_eq!(
            (closed.approval.as_str(), closed.code.as_str()),
            ("void", "revoked")
        );
        let late = approve(&mut bob, &action, signed(&action, "bob", BOB)).await;
        refused(late, Code::FailedPrecondition, "void");
    }
}

pub(crate) async fn another_boot_voids_what_waits(world: &World) {
    let vm = Vm::new(world, "vm1").await;
    let first = vm.connect(world).await;
    let action = waiting(world, &vm, "alice").await;
    drop(first);
    // The same boot again changes nothing.
    let again = connect_again(world, &vm).await;
    assert_eq!(world.shown(&action.id).await.state, "waiting");
    drop(again);
    vm.with(|state| state.boot_id = "boot-2".to_owned());
    let _after = connect_again(world, &vm).await;
    let closed = world.stands(&action.id, "closed").await;
    assert_eq!(
        (closed.approval.as_str(), closed.code.as_str()),
        ("void", "other_boot")
    );
}

/// Once the controller has seen that the earlier stream ended.
async fn connect_again(world: &World, vm: &Vm) -> crate::vm::Connected {
    let end = std::time::Instant::now() + crate::world::PATIENCE;
    while world.controller.links.is_connected(vm.id) {
        assert!(std::time::Instant::now() < end);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    vm.connect(world).await
}

pub(crate) async fn an_agent_that_is_away_is_asked_what_became_of_it(world: &World) {
    let vm = Vm::new(world, "vm1").await;
    let connected = vm.connect(world).await;
    vm.with(|state| state.script.silent = vec!["perform"]);
    let mut alice = world.user("alice", Role::Operator).await;
    let mut bob = world.user("bob", Role::Approver).await;
    let mut request = wanted("vm1", &operation());
    (request.lifetime_s, request.window_s) = (600, 5);
    let asked = alice.request_action(request).await.unwrap().into_inner();
    let action = world.stands(&asked.id, "waiting").await;
    approve(&mut bob, &action, signed(&action, "bob", BOB))
        .await
        .unwrap();
    vm.demanded("perform", 1).await;
    assert_eq!(world.shown(&action.id).await.state, "running");
    drop(connected);
    // It comes back, is asked again by the same demand, and says where it stands.
    vm.with(|state| state.script.silent = Vec::new());
    let _again = connect_again(world, &vm).await;
    world.stands(&action.id, "confirmed").await;
    assert_eq!(vm.with(|state| state.done.values().sum::<u32>()), 1);
    assert_eq!(
        vm.with(|state| state.demands.clone()),
        ["propose", "perform", "perform"]
    );
}

pub(crate) async fn reached_is_answered_for_what_is_being_done(world: &World) {
    let vm = Vm::up(world, "vm1").await;
    let other = Vm::up(world, "vm2").await;
    vm.with(|state| state.script.silent = vec!["perform"]);
    let action = waiting(world, &vm, "alice").await;
    let digest = Action::from_bytes(&action.document).unwrap().digest().unwrap();
    let call = async |vm: &Vm, action: &[u8], nonce: &[u8]| {
        let request = v1::ReachedRequest {
            action: action.to_vec().into(),
            nonce: nonce.to_vec().into(),
        };
        world
            .link(&vm.certificate)
            .await
            .reached(request)
            .await
            .map(tonic::Response::into_inner)
    };
    refused(
        call(&vm, digest.as_bytes(), b"n").await,
        Code::NotFound,
        "no action",
    );
    let mut bob = world.user("bob", Role::Approver).await;
    approve(&mut bob, &action, signed(&action, "bob", BOB))
        .await
        .unwrap();
    let nonce = [7; 32];
    assert_eq!(
        call(&vm, digest.as_bytes(), &nonce).await.unwrap().nonce,
        nonce.as_slice()
    );
    refused(
        call(&other, digest.as_bytes(), b"n").await,
        Code::NotFound,
        "no action",
    );
    refused(
        call(&vm, Digest::of(b"x").as_bytes(), b"n").await,
        Code::NotFound,
        "no action",
    );
    refused(call(&vm, b"short", b"n").await, Code::InvalidArgument, "action");
    refused(
        call(&vm, digest.as_bytes(), b"").await,
        Code::InvalidArgument,
        "nonce",
    );
    refused(
        call(&vm, digest.as_bytes(), &[0; 65]).await,
        Code::InvalidArgument,
        "nonce",
    );
}
