//! The life of the Debian packages, as `dpkg` drives it.

use super::container::Container;
use super::fleet::{UNITS, connected, drifted, kept, never_failed, processes, set_up};
use super::made::{LATER_DEFAULT, packages};

/// Where a difference between the machine before and after is no remnant: the package manager's own records, the journal,
/// and the users, which stay.
const NO_REMNANT: [&str; 6] = [
    "/var/lib/dpkg/",
    "/var/log/",
    "/var/cache/",
    "/etc/passwd-",
    "/etc/group-",
    "/root",
];

const INSTALL_OLD: &str = "dpkg --install /packages/old/*.deb";
const INSTALL_NEW: &str = "dpkg --force-confdef --force-confold --install /packages/new/*.deb";

fn stopped() -> [String; 2] {
    ["0".to_owned(), "0".to_owned()]
}

#[test]
fn root_package_deb_from_install_to_purge() {
    let machine = Container::boot(packages());
    let before = machine.files();
    machine.sh(INSTALL_OLD);
    set_up(&machine);
    machine.sh("echo '# edited here' >>/etc/netghost/agent.toml");
    let state = kept(&machine);
    upgrade(&machine, &state);
    remove(&machine, &state);
    purge(&machine, &before);
}

fn upgrade(machine: &Container, state: &str) {
    let old = processes(machine);
    machine.sh(INSTALL_NEW);
    assert_eq!(kept(machine), state);
    let new = processes(machine);
    for (old, new) in old.iter().zip(&new) {
        assert!(new != old && new != "0", "{old} is now {new}");
    }
    // The new defaults lie beside the edited file and take the place of the one that nobody has edited.
    let with = |file: &str| machine.sh(&format!("grep -c '{LATER_DEFAULT}' {file} || true"));
    assert_eq!(with("/etc/netghost/agent.toml"), "0");
    assert_eq!(with("/etc/netghost/agent.toml.dpkg-dist"), "1");
    assert_eq!(with("/etc/netghost/controller.toml"), "1");
    connected(machine);
    drifted(machine);
    never_failed(machine);

    // What its owner has stopped or disabled is neither started nor enabled.
    machine.sh("systemctl stop netghost-agent");
    machine.sh("systemctl disable netghost-controller");
    machine.sh(INSTALL_NEW);
    let [controller, agent] = processes(machine);
    assert!(
        controller != "0" && controller != new[0],
        "it ran, so it was restarted"
    );
    assert_eq!(agent, "0");
    machine.ends("systemctl is-enabled --quiet netghost-controller", 1);
    machine.sh("systemctl enable netghost-controller");
    machine.sh("systemctl start netghost-agent");
}

fn remove(machine: &Container, state: &str) {
    machine.sh("dpkg --remove netghost netghost-agent netghost-controller");
    assert_eq!(processes(machine), stopped());
    assert_eq!(kept(machine), state);
    assert_eq!(
        machine
            .sh("ls -A /usr/bin/netghost* 2>&1 || true")
            .lines()
            .count(),
        1
    );

    // Installed again it goes on where it was, by itself.
    machine.sh(INSTALL_NEW);
    assert_eq!(kept(machine), state);
    assert!(processes(machine).iter().all(|process| process != "0"));
    connected(machine);
    drifted(machine);
    never_failed(machine);
}

fn purge(machine: &Container, before: &[String]) {
    machine.sh("dpkg --purge netghost netghost-agent netghost-controller");
    assert_eq!(processes(machine), stopped());
    let after = machine.files();
    let left: Vec<&String> = after
        .iter()
        .filter(|path| !before.contains(path))
        .filter(|path| !NO_REMNANT.iter().any(|start| path.starts_with(start)))
        .collect();
    assert_eq!(left, Vec::<&String>::new());
    let lost: Vec<&String> = before
        .iter()
        .filter(|path| !after.contains(path) && !NO_REMNANT.iter().any(|start| path.starts_with(start)))
        .collect();
    assert_eq!(lost, Vec::<&String>::new());
    // The users stay, locked, so that nobody else gets their numbers.
    for user in ["netghost", "netghost-controller"] {
        assert!(
            machine
                .sh(&format!("getent passwd {user}"))
                .ends_with(":/usr/sbin/nologin")
        );
    }
    assert_eq!(machine.sh("systemctl list-units --failed --no-legend"), "");
}

#[test]
fn root_package_deb_without_a_running_systemd() {
    // An image that is built, not booted: the same packages, no manager to ask.
    let machine = Container::boot(packages());
    machine.sh("mkdir /run/systemd.away && mount --bind /run/systemd.away /run/systemd");
    machine.sh(INSTALL_OLD);
    machine.sh(INSTALL_NEW);
    for unit in UNITS {
        machine.sh(&format!(
            "test -L /etc/systemd/system/multi-user.target.wants/{unit}.service"
        ));
    }
    machine.sh("dpkg --remove netghost netghost-agent netghost-controller");
    machine.sh("dpkg --purge netghost netghost-agent netghost-controller");
    machine.sh("test ! -e /var/lib/netghost-agent && test ! -e /var/lib/netghost-act && test ! -e /etc/netghost");
}
