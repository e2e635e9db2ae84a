//! Decoding of captured messages.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::artifact::json;
use crate::bytes::Big;
use crate::raw::RawMessage;
use crate::raw::captured::captured;

mod filters;
mod hostile;
mod kinds;

const NETEM_PRIO: &str = include_str!("tests/linux-6.1-netem-prio.txt");
const HTB_TBF: &str = include_str!("tests/linux-6.18-htb-tbf.txt");

fn lifted(text: &str) -> Lifted<TcConfig, TcRuntime> {
    lift(&captured(text)).unwrap()
}

fn find<'a>(config: &'a TcConfig, device: &str, parent: &str) -> &'a Qdisc {
    let at = |qdisc: &&Qdisc| qdisc.device == Text::from(device) && qdisc.parent == parent;
    config.qdiscs.iter().find(at).unwrap()
}

fn netem(config: &TcConfig, device: &str, parent: &str) -> Netem {
    match &find(config, device, parent).options {
        Options::Netem(netem) => (**netem).clone(),
        other => panic!("{other:?}"),
    }
}

/// As iproute2 turns per cent into the kernel's scale: rounded from `u32::MAX`.
fn per_mille(value: u64) -> u32 {
    u32::try_from((u64::from(u32::MAX) * value + 500) / 1000).unwrap()
}

#[test]
fn netem_with_everything() {
    let config = lifted(NETEM_PRIO).config;
    let correlated = |probability, correlation| Correlated {
        probability: per_mille(probability),
        correlation: per_mille(correlation),
    };
    let expected = Netem {
        limit_packets: 1000,
        delay_ns: Big(30_000_000),
        jitter_ns: Big(5_000_000),
        delay_correlation: per_mille(250),
        loss: correlated(10, 250),
        duplicate: correlated(20, 100),
        reorder: correlated(100, 500),
        gap_packets: 5,
        corrupt: correlated(1, 50),
        rate: Some(NetemRate {
            rate_bytes_per_s: Big(125_000),
            packet_overhead_bytes: 20,
            cell_bytes: 100,
            cell_overhead_bytes: 5,
        }),
        ..Netem::default()
    };
    assert_eq!(netem(&config, "d0", "1:3"), expected);
}

#[test]
fn netem_loss_models_and_slots() {
    let config = lifted(NETEM_PRIO).config;
    let elliott = netem(&config, "d1", "root");
    assert_eq!(
        elliott.loss_model,
        Some(LossModel::GilbertElliott {
            p: per_mille(10),
            r: per_mille(100),
            h: per_mille(300),
            k1: per_mille(1)
        })
    );
    assert!(elliott.ecn);
    assert_eq!(elliott.limit_packets, 500);
    let states = netem(&config, "d2", "root");
    assert_eq!(
        states.loss_model,
        Some(LossModel::FourState {
            p13: per_mille(10),
            p31: per_mille(900),
            p32: per_mille(200),
            p14: per_mille(950),
            p23: per_mille(50)
        })
    );
    let slot = Slot {
        min_delay_ns: Big(800_000),
        max_delay_ns: Big(1_000_000),
        max_packets: 32,
        max_bytes: 65_536,
        ..Slot::default()
    };
    assert_eq!(states.slot, Some(slot));
    assert!(!states.ecn);
}

#[test]
fn netem_beyond_thirty_two_bits() {
    let netem = netem(&lifted(NETEM_PRIO).config, "d3", "root");
    assert_eq!(netem.delay_ns, Big(20_000_000_000));
    // The kernel keeps no jitter above i32::MAX nanoseconds.
    assert_eq!(netem.jitter_ns, Big(2_147_483_647));
    assert_eq!(netem.rate.unwrap().rate_bytes_per_s, Big(6_250_000_000));
    let slot = netem.slot.unwrap();
    assert_eq!(slot.distribution_delay_ns, Big(1_000_000));
    assert_eq!(slot.distribution_jitter_ns, Big(200_000));
}

#[test]
fn prio_and_the_queues_it_makes() {
    let config = lifted(NETEM_PRIO).config;
    let bands = Options::Bands {
        bands: 4,
        priority_map: vec![1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 3],
    };
    assert_eq!(find(&config, "d0", "root").options, bands);
    let hidden = find(&config, "d0", "1:4");
    assert_eq!(hidden.handle, "0:");
    assert_eq!(hidden.options, Options::Packets { limit_packets: 1000 });
}

