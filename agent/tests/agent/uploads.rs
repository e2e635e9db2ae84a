//! Commands and uploads.

use std::time::Duration;

use netghost_core::artifact::manifest::Manifest;
use netghost_proto::v1::agent_message::Kind as Said;
use netghost_proto::v1::controller_message::Kind as Tell;
use tonic::Status;

use crate::controller::{Controller, objects_of};
use crate::proxy::Proxy;
use crate::site::{Site, id};

const LONG: u64 = 60_000;

#[tokio::test]
async fn a_capture_comes_whole_and_is_forgotten_when_acknowledged() {
    let mut controller = Controller::start().await;
    let site = Site::new(&controller);
    let agent = site.start();
    let mut stage = controller.stage().await;
    assert_eq!(
        stage.hello.boot_id,
        std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .unwrap()
            .trim_end()
    );
    assert_eq!((stage.hello.protocol_min, stage.hello.protocol_max), (1, 1));
    stage.ask(id(1), LONG, &["links"]).await;
    assert_eq!(stage.hear().await, Said::CommandStarted(id(1).to_string()));
    let manifest = stage.captured().await;
    {
        let script = controller.script();
        let bytes = &script.whole[&manifest];
        let read: Manifest = serde_json::from_slice(bytes).unwrap();
        assert_eq!(read.asked_by.unwrap().as_str(), Some("ada"));
        assert_eq!(read.sections.len(), 1);
        assert!(!objects_of(bytes).is_empty());
        let (start, _) = script.uploads.last().unwrap();
        assert!(start.manifest && start.command == id(1).to_string());
    }
    // Asked again before the acknowledgement: told again, not done again.
    stage.ask(id(1), LONG, &["links"]).await;
    assert_eq!(stage.captured().await, manifest);
    stage.acknowledge(id(1)).await;
    let report = agent
        .reports("forgotten", |report| report.commands.is_empty())
        .await;
    assert_eq!(report.clock_offset_us.unwrap() / 1_000_000, 5);
    assert_eq!(report.name.as_deref(), Some("vm1"));
    let is_empty = |part: &str| std::fs::read_dir(site.directory.join(part)).unwrap().count() == 0;
    let end = std::time::Instant::now() + crate::controller::SOON;
    while !is_empty("spool/commands") || !is_empty("spool/objects") {
        assert!(std::time::Instant::now() < end, "it stays in the spool");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_cut_upload_goes_on_where_it_stopped() {
    let mut controller = Controller::start().await;
    let proxy = Proxy::start().await;
    let site = Site::new(&controller).through(&proxy);
    controller
        .script()
        .cut_uploads
        .push_back((10, Status::unavailable("cut")));
    let _agent = site.start();
    let stage = controller.stage().await;
    stage.ask(id(1), LONG, &["links"]).await;
    while controller.script().uploads.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    proxy.cut();
    let mut stage = controller.stage().await;
    let manifest = stage.captured().await;
    let script = controller.script();
    assert!(script.whole.contains_key(&manifest));
    let cut = script.uploads[0].0.digest.clone();
    let again: Vec<u64> = script
        .uploads
        .iter()
        .skip(1)
        .filter(|(start, _)| start.digest == cut)
        .map(|(start, _)| start.offset)
        .collect();
    assert_eq!(again, [10]);
}

#[tokio::test]
async fn what_the_controller_has_is_not_sent_again() {
    let mut controller = Controller::start().await;
    let site = Site::new(&controller);
    let _agent = site.start();
    let mut stage = controller.stage().await;
    stage.ask(id(1), LONG, &["routes"]).await;
    stage.captured().await;
    let before = controller.script().uploads.len();
    stage.ask(id(2), LONG, &["routes"]).await;
    stage.captured().await;
    let script = controller.script();
    let mut digests: Vec<_> = script
        .uploads
        .iter()
        .map(|(start, _)| start.digest.clone())
        .collect();
    assert!(before >= 2 && digests.len() > before);
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), script.uploads.len(), "nothing was sent twice");
}

#[tokio::test]
async fn an_upload_that_the_controller_refuses_fails_the_command() {
    let mut controller = Controller::start().await;
    let site = Site::new(&controller);
    let full = || Status::resource_exhausted("the controller's disk is full");
    controller.script().cut_uploads.extend([(0, full()), (0, full())]);
    let _agent = site.start();
    let mut stage = controller.stage().await;
    stage.ask(id(1), LONG, &["links"]).await;
    assert_eq!(stage.failed().await, "refused");
}

#[tokio::test]
async fn an_outcome_is_told_until_it_is_acknowledged_across_cuts_and_restarts() {
    let mut controller = Controller::start().await;
    let proxy = Proxy::start().await;
    let site = Site::new(&controller).through(&proxy);
    let agent = site.start();
    let mut stage = controller.stage().await;
    let process = stage.hello.process_id.clone();
    stage.ask(id(1), LONG, &["links"]).await;
    let manifest = stage.captured().await;
    proxy.cut();
    let mut stage = controller.stage().await;
    assert_eq!(stage.hello.process_id, process);
    assert_eq!(stage.captured().await, manifest);
    drop(agent);
    let agent = site.start();
    let mut stage = controller.stage().await;
    assert_ne!(stage.hello.process_id, process);
    assert_eq!(stage.captured().await, manifest);
    stage.acknowledge(id(1)).await;
    agent
        .reports("forgotten", |report| report.commands.is_empty())
        .await;
    drop(agent);
    let agent = site.start();
    let mut stage = controller.stage().await;
    stage.tell(Tell::Probe(7)).await;
    assert_eq!(
        stage.hear().await,
        Said::ProbeAnswered(7),
        "and nothing before it"
    );
    drop(agent);
}

#[tokio::test]
async fn a_command_whose_life_is_over_is_expired() {
    let mut controller = Controller::start().await;
    let site = Site::new(&controller);
    let _agent = site.start();
    let mut stage = controller.stage().await;
    stage.ask(id(1), 0, &["links"]).await;
    assert_eq!(stage.failed().await, "expired");
}
