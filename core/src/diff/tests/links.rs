//! What comes and goes with a link.

use crate::diff::{Change, Kind, below_links};
use crate::section::SectionName;

fn paths(mut changes: Vec<Change>) -> Vec<String> {
    below_links(&mut changes);
    changes.into_iter().map(|change| change.path).collect()
}

#[test]
fn the_parameters_of_a_link_come_and_go_with_it_and_no_others() {
    let link = |kind, name: &str| Change::new(SectionName::Links, kind, name.to_owned());
    let sysctl = |kind, path: &str| Change::new(SectionName::Sysctls, kind, format!("sysctl/{path}"));
    let found = paths(vec![
        link(Kind::LinkAdded, "b0"),
        link(Kind::LinkRemoved, "b1"),
        sysctl(Kind::FactAdded, "net.ipv4.conf/b0"),
        sysctl(Kind::FactRemoved, "net.ipv4.conf/b1"),
        sysctl(Kind::FactRemoved, "net.ipv4.conf/b0"),
        sysctl(Kind::FactChanged, "net.ipv4.conf/b0"),
        sysctl(Kind::FactAdded, "net.ipv4.conf/b2"),
        sysctl(Kind::FactAdded, "net.ipv4.ip_forward"),
    ]);
    assert_eq!(
        found,
        [
            "b0",
            "b1",
            "sysctl/net.ipv4.conf/b0",
            "sysctl/net.ipv4.conf/b0",
            "sysctl/net.ipv4.conf/b2",
            "sysctl/net.ipv4.ip_forward",
        ]
    );
}
