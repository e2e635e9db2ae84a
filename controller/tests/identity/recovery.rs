//! An identity whose certificate ran out comes back by its old key.

use std::sync::Arc;

use netghost_client::{EnrolError, Identity, Key, recover};
use netghost_controller::pki::Authority;
use netghost_core::fleet::{Kind, Role};
use netghost_proto::v1;
use tonic::Code;

use crate::world::{DAY_US, DOMAIN, SECOND_US, Scratch, World, later, outside, refused};

async fn try_recover(world: &World, old: &Identity) -> Result<Arc<Identity>, EnrolError> {
    let answer = recover(world.channel(None).await, old, Key::generate().unwrap()).await;
    answer.map(|(identity, _)| Arc::new(identity))
}

#[tokio::test]
async fn within_thirty_days_the_old_key_brings_a_new_certificate() {
    let world = World::start().await;
    let vera = world.user("vera", Role::Viewer).await;
    let agent = world.agent("vm1").await;
    later(31 * DAY_US - SECOND_US);
    let all = v1::Selector {
        all: true,
        ..Default::default()
    };
    let back = try_recover(&world, &vera).await.unwrap();
    assert_eq!(back.spiffe, vera.spiffe);
    world.fleet(&back).await.list_agents(all).await.unwrap();
    let back = try_recover(&world, &agent).await.unwrap();
    assert_eq!(back.spiffe, agent.spiffe);
    assert!(
        world
            .records()
            .await
            .iter()
            .any(|record| record.action == "agent.recover")
    );
}

#[tokio::test]
async fn after_thirty_days_it_is_too_late() {
    let world = World::start().await;
    let agent = world.agent("vm1").await;
    later(31 * DAY_US + SECOND_US);
    let status = refused(try_recover(&world, &agent).await);
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(
        status.message().contains("more than 30 days ago"),
        "{}",
        status.message()
    );
    assert_eq!(world.denials().await, [status.message()]);
}

#[tokio::test]
async fn another_key_brings_nothing() {
    let world = World::start().await;
    let agent = world.agent("vm1").await;
    let csr = Key::generate().unwrap().request().unwrap();
    let thief = Key::generate().unwrap();
    let signed = |what: &[u8]| thief.sign(&[what, &csr].concat()).unwrap();
    let own = |what: &[u8]| agent.key.sign(&[what, &csr].concat()).unwrap();
    // By another key; by the right key over something else; not at all.
    for signature in [
        signed(netghost_proto::RECOVER),
        own(b"something else\n"),
        Vec::new(),
    ] {
        let request = v1::RecoverRequest {
            certificate: agent.certificate.clone().into(),
            csr: csr.clone().into(),
            signature: signature.into(),
        };
        let channel = world.channel(None).await;
        let mut client = v1::enrolment_client::EnrolmentClient::new(channel);
        let status = client.recover(request).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert!(
            status.message().contains("not signed by the key"),
            "{}",
            status.message()
        );
    }
}

#[tokio::test]
async fn what_was_revoked_or_is_foreign_does_not_come_back() {
    let world = World::start().await;
    let agent = world.agent("vm1").await;
    let scratch = Scratch::new();
    let foreign = Authority::create(&scratch.0.join("pki"), DOMAIN, &outside()).unwrap();
    let key = Key::generate().unwrap();
    let public = netghost_controller::pki::PublicKey::from_spki(&key.spki()).unwrap();
    let validity = netghost_controller::pki::Validity::starting(crate::world::now_us(), DAY_US);
    for (authority, words) in [
        (&foreign, "another authority"),
        (&world.controller.ca, "not known"),
    ] {
        let name = authority.name(Kind::Agent, agent.spiffe.id);
        let der = authority.issue(&public, &name, validity, &outside()).unwrap().der;
        let ca = world.controller.ca.certificate().to_vec();
        let same = Key::from_pem(&key.to_pem()).unwrap();
        let status = refused(try_recover(&world, &Identity::new(der, ca, same).unwrap()).await);
        assert_eq!(status.code(), Code::Unauthenticated);
        assert!(status.message().contains(words), "{}", status.message());
    }
    let admin = world.user("admin", Role::Admin).await;
    let request = v1::RevokeRequest {
        selector: Some(v1::Selector {
            names: vec!["vm1".to_owned()],
            ..Default::default()
        }),
        reason: "stolen".to_owned(),
    };
    world.fleet(&admin).await.revoke_agents(request).await.unwrap();
    let status = refused(try_recover(&world, &agent).await);
    assert_eq!(status.code(), Code::PermissionDenied);
    assert!(status.message().contains("stolen"), "{}", status.message());
}
