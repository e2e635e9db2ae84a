//! Who may call what.

use netghost_client::{Identity, Key, Refusal, refusal};
use netghost_controller::peer::Peer;
use netghost_controller::pki::{Authority, PublicKey, Validity};
use netghost_controller::{Controller, enrol};
use netghost_core::fleet::{Id, Kind, Role};
use netghost_proto::v1;
use netghost_proto::v1::fleet_client::FleetClient;
use netghost_proto::v1::link_client::LinkClient;
use std::sync::Arc;
use tonic::{Code, Extensions, Status};

use crate::world::{DAY_US, DOMAIN, HOUR_US, Scratch, World, earlier, later, now_us, outside};

fn all() -> v1::Selector {
    v1::Selector {
        all: true,
        ..v1::Selector::default()
    }
}

async fn list(world: &World, identity: &Arc<Identity>) -> Result<(), Status> {
    world.fleet(identity).await.list_agents(all()).await.map(drop)
}

/// A certificate by this authority for a key of its own.
fn forged(authority: &Authority, kind: Kind, id: Id) -> Arc<Identity> {
    let key = Key::generate().unwrap();
    let public = PublicKey::from_spki(&key.spki()).unwrap();
    let validity = Validity::starting(now_us(), DAY_US);
    let issued = authority.issue(&public, &authority.name(kind, id), validity, &outside());
    Arc::new(Identity::new(issued.unwrap().der, authority.certificate().to_vec(), key).unwrap())
}

#[tokio::test]
async fn without_a_certificate_there_is_only_enrolment() {
    let world = World::start().await;
    let status = FleetClient::new(world.channel(None).await)
        .list_agents(all())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(
        status.message().contains("no client certificate"),
        "{}",
        status.message()
    );
    assert!(
        status.message().contains("netghost login"),
        "{}",
        status.message()
    );
    let records = world.records().await;
    let record = records.last().unwrap();
    assert_eq!(
        (record.actor.as_str(), record.action.as_str()),
        ("nobody", "call.refuse")
    );
    assert_eq!(record.targets, ["/netghost.v1.Fleet/ListAgents"]);
}

#[tokio::test]
async fn a_role_may_do_what_it_may() {
    let world = World::start().await;
    let viewer = world.user("vera", Role::Viewer).await;
    list(&world, &viewer).await.unwrap();
    let request = v1::CreateTokenRequest {
        uses: 1,
        lifetime_ms: 1000,
        ..Default::default()
    };
    let status = world
        .fleet(&viewer)
        .await
        .create_token(request)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(
        status.message(),
        "this needs the role admin; user vera has the role viewer"
    );
    assert_eq!(world.records().await.last().unwrap().actor, "user/vera");
}

#[tokio::test]
async fn an_agent_is_no_user_and_a_user_no_agent() {
    let world = World::start().await;
    let agent = world.agent("vm1").await;
    let status = list(&world, &agent).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert!(
        status.message().contains("agent vm1 is no user"),
        "{}",
        status.message()
    );
    let user = world.user("admin", Role::Admin).await;
    let status = renew(&world.controller, &user.certificate).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert!(
        status.message().contains("user admin is no agent"),
        "{}",
        status.message()
    );
}

#[tokio::test]
async fn a_revoked_identity_is_refused_at_its_next_call_over_a_living_connection() {
    let world = World::start().await;
    let vera = world.user("vera", Role::Viewer).await;
    let mut client = world.fleet(&vera).await;
    client.list_agents(all()).await.unwrap();
    let name = netghost_core::artifact::name::Name::parse("vera").unwrap();
    netghost_controller::users::revoke(&world.controller, &name, "left the team")
        .await
        .unwrap();
    let status = client.list_agents(all()).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert!(
        status.message().contains("was revoked at"),
        "{}",
        status.message()
    );
    assert!(status.message().contains("left the team"), "{}", status.message());
}

#[tokio::test]
async fn a_foreign_certificate_is_refused_by_tls_and_the_caller_sees_why() {
    let world = World::start().await;
    let scratch = Scratch::new();
    let foreign = Authority::create(&scratch.0.join("pki"), DOMAIN, &outside()).unwrap();
    let known = world.user("vera", Role::Viewer).await;
    let status = list(&world, &forged(&foreign, Kind::User, known.spiffe.id))
        .await
        .unwrap_err();
    assert_eq!(refusal(&status), Some(Refusal::Foreign), "{status:?}");
}

#[tokio::test]
async fn a_certificate_that_the_store_does_not_know_is_refused() {
    let world = World::start().await;
    let known = world.user("vera", Role::Admin).await;
    for (kind, id) in [
        (Kind::User, known.spiffe.id),
        (Kind::Agent, known.spiffe.id),
        (Kind::User, Id::from_random([1; 16])),
    ] {
        let status = list(&world, &forged(&world.controller.ca, kind, id))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{}", status.message());
        assert!(status.message().contains("not known"), "{}", status.message());
    }
}

