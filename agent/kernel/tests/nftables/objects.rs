//! Named objects, sets with everything in them, and the families beside `ip`, `ip6` and `inet`.

use netghost_core::artifact::json;
use netghost_core::netfilter::model::{Definition, Object, RulesetRuntime, Table, TableRuntime};
use netghost_core::netfilter::text;
use netghost_core::section::{Content, Section, State};
use netghost_lab::netns::Namespace;

use crate::reading::{assert_same, config, load_with_links as load, opaque, read, read_once};

const OBJECTS: &str = include_str!("../rulesets/objects.nft");

fn runtime(section: &Section) -> &RulesetRuntime {
    match section.content.as_ref().unwrap() {
        Content::Netfilter { runtime, .. } => runtime,
        other => panic!("not a ruleset: {other:?}"),
    }
}

fn object<'a>(table: &'a Table, kind: &str, name: &str) -> (usize, &'a Object) {
    let found = |object: &Object| object.kind == kind && object.name == name.into();
    let index = table.objects.iter().position(found).unwrap();
    (index, &table.objects[index])
}

#[test]
fn root_objects_are_decoded_and_print_as_what_loads_the_same() {
    let first = read(&load(OBJECTS));
    let ruleset = config(&first);
    assert_eq!(opaque(ruleset), [""; 0]);
    let objects = ruleset.tables.iter().flat_map(|table| &table.objects);
    let undecoded: Vec<&Object> = objects.filter(|object| object.definition.is_none()).collect();
    assert_eq!(undecoded, [] as [&Object; 0]);
    let again = read(&load(&text::nft::ruleset(ruleset)));
    assert_same(ruleset, config(&again));
    assert_eq!(
        json::digest(ruleset).unwrap(),
        json::digest(config(&again)).unwrap()
    );
}

/// What was counted and used stands beside the configuration, in the same places.
#[test]
fn root_what_objects_have_come_to_is_runtime() {
    let section = read(&load(OBJECTS));
    let (table, came_to): (&Table, &TableRuntime) = config(&section)
        .tables
        .iter()
        .zip(&runtime(&section).tables)
        .find(|(table, _)| table.name == "t".into())
        .unwrap();
    assert_eq!(table.objects.len(), came_to.objects.len());
    let (counter, what) = object(table, "counter", "c");
    assert_eq!(what.definition, Some(Definition::Counter));
    assert_eq!(what.comment, Some("counted".into()));
    let counted = came_to.objects[counter].counters.unwrap();
    assert_eq!((counted.packets.0, counted.bytes.0), (3, 4));
    let (quota, _) = object(table, "quota", "q");
    assert_eq!(came_to.objects[quota].used.unwrap().0, 3);
    let set = |name: &str| {
        let name = name.into();
        table.sets.iter().position(|set| set.name == name).unwrap()
    };
    let (everything, stays) = (&came_to.sets[set("everything")], &came_to.sets[set("stays")]);
    let counted: Vec<u64> = everything
        .states
        .iter()
        .map(|state| state.counters.unwrap().packets.0)
        .collect();
    assert_eq!(counted, [5, 0]);
    let left = stays.states[0].expires_ms.unwrap().0;
    assert!(left > 200_000 && left <= 300_000, "{left} ms");
    assert_eq!(came_to.sets[set("merged")].states, []);
}

/// A table that a program owns goes with it; who that is is runtime.
#[test]
fn root_an_owned_table_is_told_and_its_owner_is_runtime() {
    let namespace = Namespace::new().unwrap();
    let script = "printf 'add table ip t { flags owner; }\\nlist tables\\n'; sleep 5";
    let shell = format!("({script}) | nft -i >/dev/null");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &shell]);
    let mut holder = namespace.spawn(command).unwrap();
    let section = (0..100)
        .map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            read_once(&namespace)
        })
        .find(|section| section.state == State::Captured && !config(section).tables.is_empty())
        .map(|_| read(&namespace));
    let killed = holder.kill();
    holder.wait().unwrap();
    killed.unwrap();
    let section = section.expect("the table came up within two seconds");
    assert_eq!(config(&section).tables[0].flags, ["owner"]);
    assert!(runtime(&section).tables[0].owner.is_some());
}
