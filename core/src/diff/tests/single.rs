//! Each single edit is exactly one change, of its own kind, and back again.

use super::made::*;
use crate::bytes::{Big, Hex};
use crate::diff::{Kind, Value, Verdict as Answer};
use crate::netfilter::model::{
    Definition, Family, Hook, Item, OpaqueAttribute, Plane, Ruleset, Statement, Table, Verdict,
};

fn start() -> Ruleset {
    let mut one = table(
        "filter",
        vec![chain("input", (1..=6).map(rule)), chain("other", [rule(1)])],
    );
    one.sets = vec![set("ports", [22, 80])];
    one.objects = vec![object("counter", "web")];
    ruleset(vec![one, table("second", Vec::new())])
}

/// The edit is one change of `there`, and undoing it one change of `back`.
fn check(edit: impl FnOnce(&mut Ruleset), there: Kind, back: Kind) {
    let before = start();
    let mut after = start();
    edit(&mut after);
    assert_ne!(before, after);
    let found = of_rulesets(&before, &after);
    assert_eq!(kinds(&found), [there], "{found:#?}");
    assert_eq!(found.verdict, Answer::Drift);
    assert_eq!(kinds(&of_rulesets(&after, &before)), [back]);
}

fn first(ruleset: &mut Ruleset) -> &mut Table {
    &mut ruleset.tables[0]
}

fn rules(ruleset: &mut Ruleset) -> &mut Vec<crate::netfilter::model::Rule> {
    &mut ruleset.tables[0].chains[0].rules
}

fn base(ruleset: &mut Ruleset) -> &mut crate::netfilter::model::BaseChain {
    ruleset.tables[0].chains[0].base.as_mut().unwrap()
}

fn ports(ruleset: &mut Ruleset) -> &mut crate::netfilter::model::Set {
    &mut ruleset.tables[0].sets[0]
}

#[test]
fn nothing_edited_is_no_change() {
    let found = of_rulesets(&start(), &start());
    assert_eq!(
        (found.verdict, found.drift_detected),
        (Answer::NoDrift, Some(false))
    );
    assert!(found.changes.is_empty());
    assert_eq!(found.digests.baseline, found.digests.current);
}

#[test]
fn rules_of_a_chain() {
    use Kind::*;
    check(|r| rules(r).insert(0, rule(9)), RuleAdded, RuleRemoved);
    check(|r| rules(r).insert(3, rule(2)), RuleAdded, RuleRemoved);
    check(|r| rules(r).push(rule(9)), RuleAdded, RuleRemoved);
    check(|r| rules(r)[2].items[0] = port(99), RuleChanged, RuleChanged);
    check(|r| rules(r)[2] = opaque(), RuleChanged, RuleChanged);
    check(
        |r| rules(r)[2].comment = Some("why".into()),
        CommentChanged,
        CommentChanged,
    );
    check(|r| rules(r).swap(1, 2), RuleMoved, RuleMoved);
    check(|r| rules(r).rotate_left(1), RuleMoved, RuleMoved);
    check(|r| rules(r).rotate_right(1), RuleMoved, RuleMoved);
    check(
        |r| rules(r)[0].items[1] = Item::Statement(Statement::Verdict(Verdict::Drop)),
        RuleChanged,
        RuleChanged,
    );
}

#[test]
fn jump_is_not_goto() {
    let to =
        |verdict| move |r: &mut Ruleset| rules(r)[0].items[1] = Item::Statement(Statement::Verdict(verdict));
    let (mut jump, mut goto) = (start(), start());
    to(Verdict::Jump {
        chain: "other".into(),
    })(&mut jump);
    to(Verdict::Goto {
        chain: "other".into(),
    })(&mut goto);
    assert_eq!(kinds(&of_rulesets(&jump, &goto)), [Kind::RuleChanged]);
}

