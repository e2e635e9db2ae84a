//! What a plane would hold after the next boot.

use std::collections::{BTreeMap, BTreeSet};

use super::level::{is_of_iptables, without_trifles};
use crate::bytes::Text;
use crate::host::persisted::{Into, Load, Rules, Starts, Syntax, What, in_plane};
use crate::netfilter::model::{ChainId, Family, HookOrder, Item, Plane, Ruleset, Statement, Table, Value};
use crate::section::{Gap, SectionName};
use crate::snapshot::Snapshot;

/// What is expected, and what of it is not known.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) config: Ruleset,
    pub(super) gaps: Vec<Gap>,
    /// Tables that a program makes of its own configuration and that do not run, with the program.
    pub(super) from_makers: Vec<(String, &'static str)>,
    /// Tables that iptables fills: its text does not tell all that stands in its rules.
    pub(super) counted: BTreeSet<(Family, Text)>,
    /// Which load each table is from.
    owners: BTreeMap<(Family, Text), usize>,
}

/// The table that firewalld makes in nf_tables.
const FIREWALLD: (Family, &str) = (Family::Inet, "firewalld");

impl Expected {
    /// What the loads put into a plane, or into a family of it.
    pub(super) fn of(loads: &[&Load], plane: Plane, family: Option<Family>, runs: &Ruleset) -> Self {
        let mut out = Self {
            config: Ruleset {
                plane,
                tables: Vec::new(),
                hook_order: Vec::new(),
            },
            gaps: Vec::new(),
            from_makers: Vec::new(),
            counted: BTreeSet::new(),
            owners: BTreeMap::new(),
        };
        let mut flushes: Option<usize> = None;
        let mut orders = Vec::new();
        for (index, load) in loads.iter().enumerate() {
            if matches!(load.starts, Starts::No(_)) {
                continue;
            }
            match here(load, plane, family) {
                Here::No => {}
                Here::Gap(path, why) => out.gap(&path, format!("what the next boot loads: {why}")),
                Here::Made(iptables, table) => {
                    if table != Some(false) {
                        out.made(plane, runs, table.is_some() && load.starts == Starts::Yes);
                    }
                    if iptables {
                        out.made_by_iptables(family);
                    }
                }
                Here::Rules(rules) => {
                    if rules.flushes {
                        flushes = Some(index);
                    }
                    orders.extend(rules.config.hook_order.clone());
                    out.rules(index, load, *rules);
                }
            }
        }
        out.flushed(loads, flushes);
        out.config = without_trifles(&out.config);
        out.config
            .tables
            .sort_by(|a, b| (a.family, &a.name).cmp(&(b.family, &b.name)));
        out.order(orders, runs);
        out
    }

    fn gap(&mut self, path: &str, why: String) {
        self.gaps.push(Gap {
            path: path.to_owned(),
            why,
        });
    }

    /// The rules of one load; a table that another has too can't be told.
    fn rules(&mut self, index: usize, load: &Load, rules: Rules) {
        let by = load.unit.unwrap_or_default();
        for gap in rules.gaps {
            // A file that was not read may hold anything.
            let path = if begins_with_family(&gap.path) {
                gap.path
            } else {
                String::new()
            };
            self.gap(&path, format!("what the next boot loads: {}", gap.why));
        }
        for table in rules.config.tables {
            let path = format!("{}/{}", table.family, table.name);
            if let Starts::Unknown(why) = &load.starts {
                self.gap(&path, format!("whether {by} starts is not known: {why}"));
            }
            for name in ipsets(&table) {
                let why = format!(
                    "its rules ask the ipset {name}, without which none of them loads, and what makes it at a boot is not followed"
                );
                self.gap(&path, why);
            }
            let key = (table.family, table.name.clone());
            if self.owners.contains_key(&key) {
                self.gap(&path, format!("{by} and another load both fill this table"));
                continue;
            }
            if matches!(
                load.what,
                What::Rules {
                    syntax: Syntax::Save(_),
                    ..
                }
            ) {
                self.counted.insert(key.clone());
            }
            self.owners.insert(key, index);
            self.config.tables.push(table);
        }
    }

    /// Where one load flushes everything, what the others put there stays only if they come later.
    fn flushed(&mut self, loads: &[&Load], flushes: Option<usize>) {
        let Some(flusher) = flushes else {
            return;
        };
        let by = loads.get(flusher).and_then(|load| load.unit).unwrap_or_default();
        let others = self.owners.iter().filter(|(_, owner)| **owner != flusher);
        let paths: Vec<String> = others
            .map(|((family, name), _)| format!("{family}/{name}"))
            .collect();
        for path in paths {
            let why = format!(
                "{by} flushes the whole ruleset, and nothing says whether it starts before what loads this table"
            );
            self.gap(&path, why);
        }
    }

    /// firewalld's own rules are in no file.
    fn made(&mut self, plane: Plane, runs: &Ruleset, is_sure: bool) {
        let (family, name) = FIREWALLD;
        if plane != Plane::Nft {
            return;
        }
        let path = format!("{family}/{name}");
        let is_there = |table: &Table| table.family == family && table.name.as_bytes() == name.as_bytes();
        let why = "not comparable: firewalld makes these rules of its zones and policies";
        if is_sure && !runs.tables.iter().any(is_there) {
            self.from_makers.push((path, "firewalld"));
        } else {
            self.gap(&path, why.to_owned());
        }
    }

