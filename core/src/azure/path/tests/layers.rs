//! Gates: admin rules, network security groups, port ranges, groups of interfaces.

use super::*;

#[test]
fn an_admin_rule_that_always_allows_passes_the_groups() {
    let (mut source, destination) = pair();
    source.rules = rules("src", &[deny("Outbound", "5001")], &[]);
    source.admin = admin(&[admin_rule("Outbound", "AlwaysAllow")]);
    let path = between(&source, &destination);
    assert_eq!(path.verdict, Verdict::Allow, "{}", shown(&path));
    assert_eq!(
        status(&path, Layer::NicNsg, Place::Source, Way::Forward),
        Some(Status::NotApplicable)
    );
    // What stands behind such a rule need not be read.
    source.rules = Read::Unread("no permission".to_owned());
    assert_eq!(between(&source, &destination).verdict, Verdict::Allow);
}

#[test]
fn an_admin_rule_that_denies_hides_no_group_that_denies_too() {
    let (source, mut destination) = pair();
    destination.admin = admin(&[admin_rule("Inbound", "Deny")]);
    destination.rules = rules("dst", &[deny("Inbound", "5001")], &[]);
    let path = between(&source, &destination);
    let expected = [
        (
            Layer::AdminRules,
            Place::Destination,
            Way::Forward,
            id("networkManagers/m/rules/guard"),
        ),
        (
            Layer::NicNsg,
            Place::Destination,
            Way::Forward,
            id("networkSecurityGroups/dst-nic/securityRules/stop"),
        ),
    ];
    assert_eq!((path.verdict, blocks(&path)), (Verdict::Deny, expected.to_vec()));
}

#[test]
fn a_group_that_denies_behind_unread_admin_rules_may_be_passed() {
    let (source, mut destination) = pair();
    destination.admin = Read::Unread("AuthorizationFailed".to_owned());
    destination.rules = rules("dst", &[deny("Inbound", "5001")], &[]);
    let path = between(&source, &destination);
    assert_eq!(path.verdict, Verdict::Unknown);
    let mut rows = path
        .layers
        .iter()
        .filter(|row| row.layer == Layer::NicNsg && row.place == Place::Destination);
    let row = rows.next().unwrap();
    assert_eq!(row.status, Status::Unknown);
    assert!(
        row.object.as_ref().unwrap().text.contains("stop") && row.why.contains("admin rule"),
        "{row:?}"
    );
}

#[test]
fn the_rules_that_every_group_has_name_the_group() {
    let (source, destination) = pair();
    let path = ends(
        &End::Outside(ip("8.8.8.8")),
        &End::Nic(Box::new(destination)),
        tcp((443, 443)),
        &[],
    );
    let ids: Vec<String> = blocks(&path).into_iter().map(|block| block.3).collect();
    assert!(ids.contains(&id("networkSecurityGroups/dst-subnet")), "{ids:?}");
    assert!(ids.contains(&id("networkSecurityGroups/dst-nic")), "{ids:?}");
    drop(source);
}

#[test]
fn ports_that_come_to_different_ends_are_named() {
    let (mut source, mut destination) = pair();
    destination.rules = rules("dst", &[deny("Inbound", "8085-8087")], &[]);
    source.rules = rules("src", &[], &[deny("Outbound", "8087-8090")]);
    let ask = |source: &Interface, destination: &Interface, ports| {
        let end = |interface: &Interface| End::Nic(Box::new(interface.clone()));
        ends(&end(source), &end(destination), tcp(ports), &[])
    };
    let path = ask(&source, &destination, (8080, 8095));
    assert_eq!(path.verdict, Verdict::Unknown);
    let parts: Vec<(&str, Verdict)> = path
        .parts
        .iter()
        .map(|part| (part.ports.as_str(), part.verdict))
        .collect();
    let expected = [
        ("8080-8084", Verdict::Allow),
        ("8085-8090", Verdict::Deny),
        ("8091-8095", Verdict::Allow),
    ];
    assert_eq!(parts, expected);
    let row = path
        .layers
        .iter()
        .find(|row| row.layer == Layer::NicNsg && row.place == Place::Destination)
        .unwrap();
    let parts: Vec<(&str, Status)> = row
        .parts
        .iter()
        .map(|part| (part.ports.as_str(), part.status))
        .collect();
    let expected = [
        ("8080-8084", Status::Pass),
        ("8085-8087", Status::Block),
        ("8088-8095", Status::Pass),
    ];
    assert_eq!((row.status, parts), (Status::Unknown, expected.to_vec()));
    // Different layers block different ports, and none passes all.
    let path = ask(&source, &destination, (8085, 8090));
    assert_eq!((path.verdict, path.parts.len()), (Verdict::Deny, 0));
    let path = ask(&source, &destination, (8091, 8095));
    assert_eq!((path.verdict, path.parts.len()), (Verdict::Allow, 0));
}

#[test]
fn groups_of_interfaces_are_known_by_the_interfaces() {
    let (mut source, destination) = pair();
    let web = id("applicationSecurityGroups/Web");
    let mut stop = deny("Inbound", "5001");
    stop["sourceAddressPrefix"] = Value::Null;
    stop["sourceApplicationSecurityGroups"] = json!([{"id": web}]);
    let destination = Interface {
        rules: rules("dst", &[stop], &[]),
        ..destination
    };
    let path = between(&source, &destination);
    assert_eq!(path.verdict, Verdict::Allow, "{}", shown(&path));
    let mut body = nic_body("src", "10.0.0.4", "a");
    body["properties"]["ipConfigurations"][0]["properties"]["applicationSecurityGroups"] =
        json!([{"id": web.to_uppercase()}]);
    source.nic = nic(&body, &subnet_body("src", "a"));
    assert_eq!(between(&source, &destination).verdict, Verdict::Deny);
    source.nic = Read::Unread("deleted".to_owned());
    assert_eq!(between(&source, &destination).verdict, Verdict::Unknown);
}

#[test]
fn a_group_that_the_resources_have_and_the_rules_do_not_is_missed() {
    let (source, mut destination) = pair();
    let body = json!({"value": [gate("dst", "subnet", &[])]});
    destination.rules = nsg::parse(&body).into();
    let path = between(&source, &destination);
    assert_eq!(path.verdict, Verdict::Unknown);
    assert!(path.missing[0].why.contains("dst-nic"), "{:?}", path.missing);
    let mut without = nic_body("dst", "10.0.0.5", "a");
    without["properties"]["networkSecurityGroup"] = Value::Null;
    destination.nic = nic(&without, &subnet_body("dst", "a"));
    assert_eq!(between(&source, &destination).verdict, Verdict::Allow);
}

#[test]
fn a_flow_without_ports_is_one_question() {
    let (source, destination) = pair();
    let end = |interface: &Interface| End::Nic(Box::new(interface.clone()));
    let flow = Flow {
        protocol: Protocol::Icmp,
        source_ports: None,
        ports: None,
    };
    let path = ends(&end(&source), &end(&destination), flow, &[]);
    assert_eq!(path.verdict, Verdict::Allow, "{}", shown(&path));
}
