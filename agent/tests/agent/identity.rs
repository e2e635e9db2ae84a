//! Certificates: renewed, got anew, replaced, without a restart.

use netghost_client::{Files, Refusal};
use netghost_proto::v1::controller_message::Kind as Tell;
use tonic::Status;

use crate::controller::Controller;
use crate::site::{Site, id};

#[tokio::test]
async fn a_certificate_past_its_half_is_renewed_and_used() {
    let mut controller = Controller::start().await;
    let site = Site::empty(&controller);
    let old = controller.authority.identity(id(9), (-20, 4));
    site.save(&old);
    let agent = site.start();
    let stage = controller.stage().await;
    assert_eq!(stage.certificate, old.certificate);
    let stage = controller.stage().await;
    assert_ne!(stage.certificate, old.certificate, "the new one, by itself");
    assert_eq!(controller.script().renewals, 1);
    let report = agent.is("connected").await;
    assert!(report.certificate_until_us > old.not_after_us);
    let kept = Files::new(&site.directory).load().unwrap().unwrap();
    assert_eq!(kept.certificate, stage.certificate);
    assert_ne!(kept.key.spki(), old.key.spki(), "with a new key");
}

#[tokio::test]
async fn a_certificate_that_ran_out_is_got_anew_by_the_old_key() {
    let mut controller = Controller::start().await;
    controller
        .script()
        .lost_replies
        .push_back(Status::unavailable("lost"));
    let site = Site::empty(&controller);
    let old = controller.authority.identity(id(9), (-30, -5));
    site.save(&old);
    let _agent = site.start();
    let stage = controller.stage().await;
    assert_ne!(stage.certificate, old.certificate);
    let script = controller.script();
    assert_eq!(script.recoveries.len(), 2, "asked again after a lost reply");
    for request in &script.recoveries {
        assert_eq!(request.certificate, old.certificate);
        let message = [netghost_proto::RECOVER, &request.csr].concat();
        let spki = old.key.spki();
        // The last 65 bytes of the SPKI of a P-256 key are the point (RFC 5480 §2.2).
        let point = &spki[spki.len() - 65..];
        let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_ASN1, point);
        key.verify(&message, &request.signature).unwrap();
    }
}

#[tokio::test]
async fn an_identity_that_cannot_be_got_anew_waits_and_says_so() {
    let controller = Controller::start().await;
    controller
        .script()
        .lost_replies
        .push_back(Status::failed_precondition("it ran out 31 days ago"));
    let site = Site::empty(&controller);
    site.save(&controller.authority.identity(id(9), (-800, -745)));
    let agent = site.start();
    let error = agent.is("refused").await.last_error.unwrap();
    assert!(error.message.contains("31 days"), "{}", error.message);
    assert!(error.hint.unwrap().contains("enroll --replace"));
}

#[tokio::test]
async fn an_identity_of_another_controller_is_refused_with_the_reason() {
    let controller = Controller::start().await;
    let other = Controller::start().await;
    let site = Site::empty(&controller);
    // The certificate is foreign, the trusted authority the right one.
    let foreign = other.authority.identity(id(9), crate::authority::FRESH);
    site.save(&netghost_client::Identity {
        authority: controller.authority.der(),
        ..foreign
    });
    let agent = site.start();
    let error = agent
        .reports("an error", |report| report.last_error.is_some())
        .await
        .last_error
        .unwrap();
    let known = [Refusal::Foreign, Refusal::Certificate];
    assert!(
        known
            .iter()
            .any(|refusal| error.message.contains(&refusal.to_string())),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn an_identity_laid_down_by_another_process_is_taken_up() {
    let mut controller = Controller::start().await;
    let site = Site::new(&controller);
    let agent = site.start();
    let stage = controller.stage().await;
    stage
        .tell(Tell::Closing(netghost_proto::v1::Closing::default()))
        .await;
    let other = controller.authority.identity(id(7), crate::authority::FRESH);
    site.save(&other);
    loop {
        if controller.stage().await.certificate == other.certificate {
            break;
        }
    }
    assert_eq!(agent.is("connected").await.id, id(7).to_string());
}

/// The agent's certificate is of these hours; while it gets another one, the agent is enrolled anew.
async fn enrolled_while_it_gets_another(hours: (i64, i64)) {
    let mut controller = Controller::start().await;
    let site = Site::empty(&controller);
    site.save(&controller.authority.identity(id(9), hours));
    let other = controller.authority.identity(id(7), crate::authority::FRESH);
    let certificate = other.certificate.clone();
    controller.script().enrolled_meanwhile = Some((site.directory.clone(), other));
    let agent = site.start();
    // Held, since a stream that is let go is ended, and the next one begins its wait for a renewal anew.
    let mut stages = vec![controller.stage().await];
    while stages.iter().all(|stage| stage.certificate != certificate) {
        stages.push(controller.stage().await);
    }
    assert_eq!(agent.is("connected").await.id, id(7).to_string());
    let kept = Files::new(&site.directory).load().unwrap().unwrap();
    assert_eq!(kept.certificate, certificate);
}

#[tokio::test]
async fn a_renewal_does_not_undo_an_enrolment() {
    enrolled_while_it_gets_another((-20, 4)).await;
}

#[tokio::test]
async fn a_recovery_does_not_undo_an_enrolment() {
    enrolled_while_it_gets_another((-30, -5)).await;
}
