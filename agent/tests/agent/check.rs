//! `check`: what it says of each fault.

use netghost_agent::check::{Answer, Line, Mark, walk};
use netghost_agent::config::Config;
use netghost_core::gate::Answer as Answered;
use tonic::Status;

use crate::act::Acts;
use crate::authority::FRESH;
use crate::controller::Controller;
use crate::proxy::Proxy;
use crate::site::{Site, id};

async fn checked(site: &Site) -> Answer {
    walk(&Config::load(Some(&site.config())).unwrap()).await
}

fn line<'a>(answer: &'a Answer, step: &str) -> &'a Line {
    answer.steps.iter().find(|line| line.step == step).unwrap()
}

#[track_caller]
fn are(answer: &Answer, marks: &[(&str, Mark)]) {
    for (step, mark) in marks {
        assert_eq!(line(answer, step).result, *mark, "{step}: {}", answer.text());
        if *mark == Mark::Failed {
            assert!(line(answer, step).fix.is_some(), "{step} has no fix");
        }
    }
}

#[tokio::test]
async fn a_good_way_is_well() {
    let controller = Controller::start().await;
    let site = Site::new(&controller);
    let steps = ["certificate", "name", "tcp", "tls", "identity", "clock", "spool"];
    are(&checked(&site).await, &steps.map(|step| (step, Mark::Ok)));
}

#[tokio::test]
async fn who_acts_is_asked_whether_it_lives() {
    let controller = Controller::start().await;
    let site = Site::new(&controller);
    let answer = checked(&site).await;
    are(&answer, &[("actions", Mark::Ok)]);
    assert!(
        line(&answer, "actions").detail.starts_with("off"),
        "{}",
        answer.text()
    );
    let unknown = |_| Some(Answered::refused("unknown_action", "never heard of it"));
    let acts = Acts::at(&site.act_socket(), unknown);
    let answer = checked(&site).await;
    are(&answer, &[("actions", Mark::Ok), ("approvers", Mark::Ok)]);
    assert_eq!(acts.kinds(), ["standing"]);
    assert!(
        line(&answer, "approvers")
            .detail
            .contains("nobody's consent counts")
    );
    std::fs::write(site.directory.join("approvers.pem"), "no key").unwrap();
    drop(acts);
    let _silent = Acts::at(&site.act_socket(), |_| None);
    are(
        &checked(&site).await,
        &[("actions", Mark::Failed), ("approvers", Mark::Failed)],
    );
}

#[tokio::test]
async fn without_an_identity_nothing_behind_it_is_well() {
    let controller = Controller::start().await;
    let site = Site::empty(&controller);
    let answer = checked(&site).await;
    are(
        &answer,
        &[
            ("certificate", Mark::Failed),
            ("tcp", Mark::Ok),
            ("tls", Mark::Skipped),
            ("identity", Mark::Skipped),
            ("clock", Mark::Skipped),
        ],
    );
    assert_eq!(answer.ok, Some(false));
}

#[tokio::test]
async fn a_closed_port_is_named() {
    let controller = Controller::start().await;
    let site = Site::new(&controller);
    drop(controller);
    // The listener's task ends when it is next polled.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let answer = checked(&site).await;
    are(
        &answer,
        &[
            ("name", Mark::Ok),
            ("tcp", Mark::Failed),
            ("tls", Mark::Skipped),
            ("identity", Mark::Skipped),
        ],
    );
    assert!(
        line(&answer, "tcp")
            .fix
            .as_ref()
            .unwrap()
            .contains("nothing listens")
    );
}

#[tokio::test]
async fn another_controller_is_not_trusted() {
    let controller = Controller::start().await;
    let other = Controller::start().await;
    let site = Site::empty(&controller);
    site.save(&other.authority.identity(id(9), FRESH));
    let answer = checked(&site).await;
    are(&answer, &[("tls", Mark::Failed), ("identity", Mark::Skipped)]);
    assert!(
        line(&answer, "tls")
            .fix
            .as_ref()
            .unwrap()
            .contains("not the controller that was trusted")
    );
}

#[tokio::test]
async fn a_revoked_identity_is_seen() {
    let controller = Controller::start().await;
    let site = Site::new(&controller);
    controller.script().missing_refused = Some(Status::permission_denied("revoked by ada"));
    let answer = checked(&site).await;
    are(&answer, &[("tls", Mark::Ok), ("identity", Mark::Failed)]);
    assert!(line(&answer, "identity").detail.contains("revoked by ada"));
}

#[tokio::test]
async fn a_certificate_that_ran_out_is_seen() {
    let controller = Controller::start().await;
    let site = Site::empty(&controller);
    site.save(&controller.authority.identity(id(9), (-30, -5)));
    let answer = checked(&site).await;
    are(
        &answer,
        &[("certificate", Mark::Failed), ("identity", Mark::Failed)],
    );
    site.save(&controller.authority.identity(id(9), (5, 30)));
    are(&checked(&site).await, &[("certificate", Mark::Failed)]);
}

#[tokio::test]
async fn the_way_through_a_proxy_is_walked() {
    let controller = Controller::start().await;
    let proxy = Proxy::start().await;
    let site = Site::new(&controller).through(&proxy);
    let answer = checked(&site).await;
    are(&answer, &[("tcp", Mark::Ok), ("identity", Mark::Ok)]);
    assert!(line(&answer, "tcp").detail.contains("proxy"));
    proxy.refuse("HTTP/1.1 403 Forbidden\r\n\r\n");
    let answer = checked(&site).await;
    are(&answer, &[("tcp", Mark::Failed), ("tls", Mark::Skipped)]);
}
