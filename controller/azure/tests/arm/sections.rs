//! Network interfaces read into snapshots: what could not be read is said, and never reads as empty.

use std::time::{Duration, Instant};

use netghost_azure::{NicReader, Reading};
use netghost_core::azure::id::ResourceId;
use netghost_core::diff::{self, Verdict};
use netghost_core::raw::Raw;
use netghost_core::section::{Content, Section, SectionName, State};
use netghost_core::snapshot::{Snapshot, Target};
use serde_json::json;

use crate::play::{Play, Says};
use crate::stage::{Stage, forbidden, list, loose, nic, nic_id, not_found, not_running, subnet_id};

const ROUTES: &str = "/web-nic/effectiveRouteTable";
const RULES: &str = "/web-nic/effectiveNetworkSecurityGroups";
const ADMIN: &str = "/hub/listNetworkManagerEffectiveSecurityAdminRules";
const NIC: &str = "/networkInterfaces/web-nic";
const SUBNET: &str = "/hub/subnets/front";

fn stage() -> Stage {
    let route = json!({"name": null, "source": "User", "state": "Active", "addressPrefix": ["10.0.0.0/8"],
        "nextHopType": "VirtualAppliance", "nextHopIpAddress": ["10.0.0.9"]});
    let subnet =
        json!({"id": subnet_id().as_str(), "name": "front", "properties": {"addressPrefix": "10.0.0.0/24"}});
    Stage::default()
        .with("GET", NIC, nic("web-nic", "web"))
        .with("GET", SUBNET, subnet)
        .with("POST", ROUTES, list(&[route]))
        .with("POST", RULES, list(&[]))
        .with("POST", ADMIN, list(&[]))
}

/// Both computed tables are refused so.
fn refused(says: &Says) -> Stage {
    stage()
        .says("POST", ROUTES, says.clone())
        .says("POST", RULES, says.clone())
}

fn reading() -> Reading {
    Reading {
        part: Duration::from_secs(10),
        ..Reading::new("netghost test", Duration::from_secs(20))
    }
}

async fn read(stage: Stage) -> Snapshot {
    let play = stage.play().await;
    NicReader::new(play.arm(), reading())
        .read(&nic_id("web-nic"))
        .await
}

fn section(snapshot: &Snapshot, name: SectionName) -> &Section {
    snapshot.section(name).unwrap()
}

/// Why a section is unreadable.
fn why(snapshot: &Snapshot, name: SectionName) -> &str {
    match &section(snapshot, name).state {
        State::Unreadable { why } => why,
        other => panic!("{name} is {other:?}"),
    }
}

fn captured(snapshot: &Snapshot) -> Vec<SectionName> {
    let whole = snapshot
        .sections
        .iter()
        .filter(|section| section.state == State::Captured);
    whole.map(|section| section.name).collect()
}

fn compared(before: &Snapshot, after: &Snapshot) -> Verdict {
    diff::compare(before, after, &SectionName::AZURE).verdict
}

#[tokio::test]
async fn a_network_interface_is_read_whole() {
    let snapshot = read(stage()).await;
    let states: Vec<_> = snapshot.sections.iter().map(|section| &section.state).collect();
    assert_eq!(captured(&snapshot).len(), 4, "{states:?}");
    assert_eq!(
        snapshot.target,
        Target::Nic {
            id: nic_id("web-nic")
        }
    );
    assert!(snapshot.sections.iter().all(|section| section.taken_at_us > 0));
    assert_eq!(compared(&snapshot, &read(stage()).await), Verdict::NoDrift);
}

#[tokio::test]
async fn a_part_that_is_refused_names_the_missing_action() {
    for (name, method, end, action) in [
        (
            SectionName::Nic,
            "GET",
            NIC,
            "Microsoft.Network/networkInterfaces/read",
        ),
        (
            SectionName::Nic,
            "GET",
            SUBNET,
            "Microsoft.Network/virtualNetworks/subnets/read",
        ),
        (
            SectionName::EffectiveRoutes,
            "POST",
            ROUTES,
            "Microsoft.Network/networkInterfaces/effectiveRouteTable/action",
        ),
        (
            SectionName::EffectiveNsg,
            "POST",
            RULES,
            "Microsoft.Network/networkInterfaces/effectiveNetworkSecurityGroups/action",
        ),
        (
            SectionName::AdminRules,
            "POST",
            ADMIN,
            "Microsoft.Network/virtualNetworks/listNetworkManagerEffectiveSecurityAdminRules/action",
        ),
    ] {
        let snapshot = read(stage().says(method, end, forbidden(action))).await;
        let said = why(&snapshot, name);
        for wanted in [action, "AuthorizationFailed", "req-1", "corr-1"] {
            assert!(said.contains(wanted), "{wanted}: {said}");
        }
        // The others are read none the less, but where the network is known by the interface alone.
        let others = if end == NIC { 2 } else { 3 };
        assert_eq!(captured(&snapshot).len(), others, "{name}");
        assert_eq!(
            compared(&read(stage()).await, &snapshot),
            Verdict::Unknown,
            "{name}"
        );
        assert_eq!(compared(&snapshot, &snapshot), Verdict::Unknown, "{name}");
    }
}

