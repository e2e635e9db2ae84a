use proptest::prelude::*;

use super::*;

/// A flow of a small universe: four protocols, two families of eight addresses, six ports.
#[derive(Debug, Clone, Copy)]
struct Flow {
    protocol: Protocols,
    v4: bool,
    source: u8,
    destination: u8,
    source_port: u16,
    port: u16,
}

/// One dimension of a block, as its members.
type Few = Vec<u8>;

#[derive(Debug, Clone)]
struct Plain {
    protocols: Few,
    sources: Few,
    destinations: Few,
    ports: Few,
}

fn plain() -> impl Strategy<Value = Plain> {
    let few = |most: u8| prop::collection::vec(0..most, 0..4);
    (few(4), few(16), few(16), few(4)).prop_map(|(protocols, sources, destinations, ports)| Plain {
        protocols,
        sources,
        destinations,
        ports,
    })
}

/// Members below eight are IPv4 addresses, those above IPv6 ones.
fn addresses(members: &Few) -> Addresses {
    let of = |v4: bool| {
        let members = members.iter().filter(move |member| (**member < 8) == v4);
        members.map(|member| member % 8)
    };
    Addresses {
        v4: Ranges::of(of(true).map(|member| (u32::from(member), u32::from(member)))),
        v6: Ranges::of(of(false).map(|member| (u128::from(member), u128::from(member)))),
    }
}

fn block(plain: &Plain) -> Block {
    let protocols = plain.protocols.iter().map(|at| Protocols(1 << at));
    Block {
        protocols: protocols.fold(Protocols::NONE, Protocols::union),
        sources: Arc::new(addresses(&plain.sources)),
        destinations: Arc::new(addresses(&plain.destinations)),
        source_ports: Arc::new(Ranges::full()),
        ports: Arc::new(Ranges::of(
            plain
                .ports
                .iter()
                .map(|port| (u16::from(*port), u16::from(*port))),
        )),
    }
}

fn holds(block: &Block, flow: &Flow) -> bool {
    let address = |set: &Addresses, member: u8| {
        if flow.v4 {
            set.v4.contains(u32::from(member))
        } else {
            set.v6.contains(u128::from(member))
        }
    };
    block.protocols.covers(flow.protocol)
        && address(&block.sources, flow.source)
        && address(&block.destinations, flow.destination)
        && block.source_ports.contains(flow.source_port)
        && block.ports.contains(flow.port)
}

fn universe() -> impl Iterator<Item = Flow> {
    (0..4u8).flat_map(|protocol| {
        [true, false].into_iter().flat_map(move |v4| {
            (0..8).flat_map(move |source| {
                (0..8).flat_map(move |destination| {
                    (0..4).map(move |port| Flow {
                        protocol: Protocols(1 << protocol),
                        v4,
                        source,
                        destination,
                        source_port: 9,
                        port,
                    })
                })
            })
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn difference_and_intersection_are_exact(
        a in prop::collection::vec(plain(), 1..4),
        b in prop::collection::vec(plain(), 1..4),
    ) {
        let (x, y) = (Region::of(a.iter().map(block)), Region::of(b.iter().map(block)));
        let mut budget = Budget::new(1_000_000);
        let less = x.subtract(&y, &mut budget).unwrap();
        let both = x.intersect(&y, &mut budget).unwrap();
        let within = |region: &Region, flow: &Flow| region.0.iter().any(|block| holds(block, flow));
        let oracle = |plain: &[Plain], flow: &Flow| plain.iter().any(|plain| holds(&block(plain), flow));
        for flow in universe() {
            let (in_a, in_b) = (oracle(&a, &flow), oracle(&b, &flow));
            prop_assert_eq!(within(&less, &flow), in_a && !in_b, "{:?}", flow);
            prop_assert_eq!(within(&both, &flow), in_a && in_b, "{:?}", flow);
        }
        prop_assert_eq!(x.overlaps(&y), !both.is_empty());
    }
}

#[test]
fn a_block_whose_families_never_meet_is_empty() {
    let v4 = Addresses {
        v6: Ranges::empty(),
        ..Addresses::full()
    };
    let v6 = Addresses {
        v4: Ranges::empty(),
        ..Addresses::full()
    };
    let crossed = Block {
        sources: Arc::new(v4),
        destinations: Arc::new(v6),
        ..Block::full()
    };
    assert!(crossed.is_empty() && Region::of([crossed]).is_empty());
}

#[test]
fn a_spent_budget_is_an_error_and_no_answer() {
    let everything = Region::of([Block::full()]);
    let mut budget = Budget::new(0);
    assert_eq!(everything.subtract(&everything, &mut budget), Err(TooMany));
    let mut budget = Budget::new(1);
    assert!(everything.subtract(&everything, &mut budget).unwrap().is_empty());
}
