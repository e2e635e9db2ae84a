use super::*;
use crate::tc::{Class, Options, Qdisc, TcConfig};

fn link(name: &str, mtu: u32) -> Link {
    Link {
        name: name.into(),
        mtu,
        ..Link::default()
    }
}

fn seen(found: &[Change]) -> Vec<(Kind, &str)> {
    found
        .iter()
        .map(|change| (change.kind, change.path.as_str()))
        .collect()
}

fn compare_links(before: &[Link], after: &[Link]) -> Vec<Change> {
    let config = |links: &[Link]| LinksConfig {
        links: links.to_vec(),
    };
    links(&config(before), &config(after), &Gaps::default()).unwrap()
}

#[test]
fn entries_are_matched_by_key_not_by_place() {
    let before = [link("lo", 1), link("eth0", 1500)];
    let after = [link("eth0", 9000), link("lo", 1), link("tun0", 1400)];
    let found = compare_links(&before, &after);
    assert_eq!(
        seen(&found),
        [(Kind::LinkChanged, "eth0"), (Kind::LinkAdded, "tun0")]
    );
    let Some(Value::Entry(entry)) = &found[0].before else {
        panic!("{found:?}")
    };
    assert_eq!(entry.config["mtu"], 1500);
}

#[test]
fn one_of_several_entries_with_one_key_is_not_lost() {
    let before = [link("x", 1), link("x", 2), link("x", 3)];
    let after = [link("x", 3), link("x", 1)];
    assert_eq!(seen(&compare_links(&before, &after)), [(Kind::LinkRemoved, "x")]);
}

fn qdisc(parent: &str, handle: &str, kind: &str) -> Qdisc {
    Qdisc {
        device: "eth0".into(),
        handle: handle.into(),
        parent: parent.into(),
        kind: kind.into(),
        options: Options::None,
        ingress_block: None,
        egress_block: None,
        size_table: None,
        other: Vec::new(),
    }
}

fn class(id: &str, parent: &str) -> Class {
    Class {
        device: "eth0".into(),
        id: id.into(),
        parent: parent.into(),
        kind: "htb".into(),
        options: Options::None,
        other: Vec::new(),
    }
}

fn htb(leaf: &str) -> TcConfig {
    TcConfig {
        qdiscs: vec![qdisc("root", "1:", "htb"), qdisc("1:10", "0:", leaf)],
        classes: vec![class("1:1", "root"), class("1:10", "1:1")],
        ..TcConfig::default()
    }
}

fn compare_tc(before: &TcConfig, after: &TcConfig) -> Vec<Change> {
    tc(before, after, &Gaps::default()).unwrap()
}

fn plain() -> TcConfig {
    TcConfig {
        qdiscs: vec![qdisc("root", "0:", "noqueue")],
        ..TcConfig::default()
    }
}

#[test]
fn a_shaper_with_all_below_it_is_one_change() {
    let found = compare_tc(&plain(), &htb("pfifo"));
    assert_eq!(seen(&found), [(Kind::QdiscChanged, "eth0/qdisc[root]")]);
    let Some(Value::Entry(entry)) = &found[0].after else {
        panic!("{found:?}")
    };
    assert_eq!(entry.below.len(), 3, "{entry:?}");
    assert_eq!(
        seen(&compare_tc(&htb("pfifo"), &plain())),
        [(Kind::QdiscChanged, "eth0/qdisc[root]")]
    );
    assert_eq!(
        seen(&compare_tc(&htb("pfifo"), &TcConfig::default())),
        [(Kind::QdiscRemoved, "eth0/qdisc[root]")]
    );
}

#[test]
fn a_class_with_its_queue_is_one_change() {
    let mut after = htb("pfifo");
    after.classes.push(class("1:20", "1:1"));
    after.qdiscs.push(qdisc("1:20", "0:", "pfifo"));
    assert_eq!(
        seen(&compare_tc(&htb("pfifo"), &after)),
        [(Kind::ClassAdded, "eth0/class[1:20]")]
    );
    assert_eq!(
        seen(&compare_tc(&after, &htb("pfifo"))),
        [(Kind::ClassRemoved, "eth0/class[1:20]")]
    );
}

#[test]
fn a_change_below_what_stayed_is_its_own() {
    let found = compare_tc(&htb("pfifo"), &htb("sfq"));
    assert_eq!(seen(&found), [(Kind::QdiscChanged, "eth0/qdisc[1:10]")]);
    let mut after = htb("pfifo");
    after.classes[1].options = Options::Packets { limit_packets: 1 };
    assert_eq!(
        seen(&compare_tc(&htb("pfifo"), &after)),
        [(Kind::ClassChanged, "eth0/class[1:10]")]
    );
}

#[test]
fn nothing_changed_is_no_change() {
    assert_eq!(compare_tc(&htb("pfifo"), &htb("pfifo")), []);
    assert_eq!(compare_links(&[link("lo", 1)], &[link("lo", 1)]), []);
}

