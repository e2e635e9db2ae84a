//! Paths against packets: what becomes of a flow between two network interfaces, there and back, is what the product's joined
//! answer says, which it makes of the readings of both ends.
//!
//! `NETGHOST_PATHS` is how many packets, `NETGHOST_SEED` the world to begin with.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use netghost_core::azure::nsg::{Protocol, Verdict};
use netghost_core::azure::path::{
    self, Around, End, Interface, Layer, Missing, Network, Path, Question, Read, Status, Way, walk,
};
use netghost_lab::azure::World;
use serde_json::Value;

use crate::fabric::Net;
use crate::packets::{Flow, Kind, Mark};
use crate::random::{self, Random};
use crate::state::id;
use crate::verdicts::{self, Nic, number};

/// The interfaces of a world, as their resources and readings have them.
struct Ends<'a> {
    world: &'a World,
    read: &'a BTreeMap<String, Nic>,
    bodies: BTreeMap<String, path::Nic>,
    networks: BTreeMap<String, Read<Network>>,
}

impl<'a> Ends<'a> {
    fn new(state: &Value, world: &'a World, read: &'a BTreeMap<String, Nic>) -> Self {
        let resources = state["resources"].as_object().unwrap();
        let subnets: Vec<&Value> = resources
            .values()
            .filter_map(|resource| resource.pointer("/properties/subnets")?.as_array())
            .flatten()
            .collect();
        let networks = resources.iter().filter(|(id, _)| {
            let mut last = id.rsplit('/').skip(1);
            last.next() == Some("virtualnetworks")
        });
        let networks = networks.map(|(id, body)| (id.clone(), Network::parse(body).into()));
        let body = |name: &String| {
            let nic = &resources[&id(&format!("networkInterfaces/{name}")).to_lowercase()];
            let own = nic["properties"]["ipConfigurations"][0]["properties"]["subnet"]["id"]
                .as_str()
                .unwrap();
            let subnet = subnets
                .iter()
                .find(|subnet| subnet["id"].as_str().unwrap().eq_ignore_ascii_case(own));
            let subnet: Value = (*subnet.unwrap()).clone();
            (name.clone(), path::Nic::parse(nic, &[subnet]).unwrap())
        };
        Self {
            world,
            read,
            bodies: read.keys().map(body).collect(),
            networks: networks.collect(),
        }
    }

    /// The interface that has the address, else an address outside.
    fn end(&self, address: IpAddr) -> End {
        let named = self
            .world
            .nics
            .values()
            .find(|nic| nic.vm.is_some() && nic.addresses().any(|own| own == address));
        let Some(nic) = named else {
            return End::Outside(address);
        };
        let name = nic.id.name();
        let read = &self.read[name];
        End::Nic(Box::new(Interface {
            address,
            nic: Read::Captured(self.bodies[name].clone()),
            routes: Read::Captured(read.routes.clone()),
            rules: Read::Captured(read.rules.clone()),
            admin: Read::Captured(read.admin.clone()),
            tags: read.tags.clone(),
        }))
    }

    fn path(&self, flow: &Flow) -> Path {
        let ports = |port| matches!(flow.kind, Kind::Tcp | Kind::Udp).then_some((port, port));
        let around = Around {
            appliances: self.bodies.values().cloned().collect(),
            networks: self.networks.clone(),
        };
        let question = Question {
            source: &self.end(flow.from),
            destination: &self.end(flow.to),
            flow: path::Flow {
                protocol: match flow.kind {
                    Kind::Tcp => Protocol::Tcp,
                    Kind::Udp => Protocol::Udp,
                    Kind::Icmp => Protocol::Icmp,
                    Kind::Esp => Protocol::Esp,
                    Kind::Ah => Protocol::Ah,
                },
                source_ports: ports(flow.source_port),
                ports: ports(flow.destination_port),
            },
            around: &around,
        };
        walk(&question).unwrap()
    }
}

/// What the rows of one way alone say.
fn verdict(path: &Path, way: Way) -> Verdict {
    let rows = || path.layers.iter().filter(|row| row.direction == way);
    if rows().any(|row| row.status == Status::Block && row.assumes.is_none()) {
        Verdict::Deny
    } else if rows().any(|row| matches!(row.status, Status::Block | Status::Unknown)) {
        Verdict::Unknown
    } else {
        Verdict::Allow
    }
}

/// Whether the product may not know: a machine or gateway in between was not read, or a route of people leads to the own network
/// for addresses of another, of which Azure says nothing.
fn may_not_know(path: &Path) -> bool {
    let open = |missing: &Missing| {
        let strange =
            missing.layer == Layer::Route && missing.why.contains("does not fit the virtual networks");
        missing.layer == Layer::NextHop || strange
    };
    path.missing.iter().any(open)
}

/// The flows between interfaces that can be told apart where their replies arrive.
fn between(flows: Vec<Flow>, ends: &Ends<'_>) -> Vec<Flow> {
    let mut sources = BTreeSet::new();
    let known = |flow: &Flow| ends.end(flow.to).interface().is_some();
    flows
        .into_iter()
        .filter(|flow| known(flow) && (flow.kind != Kind::Tcp || sources.insert(flow.source_port)))
        .collect()
}

/// Where a packet is seen, and where the answer of a closed port to one of TCP.
fn reply(flow: &Flow) -> Mark {
    (Kind::Tcp, flow.from, flow.destination_port, flow.source_port)
}

struct Seen(BTreeSet<(String, Mark)>);