#[test]
fn htb_and_its_classes() {
    let Lifted { config, runtime } = lifted(HTB_TBF);
    let htb = Htb {
        version: 0x30011,
        rate_to_quantum: 20,
        default_class: 0x20,
        direct_queue_packets: Some(500),
        ..Htb::default()
    };
    assert_eq!(find(&config, "v0", "root").options, Options::Htb(htb));
    let classes: Vec<_> = config
        .classes
        .iter()
        .map(|class| (class.id.as_str(), class.parent.as_str()))
        .collect();
    let expected = [
        ("1:1", "root"),
        ("1:10", "1:1"),
        ("auto(1:10):1", "auto(1:10):"),
        ("1:20", "1:1"),
        ("auto(root):1", "auto(root):"),
    ];
    assert_eq!(classes, expected);
    let Options::HtbClass(ten) = &config.classes[1].options else {
        panic!()
    };
    assert_eq!(ten.rate.rate_bytes_per_s, Big(2_500_000));
    assert_eq!(ten.ceil.rate_bytes_per_s, Big(6_250_000));
    assert_eq!(ten.rate.bytes_in(ten.burst_ns), 20 * 1024);
    assert_eq!(
        ten.ceil.bytes_in(ten.ceil_burst_ns),
        30 * 1024 - 2,
        "cut by the ticks"
    );
    assert_eq!((ten.quantum_bytes, ten.priority), (3000, 1));
    let Options::HtbClass(twenty) = &config.classes[3].options else {
        panic!()
    };
    assert_eq!(twenty.rate.rate_bytes_per_s, Big(6_250_000_000), "RATE64");
    assert_eq!(twenty.ceil.rate_bytes_per_s, Big(7_500_000_000), "CEIL64");
    assert_eq!(runtime.classes[0].level, Some(7), "a class with classes below it");
    assert_eq!(runtime.classes[1].leaf, "8001:");
    assert_eq!(runtime.qdiscs[1].direct_packets, Some(0));
}

#[test]
fn tbf_and_statistics() {
    let Lifted { config, runtime } = lifted(HTB_TBF);
    let place = config
        .qdiscs
        .iter()
        .position(|qdisc| qdisc.device == Text::from("v1"))
        .unwrap();
    let Options::Tbf(tbf) = &config.qdiscs[place].options else {
        panic!()
    };
    assert_eq!(tbf.rate.rate_bytes_per_s, Big(125_000));
    assert_eq!(tbf.rate.link_layer, "ethernet");
    assert_eq!(tbf.rate.bytes_in(tbf.burst_ns), 32 * 1024);
    assert_eq!(tbf.limit_bytes, 82_768);
    assert_eq!(tbf.latency_ns(), Some(Big(400_000_000)));
    let statistics = &runtime.qdiscs[place].statistics;
    assert_eq!(statistics.bytes, Some(Big(86)));
    assert_eq!(statistics.packets, Some(Big(1)));
    assert_eq!((statistics.drops, statistics.queue_packets), (Some(0), Some(0)));
    assert_eq!(runtime.qdiscs[place].handle, "8002:");
}

#[test]
fn a_peak_rate_and_rates_beyond_thirty_two_bits() {
    let config = lifted(NETEM_PRIO).config;
    let qdisc = find(&config, "d7", "root");
    assert!(qdisc.size_table.is_some());
    let Options::Tbf(tbf) = &qdisc.options else {
        panic!()
    };
    assert_eq!(tbf.rate.rate_bytes_per_s, Big(5_000_000_000));
    assert_eq!(tbf.peak.as_ref().unwrap().rate_bytes_per_s, Big(6_250_000_000));
}

