//! The units, as systemd itself judges them; it needs no running system for that.

use super::made::shell;

#[test]
fn root_package_units_are_understood_and_stay_confined() {
    // Of 10.0 (nothing) the agent had 1.8 and the controller 1.1 when this was written.
    for (unit, most) in [("netghost-agent", 20), ("netghost-controller", 13)] {
        // The program need not be installed here: only its path differs.
        shell(&format!(
            "directory=$(mktemp -d)
             trap 'rm -r $directory' EXIT
             sed 's|^ExecStart=/usr/bin/{unit}|ExecStart=/bin/true|' packaging/{unit}.service >$directory/{unit}.service
             said=$(systemd-analyze verify --man=no $directory/{unit}.service 2>&1)
             [ -z \"$said\" ] || {{ echo \"$said\"; exit 1; }}
             systemd-analyze security --no-pager --offline=true --threshold={most} $directory/{unit}.service"
        ));
    }
}

/// What reads other namespaces has three capabilities, may enter no other kind, and is off until somebody enables it.
#[test]
fn root_package_the_unit_for_other_namespaces_is_understood_and_stays_confined() {
    shell(
        "directory=$(mktemp -d)
         trap 'rm -r $directory' EXIT
         cp packaging/netghost-ns.socket $directory/
         sed 's|^ExecStart=.*|ExecStart=/bin/true|' packaging/netghost-ns@.service >$directory/netghost-ns@.service
         cp $directory/netghost-ns@.service $directory/netghost-ns@1.service
         said=$(systemd-analyze verify --man=no $directory/netghost-ns@1.service 2>&1)
         [ -z \"$said\" ] || { echo \"$said\"; exit 1; }
         systemd-analyze security --no-pager --offline=true --threshold=32 $directory/netghost-ns@1.service",
    );
    let unit = include_str!("../../../packaging/netghost-ns@.service");
    let line = |key: &str| unit.lines().find(|line| line.starts_with(key));
    assert_eq!(
        line("CapabilityBoundingSet="),
        Some("CapabilityBoundingSet=CAP_SYS_ADMIN CAP_SYS_PTRACE CAP_NET_ADMIN")
    );
    assert_eq!(line("RestrictNamespaces="), Some("RestrictNamespaces=net"));
    for script in [
        include_str!("../../../packaging/deb/postinst"),
        include_str!("../../../packaging/rpm/package.spec"),
    ] {
        assert!(!script.contains("enable netghost-ns") && !script.contains("preset netghost-ns"));
    }
}

/// What acts is root, is off until somebody enables it, and has not what no action needs; its guard has less.
#[test]
fn root_package_the_units_that_act_are_understood_and_stay_confined() {
    // Of 10.0 (nothing) the one had 6.1, since it runs package managers, and the guard 3.9 when this was written.
    shell(
        "directory=$(mktemp -d)
         trap 'rm -r $directory' EXIT
         cp packaging/netghost-act* $directory/
         sed -i 's|/usr/lib/netghost/netghost-act|/bin/true|' $directory/*.service
         cp $directory/netghost-act@.service $directory/netghost-act@1.service
         for unit in netghost-act@1.service netghost-act.socket netghost-act-guard.socket netghost-act-guard.service; do
             said=$(systemd-analyze verify --man=no $directory/$unit 2>&1)
             [ -z \"$said\" ] || { echo \"$said\"; exit 1; }
         done
         systemd-analyze security --no-pager --offline=true --threshold=62 $directory/netghost-act@1.service
         systemd-analyze security --no-pager --offline=true --threshold=40 $directory/netghost-act-guard.service",
    );
    let guard = include_str!("../../../packaging/netghost-act-guard.service");
    let line = |key: &str| guard.lines().find(|line| line.starts_with(key));
    assert_eq!(line("Restart="), Some("Restart=always"));
    assert_eq!(
        line("ExecStopPost="),
        Some("ExecStopPost=/usr/lib/netghost/netghost-act settle")
    );
    assert_eq!(line("RestrictNamespaces="), Some("RestrictNamespaces=net pid"));
    for script in [
        include_str!("../../../packaging/deb/postinst"),
        include_str!("../../../packaging/rpm/package.spec"),
    ] {
        assert!(!script.contains("enable netghost-act") && !script.contains("preset netghost-act"));
    }
}

/// Each of these would hide from the reader what it must see, which then reads as unknown.
#[test]
fn the_agents_unit_hides_nothing_that_it_reads() {
    let unit = include_str!("../../../packaging/netghost-agent.service");
    for hides in [
        "ProtectKernelModules=",
        "ProcSubset=",
        "PrivateNetwork=",
        "PrivateUsers=",
        "RootDirectory=",
    ] {
        assert!(!unit.lines().any(|line| line.starts_with(hides)), "{hides}");
    }
}