impl Seen {
    fn arrived(&self, net: &Net, flow: &Flow) -> bool {
        self.0.contains(&(net.vm(flow.to).name().to_owned(), flow.mark()))
    }

    fn answered(&self, net: &Net, flow: &Flow) -> bool {
        self.0
            .contains(&(net.vm(flow.from).name().to_owned(), reply(flow)))
    }
}

/// Sends all and waits until all that should come has come, and a little longer for what should not.
fn send(net: &Net, flows: &[(Flow, Path)]) -> Seen {
    for (flow, _) in flows {
        net.send(flow);
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let seen = Seen(net.seen().into_iter().collect());
        let there = flows.iter().all(|(flow, path)| {
            let comes = verdict(path, Way::Forward) == Verdict::Allow;
            let answers = comes && flow.kind == Kind::Tcp && verdict(path, Way::Back) == Verdict::Allow;
            (!comes || seen.arrived(net, flow)) && (!answers || seen.answered(net, flow))
        });
        if there || Instant::now() > deadline {
            std::thread::sleep(Duration::from_millis(150));
            return Seen(net.seen().into_iter().collect());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Holds the verdicts of each way against what came of the packets.
fn compare(
    net: &Net,
    flows: &[(Flow, Path)],
    kept_back: bool,
    seed: u64,
    tally: &mut BTreeMap<&'static str, usize>,
) {
    let seen = send(net, flows);
    let mut count = |what| *tally.entry(what).or_insert(0) += 1;
    for (flow, path) in flows {
        let shown = || {
            format!(
                "seed {seed}: {flow:?}: {}",
                serde_json::to_string_pretty(path).unwrap()
            )
        };
        let (arrived, answered) = (seen.arrived(net, flow), seen.answered(net, flow));
        match verdict(path, Way::Forward) {
            Verdict::Allow => assert!(arrived, "did not arrive: {}", shown()),
            Verdict::Deny => assert!(!arrived, "arrived: {}", shown()),
            Verdict::Unknown => assert!(kept_back || may_not_know(path), "not known: {}", shown()),
        }
        match verdict(path, Way::Forward) {
            Verdict::Allow => count("arrived"),
            Verdict::Deny => count("stopped"),
            Verdict::Unknown => count("not known"),
        }
        if flow.kind != Kind::Tcp || verdict(path, Way::Forward) != Verdict::Allow {
            continue;
        }
        match verdict(path, Way::Back) {
            Verdict::Allow => {
                assert!(answered, "no answer: {}", shown());
                count("answered");
            }
            Verdict::Deny => {
                assert!(!answered, "answered: {}", shown());
                count("answer stopped");
            }
            Verdict::Unknown => {
                assert!(kept_back || may_not_know(path), "not known: {}", shown());
                count("answer not known");
            }
        }
        // The whole is what both ways are together.
        let whole = verdict(path, Way::Forward).max(verdict(path, Way::Back));
        assert_eq!(path.verdict, whole, "{}", shown());
    }
}

#[test]
fn root_packets_fare_there_and_back_as_the_path_says() {
    let (most, first) = (number("NETGHOST_PATHS", 500), number("NETGHOST_SEED", 1));
    println!("{most} packets, seed {first}");
    let mut net: Option<Net> = None;
    let mut tally = BTreeMap::new();
    let mut sent = 0;
    for seed in first.. {
        if sent >= most {
            break;
        }
        let mut random = Random::new(seed);
        let state = random::state(&mut random);
        let world = World::from_state(&state.value()).unwrap();
        let kept_back = (seed % 8 == 3).then_some(random::TAG);
        let read = verdicts::read(&world, kept_back);
        let ends = Ends::new(&state.value(), &world, &read);
        let flows = between(random::flows(&mut random, &world, 100), &ends);
        let flows: Vec<(Flow, Path)> = flows.into_iter().map(|flow| (flow, ends.path(&flow))).collect();
        let net = net.get_or_insert_with(|| Net::up(&world, false));
        net.forget();
        net.fabric.forget_flows();
        net.fabric.apply(&world).unwrap();
        sent += u64::try_from(flows.len()).unwrap();
        compare(net, &flows, kept_back.is_some(), seed, &mut tally);
    }
    println!("{sent} packets: {tally:?}");
    for what in ["arrived", "stopped", "answered", "answer stopped"] {
        assert!(
            tally.get(what).copied().unwrap_or_default() > 0,
            "{what}: {tally:?}"
        );
    }
}

/// Without this the test above could pass by comparing nothing: paths through other rules than the fabric's are found out.
#[test]
#[should_panic(expected = "seed ")]
fn root_a_wrong_path_is_found_out() {
    let mut net: Option<Net> = None;
    for seed in 1..=5 {
        let mut random = Random::new(seed);
        let state = random::state(&mut random);
        let world = World::from_state(&state.value()).unwrap();
        let other = verdicts::turned(&state.value());
        let told = World::from_state(&other).unwrap();
        let read = verdicts::read(&told, None);
        let ends = Ends::new(&other, &told, &read);
        let flows = between(random::flows(&mut random, &world, 100), &ends);
        let flows: Vec<(Flow, Path)> = flows.into_iter().map(|flow| (flow, ends.path(&flow))).collect();
        let net = net.get_or_insert_with(|| Net::up(&world, false));
        net.forget();
        net.fabric.forget_flows();
        net.fabric.apply(&world).unwrap();
        compare(net, &flows, true, seed, &mut BTreeMap::new());
    }
}
