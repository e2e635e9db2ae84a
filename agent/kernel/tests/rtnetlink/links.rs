//! Links against `ip -j -d -s link`.

use netghost_core::host::links::{Link, LinkRef, LinkRuntime, LinksConfig, LinksRuntime};
use netghost_core::section::Content;
use serde_json::{Value, json};

use super::{captured, json as ask, namespace, run, text};

const SETUP: &str = "
    ip link add eth0 type veth peer name peer0
    ip link add br0 type bridge
    ip link set eth0 addrgenmode none
    ip link set peer0 addrgenmode none
    ip link set br0 addrgenmode none
    ip link set eth0 mtu 1400 txqueuelen 500 group 7 up
    ip link set eth0 alias 'to the gateway'
    ip link property add dev eth0 altname uplink
    ip link set peer0 master br0 up
    ip link set br0 up
    ip link set eth0 arp off allmulticast on promisc on
    ip link add vx0 type vxlan id 42 dev eth0 remote 10.0.0.2 dstport 4789
    ip link add mv0 link eth0 type macvlan mode bridge
    ip link add ifb0 type ifb
    ip addr add 10.0.0.1/24 dev eth0
    ip link set eth0 arp on
    ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0
    for i in 1 2 3; do echo packet | timeout 1 bash -c 'cat > /dev/udp/10.0.0.2/9'; done
";

fn both(namespace: &netghost_lab::Namespace) -> (LinksConfig, LinksRuntime) {
    match captured(namespace, netghost_kernel::links::read) {
        Content::Links { config, runtime } => (config, runtime),
        other => panic!("{other:?}"),
    }
}

/// `ip` knows flags by their names in capitals, and has `UP` and the runtime ones among them.
fn flags(link: &Link, runtime: &LinkRuntime) -> Vec<String> {
    let mut flags: Vec<_> = link.flags.iter().map(|flag| flag.to_uppercase()).collect();
    let shown = runtime.flags.iter().filter(|flag| *flag != "running");
    flags.extend(shown.map(|flag| flag.to_uppercase()));
    flags.extend(link.admin_up.then(|| "UP".to_owned()));
    flags.sort();
    flags
}

fn ours(link: &Link, runtime: &LinkRuntime) -> Value {
    let parent = match &link.parent {
        Some(LinkRef::Here { name }) => Some(name),
        _ => None,
    };
    let counted = runtime.statistics.unwrap();
    json!({
        "ifindex": runtime.index, "ifname": link.name, "link": parent, "flags": flags(link, runtime), "mtu": link.mtu,
        "qdisc": runtime.qdisc, "master": link.master, "txqlen": link.queue_length_packets, "alias": link.alias,
        "operstate": runtime.operational_state.as_ref().unwrap().to_uppercase(), "mode": link.mode.to_uppercase(),
        "address": link.mac, "broadcast": link.broadcast, "kind": link.kind, "member": link.member_kind,
        "altnames": link.alternative_names, "promiscuity": runtime.promiscuity, "allmulti": runtime.all_multicast,
        "min_mtu": runtime.min_mtu, "max_mtu": runtime.max_mtu, "tx_queues": link.transmit_queues,
        "rx_queues": link.receive_queues, "gso": link.segmentation.gso_max_bytes,
        "gso_segments": link.segmentation.gso_max_segments, "gro": link.segmentation.gro_max_bytes,
        "rx": [counted.rx_bytes.0, counted.rx_packets.0, counted.rx_errors.0, counted.rx_dropped.0, counted.multicast.0],
        "tx": [counted.tx_bytes.0, counted.tx_packets.0, counted.tx_errors.0, counted.tx_dropped.0,
               counted.tx_carrier_errors.0, counted.collisions.0],
    })
}

