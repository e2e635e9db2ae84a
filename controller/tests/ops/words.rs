//! What people ask for, on either database.

use netghost_controller::users;
use netghost_core::artifact::name::Name;
use netghost_core::fleet::Role;
use netghost_proto::v1;

use crate::place::Place;

pub(crate) async fn people_and_tokens_come_and_go(place: &Place) {
    let ada = Name::parse("ada").unwrap();
    users::add(&place.controller, &ada, Role::Admin).await.unwrap();
    users::revoke(&place.controller, &ada, "left").await.unwrap();
    assert!(
        users::revoke(&place.controller, &Name::parse("eve").unwrap(), "x")
            .await
            .is_err()
    );
    assert_eq!(users::list(&place.controller).await.unwrap(), []);
    let mut client = place.client().await;
    let request = v1::CreateTokenRequest {
        uses: 2,
        lifetime_ms: 60_000,
        tags: vec![v1::Tag {
            key: "role".to_owned(),
            value: "web".to_owned(),
        }],
        request_id: "once".to_owned(),
    };
    let created = client
        .create_token(request)
        .await
        .unwrap()
        .into_inner()
        .token
        .unwrap();
    assert_eq!((created.uses, created.used), (2, 0));
    let listed = client
        .list_tokens(v1::ListTokensRequest {})
        .await
        .unwrap()
        .into_inner()
        .tokens;
    assert!(
        listed
            .iter()
            .any(|token| token.id == created.id && !token.revoked)
    );
    let revoked = client
        .revoke_token(v1::RevokeTokenRequest { id: created.id })
        .await
        .unwrap()
        .into_inner();
    assert!(revoked.revoked);
    let all = v1::Selector {
        all: true,
        ..v1::Selector::default()
    };
    // Nobody is in the fleet: an empty list or a refusal, and never a fault of the store.
    if let Err(status) = client.list_agents(all).await {
        assert_eq!(status.code(), tonic::Code::NotFound, "{status}");
    }
    client.list_baselines(v1::ListBaselinesRequest {}).await.unwrap();
    client.list_schedules(v1::ListSchedulesRequest {}).await.unwrap();
    client.list_runs(v1::ListRunsRequest::default()).await.unwrap();
}