#[test]
fn chains() {
    use Kind::*;
    check(|r| base(r).policy = Verdict::Drop, PolicyChanged, PolicyChanged);
    check(|r| base(r).priority = -5, PriorityChanged, PriorityChanged);
    check(|r| base(r).hook = Hook::Forward, HookChanged, HookChanged);
    check(
        |r| base(r).chain_type = "nat".into(),
        ChainTypeChanged,
        ChainTypeChanged,
    );
    check(
        |r| base(r).devices = vec!["eth0".into()],
        DevicesChanged,
        DevicesChanged,
    );
    check(|r| base(r).offload = true, OffloadChanged, OffloadChanged);
    check(|r| first(r).chains[0].base = None, HookChanged, HookChanged);
    check(
        |r| first(r).chains[0].comment = Some("x".into()),
        CommentChanged,
        CommentChanged,
    );
    check(
        |r| first(r).chains.push(chain("third", (1..50).map(rule))),
        ChainAdded,
        ChainRemoved,
    );
}

#[test]
fn tables() {
    use Kind::*;
    check(
        |r| first(r).flags = vec!["dormant".into()],
        TableFlagsChanged,
        TableFlagsChanged,
    );
    check(
        |r| first(r).comment = Some("x".into()),
        CommentChanged,
        CommentChanged,
    );
    check(
        |r| r.tables.push(table("third", vec![chain("c", (1..50).map(rule))])),
        TableAdded,
        TableRemoved,
    );
    check(|r| r.plane = Plane::Legacy, PlaneChanged, PlaneChanged);
}

#[test]
fn sets_and_objects() {
    use Kind::*;
    check(
        |r| ports(r).elements.extend(set("", [443]).elements),
        SetElementAdded,
        SetElementRemoved,
    );
    check(
        |r| ports(r).elements[0].timeout_ms = Some(Big(5)),
        SetElementChanged,
        SetElementChanged,
    );
    check(
        |r| ports(r).elements[0].comment = Some("x".into()),
        CommentChanged,
        CommentChanged,
    );
    check(
        |r| ports(r).comment = Some("x".into()),
        CommentChanged,
        CommentChanged,
    );
    check(
        |r| ports(r).flags = vec!["timeout".into()],
        SetFlagsChanged,
        SetFlagsChanged,
    );
    check(
        |r| ports(r).timeout_ms = Some(Big(1000)),
        SetTimeoutChanged,
        SetTimeoutChanged,
    );
    check(
        |r| ports(r).key_type = "mark".into(),
        SetTypeChanged,
        SetTypeChanged,
    );
    check(|r| ports(r).size = Some(9), SetChanged, SetChanged);
    check(|r| first(r).sets.push(set("more", 0..50)), SetAdded, SetRemoved);
    check(
        |r| first(r).objects.push(object("quota", "web")),
        ObjectAdded,
        ObjectRemoved,
    );
    check(
        |r| first(r).objects[0].payload = Hex(vec![7]),
        ObjectChanged,
        ObjectChanged,
    );
    let dynamic = |r: &mut Ruleset| {
        ports(r).flags = vec!["dynamic".into()];
        ports(r).elements.clear();
    };
    check(dynamic, SetFlagsChanged, SetFlagsChanged);
}

#[test]
fn the_order_of_hooks() {
    let both = |chains: &[&str]| {
        let mut out = start();
        out.hook_order = vec![order(Family::Ip, chains), order(Family::Ip6, chains)];
        out
    };
    let found = of_rulesets(&both(&["a", "b", "c"]), &both(&["b", "a", "c"]));
    assert_eq!(kinds(&found), [Kind::HookOrderChanged]);
    assert_eq!(found.changes[0].path, "inet/input/0");
}

#[test]
fn a_chain_that_joins_a_hook_is_not_a_change_of_order() {
    let (mut before, mut after) = (start(), start());
    before.hook_order = vec![order(Family::Ip, &["a", "b"])];
    after.hook_order = vec![order(Family::Ip, &["new", "a", "b"])];
    after.tables[0].chains.push(chain("new", []));
    assert_eq!(kinds(&of_rulesets(&before, &after)), [Kind::ChainAdded]);
}

#[test]
fn what_no_kind_names_is_still_drift() {
    let mut after = start();
    after.hook_order = vec![order(Family::Ip, &["a", "b"])];
    assert_eq!(kinds(&of_rulesets(&start(), &after)), [Kind::SectionChanged]);
}

