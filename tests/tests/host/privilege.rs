//! Without the right to read, nothing may look empty; with exactly the right to read, nothing is missing.

use super::site::{Site, section};

/// Rules in both planes, the command where everybody can run it, and a whole snapshot to compare with.
fn ruled() -> Site {
    Site::with(
        "nft add table inet f
         iptables-legacy -A INPUT -j DROP
         ip6tables-legacy -A INPUT -j DROP
         chmod 755 .
         cp $netghost ./program
         mkdir -m 777 own
         $netghost host capture -o json >before.json
         chmod 644 before.json",
    )
}

const NOBODY: &str = "XDG_STATE_HOME=$PWD/own exec setpriv --reuid 65534 --regid 65534";

/// What the firewall's sections need; the other sections are open to everybody.
const GUARDED: [&str; 4] = [
    "nftables",
    "xtables-legacy-ipv4",
    "xtables-legacy-ipv6",
    "arptables-legacy",
];

#[test]
fn root_without_privilege_a_comparison_is_unknown_and_certified_so() {
    let site = ruled();
    let nobody = format!("{NOBODY} --clear-groups --inh-caps=-all --bounding-set=-all ./program");
    let read = site.ends(&format!("{nobody} host capture -o json"));
    assert_eq!(read.status, 3, "{read:?}");
    let snapshot = read.json();
    for name in GUARDED {
        let section = section(&snapshot, name);
        assert_eq!(section["state"], "unreadable", "{name}");
        assert!(
            section["config"].is_null() && section["config_digest"].is_null(),
            "{section}"
        );
        let why = section["why"].as_str().unwrap();
        assert!(why.contains("root") && why.contains("CAP_NET_ADMIN"), "{why}");
    }
    let found = site.ends(&format!(
        "{nobody} host diff ./before.json --certificate own/seen.json -o json"
    ));
    assert_eq!(found.status, 3, "{found:?}");
    let found = found.json();
    assert_eq!(found["verdict"], "unknown");
    assert!(found["drift_detected"].is_null());
    assert_eq!(
        found["changes"].as_array().unwrap().len(),
        0,
        "nothing read is not removed"
    );
    for name in GUARDED {
        let gaps = found["not_covered"].as_array().unwrap();
        assert!(
            gaps.iter()
                .any(|gap| gap.to_string().contains(&format!("\"{name}\""))),
            "{name}: {gaps:?}"
        );
    }
    let shown = site.netghost("certificate show own/seen.json -o json").json();
    assert_eq!(shown["predicate"]["verdict"], "unknown");
    let required = site.netghost("verify own/seen.json --key own/netghost/keys/*.pub.pem --require no_drift");
    assert_eq!(required.status, 3, "{required:?}");
}

#[test]
fn root_one_capability_and_group_root_read_everything() {
    let site = ruled();
    let with = |group: &str| {
        format!(
            "{NOBODY} {group} --inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin \
             --bounding-set=-all,+net_admin ./program"
        )
    };
    let found = site.ends(&format!("{} host diff ./before.json -o json", with("--groups 0")));
    assert_eq!(found.changes(), Vec::<String>::new());
    assert_eq!(found.status, 0, "{found:?}");
    // The lists of legacy tables are open to their group alone.
    let found = site.ends(&format!("{} host capture -o json", with("--clear-groups")));
    assert_eq!(found.status, 3, "{found:?}");
    let snapshot = found.json();
    assert_eq!(section(&snapshot, "nftables")["state"], "captured");
    for name in &GUARDED[1..] {
        let why = section(&snapshot, name)["why"].as_str().unwrap();
        assert!(why.contains("group root"), "{why}");
    }
}
