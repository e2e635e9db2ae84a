//! Tables of every family with sets, maps, objects and chains, and rules that use them.

use netghost_core::artifact::json;
use netghost_core::netfilter::model::{Item, Ruleset};
use netghost_core::netfilter::text;
use netghost_core::section::{Content, State};
use netghost_kernel::nftables;
use netghost_lab::netns::Namespace;

use crate::trip::{self, Plane, Wrong};

mod generator;
mod values;

use generator::Generator;

/// `nft` itself. A batch is a list of commands, one a line; but for the first ones any of them may be left out.
struct Nft;

impl Plane for Nft {
    type Read = Ruleset;

    fn load(&self, lines: &[String]) -> Result<Namespace, String> {
        let namespace = Namespace::new().unwrap();
        let input = lines.join("\n") + "\n";
        let done = namespace
            .exec_with_input(&["nft", "-f", "-"], input.as_bytes())
            .unwrap();
        if done.status.success() {
            return Ok(namespace);
        }
        Err(String::from_utf8_lossy(&done.stderr).into_owned())
    }

    fn blamed(&self, complaint: &str, lines: &[String]) -> Vec<usize> {
        let places = complaint.lines().filter_map(|line| {
            let (at, why) = line.strip_prefix("/dev/stdin:")?.split_once(": ")?;
            let at: usize = at.split(':').next()?.parse().ok()?;
            Some((at.checked_sub(1)?, why))
        });
        let places: Vec<(usize, &str)> = places
            .filter(|(at, _)| lines.get(*at).is_some_and(|line| self.is_case(line)))
            .collect();
        // What comes behind a first fault may be its consequence.
        places.iter().min().map(|(at, _)| *at).into_iter().collect()
    }

    fn is_case(&self, line: &str) -> bool {
        line.starts_with("add ") && !line.starts_with("add table ")
    }

    fn read(&self, namespace: &Namespace) -> Result<Ruleset, String> {
        let section = namespace.enter(|| nftables::read(&|| 0)).unwrap();
        match (section.state, section.content) {
            (State::Captured, Some(Content::Netfilter { config, .. })) => Ok(config),
            (state, _) => Err(format!("{state:?} {:?}", section.gaps)),
        }
    }

    fn print(&self, config: &Ruleset) -> Vec<String> {
        text::nft::ruleset(config).lines().map(str::to_owned).collect()
    }

    fn judge(&self, lines: &[String], config: &Ruleset, _: &Namespace) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let chains = config
            .tables
            .iter()
            .flat_map(|table| table.chains.iter().map(move |chain| (table, chain)));
        let mut rules = 0;
        for (table, chain) in chains {
            for rule in &chain.rules {
                rules += 1;
                if rule.items.iter().any(|item| matches!(item, Item::Opaque(_))) {
                    let said = text::nft::rule(table.family, rule);
                    let why = format!("{} {}: it is opaque: {said}", table.family, chain.name);
                    wrong.push(Wrong { line: None, why });
                }
            }
        }
        let given = lines.iter().filter(|line| line.starts_with("add rule ")).count();
        if rules != given {
            let why = format!("{given} rules loaded, {rules} read");
            wrong.push(Wrong { line: None, why });
        }
        let unknown = |what: &str, is_unknown: bool| {
            let why = format!("{what} is not known whole");
            is_unknown.then_some(Wrong { line: None, why })
        };
        for table in &config.tables {
            wrong.extend(unknown("a table", !table.opaque.is_empty()));
            for set in &table.sets {
                let is_unknown =
                    !set.opaque.is_empty() || set.elements.iter().any(|one| !one.opaque.is_empty());
                wrong.extend(unknown(&format!("the set {}", set.name), is_unknown));
            }
        }
        wrong
    }

    fn differences(&self, _: &[String], one: &Ruleset, two: &Ruleset) -> Vec<Wrong> {
        if json::digest(one).unwrap() == json::digest(two).unwrap() {
            return Vec::new();
        }
        let lines = |ruleset| serde_json::to_string_pretty(ruleset).unwrap();
        let (one, two) = (lines(one), lines(two));
        let (one, two): (Vec<&str>, Vec<&str>) = (one.lines().collect(), two.lines().collect());
        let at = one.iter().zip(&two).position(|(a, b)| a != b).unwrap_or_default();
        let around = |lines: &[&str]| {
            let from = at.saturating_sub(6);
            let shown: Vec<&str> = lines.iter().skip(from).take(14).map(|line| line.trim()).collect();
            shown.join(" ")
        };
        let why = format!(
            "what is printed is another ruleset:\n    {}\n    {}",
            around(&one),
            around(&two)
        );
        vec![Wrong { line: None, why }]
    }

    fn own_words(&self, namespace: &Namespace) -> Vec<String> {
        let listed = namespace.exec(&["nft", "-s", "list", "ruleset"]).unwrap();
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        listed.lines().map(str::to_owned).collect()
    }

    /// Elements come in the order of the kernel's hashes and may be said twice, so that only the words are compared.
    fn listing(&self, namespace: &Namespace) -> Vec<String> {
        let text = self.own_words(namespace).join(" ");
        let words = text.split([' ', '\t', ',']).filter(|word| !word.is_empty());
        let mut words: Vec<String> = words.map(str::to_owned).collect();
        words.sort_unstable();
        words.dedup();
        words
    }
}

#[test]
fn root_random_tables_of_nft_come_back() {
    trip::run("nft", &Nft, 1000, |seed| Generator::new(seed).ruleset());
}
