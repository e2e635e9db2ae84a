//! Agents are selected, tagged, revoked and removed.

use netghost_client::Key;
use netghost_core::fleet::{Role, Selector, Tag};
use netghost_proto::v1;
use tonic::Code;

use crate::world::World;

fn named(names: &[&str]) -> Option<v1::Selector> {
    Some(v1::Selector {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        ..v1::Selector::default()
    })
}

fn tag(key: &str, value: &str) -> v1::Tag {
    v1::Tag {
        key: key.to_owned(),
        value: value.to_owned(),
    }
}

async fn three() -> World {
    let world = World::start().await;
    let token = world.token(3).await;
    for name in ["vm1", "vm2", "vm3"] {
        world.enrol(&token, Key::generate().unwrap(), name).await.unwrap();
    }
    world
}

#[tokio::test]
async fn tags_go_on_and_off_and_a_wrong_name_does_nothing() {
    let world = three().await;
    let admin = world.user("admin", Role::Admin).await;
    let mut fleet = world.fleet(&admin).await;
    let mut request = v1::TagRequest {
        selector: named(&["vm1", "vm9"]),
        set: vec![tag("zone", "east"), tag("role", "db")],
        unset: Vec::new(),
    };
    let status = fleet.tag_agents(request.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert!(
        status.message().contains("vm9") && !status.message().contains("vm1,"),
        "{}",
        status.message()
    );
    assert!(
        world
            .agents()
            .await
            .iter()
            .all(|agent| agent.tags == [tag("role", "web")])
    );
    request.selector = named(&["vm1", "vm2"]);
    let tagged = fleet.tag_agents(request).await.unwrap().into_inner().agents;
    assert_eq!(tagged.len(), 2);
    assert_eq!(tagged[0].tags, [tag("role", "db"), tag("zone", "east")]);
    let request = v1::TagRequest {
        selector: Some(v1::Selector {
            tags: vec![tag("zone", "east")],
            ..Default::default()
        }),
        set: Vec::new(),
        unset: vec!["zone".to_owned(), "absent".to_owned()],
    };
    let tagged = fleet
        .tag_agents(request.clone())
        .await
        .unwrap()
        .into_inner()
        .agents;
    assert_eq!(tagged.len(), 2);
    assert_eq!(tagged[1].tags, [tag("role", "db")]);
    assert_eq!(
        fleet.tag_agents(request).await.unwrap_err().code(),
        Code::NotFound
    );
    for selector in [None, named(&[])] {
        let request = v1::TagRequest {
            selector,
            set: vec![tag("a", "b")],
            unset: Vec::new(),
        };
        assert_eq!(
            fleet.tag_agents(request).await.unwrap_err().code(),
            Code::InvalidArgument
        );
    }
}

#[tokio::test]
async fn a_revoked_agent_is_seen_but_not_selected() {
    let world = three().await;
    let admin = world.user("admin", Role::Admin).await;
    let request = v1::RevokeRequest {
        selector: named(&["vm2"]),
        reason: "lost".to_owned(),
    };
    let revoked = world
        .fleet(&admin)
        .await
        .revoke_agents(request)
        .await
        .unwrap()
        .into_inner()
        .agents;
    assert_eq!(
        (revoked[0].state.as_str(), revoked[0].why.as_str()),
        ("revoked", "lost")
    );
    assert_eq!(world.agents().await.len(), 3);
    let all = Selector {
        all: true,
        ..Selector::default()
    };
    let names = |agents: Vec<netghost_controller::caller::Agent>| -> Vec<String> {
        agents.into_iter().map(|agent| agent.name).collect()
    };
    assert_eq!(
        names(world.controller.select(&all).await.unwrap()),
        ["vm1", "vm3"]
    );
    let web = Selector {
        tags: vec![Tag::parse("role=web").unwrap()],
        ..Selector::default()
    };
    assert_eq!(
        names(world.controller.select(&web).await.unwrap()),
        ["vm1", "vm3"]
    );
    let by_name = |name: &str| Selector {
        names: vec![name.to_owned()],
        ..Selector::default()
    };
    let status = world.controller.select(&by_name("vm2")).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(
        world.controller.select(&by_name("vm9")).await.unwrap_err().code(),
        Code::NotFound
    );
    let none = world.controller.select(&Selector::default()).await.unwrap_err();
    assert_eq!(none.code(), Code::InvalidArgument);
    let id = world.agents().await.remove(0).id;
    assert_eq!(
        names(world.controller.select(&by_name(&id)).await.unwrap()),
        ["vm1"]
    );
}

#[tokio::test]
async fn a_removed_agents_name_is_free_and_its_identity_dead() {
    let world = World::start().await;
    let old = world.agent("vm1").await;
    let admin = world.user("admin", Role::Admin).await;
    let request = v1::RemoveRequest {
        selector: named(&["vm1"]),
    };
    let removed = world
        .fleet(&admin)
        .await
        .remove_agents(request)
        .await
        .unwrap()
        .into_inner()
        .agents;
    assert_eq!(removed[0].id, old.spiffe.id.to_string());
    assert_eq!(world.agents().await.len(), 0);
    let token = world.token(2).await;
    let new = world
        .enrol(&token, Key::generate().unwrap(), "vm1")
        .await
        .unwrap();
    assert_ne!(new.spiffe, old.spiffe);
    let all = v1::Selector {
        all: true,
        ..Default::default()
    };
    let status = world.fleet(&old).await.list_agents(all).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert!(status.message().contains("removed"), "{}", status.message());
}