#[test]
fn other_kinds_are_named_values() {
    let config = lifted(NETEM_PRIO).config;
    let Options::Settings { settings } = &find(&config, "d4", "root").options else {
        panic!()
    };
    assert_eq!(
        setting::find(settings, "limit"),
        Some(&Value::Packets(Big(10_240)))
    );
    let Lifted { config, runtime } = lifted(NETEM_PRIO);
    let place = config
        .qdiscs
        .iter()
        .position(|qdisc| qdisc.kind == Text::from("sfq"));
    let own = &runtime.qdiscs[place.unwrap()].own;
    assert_eq!(
        setting::find(own, "prob_drop"),
        Some(&Value::Signed("0".to_owned()))
    );
}

#[test]
fn the_order_of_the_dump_does_not_matter() {
    for text in [NETEM_PRIO, HTB_TBF] {
        let mut raw = captured(text);
        let expected = lift(&raw).unwrap();
        raw.messages.reverse();
        assert_eq!(lift(&raw).unwrap(), expected);
        let devices: BTreeSet<_> = expected.config.qdiscs.iter().map(|qdisc| &qdisc.device).collect();
        assert_eq!(devices.len(), raw.links.len());
    }
}

/// `tc qdisc add` without a handle gets the next number of the kernel each time.
#[test]
fn a_handle_that_the_kernel_chose_is_runtime() {
    let before = captured(HTB_TBF);
    let mut after = before.clone();
    for message in &mut after.messages {
        for at in [8, 12] {
            let bytes = &mut message.payload.0[at..at + 4];
            if bytes[2..] == [1, 0x80] {
                bytes[2..].copy_from_slice(&[9, 0x80]);
            }
        }
    }
    assert_ne!(before, after);
    let (before, after) = (lift(&before).unwrap(), lift(&after).unwrap());
    assert_eq!(before.config, after.config);
    assert_ne!(before.runtime, after.runtime);
    assert_eq!(find(&before.config, "v0", "auto(1:10):1").handle, "0:");
}

#[test]
fn one_line_each_as_tc_prints_it() {
    let all = [lifted(NETEM_PRIO).config, lifted(HTB_TBF).config];
    let lines: Vec<String> = all
        .iter()
        .flat_map(|config| config.qdiscs.iter().map(ToString::to_string))
        .collect();
    for expected in [
        "qdisc prio 1: dev d0 root bands 4 priomap 1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 3",
        "qdisc netem 30: dev d0 parent 1:3 limit 1000 delay 30ms 5ms 25% loss 1% 25% duplicate 2% 10% reorder 10% 50% \
         corrupt 0.1% 5% rate 1Mbit packetoverhead 20 cellsize 100 celloverhead 5 gap 5",
        "qdisc netem auto(root): dev d1 root limit 500 loss gemodel p 1% r 10% 1-h 70% 1-k 0.1% ecn",
        "qdisc netem 2: dev d2 root limit 1000 loss state p13 1% p31 90% p32 20% p23 5% p14 95% slot 800us 1ms \
         packets 32 bytes 65536",
        "qdisc netem 7: dev d8 root limit 1000 delay 10ms",
        "qdisc clsact ffff: dev d7 parent ffff:fff1",
        "qdisc tbf auto(root): dev v1 root rate 1Mbit burst 32Kb lat 400ms",
        "qdisc bfifo 20: dev v0 parent 1:20 limit 4000b",
        "qdisc htb 1: dev v0 root r2q 20 default 0x20 direct_qlen 500",
    ] {
        assert!(
            lines.iter().any(|line| line == expected),
            "{expected}\n{}",
            lines.join("\n")
        );
    }
    let classes: Vec<_> = all[1].classes.iter().map(ToString::to_string).collect();
    let ten = "class htb 1:10 dev v0 parent 1:1 prio 1 quantum 3000b rate 20Mbit ceil 50Mbit burst 20Kb cburst 30Kb";
    assert!(classes.iter().any(|line| line == ten), "{}", classes.join("\n"));
}

#[test]
fn canonical_json_and_back() {
    for text in [NETEM_PRIO, HTB_TBF] {
        let lifted = lifted(text);
        let config = json::to_vec(&lifted.config).unwrap();
        assert_eq!(json::from_slice::<TcConfig>(&config).unwrap(), lifted.config);
        let runtime = json::to_vec(&lifted.runtime).unwrap();
        assert_eq!(json::from_slice::<TcRuntime>(&runtime).unwrap(), lifted.runtime);
    }
}
