//! Tokens become identities, once.

use netghost_client::{EnrolError, Identity, Key, enrol};
use netghost_core::audit::Outcome;
use netghost_core::fleet::{Id, Kind, Secret};
use netghost_proto::v1;
use netghost_proto::v1::enrolment_client::EnrolmentClient;
use tonic::Code;

use crate::world::{DOMAIN, HOUR_US, SECOND_US, World, later, now_us, refused};

#[tokio::test]
async fn a_token_lets_an_agent_in() {
    let world = World::start().await;
    let token = world.token(1).await;
    let (identity, answer) = enrol(world.channel(None).await, &token, Key::generate().unwrap(), "vm1")
        .await
        .unwrap();
    assert_eq!(identity.spiffe.domain, DOMAIN);
    assert_eq!(identity.spiffe.kind, Kind::Agent);
    assert_eq!(answer.name, "vm1");
    assert_eq!(answer.role, "");
    assert_eq!(answer.renew_in_ms, 12 * 3_600_000);
    let second = |us: u64| us - us % SECOND_US;
    assert_eq!(identity.not_before_us, second(now_us() - HOUR_US));
    assert_eq!(identity.not_after_us, second(now_us() + 24 * HOUR_US));
    let agents = world.agents().await;
    assert_eq!(agents.len(), 1);
    assert_eq!(agents[0].id, identity.spiffe.id.to_string());
    assert_eq!(
        (agents[0].name.as_str(), agents[0].state.as_str()),
        ("vm1", "offline")
    );
    assert_eq!(agents[0].tags[0].key, "role");
    assert_eq!(agents[0].certificate_until_us, identity.not_after_us);
    let records = world.records().await;
    let record = records
        .iter()
        .find(|record| record.action == "agent.enrol")
        .unwrap();
    assert_eq!(
        (record.actor.as_str(), record.outcome),
        ("agent/vm1", Outcome::Done)
    );
    let secret = netghost_core::bytes::to_hex(&token.secret.0);
    assert!(!serde_json::to_string(&records).unwrap().contains(&secret));
    world.stop().await;
}

#[tokio::test]
async fn a_token_serves_as_often_as_it_says() {
    let world = World::start().await;
    let token = world.token(2).await;
    for name in ["vm1", "vm2"] {
        world.enrol(&token, Key::generate().unwrap(), name).await.unwrap();
    }
    let status = refused(world.enrol(&token, Key::generate().unwrap(), "vm3").await);
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().contains("used up"), "{}", status.message());
    assert_eq!(world.agents().await.len(), 2);
    assert_eq!(world.denials().await, [status.message()]);
}

#[tokio::test]
async fn of_those_who_race_for_the_last_use_one_gets_it() {
    let world = World::start().await;
    for round in 1..=3 {
        let token = world.token(round).await;
        for last in 1..round {
            world
                .enrol(&token, Key::generate().unwrap(), &format!("early-{round}-{last}"))
                .await
                .unwrap();
        }
        let racers = (0..6).map(|racer| {
            let (world, token) = (&world, &token);
            async move {
                world
                    .enrol(token, Key::generate().unwrap(), &format!("vm-{round}-{racer}"))
                    .await
            }
        });
        let answers = futures_util::future::join_all(racers).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for answer in answers.into_iter().filter(Result::is_err) {
            assert_eq!(refused(answer).code(), Code::FailedPrecondition);
        }
    }
    assert_eq!(world.agents().await.len(), 1 + 2 + 3);
}

#[tokio::test]
async fn late_altered_unknown_and_revoked_tokens_are_told_apart() {
    let world = World::start().await;
    let token = world.token(5).await;
    let key = || Key::generate().unwrap();
    let mut altered = token.clone();
    altered.secret = Secret([1; 32]);
    let status = refused(world.enrol(&altered, key(), "vm1").await);
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(
        status.message().contains("secret is wrong"),
        "{}",
        status.message()
    );
    let mut unknown = token.clone();
    unknown.id = Id::from_random([9; 16]);
    let status = refused(world.enrol(&unknown, key(), "vm1").await);
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(status.message().contains("no such token"), "{}", status.message());
    later(HOUR_US);
    let status = refused(world.enrol(&token, key(), "vm1").await);
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().contains("ran out"), "{}", status.message());
    let admin = world.user("admin", netghost_core::fleet::Role::Admin).await;
    let request = v1::RevokeTokenRequest {
        id: token.id.to_string(),
    };
    assert!(
        world
            .fleet(&admin)
            .await
            .revoke_token(request)
            .await
            .unwrap()
            .into_inner()
            .revoked
    );
    let status = refused(world.enrol(&token, key(), "vm1").await);
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().contains("revoked"), "{}", status.message());
    assert_eq!(world.agents().await.len(), 0);
    assert_eq!(world.denials().await.len(), 4);
}