    /// Where firewalld has rules in the tables of iptables, all of these are.
    fn made_by_iptables(&mut self, family: Option<Family>) {
        let families = family.map_or_else(|| vec![Family::Ip, Family::Ip6], |family| vec![family]);
        for family in families {
            let why = "not comparable: firewalld puts rules of its own here, direct ones or all";
            self.gap(family.as_str(), why.to_owned());
        }
    }

    /// The order of chains at one place is that of one file; between several, it is that in which they are loaded.
    fn order(&mut self, orders: Vec<HookOrder>, runs: &Ruleset) {
        self.config.hook_order = orders;
        for row in &runs.hook_order {
            let owner = |id: &ChainId| self.owners.get(&(id.family, id.table.clone()));
            let mut owners = row.chains.iter().filter_map(owner);
            let first = owners.next();
            if owners.any(|other| Some(other) != first) {
                let here = |one: &HookOrder| (one.family, one.hook, one.priority);
                self.config.hook_order.retain(|one| here(one) != here(row));
                let path = format!("{}/{}/{}", row.family, row.hook.as_str(), row.priority);
                let why =
                    "several services load chains of one hook and priority; which runs first is not known";
                self.gaps.push(Gap {
                    path,
                    why: why.to_owned(),
                });
            }
        }
    }
}

/// What a load means for a plane.
enum Here {
    No,
    /// Whether the tables of iptables are touched, and whether a table of its own is made.
    Made(bool, Option<bool>),
    Gap(String, String),
    Rules(Box<Rules>),
}

fn here(load: &Load, plane: Plane, family: Option<Family>) -> Here {
    let (syntax, into, text, rules) = match &load.what {
        What::Firewalld { iptables, table } => return Here::Made(*iptables, *table),
        What::Unfollowed(why) => return Here::Gap(String::new(), why.clone()),
        What::Rules {
            syntax,
            into,
            text,
            rules,
        } => (*syntax, into, text, rules),
    };
    let whole = match syntax {
        Syntax::Nft if plane == Plane::Nft => String::new(),
        Syntax::Nft => return Here::No,
        Syntax::Save(of) if family.is_none_or(|family| family == of) => of.to_string(),
        Syntax::Save(_) => return Here::No,
    };
    match (into, rules) {
        (Into::Plane(of), _) if *of != plane => Here::No,
        (_, Err(why)) => Here::Gap(whole, format!("{}: {why}", load.files.join(", "))),
        (Into::Plane(_), Ok(_)) if syntax != Syntax::Nft => {
            match in_plane(text, save_family(syntax), plane) {
                Ok(rules) => Here::Rules(Box::new(rules)),
                Err(why) => Here::Gap(whole, why),
            }
        }
        (Into::Plane(_), Ok(rules)) => Here::Rules(Box::new(rules.clone())),
        (Into::Unknown(why), Ok(_)) => Here::Gap(
            whole,
            format!(
                "{} goes to a plane that is not known: {why}",
                load.files.join(", ")
            ),
        ),
    }
}

fn save_family(syntax: Syntax) -> Family {
    match syntax {
        Syntax::Save(family) => family,
        Syntax::Nft => Family::Inet,
    }
}

/// The ipsets that rules of xtables in a table use, each once.
fn ipsets(table: &Table) -> BTreeSet<String> {
    let items = table
        .chains
        .iter()
        .flat_map(|chain| &chain.rules)
        .flat_map(|rule| &rule.items);
    let mut out = BTreeSet::new();
    for item in items {
        let value = match item {
            Item::Match(one) if one.field.0 == "ipset" => Some(&one.value),
            Item::Statement(Statement::Target { name, options }) if name == "SET" => {
                options.iter().find_map(|option| option.value.as_ref())
            }
            _ => None,
        };
        out.extend(value.and_then(first_name));
    }
    out
}

/// The first name in a value, where a set's stands.
fn first_name(value: &Value) -> Option<String> {
    match value {
        Value::Text(name) => Some(name.to_string()),
        Value::Concat(values) => values.iter().find_map(first_name),
        Value::Parts(parts) => parts.iter().find_map(|part| first_name(&part.value)),
        _ => None,
    }
}

fn begins_with_family(path: &str) -> bool {
    const FAMILIES: [&str; 6] = ["ip", "ip6", "inet", "arp", "bridge", "netdev"];
    path.split('/')
        .next()
        .is_some_and(|first| FAMILIES.contains(&first))
}

/// The plane that holds rules of a family where only one does.
pub(super) fn holder(snapshot: &Snapshot, family: Family) -> Option<Plane> {
    let legacy = match family {
        Family::Ip6 => SectionName::XtablesLegacyIpv6,
        _ => SectionName::XtablesLegacyIpv4,
    };
    let holds = |name: SectionName| {
        let (runs, gaps) = super::running(snapshot.section(name)).ok()?;
        let of_family = |table: &Table| table.family == family && is_of_iptables(table);
        let any = runs.is_some_and(|runs| without_trifles(runs).tables.iter().any(of_family));
        (any || gaps.is_empty()).then_some(any)
    };
    match (holds(legacy)?, holds(SectionName::Nftables)?) {
        (true, false) => Some(Plane::Legacy),
        (false, true) => Some(Plane::Nft),
        _ => None,
    }
}