fn theirs(link: &Value) -> Value {
    let flags = link["flags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flag| flag.as_str().unwrap());
    // `ip` makes NO-CARRIER up itself, from UP without RUNNING.
    let mut flags: Vec<_> = flags.filter(|flag| *flag != "NO-CARRIER").collect();
    flags.sort();
    let counted = |direction: &str, fields: &[&str]| {
        fields
            .iter()
            .map(|field| link["stats64"][direction][*field].clone())
            .collect::<Vec<_>>()
    };
    json!({
        "ifindex": link["ifindex"], "ifname": link["ifname"], "link": link["link"], "flags": flags, "mtu": link["mtu"],
        "qdisc": link["qdisc"], "master": link["master"], "txqlen": link["txqlen"], "alias": link["ifalias"],
        "operstate": link["operstate"], "mode": link["linkmode"], "address": link["address"],
        "broadcast": link["broadcast"], "kind": link["linkinfo"]["info_kind"],
        "member": link["linkinfo"]["info_slave_kind"],
        "altnames": link["altnames"].as_array().cloned().unwrap_or_default(), "promiscuity": link["promiscuity"],
        "allmulti": link["allmulti"], "min_mtu": link["min_mtu"], "max_mtu": link["max_mtu"],
        "tx_queues": link["num_tx_queues"], "rx_queues": link["num_rx_queues"], "gso": link["gso_max_size"],
        "gso_segments": link["gso_max_segs"], "gro": link["gro_max_size"],
        "rx": counted("rx", &["bytes", "packets", "errors", "dropped", "multicast"]),
        "tx": counted("tx", &["bytes", "packets", "errors", "dropped", "carrier_errors", "collisions"]),
    })
}

#[test]
fn root_reads_every_link_as_ip_shows_it() {
    let namespace = namespace(SETUP);
    let (config, runtime) = both(&namespace);
    let shown = ask(&namespace, &["ip", "-j", "-d", "-s", "link", "show"]);
    assert_eq!((config.links.len(), shown.len()), (7, 7));
    let mut counted = 0;
    for (link, runtime) in config.links.iter().zip(&runtime.links) {
        let name = link.name.to_string();
        let shown = shown
            .iter()
            .find(|row| text(row, "ifname").as_deref() == Some(&name))
            .unwrap();
        assert_eq!(ours(link, runtime), theirs(shown), "{name}");
        counted += runtime.statistics.unwrap().tx_packets.0;
        assert!(link.other.is_empty(), "{name}: {:?}", link.other);
    }
    assert!(counted > 0, "packets were counted");
    assert_eq!(
        config.links[1].group, 7,
        "`ip` prints the group by a name of its own"
    );
}

/// The same links made in another order, so with other indexes.
#[test]
fn root_reads_one_configuration_under_other_indexes() {
    const PAIR: &str =
        "ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02";
    const BRIDGE: &str = "ip link add br0 address 02:00:00:00:00:03 type bridge";
    let one = namespace(&[PAIR, BRIDGE, "ip link set v0 master br0"].join("\n"));
    let two = namespace(&[BRIDGE, "ip link add spare type ifb", "ip link del spare", PAIR].join("\n"));
    run(&two, "ip link set v0 master br0");
    let ((one, one_runtime), (two, two_runtime)) = (both(&one), both(&two));
    assert_ne!(one_runtime.links[0].index, two_runtime.links[0].index);
    assert_eq!(one, two);
}

#[test]
fn root_names_no_link_of_another_namespace() {
    let namespace = namespace("ip link add v0 type veth peer name v1");
    let far = netghost_lab::Namespace::new().unwrap();
    let mut sleeper = std::process::Command::new("sleep");
    sleeper.arg("30");
    let mut sleeper = far.spawn(sleeper).unwrap();
    run(&namespace, &format!("ip link set v1 netns {}", sleeper.id()));
    let (config, _) = both(&namespace);
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    let link = config
        .links
        .iter()
        .find(|link| link.name.to_string() == "v0")
        .unwrap();
    assert_eq!(link.parent, Some(LinkRef::OtherNamespace));
}
