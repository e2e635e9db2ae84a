//! The control stream of one agent.

use std::time::Duration;

use netghost_controller::link::Timings;
use netghost_controller::peer::Peer;
use netghost_controller::store::identities;
use netghost_controller::{audit, keys};
use netghost_proto::v1::agent_message::Kind as Say;
use netghost_proto::v1::controller_message::Kind as Hear;
use netghost_proto::v1::{self};
use tonic::Code;
use tonic::codegen::http::uri::PathAndQuery;
use tonic_prost::ProstCodec;

use crate::harness::{Scripted, Site, command, hello, says, timings, until, within};

#[tokio::test]
async fn an_agent_is_welcomed_and_what_it_says_is_kept() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    assert!(!site.controller.links.is_connected(vm1.id));
    let agent = site.welcomed(&vm1, "p1").await;
    assert!(site.controller.links.is_connected(vm1.id));
    assert_eq!(site.controller.links.count(), 1);
    let mut connection = site.controller.store.pool().acquire().await.unwrap();
    let row = identities::agents(&mut connection).await.unwrap().remove(0);
    drop(connection);
    assert_eq!(row.said.version, "0.1.0");
    assert_eq!(row.said.kernel, "6.18.0");
    assert_eq!(row.said.boot_id, "0b3f");
    assert_eq!(row.said.capabilities, ["capture"]);
    // Its clock is an hour ahead: that is measured, not believed.
    assert!((row.said.clock_offset_us - 3_600_000_000).abs() < 20_000_000);
    assert!(row.said.last_seen_us < site.controller.outside.now_us() + 1);
    assert_eq!(site.audited("agent.connect").await, 1);
    assert_eq!(site.audited("agent.disconnect").await, 0);
    drop(agent);
    until(async || site.audited("agent.disconnect").await == 1).await;
    assert!(!site.controller.links.is_connected(vm1.id));
    assert_eq!(site.controller.links.count(), 0);
}

#[tokio::test]
async fn who_says_nothing_is_not_waited_for() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut agent = Scripted::open(site.connect(&vm1).await).await;
    says(&agent.end().await, Code::DeadlineExceeded, "no Hello");
    assert_eq!(site.audited("agent.connect").await, 0);
}

#[tokio::test]
async fn the_first_word_is_hello() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut agent = Scripted::open(site.connect(&vm1).await).await;
    agent.say(Say::CommandStarted(command(1).to_string())).await;
    says(&agent.end().await, Code::InvalidArgument, "Hello");
    assert_eq!(site.controller.links.count(), 0);
}

#[tokio::test]
async fn garbage_ends_the_stream() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let channel = site.channel(Peer::Certificate(vm1.certificate.clone())).await;
    let mut grpc = tonic::client::Grpc::new(channel);
    within(grpc.ready()).await.unwrap();
    // Field 1 is a text that is no Hello.
    let garbage = v1::Tag {
        key: "\u{7f}\u{7f}garbage".to_owned(),
        value: String::new(),
    };
    let codec = ProstCodec::<v1::Tag, v1::ControllerMessage>::default();
    let path = PathAndQuery::from_static("/netghost.v1.Link/Control");
    let said = tokio_stream::iter([garbage]);
    let reply = within(grpc.streaming(tonic::Request::new(said), path, codec))
        .await
        .unwrap();
    let status = within(reply.into_inner().message()).await.unwrap_err();
    says(&status, Code::InvalidArgument, "not a message");
}

#[tokio::test]
async fn another_protocol_is_refused_with_both_ranges() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut agent = Scripted::open(site.connect(&vm1).await).await;
    let newer = v1::Hello {
        protocol_min: 2,
        protocol_max: 3,
        ..hello("p1")
    };
    agent.say(Say::Hello(newer)).await;
    let status = agent.end().await;
    says(&status, Code::FailedPrecondition, "2 to 3");
    says(&status, Code::FailedPrecondition, "1 to 1");
}

