//! A VM whose clock is wrong. Its kernel is its own, so the machine's clock stays as it is.

use netghost_lab::{Fleet, Kind};

use crate::operator::{Answer, audit_is_good, check, plan, seal};

const HOUR_US: i64 = 3_600_000_000;

#[test]
fn root_a_clock_an_hour_off_is_shown_and_changes_nothing() {
    let mut fleet = Fleet::found(&plan(&[Kind::Uml])).unwrap();
    // Ahead: every certificate of today is valid for it, and it must not believe that its commands ran out.
    fleet.vm("vm1").unwrap().must(&["date", "-s", "+1 hour"]).unwrap();
    fleet.join("vm1").unwrap();
    fleet.wait_connected(&["vm1"]).unwrap();
    let offset = |fleet: &Fleet| -> i64 {
        let agents = fleet.agents().unwrap();
        agents["vm1"]["clock_offset_us"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    };
    let ahead = offset(&fleet);
    assert!((ahead - HOUR_US).abs() < 60_000_000, "{ahead}");
    seal(&fleet, "before");
    assert_eq!(check(&fleet, "before", 0)["verdict"], "no_drift");
    let checked = Answer::from(fleet.agent_command("vm1", &["check", "-o", "json"], b"").unwrap());
    assert!(checked.said().contains("clock"), "{checked:?}");

    // Behind by nearly as much as certificates begin early.
    fleet
        .vm("vm1")
        .unwrap()
        .must(&["date", "-s", "-115 minutes"])
        .unwrap();
    fleet.kill_agent("vm1").unwrap();
    fleet.start_agent("vm1", &[]).unwrap();
    fleet.wait_connected(&["vm1"]).unwrap();
    let behind = offset(&fleet);
    assert!((behind + 55 * HOUR_US / 60).abs() < 60_000_000, "{behind}");
    assert_eq!(check(&fleet, "before", 0)["verdict"], "no_drift");
    audit_is_good(&fleet);
}
