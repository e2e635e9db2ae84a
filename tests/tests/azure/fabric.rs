//! The fabric of the lab does with packets what the resources say.

use std::net::{IpAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use netghost_lab::azure::enforce::{Count, Placed, places};
use netghost_lab::azure::{Fabric, World};
use netghost_lab::fabric::{Link, OUTSIDE};
use netghost_lab::{Kind as VmKind, Lab, Namespace, Plan, Vm};
use serde_json::{Value, json};

use crate::packets::{Flow, Kind, Mark, Watch};
use crate::state::{State, peering, reference, route, rule, subnet};

/// A lab on which a world holds, with what arrives watched for.
pub(crate) struct Net {
    pub(crate) lab: Lab,
    pub(crate) fabric: Fabric,
    pub(crate) placed: Vec<Placed>,
    watches: Vec<(String, Namespace, Watch)>,
}

impl Net {
    /// The VMs of a world; NICs that may forward do so. Silent ones answer nothing.
    pub(crate) fn up(world: &World, silent: bool) -> Self {
        let placed = places(world).unwrap();
        let plan = Plan::new(&vec![VmKind::Netns; placed.len()])
            .placed(placed.iter().map(|one| one.place).collect());
        let lab = Lab::up(&plan).unwrap();
        let nics: Vec<_> = placed
            .iter()
            .zip(lab.vms())
            .map(|(one, vm)| (one.nic.clone(), vm.name().to_owned()))
            .collect();
        let fabric = Fabric::of(&lab, &nics).unwrap();
        let mut watches = Vec::new();
        for vm in lab.vms() {
            let namespace = Namespace::open(&lab.directory().namespace(vm.name())).unwrap();
            let script = "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; \
                          echo 0 >/proc/sys/net/ipv4/conf/all/send_redirects; echo 0 >/proc/sys/net/ipv4/conf/eth0/send_redirects; \
                          echo 0 >/proc/sys/net/ipv4/icmp_ratelimit";
            namespace
                .must(&["sh", "-c", &script.replace("eth0", vm.nic())])
                .unwrap();
            let watch = Watch::begin(&namespace, &[vm.nic()], silent);
            watches.push((vm.name().to_owned(), namespace, watch));
        }
        let namespace = Namespace::open(&lab.directory().namespace(OUTSIDE)).unwrap();
        let links = Link::ALL.map(Link::name);
        let watch = Watch::begin(&namespace, &links, silent);
        watches.push((OUTSIDE.to_owned(), namespace, watch));
        let mut net = Self {
            lab,
            fabric,
            placed,
            watches,
        };
        net.fabric.apply(world).unwrap();
        net
    }

    pub(crate) fn namespace(&self, name: &str) -> &Namespace {
        &self.watches.iter().find(|(known, ..)| known == name).unwrap().1
    }

    /// The VM that has the address.
    pub(crate) fn vm(&self, address: IpAddr) -> &Vm {
        let has =
            |vm: &&Vm| IpAddr::V4(vm.address()) == address || vm.subnet().v6.map(IpAddr::V6) == Some(address);
        self.lab.vms().iter().find(has).unwrap()
    }

    /// Forgets what was seen.
    pub(crate) fn forget(&self) {
        for (_, namespace, watch) in &self.watches {
            watch.forget(namespace);
        }
    }

    /// Where each flow was seen, after it has gone as far as it goes: `vm2`, `internet` …
    pub(crate) fn seen(&self) -> Vec<(String, Mark)> {
        let mut all = Vec::new();
        for (name, namespace, watch) in &self.watches {
            for (link, marks) in watch.seen(namespace) {
                let place = if name == OUTSIDE { link } else { name.clone() };
                all.extend(marks.into_iter().map(|mark| (place.clone(), mark)));
            }
        }
        all
    }

    /// Sends from the VM that has the flow's source.
    pub(crate) fn send(&self, flow: &Flow) {
        let vm = self.vm(flow.from);
        self.namespace(vm.name())
            .enter(|| flow.send().map(drop))
            .unwrap()
            .unwrap();
    }

    /// Sends it and says where it was seen, the last place last, or what has dropped it.
    fn fate(&self, flow: &Flow) -> String {
        self.forget();
        let before = self.fabric.drops().unwrap();
        self.send(flow);
        let deadline = Instant::now() + Duration::from_secs(2);
        loop {
            let dropped = self.fabric.drops().unwrap();
            if let Some(count) = dropped.iter().find(|count| !before.contains(count)) {
                return shown(count);
            }
            let mut seen = self.seen();
            seen.retain(|(place, mark)| *mark == flow.mark() && !self.forwards(place, flow.to));
            if let Some((place, _)) = seen.first() {
                return place.clone();
            }
            assert!(Instant::now() < deadline, "{flow:?} is gone");
        }
    }

    /// The VM of this name is not where the flow ends.
    fn forwards(&self, name: &str, to: IpAddr) -> bool {
        self.lab.vms().iter().any(|vm| vm.name() == name) && self.vm(to).name() != name
    }
}

pub(crate) fn shown(count: &Count) -> String {
    let decider = &count.decider;
    let (nic, direction) = (decider.nic.name(), decider.direction.word());
    // An admin rule goes by its id.
    let rule = match decider.gate {
        "admin" => decider.rule.rsplit('/').next().unwrap(),
        _ => &decider.rule,
    };
    format!("{nic} {direction} {} {rule}", decider.gate)
}

fn flow(kind: Kind, from: &str, to: &str, port: u16) -> Flow {
    static NEXT: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(20_000);
    Flow {
        kind,
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        source_port: NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
        destination_port: port,
    }
}

/// Longer than any packet takes here.
const WAIT: Duration = Duration::from_millis(400);

fn world(state: &State) -> World {
    World::from_state(&state.value()).unwrap()
}

/// Two VNets that are peered and one that is not; `a1` and `a2` share a subnet, `nva` may forward, `s1` is in the peer.
fn state() -> State {
    let mut state = State::default();
    let with = |nsg: &str, table: &str| {
        json!({
            "networkSecurityGroup": reference(&format!("networkSecurityGroups/{nsg}")),
            "routeTable": reference(&format!("routeTables/{table}")),
        })
    };
    let hub = json!([
        subnet("hub", "a", "10.0.0.0/24", with("nsg-a", "rt-a")),
        subnet("hub", "n", "10.0.1.0/24", json!({})),
        subnet("hub", "GatewaySubnet", "10.0.255.0/27", json!({})),
    ]);
    let spoke = json!([subnet("spoke", "s", "10.1.0.0/24", json!({}))]);
    let lone = json!([subnet("lone", "l", "10.2.0.0/24", json!({}))]);
    state
        .vnet(
            "hub",
            &["10.0.0.0/16", "fd00:a::/48"],
            hub,
            json!([peering("spoke", json!({ "allowForwardedTraffic": true }))]),
        )
        .vnet(
            "spoke",
            &["10.1.0.0/16", "fd00:b::/48"],
            spoke,
            json!([peering("hub", json!({ "allowForwardedTraffic": true }))]),
        )
        .vnet("lone", &["10.2.0.0/16"], lone, json!([]))
        .gateway("gw", "hub", &[("172.16.0.0/16", "10.0.255.4")])
        .nsg("nsg-a", &[])
        .route_table("rt-a", false, &[])
        .nic("a1", "hub/subnets/a", "10.0.0.4", json!({}))
        .nic("a2", "hub/subnets/a", "10.0.0.5", json!({}))
        .nic(
            "nva",
            "hub/subnets/n",
            "10.0.1.4",
            json!({ "enableIPForwarding": true }),
        )
        .nic("s1", "spoke/subnets/s", "10.1.0.4", json!({}))
        .nic("l1", "lone/subnets/l", "10.2.0.4", json!({}));
    state
}

#[test]
fn root_packets_take_the_ways_that_routes_name() {
    let net = Net::up(&world(&state()), true);
    let s1 = net.vm("10.1.0.4".parse().unwrap()).name().to_owned();
    let a2 = net.vm("10.0.0.5".parse().unwrap()).name().to_owned();
    for (to, fate) in [
        ("10.0.0.5", a2.as_str()),
        ("10.1.0.4", s1.as_str()),
        ("8.8.8.8", "internet"),
        ("172.16.3.3", "gateway"),
        ("168.63.129.16", "platform"),
        // Nobody there, no peering, a reserved range.
        ("10.0.0.77", "a1 Outbound route nowhere"),
        ("10.2.0.4", "a1 Outbound nsg"),
        ("192.168.1.1", "a1 Outbound nsg"),
    ] {
        let fate = fate.replace(
            "Outbound nsg",
            "Outbound subnet defaultSecurityRules/DenyAllOutBound",
        );
        for kind in [Kind::Udp, Kind::Tcp, Kind::Icmp] {
            assert_eq!(
                net.fate(&flow(kind, "10.0.0.4", to, 80)),
                fate,
                "{kind:?} to {to}"
            );
        }
    }
}

#[test]
fn root_an_appliance_is_on_the_way_and_meets_its_own_rules_twice() {
    let mut state = state();
    // Over the appliance, also within the subnet; into a hole.
    state.route_table(
        "rt-a",
        false,
        &[
            route("s", "10.1.0.0/16 VirtualAppliance 10.0.1.4"),
            route("a", "10.0.0.0/24 VirtualAppliance 10.0.1.4"),
            route("hole", "8.8.0.0/16 None"),
        ],
    );
    let mut net = Net::up(&world(&state), true);
    let s1 = net.vm("10.1.0.4".parse().unwrap()).name().to_owned();
    let a2 = net.vm("10.0.0.5".parse().unwrap()).name().to_owned();
    for (to, fate) in [
        ("10.1.0.4", s1.as_str()),
        ("10.0.0.5", a2.as_str()),
        ("8.8.8.8", "a1 Outbound route nowhere"),
        ("9.9.9.9", "internet"),
    ] {
        assert_eq!(net.fate(&flow(Kind::Tcp, "10.0.0.4", to, 80)), fate, "to {to}");
        let through = net.seen().iter().filter(|(place, _)| place == "vm4").count();
        assert_eq!(
            through,
            usize::from(to.starts_with("10.")),
            "the appliance has seen it: {to}"
        );
    }
    // The appliance's own rules are met twice: coming in and going out.
    state.nsg(
        "nsg-n",
        &[
            rule("in", "100 Inbound Deny Tcp * * 82"),
            rule("out", "100 Outbound Deny Tcp * * 81-82"),
        ],
    );
    let bound = json!({ "enableIPForwarding": true, "networkSecurityGroup": reference("networkSecurityGroups/nsg-n") });
    state.nic("nva", "hub/subnets/n", "10.0.1.4", bound);
    net.fabric.apply(&world(&state)).unwrap();
    for (port, fate) in [
        (80, s1.as_str()),
        (81, "nva Outbound nic securityRules/out"),
        (82, "nva Inbound nic securityRules/in"),
    ] {
        assert_eq!(
            net.fate(&flow(Kind::Tcp, "10.0.0.4", "10.1.0.4", port)),
            fate,
            "{port}"
        );
    }
    // An appliance whose NIC may not forward.
    state.nic("nva", "hub/subnets/n", "10.0.1.4", json!({}));
    net.fabric.apply(&world(&state)).unwrap();
    assert_eq!(
        net.fate(&flow(Kind::Tcp, "10.0.0.4", "10.1.0.4", 80)),
        "a1 Outbound route nowhere"
    );
}

fn admin(priority: u16, access: &str, protocol: &str, ports: &[&str]) -> Value {
    json!({
        "priority": priority, "direction": "Inbound", "access": access, "protocol": protocol,
        "sources": [], "destinations": [], "sourcePortRanges": [], "destinationPortRanges": ports,
    })
}

#[test]
fn root_rules_decide_in_azures_order() {
    let mut state = state();
    let nsg = json!({ "networkSecurityGroup": reference("networkSecurityGroups/nsg-nic") });
    state
        .nsg(
            "nsg-nic",
            &[
                rule("in-web", "100 Inbound Allow Tcp * * 80,8000-8010"),
                rule("in-nic", "200 Inbound Deny * * * 22"),
                rule("esp", "210 Inbound Deny Esp * * *"),
                rule("rest", "220 Inbound Allow * * * *"),
                rule("out-nic", "100 Outbound Deny Udp * 10.0.0.5,10.1.0.0/16 53"),
            ],
        )
        .nsg(
            "nsg-a",
            &[
                rule("in-subnet", "100 Inbound Deny Tcp * * 22"),
                rule("in-all", "4000 Inbound Allow * * * *"),
                rule("out-subnet", "100 Outbound Deny Udp * * 53"),
            ],
        )
        .nic("a1", "hub/subnets/a", "10.0.0.4", nsg)
        .admin(
            &["hub"],
            &[
                admin(1, "Deny", "Tcp", &["3389"]),
                admin(2, "AlwaysAllow", "Tcp", &["2222"]),
                admin(3, "Allow", "Any", &[]),
            ],
        );
    let net = Net::up(&world(&state), true);
    let (s1, a1, a2, nva) = ("10.1.0.4", "10.0.0.4", "10.0.0.5", "10.0.1.4");
    for (from, kind, to, port, fate) in [
        // In: the subnet's group first. Out: the NIC's first.
        (s1, Kind::Tcp, a1, 22, "Inbound subnet securityRules/in-subnet"),
        (s1, Kind::Udp, a1, 22, "Inbound nic securityRules/in-nic"),
        (s1, Kind::Tcp, a1, 8010, "vm1"),
        (s1, Kind::Icmp, a1, 0, "vm1"),
        (s1, Kind::Esp, a1, 0, "Inbound nic securityRules/esp"),
        (s1, Kind::Ah, a1, 0, "vm1"),
        (a1, Kind::Udp, a2, 53, "Outbound nic securityRules/out-nic"),
        (a1, Kind::Udp, nva, 53, "Outbound subnet securityRules/out-subnet"),
        // Admin rules come before both.
        (s1, Kind::Tcp, a1, 3389, "Inbound admin r0"),
        (s1, Kind::Tcp, a1, 2222, "vm1"),
        // The same subnet is no exception.
        (a2, Kind::Tcp, a1, 22, "Inbound subnet securityRules/in-subnet"),
    ] {
        let fate = if fate == "vm1" {
            fate.to_owned()
        } else {
            format!("a1 {fate}")
        };
        assert_eq!(
            net.fate(&flow(kind, from, to, port)),
            fate,
            "{kind:?} {from} -> {to}:{port}"
        );
    }
}

#[test]
fn root_a_nic_sends_from_its_own_addresses_unless_it_may_forward() {
    let net = Net::up(&world(&state()), true);
    for (vm, dropped) in [("vm1", true), ("vm4", false)] {
        let (namespace, nic) = (net.namespace(vm), net.lab.vm(vm).unwrap().nic());
        namespace
            .must(&["ip", "address", "add", "10.0.0.99/32", "dev", nic])
            .unwrap();
        let other = flow(Kind::Udp, "10.0.0.99", "10.1.0.4", 80);
        namespace.enter(|| other.send().map(drop)).unwrap().unwrap();
        let deadline = Instant::now() + Duration::from_secs(2);
        let arrived = || net.seen().iter().any(|(_, mark)| *mark == other.mark());
        let stopped = || dropped && !net.fabric.drops().unwrap().is_empty();
        while !(arrived() || stopped()) {
            assert!(Instant::now() < deadline, "{vm}: it is gone");
        }
        assert_ne!(arrived(), dropped, "{vm}");
    }
    let drops: Vec<String> = net.fabric.drops().unwrap().iter().map(shown).collect();
    assert_eq!(drops, ["a1 Outbound source not its own address"]);
}

#[test]
fn root_a_change_of_rules_is_for_new_connections_only() {
    let mut state = state();
    let mut net = Net::up(&world(&state), false);
    let inside = |name: &str| Namespace::open(&net.lab.directory().namespace(name)).unwrap();
    let (client, server) = (inside("vm1"), inside("vm2"));
    let listener = server
        .enter(|| TcpListener::bind("10.0.0.5:5001"))
        .unwrap()
        .unwrap();
    let to = listener.local_addr().unwrap();
    let mut first = client
        .enter(|| TcpStream::connect_timeout(&to, WAIT))
        .unwrap()
        .unwrap();
    let (mut accepted, _) = listener.accept().unwrap();
    state.nsg("nsg-a", &[rule("none", "100 Inbound Deny * * * *")]);
    net.fabric.apply(&world(&state)).unwrap();
    let refused = client.enter(|| TcpStream::connect_timeout(&to, WAIT)).unwrap();
    assert!(refused.is_err(), "a new connection meets the new rule");
    let mut echo = |text: &[u8; 4]| -> std::io::Result<[u8; 4]> {
        use std::io::{Read, Write};
        let mut read = [0; 4];
        for stream in [&mut first, &mut accepted] {
            stream.set_read_timeout(Some(WAIT))?;
        }
        first.write_all(text)?;
        accepted.read_exact(&mut read)?;
        accepted.write_all(&read)?;
        first.read_exact(&mut read)?;
        Ok(read)
    };
    assert_eq!(&echo(b"over").unwrap(), b"over", "the old one goes on, both ways");
    let drops: Vec<String> = net.fabric.drops().unwrap().iter().map(shown).collect();
    assert_eq!(drops, ["a2 Inbound subnet securityRules/none"]);
    net.fabric.forget_flows();
    net.fabric.apply(&world(&state)).unwrap();
    assert!(echo(b"gone").is_err(), "without its record it is a new one");
}

#[test]
fn root_outside_reaches_a_public_address_as_its_rules_let_it() {
    let mut state = state();
    let public = |sku: &str| json!({ "sku": { "name": sku }, "properties": { "ipAddress": "203.0.113.9" } });
    let config = json!([{ "name": "c", "properties": {
        "privateIPAddress": "10.1.0.4", "primary": true,
        "subnet": reference("virtualNetworks/spoke/subnets/s"), "publicIPAddress": reference("publicIPAddresses/p"),
    }}]);
    let unbound = json!({ "ipConfigurations": config });
    state.put("publicIPAddresses/p", public("Standard")).nic(
        "s1",
        "spoke/subnets/s",
        "10.1.0.4",
        unbound.clone(),
    );
    let mut net = Net::up(&world(&state), false);
    let inside = |name: &str| Namespace::open(&net.lab.directory().namespace(name)).unwrap();
    let (server, outside) = (inside("vm5"), inside(OUTSIDE));
    assert_eq!(net.lab.vm("vm5").unwrap().address().to_string(), "10.1.0.4");
    let listener = server
        .enter(|| TcpListener::bind("10.1.0.4:443"))
        .unwrap()
        .unwrap();
    listener.set_nonblocking(true).unwrap();
    let reach = || {
        let to = "203.0.113.9:443".parse().unwrap();
        outside
            .enter(|| TcpStream::connect_timeout(&to, WAIT))
            .unwrap()
            .is_ok()
    };
    assert!(!reach(), "a Standard address without a group lets nothing in");
    assert_eq!(
        net.fabric.drops().unwrap().iter().map(shown).collect::<Vec<_>>(),
        ["s1 Inbound public address Standard without a group"]
    );
    let bound = |state: &mut State, rules: &[Value]| {
        state.nsg("nsg-s", rules);
        let more = json!({ "ipConfigurations": config, "networkSecurityGroup": reference("networkSecurityGroups/nsg-s") });
        state.nic("s1", "spoke/subnets/s", "10.1.0.4", more);
    };
    bound(
        &mut state,
        &[rule("https", "100 Inbound Allow Tcp Internet * 443")],
    );
    net.fabric.apply(&world(&state)).unwrap();
    assert!(reach(), "what a rule allows comes in");
    bound(&mut state, &[]);
    net.fabric.apply(&world(&state)).unwrap();
    assert!(!reach(), "the default rules do not");
    state
        .put("publicIPAddresses/p", public("Basic"))
        .nic("s1", "spoke/subnets/s", "10.1.0.4", unbound);
    net.fabric.apply(&world(&state)).unwrap();
    assert!(reach(), "a Basic address is open");
    goes_out(&server, &outside);
}

/// With its public address, and has an answer.
fn goes_out(server: &Namespace, outside: &Namespace) {
    let away = outside
        .enter(|| TcpListener::bind("8.8.8.8:53"))
        .unwrap()
        .unwrap();
    let to = away.local_addr().unwrap();
    server
        .enter(|| TcpStream::connect_timeout(&to, WAIT))
        .unwrap()
        .unwrap();
    let from = away.accept().unwrap().1.ip().to_string();
    assert_eq!(from, "203.0.113.9", "with its public address");
}
