use proptest::prelude::*;

use super::*;
use crate::bytes::Hex;
use crate::netfilter::model::{
    Chain, ChainId, Hook, HookOrder, Item, OpaqueAttribute, Plane, Statement, Table,
};
use crate::netfilter::nft_file;
use crate::section::Content;

fn rule(number: usize) -> Rule {
    let log = Statement::Counter {
        name: Some(Text::from(format!("n{number}"))),
    };
    Rule {
        items: vec![Item::Statement(log)],
        comment: number.is_multiple_of(3).then(|| "\"rules\":[]".into()),
    }
}

fn ruleset(chains: &[(&str, &[usize])]) -> Ruleset {
    let chain = |(name, rules): &(&str, &[usize])| Chain {
        name: (*name).into(),
        base: None,
        comment: None,
        rules: rules.iter().map(|number| rule(*number)).collect(),
        opaque: Vec::new(),
    };
    let table = Table {
        family: Family::Ip,
        name: "t".into(),
        flags: Vec::new(),
        comment: None,
        chains: chains.iter().map(chain).collect(),
        sets: Vec::new(),
        objects: Vec::new(),
        opaque: Vec::new(),
    };
    Ruleset {
        plane: Plane::Nft,
        tables: vec![table],
        hook_order: Vec::new(),
    }
}

/// The walk says what each of both says alone, whoever hashes.
fn check(one: &Ruleset, other: &Ruleset) {
    let alone = (json::digest(one).unwrap(), json::digest(other).unwrap());
    for on_a_thread in [false, true] {
        let twin = walk_by(on_a_thread, one, other).unwrap();
        assert_eq!(twin.digests, alone, "{one:?} {other:?}");
        for (name, left) in chains(one) {
            let same = chains(other).into_iter().find(|(other, _)| *other == name);
            let runs = same.map(|(_, right)| Runs::of(left, right));
            let known = twin.runs.get(&name).copied();
            assert!(known == runs || twin.runs.is_empty(), "{known:?} {runs:?}");
        }
    }
}

#[test]
fn digests_of_two_are_those_of_each() {
    let all = [
        ruleset(&[]),
        ruleset(&[("a", &[1, 2, 3, 4])]),
        ruleset(&[("a", &[9, 1, 2, 3, 4])]),
        ruleset(&[("a", &[1, 2, 4])]),
        ruleset(&[("a", &[])]),
        ruleset(&[("a", &[1, 1]), ("b", &[2])]),
        ruleset(&[("a", &[1, 1, 1]), ("c", &[2, 3])]),
        // Not in order, as nothing that was read is.
        ruleset(&[("b", &[1]), ("a", &[1])]),
    ];
    for one in &all {
        for other in &all {
            check(one, other);
        }
    }
}

/// What stands around the rules is written as it is in a ruleset.
#[test]
fn everything_that_a_ruleset_has_is_in_its_digest() {
    let attribute = |number| OpaqueAttribute {
        number,
        payload: Hex(vec![1, 2]),
    };
    let mut one = ruleset(&[("a", &[1, 2]), ("b", &[3])]);
    let ports = nft_file::parse_text(
        b"table ip t {\n set s { type inet_service; flags interval; elements = { 22, 80-90 } }\n counter c { }\n chain k { type filter hook input priority 0; policy drop; }\n}\n",
        &|_| None,
    );
    let Some(Content::Netfilter { config, .. }) = ports.unwrap().content else {
        panic!("not a ruleset")
    };
    let read = &config.tables[0];
    let table = &mut one.tables[0];
    (table.sets, table.objects) = (read.sets.clone(), read.objects.clone());
    assert_eq!((table.sets.len(), table.objects.len()), (1, 1));
    table.flags = vec!["dormant".to_owned()];
    table.comment = Some("\"rules\":[]".into());
    table.opaque = vec![attribute(7)];
    let chain = &mut table.chains[0];
    chain.base = read.chains[0].base.clone();
    assert!(chain.base.is_some());
    chain.comment = Some("noted".into());
    chain.opaque = vec![attribute(8), attribute(9)];
    let id = ChainId {
        family: Family::Ip,
        table: "t".into(),
        chain: "a".into(),
    };
    one.hook_order = vec![HookOrder {
        family: Family::Ip,
        hook: Hook::Input,
        priority: -1,
        chains: vec![id],
    }];
    check(&one, &one);
    check(&one, &ruleset(&[("a", &[1, 2]), ("b", &[3])]));
}

/// More than is hashed at once, on each side of where they part.
#[test]
fn long_streams_part_anywhere() {
    let rules: Vec<usize> = (0..4_000).collect();
    let whole = ruleset(&[("a", &rules), ("b", &rules[..1_500])]);
    let edited = |chain: &[usize]| ruleset(&[("a", chain), ("b", &rules[..1_500])]);
    check(&whole, &whole);
    for at in [0, 1, 2_000, 3_999, 4_000] {
        let (head, tail) = rules.split_at(at);
        check(&whole, &edited(&[head, &[9_999], tail].concat()));
        check(&edited(head), &whole);
    }
    check(&whole, &ruleset(&[("a", &rules)]));
    check(&ruleset(&[("b", &rules)]), &whole);
}

#[test]
fn walks_of_many_rules_are_known() {
    let rules: Vec<usize> = (0..MANY).collect();
    let (one, other) = (ruleset(&[("a", &rules)]), ruleset(&[("a", &rules[1..])]));
    let twin = walk(&one, &other).unwrap();
    assert_eq!(
        twin.digests,
        (json::digest(&one).unwrap(), json::digest(&other).unwrap())
    );
    let runs: Vec<Runs> = twin.runs.into_values().collect();
    assert_eq!(
        runs,
        [Runs {
            head: 0,
            tail: MANY - 1
        }]
    );
}

proptest! {
    #[test]
    fn random_chains(
        one in prop::collection::vec((0usize..4, prop::collection::vec(0usize..4, 0..9)), 0..4),
        other in prop::collection::vec((0usize..4, prop::collection::vec(0usize..4, 0..9)), 0..4),
    ) {
        const NAMES: [&str; 4] = ["a", "b", "c", "d"];
        let made = |chains: &[(usize, Vec<usize>)]| {
            let mut chains: Vec<(&str, &[usize])> =
                chains.iter().map(|(name, rules)| (NAMES[*name], rules.as_slice())).collect();
            chains.sort();
            chains.dedup_by_key(|(name, _)| *name);
            ruleset(&chains)
        };
        check(&made(&one), &made(&other));
    }
}

#[test]
fn runs_do_not_overlap() {
    let runs = Runs::of(&[1, 1], &[1, 1, 1]);
    assert_eq!(runs, Runs { head: 2, tail: 0 });
    assert_eq!(runs.parts(&[1, 1, 1]), (&[1, 1][..], &[1][..], &[][..]));
    assert_eq!(Runs::of(&[1, 2, 3], &[0, 2, 3]), Runs { head: 0, tail: 2 });
}
