//! A process that ends at any point leaves an action that the next one carries on.

use netghost_controller::actions;
use netghost_core::fleet::Role;

use crate::vm::Vm;
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
    let mut bob = world.user("bob", Role::Approver).await;
    for left in [Left::Preparing, Left::Waiting, Left::Approved, Left::Done] {
        let vm = Vm::new(world, &format!("vm-{left:?}").to_lowercase()).await;
        let connected = vm.connect(world).await;
        if left == Left::Preparing {
            vm.with(|state| state.script.silent = vec!["propose"]);
        }
        let asked = alice
            .request_action(wanted(&vm.name, &operation()))
            .await
            .unwrap()
            .into_inner();
        vm.demanded("propose", 1).await;
        let mut connected = Some(connected);
        if left != Left::Preparing {
            let action = world.stands(&asked.id, "waiting").await;
            if left == Left::Approved {
                connected = None;
                while world.controller.links.is_connected(vm.id) {
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                }
            }
            if left == Left::Done {
                vm.with(|state| state.script.silent = vec!["perform"]);
            }
            if left != Left::Waiting {
                approve(&mut bob, &action, signed(&action, "bob", BOB))
                    .await
                    .unwrap();
            }
            if left == Left::Done {
                vm.demanded("perform", 1).await;
            }
        }
        drop(connected);
        vm.with(|state| state.script.silent = Vec::new());
        let next = world.next_process().await;
        actions::resume(&next.controller).await.unwrap();
        let _connected = vm.connect(&next).await;
        if matches!(left, Left::Preparing | Left::Waiting) {
            let action = next.stands(&asked.id, "waiting").await;
            let mut bob = next
                .user(&format!("bob-{left:?}").to_lowercase(), Role::Approver)
                .await;
            let other = approve(&mut bob, &action, signed(&action, "bob", BOB)).await;
            crate::world::refused(other, tonic::Code::PermissionDenied, "bob signed it");
            let mut local = next.user_again("bob").await;
            approve(&mut local, &action, signed(&action, "bob", BOB))
                .await
                .unwrap();
        }
        let ended = next.stands(&asked.id, "confirmed").await;
        assert_eq!(
            (ended.approval.as_str(), ended.decided_by.as_str()),
            ("used", "bob"),
            "{left:?}"
        );
        assert_eq!(
            vm.with(|state| state.done.values().sum::<u32>()),
            1,
            "{left:?}: done once"
        );
        let log = next.records().await;
        let confirmed = log
            .iter()
            .filter(|record| record.action == "action.confirm" && record.targets.contains(&asked.id));
        assert_eq!(confirmed.count(), 1, "{left:?}: written down once");
    }
}