#[tokio::test]
async fn a_message_of_17_kib_is_refused() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut agent = Scripted::open(site.connect(&vm1).await).await;
    let long = v1::Hello {
        kernel: "x".repeat(17 * 1024),
        ..hello("p1")
    };
    agent.say(Say::Hello(long)).await;
    says(&agent.end().await, Code::ResourceExhausted, "16384 bytes");
    // Also later, and the stream ends with it.
    let mut agent = site.welcomed(&vm1, "p1").await;
    agent.say(Say::CommandStarted("x".repeat(17 * 1024))).await;
    says(&agent.end().await, Code::ResourceExhausted, "16384 bytes");
    until(async || site.controller.links.count() == 0).await;
}

#[tokio::test]
async fn a_call_without_a_certificate_is_refused() {
    let site = Site::new().await;
    let channel = site.channel(Peer::Anonymous).await;
    let mut client = v1::link_client::LinkClient::new(channel);
    let status = client.control(tokio_stream::iter([])).await.unwrap_err();
    says(&status, Code::Unauthenticated, "no client certificate");
}

#[tokio::test]
async fn who_does_not_answer_a_probe_is_closed() {
    let site = Site::with(Timings {
        probe_every: Duration::from_millis(100),
        probe_answer: Duration::from_millis(300),
        ..timings()
    })
    .await;
    let vm1 = site.agent("vm1").await;
    let mut agent = site.welcomed(&vm1, "p1").await;
    agent.answer().await;
    agent.answer().await;
    assert!(site.controller.links.is_connected(vm1.id));
    says(&agent.end().await, Code::DeadlineExceeded, "no answer to a probe");
    until(async || !site.controller.links.is_connected(vm1.id)).await;
}