#[test]
fn positions_of_both_sides_are_told() {
    let mut after = start();
    rules(&mut after).rotate_left(1);
    let found = of_rulesets(&start(), &after);
    let change = &found.changes[0];
    assert_eq!(change.path, "ip/filter/input/rule[6]");
    let position = |value: &Option<Value>| match value {
        Some(Value::Rule(rule)) => rule.position,
        other => panic!("{other:?}"),
    };
    assert_eq!((position(&change.before), position(&change.after)), (1, 6));
}

#[test]
fn one_rule_above_a_hundred_is_one_change() {
    let of = |rules: Vec<_>| ruleset(vec![table("filter", vec![chain("input", rules)])]);
    let hundred: Vec<_> = (0..100).map(|n| rule(n % 7)).collect();
    let more = [vec![rule(50)], hundred.clone()].concat();
    let found = of_rulesets(&of(hundred), &of(more));
    assert_eq!(kinds(&found), [Kind::RuleAdded]);
    assert_eq!(found.changes[0].path, "ip/filter/input/rule[1]");
}

#[test]
fn one_rule_in_twenty_thousand_is_one_change() {
    let of = |rules: Vec<_>| ruleset(vec![table("filter", vec![chain("input", rules)])]);
    let many: Vec<_> = (0..20_000).map(|n| rule(n % 15_000)).collect();
    let mut more = many.clone();
    let last = more.pop().unwrap();
    more.insert(0, last);
    let started = std::time::Instant::now();
    let found = of_rulesets(&of(many), &of(more));
    println!("compared in {:?}", started.elapsed());
    assert_eq!(kinds(&found), [Kind::RuleMoved]);
}

#[test]
fn an_edit_beside_an_insertion_is_told_as_both() {
    let mut after = start();
    rules(&mut after)[2] = opaque();
    rules(&mut after).insert(3, rule(3));
    rules(&mut after)[3].items.push(port(1));
    let mut found = kinds(&of_rulesets(&start(), &after));
    found.sort();
    assert_eq!(found, [Kind::RuleAdded, Kind::RuleChanged]);
}

#[test]
fn shuffled_copies_beyond_the_bound_are_one_change() {
    let of = |rules: Vec<_>| ruleset(vec![table("filter", vec![chain("input", rules)])]);
    let one: Vec<_> = (0..6_000).map(|n| rule(n % 2)).collect();
    let other: Vec<_> = (0..6_000).map(|n| rule((n / 2 + 1) % 2)).collect();
    assert_eq!(
        kinds(&of_rulesets(&of(one), &of(other))),
        [Kind::RulesReplacedWholesale]
    );
}

#[test]
fn what_an_object_says_its_comment_and_attributes_that_are_not_known() {
    use Kind::{AttributesChanged, CommentChanged, ObjectChanged, SetChanged, SetElementChanged};
    let unknown = || OpaqueAttribute {
        number: 99,
        payload: Hex(vec![1]),
    };
    let quota = Definition::Quota {
        bytes: Big(5),
        over: false,
    };
    check(
        |r| first(r).objects[0].definition = Some(quota),
        ObjectChanged,
        ObjectChanged,
    );
    check(
        |r| first(r).objects[0].comment = Some("of the web".into()),
        CommentChanged,
        CommentChanged,
    );
    check(
        |r| first(r).objects[0].opaque.push(unknown()),
        ObjectChanged,
        ObjectChanged,
    );
    check(
        |r| first(r).opaque.push(unknown()),
        AttributesChanged,
        AttributesChanged,
    );
    check(
        |r| first(r).chains[0].opaque.push(unknown()),
        AttributesChanged,
        AttributesChanged,
    );
    check(
        |r| first(r).sets[0].opaque.push(unknown()),
        SetChanged,
        SetChanged,
    );
    check(
        |r| first(r).sets[0].elements[0].opaque.push(unknown()),
        SetElementChanged,
        SetElementChanged,
    );
}
