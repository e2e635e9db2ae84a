//! Rules of iptables and ip6tables, in both planes.

use std::collections::BTreeMap;

use netghost_core::artifact::json;
use netghost_core::netfilter::model::{Family, Item, Plane as RulePlane, Rule, Ruleset, RulesetRuntime};
use netghost_core::netfilter::{save, text};
use netghost_core::section::{Content, Section, State};
use netghost_kernel::{nftables, xtables};
use netghost_lab::netns::Namespace;

use crate::trip::{self, Plane, Wrong};

mod generator;
mod undone;

use generator::Generator;

/// Sets that rules may name.
const SETS: &str = "create one hash:ip counters timeout 0 skbinfo
create two hash:ip,port counters timeout 0 skbinfo
create three hash:ip,port,net
create six hash:ip family inet6 counters timeout 0 skbinfo
create six-2 hash:ip,port family inet6 counters timeout 0 skbinfo
create list list:set
";

/// Rules in each of the five tables of a batch.
const RULES: usize = 80;

/// The tools of one family in one plane.
struct Tool {
    ipv6: bool,
    nft: bool,
}

type Read = (Ruleset, RulesetRuntime);

impl Tool {
    fn program(&self, what: &str) -> String {
        let family = if self.ipv6 { "ip6tables" } else { "iptables" };
        let plane = if self.nft { "nft" } else { "legacy" };
        format!("{family}-{plane}-{what}")
    }

    fn section(&self, namespace: &Namespace) -> Section {
        let read = match (self.nft, self.ipv6) {
            (true, _) => nftables::read,
            (false, false) => xtables::read_ipv4,
            (false, true) => xtables::read_ipv6,
        };
        namespace.enter(|| read(&|| 0)).unwrap()
    }

    fn family(&self) -> Family {
        if self.ipv6 { Family::Ip6 } else { Family::Ip }
    }

    fn saved(&self, namespace: &Namespace) -> Vec<u8> {
        namespace.must(&[&self.program("save"), "-c"]).unwrap().stdout
    }

    /// What the save tool's text, and ours, are read as.
    fn of_text(&self, text: &[u8]) -> Result<Read, String> {
        let section = save::parse(text, Some(self.family())).map_err(|error| error.to_string())?;
        // A text names sets, where the kernel has numbers: both are names by now.
        content(section)
    }
}

fn content(section: Section) -> Result<Read, String> {
    if section.state != State::Captured || !section.gaps.is_empty() {
        return Err(format!("{:?} {:?}", section.state, section.gaps));
    }
    match section.content {
        Some(Content::Netfilter { mut config, runtime }) => {
            config.plane = RulePlane::Unstated;
            Ok((config, runtime))
        }
        other => Err(format!("not a ruleset: {other:?}")),
    }
}

/// Where each rule of a text stands: table, chain, and its line for each rule in the order of the chain.
fn places(lines: &[String]) -> BTreeMap<(String, String), Vec<usize>> {
    let mut out: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    let mut table = String::new();
    for (at, line) in lines.iter().enumerate() {
        if let Some(name) = line.strip_prefix('*') {
            name.clone_into(&mut table);
        } else if let Some(rule) = line.split("-A ").nth(1) {
            let chain = rule.split(' ').next().unwrap().to_owned();
            out.entry((table.clone(), chain)).or_default().push(at);
        }
    }
    out
}

/// Each rule of a ruleset by its place.
fn rules(ruleset: &Ruleset) -> BTreeMap<(String, String), &[Rule]> {
    let tables = ruleset.tables.iter();
    tables
        .flat_map(|table| {
            table.chains.iter().map(move |chain| {
                let place = (table.name.to_string(), chain.name.to_string());
                (place, chain.rules.as_slice())
            })
        })
        .collect()
}

fn is_opaque(rule: &Rule) -> bool {
    rule.items.iter().any(|item| matches!(item, Item::Opaque(_)))
}

/// The rules of two readings that differ, with the lines that they came from.
fn differing(what: &str, lines: &[String], one: &Ruleset, two: &Ruleset) -> Vec<Wrong> {
    let (places, one_rules, two_rules) = (places(lines), rules(one), rules(two));
    let mut wrong = Vec::new();
    for (place, line) in places.iter().flat_map(|(place, lines)| {
        let numbered = lines.iter().enumerate();
        numbered.map(move |(number, line)| ((place, number), *line))
    }) {
        let rule = |rules: &BTreeMap<(String, String), &[Rule]>| {
            rules.get(place.0).and_then(|rules| rules.get(place.1)).cloned()
        };
        let (a, b) = (rule(&one_rules), rule(&two_rules));
        if a != b {
            let why = format!("{what}\n    {a:?}\n    {b:?}");
            wrong.push(Wrong {
                line: Some(line),
                why,
            });
        }
    }
    if wrong.is_empty() && json::digest(one).unwrap() != json::digest(two).unwrap() {
        let why = format!("{what}: the rules are equal and the digests are not");
        wrong.push(Wrong { line: None, why });
    }
    wrong
}

impl Plane for Tool {
    type Read = Read;

