//! Two streams that claim one identity.

use std::time::Duration;

use netghost_proto::v1;
use netghost_proto::v1::controller_message::Kind as Hear;
use tonic::Code;

use crate::harness::{Scripted, Site, command, says, within};

fn vm1() -> v1::Selector {
    v1::Selector {
        names: vec!["vm1".to_owned()],
        ..v1::Selector::default()
    }
}

#[tokio::test]
async fn a_second_stream_is_refused_while_the_first_answers() {
    let site = Site::new().await;
    let holder = site.agent("vm1").await;
    let mut first = site.welcomed(&holder, "p1").await;
    // What runs for it is given up too.
    let running = site.order(holder.id, command(1), Duration::from_secs(60));
    first.command().await;
    let mut second = Scripted::open(site.connect(&holder).await).await;
    second.hello("p2").await;
    first.answer().await;
    says(&second.end().await, Code::AlreadyExists, "copy");
    assert_eq!(running.refusal().await.code, "contested");
    assert!(site.controller.links.is_connected(holder.id));
    assert_eq!(site.audited("agent.contest").await, 1);

    let listed = site.admin().await.list_agents(vm1()).await.unwrap().into_inner();
    assert_eq!(listed.agents[0].state, "contested");
    assert!(listed.agents[0].why.contains("another process"), "{listed:?}");

    // Neither the first nor whoever comes after gets commands, also not after a restart of the first.
    let refused = site
        .order(holder.id, command(2), Duration::from_secs(60))
        .refusal()
        .await;
    assert_eq!(refused.code, "contested");
    assert!(
        refused.message.contains("vm1") && refused.message.contains("another process"),
        "{refused:?}"
    );
    drop(first);
    let mut again = site.welcomed(&holder, "p3").await;
    assert_eq!(
        site.order(holder.id, command(3), Duration::from_secs(60))
            .refusal()
            .await
            .code,
        "contested"
    );

    // An admin settles it.
    let settled = site
        .admin()
        .await
        .settle_agents(vm1())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(settled.agents[0].state, "connected");
    assert_eq!(site.audited("agent.settle").await, 1);
    let ordered = site.order(holder.id, command(4), Duration::from_secs(60));
    assert_eq!(again.command().await.id, command(4).to_string());
    again.failed(command(4), "internal").await;
    assert_eq!(ordered.refusal().await.code, "internal");
}

#[tokio::test]
async fn a_second_stream_takes_over_from_one_that_is_dead() {
    let site = Site::new().await;
    let holder = site.agent("vm1").await;
    let mut dead = site.welcomed(&holder, "p1").await;
    let alive = site.welcomed(&holder, "p2").await;
    assert!(matches!(dead.hear().await.unwrap(), Hear::Probe(_)));
    says(&dead.end().await, Code::DeadlineExceeded, "did not answer");
    assert!(site.controller.links.is_connected(holder.id));
    assert_eq!(site.controller.links.count(), 1);
    assert_eq!(site.audited("agent.contest").await, 0);
    drop(alive);
}

#[tokio::test]
async fn a_stream_of_the_same_process_replaces_one_that_does_not_answer() {
    let site = Site::new().await;
    let holder = site.agent("vm1").await;
    let mut before = site.welcomed(&holder, "p1").await;
    let mut after = site.welcomed(&holder, "p1").await;
    says(&before.end().await, Code::DeadlineExceeded, "did not answer");
    // The end of the old one does not take the seat of the new.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(site.controller.links.is_connected(holder.id));
    assert_eq!(site.audited("agent.contest").await, 0);
    let _ordered = site.order(holder.id, command(1), Duration::from_secs(60));
    assert_eq!(within(after.command()).await.id, command(1).to_string());
}

/// A VM that was cloned with its memory has the process of the original too.
#[tokio::test]
async fn a_copy_of_a_running_process_is_a_rival() {
    let site = Site::new().await;
    let holder = site.agent("vm1").await;
    let mut first = site.welcomed(&holder, "p1").await;
    let mut copy = Scripted::open(site.connect(&holder).await).await;
    copy.hello("p1").await;
    first.answer().await;
    says(&copy.end().await, Code::AlreadyExists, "copy");
    let listed = site.admin().await.list_agents(vm1()).await.unwrap().into_inner();
    assert_eq!(listed.agents[0].state, "contested");
    assert!(listed.agents[0].why.contains("the same process"), "{listed:?}");
    assert!(!listed.agents[0].why.contains("p1"), "{listed:?}");
}

#[tokio::test]
async fn of_many_at_once_one_is_seated() {
    let site = Site::new().await;
    let holder = site.agent("vm1").await;
    let mut streams = Vec::new();
    for number in 0..6 {
        let stream = Scripted::open(site.connect(&holder).await).await;
        stream.hello(&format!("p{number}")).await;
        streams.push(tokio::spawn(async move {
            let mut stream = stream;
            let mut welcomed = false;
            loop {
                match stream.hear().await {
                    Ok(Hear::Welcome(_)) => welcomed = true,
                    Ok(Hear::Probe(number)) => {
                        stream.say(v1::agent_message::Kind::ProbeAnswered(number)).await;
                    }
                    Ok(Hear::Closing(_)) => return (welcomed, Code::Ok),
                    Ok(other) => panic!("{other:?}"),
                    Err(status) => return (welcomed, status.code()),
                }
            }
        }));
    }
    crate::harness::until(async || streams.iter().filter(|stream| stream.is_finished()).count() == 5).await;
    assert_eq!(site.controller.links.count(), 1);
    site.controller.links.close("the end of the test");
    let mut welcomed = 0;
    for stream in streams {
        let (was, code) = within(stream).await.unwrap();
        welcomed += usize::from(was);
        assert_eq!(code, if was { Code::Ok } else { Code::AlreadyExists });
    }
    assert_eq!(welcomed, 1);
}
