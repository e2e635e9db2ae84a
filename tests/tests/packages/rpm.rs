//! The life of the rpm packages. The root is Debian's, so their scripts, files and arguments are tested here, and not the
//! names of what they require elsewhere.

use super::container::Container;
use super::fleet::{UNITS, connected, drifted, kept, never_failed, processes, set_up};
use super::made::{LATER_DEFAULT, packages};

#[test]
fn root_package_rpm_from_install_to_erase() {
    let machine = Container::boot(packages());
    machine.sh("rpm --install --nodeps /packages/old/*.rpm");
    for unit in UNITS {
        // Debian's preset enables everything, so the preset was asked.
        machine.sh(&format!("systemctl is-enabled --quiet {unit}"));
    }
    set_up(&machine);
    machine.sh("echo '# edited here' >>/etc/netghost/agent.toml");
    let state = kept(&machine);
    let old = processes(&machine);

    machine.sh("rpm --upgrade --nodeps /packages/new/*.rpm");
    assert_eq!(kept(&machine), state);
    let with = |file: &str| machine.sh(&format!("grep -c '{LATER_DEFAULT}' {file} || true"));
    assert_eq!(with("/etc/netghost/agent.toml.rpmnew"), "1");
    assert_eq!(with("/etc/netghost/controller.toml"), "1");
    for (old, new) in old.iter().zip(processes(&machine)) {
        assert!(new != *old && new != "0", "{old} is now {new}");
    }
    connected(&machine);
    drifted(&machine);
    never_failed(&machine);

    machine.sh("systemctl stop netghost-agent");
    machine.sh("rpm --upgrade --nodeps --replacepkgs /packages/new/*.rpm");
    assert_eq!(processes(&machine)[1], "0", "a stopped one stays stopped");
    machine.sh("systemctl start netghost-agent");

    machine.sh("rpm --erase --nodeps netghost netghost-agent netghost-controller");
    assert_eq!(processes(&machine), ["0", "0"]);
    machine.sh(
        "test -s /var/lib/netghost-agent/identity.pem && test -s /var/lib/netghost-controller/pki/ca.pem",
    );
    machine.sh("grep -q 'edited here' /etc/netghost/agent.toml.rpmsave");
    machine.sh("test ! -e /usr/bin/netghost && test ! -e /usr/lib/systemd/system/netghost-agent.service");
    let enabled = machine.sh("find /etc/systemd/system -name 'netghost*'");
    assert_eq!(enabled, "");
}
