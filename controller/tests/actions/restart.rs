//! A process that ends at any point leaves an action that the next one carries on.

use std::time::Duration;

use netghost_controller::actions;
use netghost_core::fleet::Role;
use netghost_proto::v1::fleet_client::FleetClient;
use tonic::transport::Channel;

use crate::vm::{Connected, Vm};
use crate::world::{BOB, World, approve, operation, signed, wanted};

/// Where the first process is left.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Left {
    /// The VM was asked what it would do, and is silent.
    Preparing,
    Waiting,
    /// It was approved, and the VM is away.
    Approved,
    /// The VM has done it, and its agent's word was lost.
    Done,
}

pub(crate) async fn the_next_process_takes_up_what_was_left(world: &World) {
    let mut alice = world.user("alice", Role::Operator).await;
    let bob = world.user("bob", Role::Approver).await;
    for left in [Left::Preparing, Left::Waiting, Left::Approved, Left::Done] {
        let vm = Vm::new(world, &format!("vm-{left:?}").to_lowercase()).await;
        let connected = vm.connect(world).await;
        if left == Left::Preparing {
            vm.with(|state| state.script.silent = vec!["propose"]);
        }
        let asked = alice.request_action(wanted(&vm.name, &operation())).await;
        let id = asked.unwrap().into_inner().id;
        vm.demanded("propose", 1).await;
        leave(world, &vm, (&id, left), (bob.clone(), connected)).await;
        vm.with(|state| state.script.silent = Vec::new());
        let next = world.next_process().await;
        actions::resume(&next.controller).await.unwrap();
        let _connected = vm.connect(&next).await;
        if matches!(left, Left::Preparing | Left::Waiting) {
            let action = next.stands(&id, "waiting").await;
            let mut bob = next.user_again("bob").await;
            let approval = signed(&action, "bob", BOB);
            approve(&mut bob, &action, approval).await.unwrap();
        }
        ends_once(&next, &vm, (&id, left)).await;
    }
}

/// Brings an action to where the first process is left.
async fn leave(
    world: &World,
    vm: &Vm,
    (id, left): (&str, Left),
    (mut bob, connected): (FleetClient<Channel>, Connected),
) {
    if matches!(left, Left::Preparing | Left::Waiting) {
        return;
    }
    let action = world.stands(id, "waiting").await;
    let mut connected = Some(connected);
    if left == Left::Approved {
        connected = None;
        while world.controller.links.is_connected(vm.id) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    } else {
        vm.with(|state| state.script.silent = vec!["perform"]);
    }
    let approval = signed(&action, "bob", BOB);
    approve(&mut bob, &action, approval).await.unwrap();
    if left == Left::Done {
        vm.demanded("perform", 1).await;
    }
    drop(connected);
}

async fn ends_once(next: &World, vm: &Vm, (id, left): (&str, Left)) {
    let ended = next.stands(id, "confirmed").await;
    let decided = (ended.approval.as_str(), ended.decided_by.as_str());
    assert_eq!(decided, ("used", "bob"), "{left:?}");
    let done = vm.with(|state| state.done.values().sum::<u32>());
    assert_eq!(done, 1, "{left:?}: done once");
    let log = next.records().await;
    let confirmed = log
        .iter()
        .filter(|record| record.action == "action.confirm" && record.targets.contains(&id.to_owned()));
    assert_eq!(confirmed.count(), 1, "{left:?}: written down once");
}