#[test]
fn the_kernels_own_queue_below_a_shaper_follows_it() {
    let tree = |rate: u32, limit_bytes: u32| TcConfig {
        qdiscs: vec![
            Qdisc {
                options: Options::Bytes { limit_bytes: rate },
                ..qdisc("root", "1:", "tbf")
            },
            Qdisc {
                options: Options::Bytes { limit_bytes },
                ..qdisc("1:1", "0:", "bfifo")
            },
        ],
        ..TcConfig::default()
    };
    let found = tc(&tree(1, 10), &tree(2, 20), &Gaps::default()).unwrap();
    assert_eq!(seen(&found), [(Kind::QdiscChanged, "eth0/qdisc[root]")]);
    let Some(Value::Entry(entry)) = &found[0].after else {
        panic!("{found:?}")
    };
    assert!(entry.below[0].contains("limit 20b"), "{:?}", entry.below);
    // Where the shaper is as it was, the queue's change is one of its own; so is that of a queue with a number.
    let found = tc(&tree(1, 10), &tree(1, 20), &Gaps::default()).unwrap();
    assert_eq!(seen(&found), [(Kind::QdiscChanged, "eth0/qdisc[1:1]")]);
    let numbered = |rate, limit| {
        let mut config = tree(rate, limit);
        config.qdiscs[1].handle = "10:".into();
        config
    };
    let found = tc(&numbered(1, 10), &numbered(2, 20), &Gaps::default()).unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
}

mod filters {
    use super::*;
    use crate::raw::captured::captured;
    use crate::tc::{Filter, lift};

    const ACTIONS: &str = include_str!("../../tc/tests/linux-6.1-actions.txt");
    const FILTERS: &str = include_str!("../../tc/tests/linux-6.1-filters.txt");

    fn config(text: &str) -> TcConfig {
        lift(&captured(text)).unwrap().config
    }

    fn at(config: &TcConfig, line: &str) -> usize {
        let found = |filter: &Filter| filter.to_string().contains(line);
        config.filters.iter().position(found).unwrap()
    }

    #[track_caller]
    fn one_change(before: &TcConfig, after: &TcConfig, kind: Kind, path: &str) {
        let found = compare_tc(before, after);
        assert_eq!(seen(&found), [(kind, path)]);
    }

    #[test]
    fn each_filter_gone_is_one_removal_and_back_one_addition() {
        for text in [ACTIONS, FILTERS] {
            let whole = config(text);
            assert_eq!(compare_tc(&whole, &whole), []);
            for place in 0..whole.filters.len() {
                let mut without = whole.clone();
                without.filters.remove(place);
                let kinds = |found: Vec<Change>| found.iter().map(|change| change.kind).collect::<Vec<_>>();
                assert_eq!(kinds(compare_tc(&whole, &without)), [Kind::FilterRemoved]);
                assert_eq!(kinds(compare_tc(&without, &whole)), [Kind::FilterAdded]);
            }
        }
    }

    #[test]
    fn an_edit_of_one_action_is_a_change_of_that_action() {
        let before = config(ACTIONS);
        let place = at(&before, "jump 2");
        let path = "d0/ingress/filter[chain 0 pref 7 #1]/action";
        let mut after = before.clone();
        after.filters[place].actions[1].cookie = Some(crate::bytes::Hex(vec![1]));
        one_change(&before, &after, Kind::ActionChanged, &format!("{path}[2]"));
        let mut after = before.clone();
        after.filters[place].actions.remove(3);
        one_change(&before, &after, Kind::ActionRemoved, &format!("{path}[4]"));
        one_change(&after, &before, Kind::ActionAdded, &format!("{path}[4]"));
        // Several at once are a change of the filter.
        let mut after = before.clone();
        after.filters[place].actions.truncate(1);
        one_change(
            &before,
            &after,
            Kind::FilterChanged,
            "d0/ingress/filter[chain 0 pref 7 #1]",
        );
    }

    #[test]
    fn an_edit_of_a_filter_is_one_change_of_it() {
        let before = config(FILTERS);
        let mut after = before.clone();
        let place = at(
            &before,
            "block 10 protocol ip pref 1 flower dst_ip 10.0.0.1 action",
        );
        after.filters[place].class = Some("1:9".to_owned());
        one_change(
            &before,
            &after,
            Kind::FilterChanged,
            "block 10/filter[chain 0 pref 1 #1]",
        );
    }

    #[test]
    fn order_matters_within_one_priority() {
        let before = config(FILTERS);
        let mut after = before.clone();
        let place = at(&before, "block 10");
        after.filters.swap(place, place + 1);
        let found = compare_tc(&before, &after);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].kind, Kind::FilterMoved);
    }

    #[test]
    fn a_replaced_qdisc_keeps_its_filters() {
        let before = config(FILTERS);
        let mut after = before.clone();
        let root = |qdisc: &&mut Qdisc| qdisc.device == "d6".into() && qdisc.parent == "root";
        after.qdiscs.iter_mut().find(root).unwrap().kind = "drr".into();
        one_change(&before, &after, Kind::QdiscChanged, "d6/qdisc[root]");
    }

    #[test]
    fn chains_are_compared_by_number() {
        let before = config(FILTERS);
        let mut after = before.clone();
        after.chains.pop();
        one_change(&before, &after, Kind::FilterChainRemoved, "d1/ingress/chain[8]");
        let mut after = before.clone();
        after.chains[0].options = Options::None;
        one_change(&before, &after, Kind::FilterChainChanged, "d1/ingress/chain[7]");
    }
}