#[tokio::test]
async fn nothing_that_is_no_answer_reads_as_empty() {
    let html = Says::json(200, "<html>Sign in</html>").header("content-type", "text/html");
    let faults = [
        html,
        Says::json(200, "{\"value\": [{\"na"),
        Says::json(200, "null"),
        Says::json(200, "[]"),
        Says::json(200, json!({})),
        Says::json(200, json!({"value": null})),
        Says::json(200, json!({"value": {}})),
        Says::json(
            200,
            json!({"error": {"code": "Failed", "message": "no"}, "value": []}),
        ),
        Says::error(500, "InternalServerError", "An error occurred."),
        not_found(),
        not_running(),
        Says::error(
            404,
            "SubscriptionNotFound",
            "The subscription could not be found.",
        ),
    ];
    for fault in faults {
        for (name, end) in [
            (SectionName::EffectiveRoutes, ROUTES),
            (SectionName::EffectiveNsg, RULES),
            (SectionName::AdminRules, ADMIN),
        ] {
            let snapshot = read(stage().says("POST", end, fault.clone())).await;
            assert!(!why(&snapshot, name).is_empty(), "{fault:?}");
            assert_eq!(captured(&snapshot).len(), 3, "{name}: {fault:?}");
            assert_eq!(compared(&snapshot, &snapshot), Verdict::Unknown);
        }
        let snapshot = read(stage().says("GET", NIC, fault.clone())).await;
        assert!(!why(&snapshot, SectionName::Nic).is_empty(), "{fault:?}");
        assert!(
            why(&snapshot, SectionName::AdminRules).contains("virtual network"),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn a_vm_that_is_off_is_not_one_without_routes() {
    let off = refused(&not_running());
    let snapshot = read(off).await;
    assert_eq!(captured(&snapshot), [SectionName::Nic, SectionName::AdminRules]);
    assert!(why(&snapshot, SectionName::EffectiveRoutes).contains("NicMustBeAttachedToRunningVm"));
}

#[tokio::test]
async fn a_network_interface_of_no_vm_has_none_computed_and_that_is_proved() {
    let refused = refused(&not_running());
    let snapshot = read(refused.clone().with("GET", NIC, loose("web-nic"))).await;
    for name in [SectionName::EffectiveRoutes, SectionName::EffectiveNsg] {
        let State::NotApplicable { why } = &section(&snapshot, name).state else {
            panic!("{:?}", section(&snapshot, name).state);
        };
        assert!(why.contains("names no VM") && why.contains("req-1"), "{why}");
    }
    assert_eq!(compared(&snapshot, &snapshot), Verdict::NoDrift);
    // Either alone proves nothing.
    let other = stage()
        .says("POST", ROUTES, not_found())
        .with("GET", NIC, loose("web-nic"));
    assert!(!why(&read(other).await, SectionName::EffectiveRoutes).is_empty());
    let unread = read(refused.says("GET", NIC, not_found())).await;
    assert!(!why(&unread, SectionName::EffectiveRoutes).is_empty());
    // A computed table that is there is kept, whatever the resource says.
    let table = read(stage().with("GET", NIC, loose("web-nic"))).await;
    assert_eq!(
        section(&table, SectionName::EffectiveRoutes).state,
        State::Captured
    );
}

#[tokio::test]
async fn one_that_is_deleted_midway_is_unreadable() {
    let gone = refused(&not_found());
    let snapshot = read(gone).await;
    assert!(why(&snapshot, SectionName::EffectiveRoutes).contains("ResourceNotFound"));
    assert_eq!(compared(&read(stage()).await, &snapshot), Verdict::Unknown);
    let nothing = read(Stage::default()).await;
    assert_eq!(captured(&nothing), []);
}

#[tokio::test]
async fn an_interface_whose_subnet_is_not_understood_is_not_whole() {
    let mut odd = nic("web-nic", "web");
    odd["properties"]["ipConfigurations"][0]["properties"]["subnet"] = json!(null);
    let snapshot = read(stage().with("GET", NIC, odd)).await;
    assert!(why(&snapshot, SectionName::Nic).contains("subnet"));
    assert!(why(&snapshot, SectionName::AdminRules).contains("subnet"));
    let mut odd = nic("web-nic", "web");
    odd["properties"]["virtualMachine"] = json!("web");
    let snapshot = read(stage().with("GET", NIC, odd)).await;
    assert!(!why(&snapshot, SectionName::Nic).is_empty());
}

#[tokio::test]
async fn every_page_of_admin_rules_is_kept() {
    let rule = |name: &str| json!({"id": format!("/r/{name}"), "kind": "Custom", "properties": {"priority": 1, "access": "Deny"}});
    let (one, two) = (rule("one"), rule("two"));
    let play = Play::with(Box::new(move |_, came, base| {
        if !came.path.contains("AdminRules") {
            stage().answer(came, base)
        } else if came.body.contains("t2") {
            Says::json(200, list(std::slice::from_ref(&two)))
        } else {
            Says::json(200, json!({"value": [one], "skipToken": "t2"}))
        }
    }))
    .await;
    let snapshot = NicReader::new(play.arm(), reading())
        .read(&nic_id("web-nic"))
        .await;
    let admin = section(&snapshot, SectionName::AdminRules);
    assert_eq!(admin.state, State::Captured);
    let (Some(Content::Facts { config, .. }), Some(Raw::Host(raw))) = (&admin.content, &admin.raw) else {
        panic!("{admin:?}");
    };
    assert_eq!((config.facts.len(), raw.parts.len()), (2, 2));
}

#[tokio::test]
async fn a_part_that_never_ends_ends_with_its_time() {
    let slow = Says::json(200, list(&[])).thinks(Duration::from_secs(60));
    let play = stage().says("POST", RULES, slow).play().await;
    let reading = Reading {
        part: Duration::from_millis(400),
        ..reading()
    };
    let begun = Instant::now();
    let snapshot = NicReader::new(play.arm(), reading).read(&nic_id("web-nic")).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(why(&snapshot, SectionName::EffectiveNsg).contains("the time for it was over"));
    assert_eq!(captured(&snapshot).len(), 3);
}

/// Many network interfaces in one subnet.
fn many(count: usize, thinks: Duration) -> (Stage, Vec<ResourceId>) {
    let names: Vec<String> = (0..count).map(|number| format!("nic-{number}")).collect();
    let stage = names.iter().fold(stage(), |stage, name| {
        let slow = Says::json(200, list(&[])).thinks(thinks);
        stage
            .with("GET", &format!("/networkInterfaces/{name}"), nic(name, "web"))
            .says("POST", &format!("/{name}/effectiveRouteTable"), slow.clone())
            .says("POST", &format!("/{name}/effectiveNetworkSecurityGroups"), slow)
    });
    (stage, names.iter().map(|name| nic_id(name)).collect())
}

#[tokio::test]
async fn what_interfaces_share_is_asked_for_once() {
    let (stage, nics) = many(12, Duration::from_millis(20));
    let play = stage.play().await;
    let reader = NicReader::new(play.arm(), reading());
    let (mut seen, mut counts) = (Vec::new(), Vec::new());
    let told = |read: netghost_azure::Read| {
        assert!(read.reached && read.all == 12);
        assert_eq!(
            captured(&read.snapshot).len(),
            4,
            "{:?}",
            read.snapshot.sections[0].state
        );
        counts.push(read.done);
        seen.push(read.index);
    };
    reader.read_all(&nics, told).await;
    seen.sort_unstable();
    assert_eq!((seen, counts), ((0..12).collect(), (1..=12).collect()));
    let count = |end: &str| play.came().iter().filter(|came| came.path.contains(end)).count();
    assert_eq!((count(SUBNET), count(ADMIN)), (1, 1));
    assert_eq!(count("effectiveRouteTable"), 12);
}

#[tokio::test]
async fn those_that_the_deadline_left_out_are_unreadable() {
    let (stage, nics) = many(12, Duration::from_millis(150));
    let play = stage.play().await;
    let reading = Reading {
        at_once: 2,
        ..Reading::new("netghost test", Duration::from_millis(400))
    };
    let begun = Instant::now();
    let (mut reached, mut left) = (0, 0);
    NicReader::new(play.arm(), reading)
        .read_all(&nics, |read| {
            if read.reached {
                reached += 1;
            } else {
                left += 1;
                assert_eq!(captured(&read.snapshot), []);
                assert!(
                    why(&read.snapshot, SectionName::EffectiveNsg)
                        .contains("not reached before the deadline")
                );
            }
        })
        .await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(reached + left, 12);
    assert!(reached >= 2 && left >= 4, "{reached} reached, {left} left out");
}

#[tokio::test]
async fn no_more_are_under_way_than_allowed() {
    let (stage, nics) = many(6, Duration::from_millis(40));
    let play = stage.play().await;
    let reading = Reading {
        at_once: 1,
        ..reading()
    };
    NicReader::new(play.arm(), reading).read_all(&nics, |_| {}).await;
    let names: Vec<String> = play
        .came()
        .iter()
        .filter_map(|came| came.path.split("/networkInterfaces/").nth(1))
        .map(|rest| rest.split(['/', '?']).next().unwrap().to_owned())
        .collect();
    // One after the other: the calls of an interface stand together.
    let mut groups = names.clone();
    groups.dedup();
    assert_eq!(groups.len(), 6, "{names:?}");
}
