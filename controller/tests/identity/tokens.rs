//! Tokens are made, listed and taken back.

use netghost_core::fleet::{Role, Token};
use netghost_proto::v1;
use tonic::Code;

use crate::world::World;

fn request() -> v1::CreateTokenRequest {
    v1::CreateTokenRequest {
        uses: 3,
        lifetime_ms: 60_000,
        tags: vec![tag("zone", "east"), tag("role", "web")],
        request_id: "once".to_owned(),
    }
}

fn tag(key: &str, value: &str) -> v1::Tag {
    v1::Tag {
        key: key.to_owned(),
        value: value.to_owned(),
    }
}

#[tokio::test]
async fn asking_twice_makes_one_token() {
    let world = World::start().await;
    let admin = world.user("admin", Role::Admin).await;
    let mut fleet = world.fleet(&admin).await;
    let made = fleet.create_token(request()).await.unwrap().into_inner();
    let token = Token::parse(&made.text).unwrap();
    assert_eq!(token.ca, world.controller.ca.fingerprint());
    let status = fleet.create_token(request()).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
    assert!(
        status.message().contains(&token.id.to_string()),
        "{}",
        status.message()
    );
    let list = fleet
        .list_tokens(v1::ListTokensRequest {})
        .await
        .unwrap()
        .into_inner()
        .tokens;
    let ours: Vec<_> = list.iter().filter(|row| row.kind == "agent").collect();
    assert_eq!(ours.len(), 1);
    assert_eq!((ours[0].uses, ours[0].used, ours[0].revoked), (3, 0, false));
    assert_eq!(ours[0].tags, [tag("role", "web"), tag("zone", "east")]);
    assert_eq!(ours[0].created_by, "user/admin");
    assert!(!format!("{list:?}").contains(&netghost_core::bytes::to_hex(&token.secret.0)));
}

#[tokio::test]
async fn what_is_out_of_bounds_is_refused_by_its_field() {
    let world = World::start().await;
    let admin = world.user("admin", Role::Admin).await;
    let mut fleet = world.fleet(&admin).await;
    type Change = fn(&mut v1::CreateTokenRequest);
    let wrong: [(&str, Change); 6] = [
        ("uses", |request| request.uses = 0),
        ("uses", |request| request.uses = 10_001),
        ("lifetime_ms", |request| request.lifetime_ms = 0),
        ("lifetime_ms", |request| {
            request.lifetime_ms = 30 * 24 * 3_600_000 + 1
        }),
        ("tags", |request| {
            request.tags = vec![tag("role", "a"), tag("role", "b")]
        }),
        ("request_id", |request| request.request_id = "a b".to_owned()),
    ];
    for (field, change) in wrong {
        let mut request = request();
        change(&mut request);
        let status = fleet.create_token(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(
            status.message().starts_with(&format!("field {field}: ")),
            "{}",
            status.message()
        );
    }
}

#[tokio::test]
async fn a_token_is_taken_back_once() {
    let world = World::start().await;
    let token = world.token(1).await;
    let admin = world.user("admin", Role::Admin).await;
    let mut fleet = world.fleet(&admin).await;
    for _ in 0..2 {
        let request = v1::RevokeTokenRequest {
            id: token.id.to_string(),
        };
        assert!(fleet.revoke_token(request).await.unwrap().into_inner().revoked);
    }
    let revoked = world
        .records()
        .await
        .into_iter()
        .filter(|record| record.action == "token.revoke");
    assert_eq!(revoked.count(), 1);
    let request = v1::RevokeTokenRequest {
        id: "07070707-0707-4707-8707-070707070707".to_owned(),
    };
    assert_eq!(
        fleet.revoke_token(request).await.unwrap_err().code(),
        Code::NotFound
    );
}