#[tokio::test]
async fn heads_reach_those_who_are_there_and_those_who_come() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut agent = site.welcomed(&vm1, "p1").await;
    let head = v1::AuditHead {
        sequence: 7,
        ..v1::AuditHead::default()
    };
    site.controller.links.announce(&head);
    assert_eq!(agent.hear().await.unwrap(), Hear::Head(head.clone()));
    let vm2 = site.agent("vm2").await;
    let mut other = Scripted::open(site.connect(&vm2).await).await;
    other.hello("p2").await;
    match other.hear().await.unwrap() {
        Hear::Welcome(welcome) => assert_eq!(welcome.head, Some(head)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_last_head_of_an_earlier_process_is_welcomed_with() {
    let site = Site::new().await;
    let now_us = site.controller.outside.now_us();
    keys::publish(&site.controller.store, site.controller.signer.public(), now_us)
        .await
        .unwrap();
    let earlier = site.other_process().await;
    let head = audit::sign(&earlier).await.unwrap().unwrap();
    audit::announce_last(&site.controller).await.unwrap();
    let vm1 = site.agent("vm1").await;
    let mut agent = Scripted::open(site.connect(&vm1).await).await;
    agent.hello("p1").await;
    match agent.hear().await.unwrap() {
        Hear::Welcome(welcome) => assert_eq!(welcome.head, Some(head)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_does_not_read_is_disconnected() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let _agent = site.welcomed(&vm1, "p1").await;
    let head = v1::AuditHead {
        signed: vec![0; 12 * 1024].into(),
        ..v1::AuditHead::default()
    };
    until(async || {
        site.controller.links.announce(&head);
        !site.controller.links.is_connected(vm1.id)
    })
    .await;
    until(async || site.audited("agent.disconnect").await == 1).await;
}

#[tokio::test]
async fn a_stop_is_told_and_nobody_comes_in_after_it() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut agent = site.welcomed(&vm1, "p1").await;
    site.controller.links.close("the controller is stopping");
    assert_eq!(
        agent.hear().await.unwrap(),
        Hear::Closing(v1::Closing {
            reason: "the controller is stopping".to_owned()
        })
    );
    says(&agent.end().await, Code::Unavailable, "stopping");
    let mut agent = Scripted::open(site.connect(&vm1).await).await;
    agent.hello("p1").await;
    says(&agent.end().await, Code::Unavailable, "stopping");
}

#[tokio::test]
async fn a_stream_ends_with_its_certificate_and_the_agent_is_to_come_again() {
    let site = Site::new().await;
    // Whole seconds stand in a certificate.
    let vm1 = site.agent_for("vm1", Duration::from_millis(3500)).await;
    let mut agent = site.welcomed(&vm1, "p1").await;
    assert!(site.controller.links.is_connected(vm1.id));
    match agent.hear().await.unwrap() {
        Hear::Closing(closing) => assert!(closing.reason.contains("ran out"), "{closing:?}"),
        other => panic!("{other:?}"),
    }
    says(&agent.end().await, Code::Unavailable, "ran out");
    until(async || !site.controller.links.is_connected(vm1.id)).await;
    until(async || {
        let mut client = site.connect(&vm1).await;
        let status = client.control(tokio_stream::iter([])).await;
        status.is_err_and(|status| status.code() == Code::Unauthenticated)
    })
    .await;
}

#[tokio::test]
async fn an_agent_that_comes_and_goes_does_not_fill_the_log() {
    let site = Site::with(Timings {
        summed_up: Duration::from_millis(500),
        ..timings()
    })
    .await;
    let (vm1, vm2) = (site.agent("vm1").await, site.agent("vm2").await);
    let mut streams = Vec::new();
    for _ in 0..30 {
        streams.push(site.welcomed(&vm1, "p1").await);
    }
    drop(streams);
    until(async || site.controller.links.count() == 0).await;
    // 30 came and 30 went: that many were summed up, in as many records as half seconds went by.
    until(async || {
        let sums = site.arguments("agent.reconnect", "left_out").await;
        sums.iter().map(|sum| sum.parse::<u32>().unwrap()).sum::<u32>() == 40
    })
    .await;
    let written = site.audited("agent.connect").await + site.audited("agent.disconnect").await;
    assert_eq!(written, 20);
    // Another's are written.
    let before = site.audited("agent.connect").await;
    let _agent = site.welcomed(&vm2, "p2").await;
    assert_eq!(site.audited("agent.connect").await, before + 1);
}

#[tokio::test]
async fn a_revocation_ends_a_live_stream_at_once() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut agent = site.welcomed(&vm1, "p1").await;
    let mut before = Scripted::open(site.connect(&vm1).await).await;
    let revoke = v1::RevokeRequest {
        selector: Some(v1::Selector {
            names: vec!["vm1".to_owned()],
            ..v1::Selector::default()
        }),
        reason: "it was stolen".to_owned(),
    };
    site.admin().await.revoke_agents(revoke).await.unwrap();
    assert!(!site.controller.links.is_connected(vm1.id));
    match agent.hear().await.unwrap() {
        Hear::Revoked(revoked) => assert!(revoked.reason.contains("stolen"), "{revoked:?}"),
        other => panic!("{other:?}"),
    }
    says(&agent.end().await, Code::PermissionDenied, "stolen");
    // A stream whose call was let in before is refused at its Hello; a new call at once.
    before.hello("p2").await;
    says(&before.end().await, Code::PermissionDenied, "stolen");
    let mut client = site.connect(&vm1).await;
    let status = client.control(tokio_stream::iter([])).await.unwrap_err();
    says(&status, Code::PermissionDenied, "stolen");
}

#[tokio::test]
async fn a_revocation_by_another_process_is_seen_within_the_minute() {
    let site = Site::with(Timings {
        seen_every: Duration::ZERO,
        ..timings()
    })
    .await;
    let vm1 = site.agent("vm1").await;
    let mut agent = site.welcomed(&vm1, "p1").await;
    let mut transaction = site.controller.store.begin().await.unwrap();
    assert!(
        identities::revoke(&mut transaction, vm1.id, 1, "by hand")
            .await
            .unwrap()
    );
    transaction.commit().await.unwrap();
    agent.say(Say::CommandStarted(command(1).to_string())).await;
    says(&agent.end().await, Code::PermissionDenied, "by hand");
}
