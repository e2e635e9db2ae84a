//! Tables that are read once, and those that are not.

use std::collections::BTreeMap;

use netghost_core::raw::{SetName, XtablesTable};
use netghost_core::section::{Content, Section, State};

use super::super::tests::filter_table;
use super::super::{IPV4, read_from};
use super::*;
use crate::netlink::DumpError;

const DROP: i32 = -1;
const ACCEPT: i32 = -2;

/// A kernel whose tables have other policies from one reading to the next.
#[derive(Default)]
struct Host {
    /// Name, size that is told, the policy of INPUT in each reading; the last one stays.
    tables: BTreeMap<&'static str, (usize, Vec<i32>)>,
    /// Whether entries are marked as the kernel marks them.
    marked: bool,
    sets: Vec<SetName>,
    /// The names of the tables in the order of reading.
    read: Vec<Text>,
}

impl Source for Host {
    fn names(&mut self) -> Result<Vec<Text>, ReadError> {
        Ok(self.tables.keys().map(|name| (*name).into()).collect())
    }

    fn sets(&mut self, _: &[XtablesTable]) -> Result<Vec<SetName>, DumpError> {
        Ok(self.sets.clone())
    }

    fn size(&mut self, name: &Text) -> usize {
        self.tables[name.as_str().unwrap()].0
    }

    fn table(&mut self, name: &Text) -> Result<Option<XtablesTable>, ReadError> {
        self.read.push(name.clone());
        let policies = &mut self.tables.get_mut(name.as_str().unwrap()).unwrap().1;
        let policy = if policies.len() > 1 {
            policies.remove(0)
        } else {
            policies[0]
        };
        let packets = u64::try_from(self.read.len()).unwrap();
        let mut table = filter_table(policy, packets);
        table.name = name.clone();
        for hook in 1..=3 {
            // `comefrom`, behind the two offsets.
            table.entries.0[(hook - 1) * 152 + 92] = u8::from(self.marked) << hook;
        }
        Ok(Some(table))
    }
}

fn host(tables: &[(&'static str, usize, &[i32])]) -> Host {
    let rows = tables
        .iter()
        .map(|(name, size, policies)| (*name, (*size, policies.to_vec())));
    Host {
        tables: rows.collect(),
        marked: true,
        ..Host::default()
    }
}

fn read(mut host: Host) -> (Section, String) {
    let section = read_from(IPV4, &mut host, &|| 0);
    assert_eq!(section.state, State::Captured);
    let read: Vec<String> = host.read.iter().map(Text::to_string).collect();
    (section, read.join(" "))
}

#[test]
fn one_table_that_tells_its_chains_is_read_once() {
    assert_eq!(read(host(&[("filter", 0, &[DROP])])).1, "filter");
}

#[test]
fn a_table_that_does_not_tell_its_chains_is_read_twice() {
    let unmarked = Host {
        marked: false,
        ..host(&[("filter", 0, &[DROP])])
    };
    assert_eq!(read(unmarked).1, "filter filter");
}

#[test]
fn rules_that_name_sets_are_read_twice() {
    let with_sets = Host {
        sets: vec![SetName {
            index: 1,
            name: "one".into(),
        }],
        ..host(&[("filter", 0, &[DROP])])
    };
    assert_eq!(read(with_sets).1, "filter filter");
}

#[test]
fn the_largest_table_is_read_between_two_readings_of_the_others() {
    let tables: [(_, _, &[i32]); 3] = [
        ("filter", 9, &[DROP]),
        ("mangle", 2, &[DROP]),
        ("security", 1, &[ACCEPT]),
    ];
    let (section, read) = read(host(&tables));
    assert_eq!(read, "security mangle filter mangle security");
    let Some(Content::Netfilter { config, .. }) = section.content else {
        panic!("no content")
    };
    let names: Vec<String> = config.tables.iter().map(|table| table.name.to_string()).collect();
    assert_eq!(names, ["filter", "mangle", "security"]);
}

#[test]
fn what_changes_around_the_reading_of_the_largest_is_read_again() {
    let tables: [(_, _, &[i32]); 2] = [("filter", 9, &[ACCEPT]), ("security", 1, &[ACCEPT, DROP])];
    assert_eq!(
        read(host(&tables)).1,
        "security filter security security filter security filter"
    );
}
