//! What a controller can do wrong, and what stands between.

use std::time::Duration;

use netghost_proto::v1;
use netghost_proto::v1::agent_message::Kind as Said;
use netghost_proto::v1::controller_message::Kind as Tell;
use tonic::Status;

use crate::controller::Controller;
use crate::proxy::Proxy;
use crate::site::{Site, id};

#[tokio::test]
async fn garbage_is_answered_or_passed_over() {
    let mut controller = Controller::start().await;
    let site = Site::new(&controller);
    let _agent = site.start();
    let mut stage = controller.stage().await;
    stage.tell_nothing().await;
    stage.tell(Tell::Welcome(v1::Welcome::default())).await;
    let command = |id: &str, kind| {
        Tell::Command(v1::Command {
            id: id.to_owned(),
            lifetime_ms: u64::MAX,
            kind,
        })
    };
    stage.tell(command("../../etc/passwd", None)).await;
    stage
        .tell(Tell::Head(v1::AuditHead {
            sequence: 1,
            hash: vec![1; 3].into(),
            signed: vec![0; 12_000].into(),
        }))
        .await;
    stage
        .tell(Tell::Acknowledged(v1::Acknowledged {
            commands: vec!["x".to_owned(); 50],
        }))
        .await;
    stage.tell(command(&id(1).to_string(), None)).await;
    assert_eq!(stage.failed().await, "unsupported");
    stage.ask(id(2), u64::MAX, &["no-such-section"]).await;
    assert_eq!(stage.failed().await, "refused");
    stage.tell(Tell::Probe(u64::MAX)).await;
    assert_eq!(stage.hear().await, Said::ProbeAnswered(u64::MAX));
    assert!(!site.directory.join("head.json").exists());
}

#[tokio::test]
async fn a_message_too_long_ends_the_connection_and_the_agent_comes_back() {
    let mut controller = Controller::start().await;
    let site = Site::new(&controller);
    let agent = site.start();
    let stage = controller.stage().await;
    stage
        .tell(Tell::Revoked(v1::Revoked {
            reason: "x".repeat(17 * 1024),
        }))
        .await;
    stage.ended().await;
    controller.stage().await;
    agent.is("connected").await;
}

#[tokio::test]
async fn what_is_said_before_the_welcome_ends_the_connection() {
    let mut controller = Controller::start().await;
    controller.script().instead_of_welcome = Some(v1::ControllerMessage {
        kind: Some(Tell::Probe(1)),
    });
    let site = Site::new(&controller);
    let agent = site.start();
    controller.stage().await.ended().await;
    controller.stage().await;
    agent.is("connected").await;
}

#[tokio::test]
async fn another_protocol_is_named() {
    let controller = Controller::start().await;
    controller.script().instead_of_welcome = Some(v1::ControllerMessage {
        kind: Some(Tell::Welcome(v1::Welcome {
            protocol: 99,
            ..v1::Welcome::default()
        })),
    });
    let site = Site::new(&controller);
    let agent = site.start();
    let report = agent
        .reports("an error", |report| {
            report.last_error.is_some() || report.state == "connected"
        })
        .await;
    let error = report.last_error.unwrap();
    assert!(
        error.message.contains("99") && error.hint.unwrap().contains("upgrade"),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn a_revoked_agent_stays_away_until_it_has_another_identity() {
    let mut controller = Controller::start().await;
    let site = Site::new(&controller);
    let agent = site.start();
    let stage = controller.stage().await;
    stage
        .tell(Tell::Revoked(v1::Revoked {
            reason: "the VM was sold".to_owned(),
        }))
        .await;
    stage.ended().await;
    let report = agent.is("revoked").await;
    let error = report.last_error.unwrap();
    assert!(error.message.contains("the VM was sold") && error.hint.unwrap().contains("enroll --replace"));
    assert!(!controller.is_called_within(Duration::from_secs(3)).await);
    let other = controller.authority.identity(id(8), crate::authority::FRESH);
    site.save(&other);
    assert_eq!(controller.stage().await.certificate, other.certificate);
}

#[tokio::test]
async fn a_refused_identity_waits_and_says_so() {
    for (status, state) in [
        (Status::already_exists("another stream answers"), "contested"),
        (Status::permission_denied("revoked yesterday"), "refused"),
        (Status::unauthenticated("not known"), "refused"),
    ] {
        let mut controller = Controller::start().await;
        let message = status.message().to_owned();
        controller.script().refusals.push_back(status);
        let site = Site::new(&controller);
        let agent = site.start();
        let error = agent.is(state).await.last_error.unwrap();
        assert!(
            error.message.contains(&message) && error.hint.is_some(),
            "{}",
            error.message
        );
        assert!(
            !controller.is_called_within(Duration::from_secs(2)).await,
            "{state}"
        );
    }
}

#[tokio::test]
async fn a_controller_that_stops_is_come_back_to() {
    let mut controller = Controller::start().await;
    let site = Site::new(&controller);
    let _agent = site.start();
    let stage = controller.stage().await;
    stage
        .tell(Tell::Closing(v1::Closing {
            reason: "it is stopping".to_owned(),
        }))
        .await;
    stage.ended().await;
    controller.stage().await;
}

#[tokio::test]
async fn the_proxy_is_asked_for_a_tunnel_to_the_controller() {
    let mut controller = Controller::start().await;
    let proxy = Proxy::start().await;
    let site = Site::new(&controller).through(&proxy);
    let agent = site.start();
    controller.stage().await;
    assert!(proxy.requests()[0].starts_with(&format!("CONNECT {} HTTP/1.1\r\n", controller.address)));
    let report = agent.is("connected").await;
    assert_eq!(report.proxy, Some(proxy.address.to_string()));
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named() {
    let controller = Controller::start().await;
    let proxy = Proxy::start().await;
    proxy.refuse("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    let site = Site::new(&controller).through(&proxy);
    let agent = site.start();
    let report = agent
        .reports("an error", |report| report.last_error.is_some())
        .await;
    let error = report.last_error.unwrap();
    assert!(
        error.message.contains("407") && error.hint.unwrap().contains("proxy"),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn heads_of_the_audit_log_are_kept_and_said() {
    let head = |sequence: u64, byte: u8| v1::AuditHead {
        sequence,
        hash: vec![byte; 32].into(),
        signed: b"{}".to_vec().into(),
    };
    let mut controller = Controller::start().await;
    controller.script().head = Some(head(3, 3));
    let site = Site::new(&controller);
    let agent = site.start();
    let stage = controller.stage().await;
    assert_eq!(stage.hello.head, None);
    stage.tell(Tell::Head(head(5, 5))).await;
    agent
        .reports("the head", |report| {
            report.head.as_ref().is_some_and(|head| head.sequence == "5")
        })
        .await;
    // A log that was cut, and one that was rewritten.
    for other in [head(4, 4), head(5, 6)] {
        stage.tell(Tell::Head(other)).await;
    }
    let report = agent
        .reports("a warning", |report| {
            report
                .warnings
                .iter()
                .any(|warning| warning.contains("rewritten"))
        })
        .await;
    assert_eq!(report.head.unwrap().sequence, "5");
    drop(agent);
    let _agent = site.start();
    assert_eq!(controller.stage().await.hello.head, Some(head(5, 5)));
}