#[tokio::test]
async fn whoever_lost_the_answer_gets_the_same_identity_for_ten_minutes() {
    let world = World::start().await;
    let token = world.token(1).await;
    let key = Key::generate().unwrap();
    let pem = key.to_pem();
    let same = || Key::from_pem(&pem).unwrap();
    let first = world.enrol(&token, key, "vm1").await.unwrap();
    later(599 * SECOND_US);
    let again = world.enrol(&token, same(), "vm1").await.unwrap();
    assert_eq!(again.spiffe, first.spiffe);
    assert_ne!(again.certificate, first.certificate);
    let other = refused(world.enrol(&token, Key::generate().unwrap(), "vm2").await);
    assert!(other.message().contains("used up"), "{}", other.message());
    later(2 * SECOND_US);
    let late = refused(world.enrol(&token, same(), "vm1").await);
    assert_eq!(late.code(), Code::FailedPrecondition);
    assert!(late.message().contains("ten minutes"), "{}", late.message());
    assert_eq!(world.agents().await.len(), 1);
}

#[tokio::test]
async fn a_name_is_one_agents_only_and_costs_no_use_when_refused() {
    let world = World::start().await;
    let token = world.token(2).await;
    world
        .enrol(&token, Key::generate().unwrap(), "vm1")
        .await
        .unwrap();
    for (name, code) in [
        ("vm1", Code::AlreadyExists),
        ("", Code::InvalidArgument),
        ("../vm2", Code::InvalidArgument),
        ("07070707-0707-4707-8707-070707070707", Code::InvalidArgument),
    ] {
        let status = refused(world.enrol(&token, Key::generate().unwrap(), name).await);
        assert_eq!(status.code(), code, "{name}: {}", status.message());
    }
    world
        .enrol(&token, Key::generate().unwrap(), "vm2")
        .await
        .unwrap();
    assert_eq!(world.agents().await.len(), 2);
}

#[tokio::test]
async fn only_a_request_signed_by_its_own_p256_key_is_taken() {
    let world = World::start().await;
    let token = world.token(1).await;
    let good = Key::generate().unwrap().request().unwrap();
    let mut altered = good.clone();
    let last = altered.len() - 1;
    altered[last] ^= 1;
    let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    let ed25519 = params.serialize_request(&other).unwrap().der().to_vec();
    let longer = [good.as_slice(), &[0]].concat();
    for csr in [
        Vec::new(),
        b"garbage".to_vec(),
        altered,
        ed25519,
        longer,
        vec![0; 5000],
    ] {
        let request = v1::EnrolRequest {
            token_id: token.id.to_string(),
            secret: token.secret.0.to_vec().into(),
            csr: csr.into(),
            name: "vm1".to_owned(),
        };
        let mut client = EnrolmentClient::new(world.channel(None).await);
        let status = client.enrol(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{}", status.message());
        assert!(
            status.message().starts_with("field csr: "),
            "{}",
            status.message()
        );
    }
    world
        .enrol(&token, Key::generate().unwrap(), "vm1")
        .await
        .unwrap();
}

#[tokio::test]
async fn what_a_request_asks_for_besides_is_not_granted() {
    let world = World::start().await;
    let token = world.token(1).await;
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["evil.example".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let csr = params.serialize_request(&key).unwrap().der().to_vec();
    let request = v1::EnrolRequest {
        token_id: token.id.to_string(),
        secret: token.secret.0.to_vec().into(),
        csr: csr.into(),
        name: "vm1".to_owned(),
    };
    let mut client = EnrolmentClient::new(world.channel(None).await);
    let answer = client.enrol(request).await.unwrap().into_inner();
    let key = Key::from_pem(&key.serialize_pem()).unwrap();
    // `Identity` takes only a certificate whose one name is the SPIFFE id.
    let identity = Identity::new(answer.chain[0].to_vec(), answer.chain[1].to_vec(), key).unwrap();
    assert_eq!(identity.spiffe.id.to_string(), answer.id);
    let (_, parsed) = x509_parser::parse_x509_certificate(&identity.certificate).unwrap();
    assert!(!parsed.is_ca());
    let usage = parsed.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.client_auth && !usage.server_auth && !usage.any);
}

#[tokio::test]
async fn many_wrong_secrets_are_counted_and_keep_nobody_out() {
    let world = World::start().await;
    let token = world.token(1).await;
    let mut wrong = token.clone();
    wrong.secret = Secret([3; 32]);
    for _ in 0..80 {
        let answer = enrol(world.channel(None).await, &wrong, Key::generate().unwrap(), "vm1").await;
        assert!(matches!(answer, Err(EnrolError::Refused(_))));
    }
    let written = world.denials().await.len();
    assert!((60..70).contains(&written), "{written}");
    world
        .enrol(&token, Key::generate().unwrap(), "vm1")
        .await
        .unwrap();
}
