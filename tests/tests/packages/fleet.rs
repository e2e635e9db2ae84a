//! A controller and an agent inside one machine, set up as the documentation says, over its loopback.

use super::container::Container;

/// The units, and what each keeps.
pub(crate) const UNITS: [&str; 2] = ["netghost-controller", "netghost-agent"];

/// Sets both up from nothing and takes a baseline.
pub(crate) fn set_up(machine: &Container) {
    for unit in UNITS {
        // Nothing to run yet: that is no failure, and nothing tries again and again.
        assert_eq!(machine.property(unit, "ActiveState"), "inactive");
        assert_eq!(machine.property(unit, "ConditionResult"), "no");
        assert_eq!(machine.property(unit, "NRestarts"), "0");
    }
    machine.sh("netghost-controller init --name controller.test
         systemctl start netghost-controller
         netghost-controller user add ops --role admin >/root/login
         netghost login --controller controller.test:7443 --token-file /root/login
         netghost token create --uses 1 --lifetime 1h >/root/token
         netghost-agent enroll --controller controller.test:7443 --name vm1 --token-file - </root/token
         systemctl start netghost-agent
         systemctl is-active netghost-controller netghost-agent");
    connected(machine);
    machine.sh("netghost baseline create before --all");
    unchanged(machine);
    machine.sh("nft add table inet shop");
    drifted(machine);
}

/// Waits until the controller has the agent's stream.
pub(crate) fn connected(machine: &Container) {
    machine.until("netghost agent list -o json | grep -q '\"state\":\"connected\"'");
}

fn unchanged(machine: &Container) {
    let said = machine.sh("netghost drift check --baseline before --all");
    assert!(said.contains("vm1: no_drift"), "{said}");
}

/// One table more than in the baseline: the whole way from the CLI to the kernel and back works.
pub(crate) fn drifted(machine: &Container) {
    let said = machine.ends("netghost drift check --baseline before --all", 1);
    assert!(
        said.contains("vm1: drift") && said.contains("+ table shop"),
        "{said}"
    );
}

/// What must outlive an upgrade or a removal: the agent's identity, the authority, the edited configuration.
pub(crate) fn kept(machine: &Container) -> String {
    machine.sh("sha256sum /var/lib/netghost-agent/identity.pem /var/lib/netghost-controller/pki/* /etc/netghost/agent.toml
         stat -c '%U:%G %a %n' /var/lib/netghost-agent /var/lib/netghost-controller /var/lib/netghost-agent/identity.pem")
}

/// The processes of both units; 0 for one that does not run.
pub(crate) fn processes(machine: &Container) -> [String; 2] {
    UNITS.map(|unit| machine.property(unit, "MainPID"))
}

/// Neither has come up by restarting after a failure.
pub(crate) fn never_failed(machine: &Container) {
    for unit in UNITS {
        assert_eq!(machine.property(unit, "NRestarts"), "0", "{unit}");
        assert_eq!(machine.property(unit, "Result"), "success", "{unit}");
    }
}
