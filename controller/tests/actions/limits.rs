//! What is asked for is bounded, and asked twice it is one.

use netghost_core::fleet::Role;
use netghost_core::gate::{Check, Operation, RuleRef};
use netghost_core::{artifact::json, bytes::Text, netfilter::model::Family};
use netghost_proto::v1;
use tonic::Code;

use crate::vm::Vm;
use crate::world::{World, new_id, operation, refused, wanted};

pub(crate) async fn the_same_id_is_the_same_action(world: &World) {
    let vm = Vm::up(world, "vm1").await;
    let mut alice = world.user("alice", Role::Operator).await;
    let mut ann = world.user("ann", Role::Operator).await;
    let request = wanted("vm1", &operation());
    let first = alice.request_action(request.clone()).await.unwrap().into_inner();
    world.stands(&first.id, "waiting").await;
    let again = alice.request_action(request.clone()).await.unwrap().into_inner();
    assert_eq!(
        (again.id.as_str(), again.state.as_str()),
        (first.id.as_str(), "waiting")
    );
    assert_eq!(vm.with(|state| state.demands.clone()), ["propose"]);
    refused(
        ann.request_action(request.clone()).await,
        Code::AlreadyExists,
        "another action",
    );
    let mut other = request;
    other.reason = "another".to_owned();
    refused(
        alice.request_action(other).await,
        Code::AlreadyExists,
        "another action",
    );
}

type Edit = fn(&mut v1::RequestActionRequest);

/// What is out of bounds, and in which field.
const CASES: [(&str, Edit); 17] = [
    ("id", |request| request.id = "x".to_owned()),
    ("agent", |request| request.agent = String::new()),
    ("namespace", |request| request.namespace = "x".repeat(256)),
    ("namespace", |request| request.namespace = "a\nb".to_owned()),
    ("reason", |request| request.reason = String::new()),
    ("reason", |request| request.reason = "x".repeat(1_001)),
    ("reason", |request| request.reason = "\x1b[2J".to_owned()),
    ("ticket", |request| request.ticket = "x".repeat(101)),
    ("window_s", |request| request.window_s = 4),
    ("window_s", |request| request.window_s = 901),
    ("lifetime_s", |request| request.lifetime_s = 0),
    ("lifetime_s", |request| request.lifetime_s = 86_401),
    ("operation", |request| {
        request.operation = b"{\"kind\":\"shell\"}".to_vec().into()
    }),
    ("operation", |request| {
        request.operation = vec![b' '; 20_000].into()
    }),
    ("operation", |request| {
        let empty = Operation::NftDelete {
            family: Family::Ip,
            table: Text::from(""),
            chain: Text::from("c"),
            rule: RuleRef {
                text: Text::from("r"),
                occurrence: 1,
            },
        };
        request.operation = json::to_vec(&empty).unwrap().into();
    }),
    ("checks", |request| request.checks = b"{}".to_vec().into()),
    ("checks", |request| {
        let check = Check::TcpConnect {
            to: "192.0.2.1:443".parse().unwrap(),
        };
        request.checks = json::to_vec(&vec![check; 9]).unwrap().into();
    }),
];

pub(crate) async fn texts_and_numbers_are_bounded(world: &World) {
    let _vm = Vm::up(world, "vm1").await;
    let mut alice = world.user("alice", Role::Operator).await;
    for (field, edit) in CASES {
        let mut request = wanted("vm1", &operation());
        edit(&mut request);
        refused(alice.request_action(request).await, Code::InvalidArgument, field);
    }
    refused(
        alice.request_action(wanted("vm9", &operation())).await,
        Code::NotFound,
        "vm9",
    );
    let list = alice
        .list_actions(v1::ListActionsRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert!(list.actions.is_empty());
    let odd = v1::ListActionsRequest {
        approval: "maybe".to_owned(),
        limit: 1,
    };
    refused(alice.list_actions(odd).await, Code::InvalidArgument, "approval");
}

pub(crate) async fn an_agent_has_so_many_open_actions(world: &World) {
    let vm = Vm::up(world, "vm1").await;
    let _other = Vm::up(world, "vm2").await;
    let mut alice = world.user("alice", Role::Operator).await;
    for _ in 0..64 {
        alice.request_action(wanted("vm1", &operation())).await.unwrap();
    }
    let full = alice.request_action(wanted("vm1", &operation())).await;
    refused(full, Code::ResourceExhausted, "64 actions of agent vm1 are open");
    alice.request_action(wanted("vm2", &operation())).await.unwrap();
    let list = |approval: &str| v1::ListActionsRequest {
        approval: approval.to_owned(),
        limit: 1_000,
    };
    let all = alice.list_actions(list("")).await.unwrap().into_inner().actions;
    assert_eq!(all.len(), 65);
    vm.demanded("propose", 64).await;
    let first = &all[64];
    world.stands(&first.id, "waiting").await;
    alice
        .undo_action(v1::UndoActionRequest { id: first.id.clone() })
        .await
        .unwrap();
    alice.request_action(wanted("vm1", &operation())).await.unwrap();
    assert_eq!(
        alice
            .list_actions(list("void"))
            .await
            .unwrap()
            .into_inner()
            .actions
            .len(),
        1
    );
}

pub(crate) async fn an_action_is_found_by_the_beginning_of_its_id(world: &World) {
    let _vm = Vm::up(world, "vm1").await;
    let mut alice = world.user("alice", Role::Operator).await;
    let mut ids = Vec::new();
    for ending in ["1", "2"] {
        let mut request = wanted("vm1", &operation());
        let id = new_id().to_string();
        request.id = format!("abcdef{}{ending}", id.get(6..35).unwrap());
        ids.push(request.id.clone());
        alice.request_action(request).await.unwrap();
    }
    let show = |id: &str| v1::ShowActionRequest { id: id.to_owned() };
    let shown = alice
        .show_action(show(ids[0].get(..20).unwrap()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(shown.id, ids[0]);
    refused(
        alice.show_action(show("abcdef")).await,
        Code::FailedPrecondition,
        "both",
    );
    refused(alice.show_action(show("abc")).await, Code::InvalidArgument, "id");
    refused(alice.show_action(show("%%%%")).await, Code::InvalidArgument, "id");
    refused(
        alice.show_action(show("00000000")).await,
        Code::NotFound,
        "no action",
    );
    // Consent names the whole.
    let short = v1::ApproveActionRequest {
        id: ids[0].get(..20).unwrap().to_owned(),
        approval: Vec::new().into(),
    };
    let mut bob = world.user("bob", Role::Approver).await;
    refused(bob.approve_action(short).await, Code::InvalidArgument, "id");
}
