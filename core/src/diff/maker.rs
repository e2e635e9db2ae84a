//! Programs that make chains and tables of their own, recognised by the names they give.

use crate::bytes::Text;

/// Beginnings of chain names and who makes them. A longer beginning stands before a shorter one.
const CHAINS: [(&str, &str); 21] = [
    ("KUBE-", "kubernetes"),
    ("DOCKER", "docker"),
    ("CNI-", "cni"),
    ("cali-", "calico"),
    ("CILIUM_", "cilium"),
    ("OLD_CILIUM_", "cilium"),
    ("FLANNEL", "flannel"),
    ("ISTIO_", "istio"),
    ("WEAVE", "weave"),
    ("f2b-", "fail2ban"),
    ("fail2ban-", "fail2ban"),
    ("ufw-", "ufw"),
    ("ufw6-", "ufw"),
    ("LIBVIRT_", "libvirt"),
    ("ts-", "tailscale"),
    ("NETAVARK", "netavark"),
    ("nixos-fw", "nixos"),
    ("LXC", "lxc"),
    ("BANDWIDTH_", "netd"),
    ("sshuttle-", "sshuttle"),
    ("crowdsec", "crowdsec"),
];

/// firewalld's chains: a hook or policy, then the zone: `IN_public_allow`, `FWDO_home`, `POST_policy_allow-host-ipv6`.
const FIREWALLD: [&str; 12] = [
    "IN_",
    "FWDI_",
    "FWDO_",
    "FWD_",
    "PRE_",
    "POST_",
    "INPUT_",
    "FORWARD_",
    "OUTPUT_",
    "PREROUTING_",
    "POSTROUTING_",
    "OUT_",
];

/// Tables that belong to one program as a whole.
const TABLES: [(&str, &str); 8] = [
    ("firewalld", "firewalld"),
    ("kube-proxy", "kubernetes"),
    ("f2b-table", "fail2ban"),
    ("netavark", "netavark"),
    ("docker-bridges", "docker"),
    ("libvirt_network", "libvirt"),
    ("incus", "incus"),
    ("lxd", "lxd"),
];

/// The program that makes chains of this name.
pub fn of_chain(name: &Text) -> Option<&'static str> {
    let name = name.as_str()?;
    let known = CHAINS.iter().find(|(start, _)| name.starts_with(start));
    known.map(|(_, maker)| *maker).or_else(|| firewalld(name))
}

/// Only where a zone or stage in lower case follows, so that `IN_DROP`, say, stays its owner's.
fn firewalld(name: &str) -> Option<&'static str> {
    let zone = FIREWALLD.iter().find_map(|start| name.strip_prefix(start))?;
    let stage = ["ZONES", "POLICIES_pre", "POLICIES_post", "direct"];
    let lower = zone.starts_with(|c: char| c.is_ascii_lowercase());
    (lower || stage.contains(&zone)).then_some("firewalld")
}

/// The program that makes tables of this name.
pub fn of_table(name: &Text) -> Option<&'static str> {
    let name = name.as_str()?;
    TABLES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, maker)| *maker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makers_are_known_by_their_names() {
        let cases = [
            ("KUBE-SEP-ABC", Some("kubernetes")),
            ("DOCKER", Some("docker")),
            ("DOCKER-USER", Some("docker")),
            ("cali-fw-eth0", Some("calico")),
            ("f2b-sshd", Some("fail2ban")),
            ("ufw6-user-input", Some("ufw")),
            ("IN_public_allow", Some("firewalld")),
            ("INPUT_ZONES", Some("firewalld")),
            ("ts-input", Some("tailscale")),
            ("NETAVARK-1D8721804F16F", Some("netavark")),
            ("INPUT", None),
            ("IN_DROP", None),
            ("tsunami", None),
        ];
        for (name, maker) in cases {
            assert_eq!(of_chain(&Text::from(name)), maker, "{name}");
        }
        assert_eq!(of_table(&Text::from("firewalld")), Some("firewalld"));
        assert_eq!(of_table(&Text::from("filter")), None);
    }
}
