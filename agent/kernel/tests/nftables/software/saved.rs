//! Rules of `iptables`, on either plane.

use netghost_core::artifact::json;
use netghost_core::netfilter::model::{Family, Plane, Ruleset, Table};
use netghost_core::netfilter::{save, text};
use netghost_kernel::{nftables, xtables};
use netghost_lab::netns::Namespace;

use super::{Made, family, ruleset, saved, surroundings};
use crate::reading::{assert_same, config, opaque};

/// The tables of one family: of the nft plane `iptables-nft` has those of IPv4.
fn of_family(ruleset: &Ruleset, family: Family) -> Vec<Table> {
    let mine = |table: &&Table| table.family == family;
    ruleset.tables.iter().filter(mine).cloned().collect()
}

/// A plane of `iptables`, and a family.
#[derive(Debug, Clone, Copy)]
struct Tool {
    nft: bool,
    family: Family,
}

impl Tool {
    fn program(self, what: &str) -> String {
        let family = if self.family == Family::Ip6 {
            "ip6tables"
        } else {
            "iptables"
        };
        format!("{family}-{}-{what}", if self.nft { "nft" } else { "legacy" })
    }

    fn load(self, text: &[u8]) -> Namespace {
        let namespace = surroundings();
        let restore = self.program("restore");
        let argv = [restore.as_str(), "-w", "20"];
        namespace.exec_with_input(&argv, text).unwrap().ok(&argv).unwrap();
        namespace
    }

    fn read(self, namespace: &Namespace) -> Vec<Table> {
        let section = namespace
            .enter(|| match (self.nft, self.family) {
                (true, _) => nftables::read(&|| 0),
                (false, Family::Ip6) => xtables::read_ipv6(&|| 0),
                (false, _) => xtables::read_ipv4(&|| 0),
            })
            .unwrap();
        let config = config(&section);
        assert_eq!(opaque(config), [""; 0]);
        of_family(config, self.family)
    }

    /// As the kernel has it, in the words of `iptables-save`.
    fn printed(tables: &[Table]) -> Vec<u8> {
        let texts = tables
            .iter()
            .flat_map(|table| text::iptables::table_save(table, None).as_bytes().to_vec());
        texts.collect()
    }

    fn check(self, made: &Made) {
        let first = self.load(made.text.as_bytes());
        let read = self.read(&first);
        let printed = Self::printed(&read);
        let saved = first.must(&[&self.program("save")]).unwrap().stdout;
        assert_lines(made.file, &printed, &saved);
        if !self.nft {
            assert_lines(made.file, &printed, made.text.as_bytes());
        }
        assert_tables(made.file, &read, &self.read(&self.load(&printed)));
        for (what, text) in [("save", saved.as_slice()), ("file", made.text.as_bytes())] {
            let section = save::parse(text, Some(self.family)).unwrap();
            assert_eq!(section.gaps, [], "{} {what}", made.file);
            if !self.nft {
                assert_tables(made.file, &read, &ruleset(&section).tables);
            }
        }
    }
}

fn assert_tables(file: &str, one: &[Table], other: &[Table]) {
    let ruleset = |tables: &[Table]| Ruleset {
        plane: Plane::Unstated,
        tables: tables.to_vec(),
        hook_order: Vec::new(),
    };
    let (one, other) = (ruleset(one), ruleset(other));
    println!("{file}");
    assert_same(&one, &other);
    assert_eq!(
        json::digest(&one).unwrap(),
        json::digest(&other).unwrap(),
        "{file}"
    );
}

/// Every rule as a line of a save tool, after its table. Tools print tables and chains in orders of their own.
fn lines(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let mut table = "";
    let mut out = Vec::new();
    for line in text.lines() {
        match line.strip_prefix('*') {
            Some(name) => table = name,
            None if line.starts_with("-A ") => out.push(format!("{table} {line}")),
            None => {}
        }
    }
    for line in &mut out {
        *line = spelled(line);
    }
    // Stable by table and chain, so that rules stay in their order.
    out.sort_by_key(|line| line.split(' ').take(3).collect::<Vec<_>>().join(" "));
    out
}

/// How the tools say what ours says otherwise: one form for equal meanings, numbers for rare protocols, and a space too many.
const SPELLINGS: [(&str, &str); 6] = [
    (" -p ipencap ", " -p 4 "),
    (" -p gre ", " -p 47 "),
    (" -m state --state ", " -m conntrack --ctstate "),
    (" -m tcp -j ", " -j "),
    (" -m sctp -j ", " -j "),
    ("--nfacct-name  ", "--nfacct-name "),
];

/// Where a comment stands means nothing, and is not kept.
fn spelled(line: &str) -> String {
    let mut rest = line.to_owned();
    let mut comments = Vec::new();
    while let Some((before, after)) = rest.split_once(" -m comment --comment ") {
        let end = match after.strip_prefix('"') {
            Some(quoted) => {
                let mut escaped = false;
                let close = quoted.find(|c| {
                    let found = c == '"' && !escaped;
                    escaped = c == '\\' && !escaped;
                    found
                });
                close.unwrap() + 2
            }
            None => after.find(' ').unwrap_or(after.len()),
        };
        comments.push(after[..end].trim_matches('"').to_owned());
        rest = format!("{before}{}", &after[end..]);
    }
    comments.sort();
    for (theirs, ours) in SPELLINGS {
        rest = rest.replace(theirs, ours);
    }
    format!("{rest} # {comments:?}")
}

fn assert_lines(file: &str, ours: &[u8], theirs: &[u8]) {
    let (ours, theirs) = (lines(ours), lines(theirs));
    let differing: Vec<String> = ours
        .iter()
        .zip(&theirs)
        .filter(|(one, other)| one != other)
        .map(|(one, other)| format!("ours   {one}\ntheirs {other}"))
        .collect();
    assert!(differing.is_empty(), "{file}:\n{}", differing.join("\n"));
    assert_eq!(ours.len(), theirs.len(), "{file}");
}

#[test]
fn root_legacy_rules_of_software_are_read_whole_and_print_as_they_were_saved() {
    for made in saved() {
        Tool {
            nft: false,
            family: family(made),
        }
        .check(made);
    }
}

#[test]
fn root_iptables_nft_rules_of_software_are_read_whole_and_print_as_they_were_saved() {
    for made in saved() {
        Tool {
            nft: true,
            family: family(made),
        }
        .check(made);
    }
}