    fn load(&self, lines: &[String]) -> Result<Namespace, String> {
        let namespace = Namespace::new().unwrap();
        let sets = namespace.exec_with_input(&["ipset", "restore"], SETS.as_bytes());
        sets.unwrap().ok(&["ipset", "restore"]).unwrap();
        let program = self.program("restore");
        let argv = if self.nft {
            vec![program.as_str(), "-c"]
        } else {
            vec![program.as_str(), "-w", "60", "-c"]
        };
        let input = lines.join("\n") + "\n";
        let done = namespace.exec_with_input(&argv, input.as_bytes()).unwrap();
        if done.status.success() {
            return Ok(namespace);
        }
        Err(String::from_utf8_lossy(&done.stderr).into_owned())
    }

    fn blamed(&self, complaint: &str, lines: &[String]) -> Vec<usize> {
        let after_word = complaint.split("line").skip(1);
        let numbers = after_word.filter_map(|after| {
            let after = after.trim_start_matches([':', ' ']);
            let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<usize>().ok()?.checked_sub(1)
        });
        numbers
            .filter(|at| lines.get(*at).is_some_and(|line| self.is_case(line)))
            .collect()
    }

    fn is_case(&self, line: &str) -> bool {
        line.starts_with('[') || line.starts_with("-A ")
    }

    fn read(&self, namespace: &Namespace) -> Result<Read, String> {
        content(self.section(namespace))
    }

    fn print(&self, (config, runtime): &Read) -> Vec<String> {
        let tables = config.tables.iter().zip(&runtime.tables);
        let text: Vec<u8> = tables
            .flat_map(|(table, runtime)| {
                let saved = text::iptables::table_save(table, Some(runtime));
                saved.as_bytes().to_vec()
            })
            .collect();
        let text = String::from_utf8(text).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn judge(&self, lines: &[String], (config, runtime): &Read, namespace: &Namespace) -> Vec<Wrong> {
        let rules = rules(config);
        let mut wrong = Vec::new();
        for (place, lines) in places(lines) {
            let read = rules.get(&place).copied().unwrap_or_default();
            if read.len() != lines.len() {
                let why = format!("{place:?}: {} rules loaded, {} read", lines.len(), read.len());
                wrong.push(Wrong { line: None, why });
            }
            let opaque = lines.iter().zip(read).filter(|(_, rule)| is_opaque(rule));
            wrong.extend(opaque.map(|(line, rule)| Wrong {
                line: Some(*line),
                why: format!("it is opaque: {rule:?}"),
            }));
        }
        if !wrong.is_empty() {
            return wrong;
        }
        if self.nft {
            let foreign = config.tables.iter().find(|table| !text::is_iptables_table(table));
            return foreign
                .map(|table| Wrong {
                    line: None,
                    why: format!("{} is not known as a table of iptables", table.name),
                })
                .into_iter()
                .collect();
        }
        self.judge_texts(lines, (config, runtime), namespace)
    }

    fn differences(&self, lines: &[String], one: &Read, two: &Read) -> Vec<Wrong> {
        let mut wrong = differing("what is printed is another rule", lines, &one.0, &two.0);
        if wrong.is_empty() && !self.nft && one.1 != two.1 {
            let why = "counters are lost in between".to_owned();
            wrong.push(Wrong { line: None, why });
        }
        wrong
    }

    fn own_words(&self, namespace: &Namespace) -> Vec<String> {
        let saved = String::from_utf8_lossy(&self.saved(namespace)).into_owned();
        saved.lines().map(str::to_owned).collect()
    }
}

impl Tool {
    /// The save tool's text, and ours, are read by the parser of files as what the kernel holds.
    fn judge_texts(
        &self,
        lines: &[String],
        read: (&Ruleset, &RulesetRuntime),
        namespace: &Namespace,
    ) -> Vec<Wrong> {
        let (config, runtime) = read;
        let ours = self.print(&(config.clone(), runtime.clone())).join("\n") + "\n";
        for (what, text) in [
            (
                "the save tool's text is read as another rule",
                self.saved(namespace),
            ),
            ("our own text is read as another rule", ours.into_bytes()),
        ] {
            let wrong = match self.of_text(&text) {
                Ok((of_text, counts)) => {
                    let mut wrong = differing(what, lines, config, &of_text);
                    if wrong.is_empty() && counts != *runtime {
                        let why = format!("{what}: counters");
                        wrong.push(Wrong { line: None, why });
                    }
                    wrong
                }
                Err(why) => vec![Wrong {
                    line: None,
                    why: format!("{what}: {why}"),
                }],
            };
            if !wrong.is_empty() {
                return wrong;
            }
        }
        Vec::new()
    }
}

fn round_trips(ipv6: bool, nft: bool) {
    let tool = Tool { ipv6, nft };
    let what = tool.program("restore");
    trip::run(&what, &tool, 800, |seed| {
        let text = Generator::new(seed, ipv6).ruleset(RULES);
        text.lines().map(str::to_owned).collect()
    });
}

#[test]
fn root_random_rules_of_legacy_iptables_come_back() {
    round_trips(false, false);
}

#[test]
fn root_random_rules_of_legacy_ip6tables_come_back() {
    round_trips(true, false);
}

#[test]
fn root_random_rules_of_iptables_nft_come_back() {
    round_trips(false, true);
}

#[test]
fn root_random_rules_of_ip6tables_nft_come_back() {
    round_trips(true, true);
}