#[tokio::test]
async fn out_of_its_period_a_certificate_is_refused_and_the_caller_sees_why() {
    let world = World::start().await;
    let vera = world.user("vera", Role::Viewer).await;
    let mut open = world.fleet(&vera).await;
    // The controller checks the certificate only when the caller's first bytes come.
    open.list_agents(all()).await.unwrap();
    later(DAY_US + 2 * crate::world::SECOND_US);
    let status = list(&world, &vera).await.unwrap_err();
    assert_eq!(refusal(&status), Some(Refusal::OutOfPeriod), "{status:?}");
    let status = open.list_agents(all()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(status.message().contains("ran out"), "{}", status.message());
    earlier(DAY_US + 2 * HOUR_US);
    let status = list(&world, &vera).await.unwrap_err();
    assert_eq!(refusal(&status), Some(Refusal::OutOfPeriod), "{status:?}");
    later(HOUR_US + HOUR_US / 2);
    list(&world, &vera).await.unwrap();
}

#[tokio::test]
async fn a_live_stream_ends_when_its_user_is_revoked_or_their_certificate_runs_out() {
    let world = World::start().await;
    let id = outside().id().unwrap().to_string();
    sqlx::query(
        "INSERT INTO jobs (id, kind, state, request, started_at_us, deadline_at_us, asked_by) \
         VALUES ($1, 'baseline', 'running', '{}', 1, 2, 'local')",
    )
    .bind(id.clone())
    .execute(world.controller.store.pool())
    .await
    .unwrap();
    let watch = async |user: &Arc<Identity>| {
        let request = v1::WatchJobRequest { id: id.clone() };
        let mut states = world
            .fleet(user)
            .await
            .watch_job(request)
            .await
            .unwrap()
            .into_inner();
        states.message().await.unwrap().unwrap();
        states
    };
    let (vera, otto) = (
        world.user("vera", Role::Viewer).await,
        world.user("otto", Role::Viewer).await,
    );
    let (mut veras, mut ottos) = (watch(&vera).await, watch(&otto).await);
    let name = netghost_core::artifact::name::Name::parse("vera").unwrap();
    netghost_controller::users::revoke(&world.controller, &name, "left the team")
        .await
        .unwrap();
    let soon = std::time::Duration::from_secs(10);
    let ended = tokio::time::timeout(soon, veras.message()).await.unwrap();
    assert_eq!(ended.unwrap_err().code(), Code::PermissionDenied);
    later(2 * DAY_US);
    let ended = tokio::time::timeout(soon, ottos.message()).await.unwrap();
    assert_eq!(ended.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_living_identity_renews_itself() {
    let world = World::start().await;
    let vera = world.user("vera", Role::Operator).await;
    later(12 * HOUR_US);
    let key = Key::generate().unwrap();
    let request = v1::RenewRequest {
        csr: key.request().unwrap().into(),
    };
    let answer = world
        .fleet(&vera)
        .await
        .renew(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!((answer.name.as_str(), answer.role.as_str()), ("vera", "operator"));
    let (new, _) = netghost_client::renewed(answer, key, &world.trust()).unwrap();
    assert_eq!(new.spiffe, vera.spiffe);
    let new = Arc::new(new);
    later(13 * HOUR_US);
    list(&world, &new).await.unwrap();

    let answer = renew(&world.controller, &world.agent("vm1").await.certificate).await;
    assert_eq!(answer.unwrap().name, "vm1");
    let status = enrol::renew(&world.controller, &from(Peer::Anonymous), &[])
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn an_agent_renews_its_certificate_by_its_certificate() {
    let world = World::start().await;
    let agent = world.agent("vm1").await;
    later(12 * HOUR_US);
    let key = Key::generate().unwrap();
    let request = || v1::RenewRequest {
        csr: key.request().unwrap().into(),
    };
    let mut link = LinkClient::new(world.channel(Some(&agent)).await);
    let empty = link.renew(v1::RenewRequest::default()).await.unwrap_err();
    assert_eq!(empty.code(), Code::InvalidArgument, "{empty:?}");
    // A person's certificate and none at all are refused.
    let vera = world.user("vera", Role::Admin).await;
    for (caller, code) in [
        (Some(&vera), Code::PermissionDenied),
        (None, Code::Unauthenticated),
    ] {
        let mut link = LinkClient::new(world.channel(caller).await);
        let status = link.renew(request()).await.unwrap_err();
        assert_eq!(status.code(), code, "{status:?}");
    }
    let answer = link.renew(request()).await.unwrap().into_inner();
    assert_eq!(answer.name, "vm1");
    let (new, _) = netghost_client::renewed(answer, key, &world.trust()).unwrap();
    assert_eq!(new.spiffe, agent.spiffe);
    assert!(new.not_after_us > agent.not_after_us);
    // When the old one has run out, the new one still serves.
    later(13 * HOUR_US);
    let status = link.renew(v1::RenewRequest::default()).await.unwrap_err();
    assert!(status.message().contains("ran out"), "{status:?}");
    let mut link = LinkClient::new(world.channel(Some(&Arc::new(new))).await);
    let missing = link.missing(v1::MissingRequest::default()).await;
    assert!(missing.is_ok_and(|reply| reply.into_inner().missing.is_empty()));
}

fn from(peer: Peer) -> Extensions {
    let mut request = tonic::Request::new(());
    request.extensions_mut().insert(peer);
    std::mem::take(request.extensions_mut())
}

async fn renew(controller: &Controller, certificate: &[u8]) -> Result<v1::Identity, Status> {
    let csr = Key::generate().unwrap().request().unwrap();
    let extensions = from(Peer::Certificate(certificate.to_vec()));
    enrol::renew(controller, &extensions, &csr).await
}
