//! What the tests share: loading with `nft`, reading with ours, and saying where two rulesets differ.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use netghost_core::artifact::object;
use netghost_core::netfilter::model::{Item, Ruleset};
use netghost_core::netfilter::text;
use netghost_core::section::{Content, Section, State};
use netghost_kernel::nftables::{self, Digested};
use netghost_lab::netns::Namespace;

pub(crate) fn now_us() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(elapsed.as_micros()).unwrap()
}

/// Reads what may change meanwhile.
pub(crate) fn read_once(namespace: &Namespace) -> Section {
    namespace.enter(|| nftables::read(&now_us)).unwrap()
}

pub(crate) fn read(namespace: &Namespace) -> Section {
    let (section, digested) = namespace
        .enter(|| (nftables::read(&now_us), nftables::digest()))
        .unwrap();
    assert_digested(&section, &digested);
    section
}

/// What is digested while it is read is what is digested when it is kept.
fn assert_digested(section: &Section, digested: &Digested) {
    assert_eq!(digested.state.word(), section.state.word(), "{digested:?}");
    if section.state == State::Captured {
        let kept = object::config_digest(section.content.as_ref().unwrap()).unwrap();
        let streamed = digested.streamed.as_ref().unwrap();
        assert_eq!(streamed.digest, kept);
        assert_eq!(digested.generation, section.generation);
    }
}

/// A namespace with the links `d1` and `d2`, which rulesets name.
pub(crate) fn namespace_with_links() -> Namespace {
    let namespace = Namespace::new().unwrap();
    for link in ["d1", "d2"] {
        namespace
            .must(&["ip", "link", "add", link, "type", "bridge"])
            .unwrap();
    }
    namespace
}

/// Loads a script, or says what `nft` has against it.
pub(crate) fn try_load(namespace: &Namespace, script: &str) -> Result<(), String> {
    let done = namespace
        .exec_with_input(&["nft", "-f", "-"], script.as_bytes())
        .unwrap();
    if done.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&done.stderr).into_owned())
    }
}

/// This namespace with what a script loads.
pub(crate) fn loaded(namespace: Namespace, script: &str) -> Namespace {
    if let Err(complaints) = try_load(&namespace, script) {
        panic!("nft refused: {complaints}\n{script}");
    }
    namespace
}

pub(crate) fn load(script: &str) -> Namespace {
    loaded(Namespace::new().unwrap(), script)
}

/// As [`load`], where there are `d1` and `d2`.
pub(crate) fn load_with_links(script: &str) -> Namespace {
    loaded(namespace_with_links(), script)
}

pub(crate) fn config(section: &Section) -> &Ruleset {
    assert_eq!(section.state, State::Captured, "{:?}", section.gaps);
    match section.content.as_ref().unwrap() {
        Content::Netfilter { config, .. } => config,
        other => panic!("not a ruleset: {other:?}"),
    }
}

pub(crate) fn opaque(ruleset: &Ruleset) -> Vec<String> {
    let chains = ruleset
        .tables
        .iter()
        .flat_map(|table| table.chains.iter().map(move |chain| (table, chain)));
    chains
        .flat_map(|(table, chain)| chain.rules.iter().map(move |rule| (table, chain, rule)))
        .filter(|(_, _, rule)| rule.items.iter().any(|item| matches!(item, Item::Opaque(_))))
        .map(|(table, chain, rule)| {
            format!(
                "{}: {}",
                chain.name,
                text::rule(ruleset.plane, table, chain, rule)
            )
        })
        .collect()
}

/// Names the first place where two rulesets differ, since their digests can't.
pub(crate) fn assert_same(one: &Ruleset, two: &Ruleset) {
    let lines = |ruleset| serde_json::to_string_pretty(ruleset).unwrap();
    let (one, two) = (lines(one), lines(two));
    let differing = one
        .lines()
        .zip(two.lines())
        .enumerate()
        .find(|(_, (a, b))| a != b);
    if let Some((line, _)) = differing {
        let around = |text: &str| {
            text.lines()
                .skip(line.saturating_sub(12))
                .take(24)
                .collect::<Vec<_>>()
                .join("\n")
        };
        panic!(
            "they differ at line {line}:\n{}\n--- and ---\n{}",
            around(&one),
            around(&two)
        );
    }
    assert_eq!(one.len(), two.len());
}

/// Gives up all effective capabilities of the calling thread, as an ordinary user has none.
pub(crate) fn drop_capabilities() {
    rustix::thread::set_capabilities(
        None,
        rustix::thread::CapabilitySets {
            effective: rustix::thread::CapabilitySet::empty(),
            permitted: rustix::thread::CapabilitySet::empty(),
            inheritable: rustix::thread::CapabilitySet::empty(),
        },
    )
    .unwrap();
}

/// A rule's table (`family name`), and its handle.
pub(crate) type Place = (String, u64);

/// What `nft -a list ruleset` says of each rule, without the numbers of counters.
pub(crate) fn rules_by_handle(listing: &str) -> BTreeMap<Place, String> {
    let (mut table, mut in_chain, mut out) = (String::new(), false, BTreeMap::new());
    for line in listing.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("table ") {
            table = rest.split(" {").next().unwrap().to_owned();
            in_chain = false;
        } else if line.starts_with("chain ") {
            in_chain = true;
        } else if line.starts_with("set ") || line.starts_with("map ") {
            in_chain = false;
        } else if let (true, Some((text, handle))) = (in_chain, line.rsplit_once(" # handle ")) {
            out.insert((table.clone(), handle.parse().unwrap()), without_counts(text));
        }
    }
    out
}

pub(crate) fn without_counts(text: &str) -> String {
    let mut words = text.split(' ').peekable();
    let mut out = Vec::new();
    while let Some(word) = words.next() {
        out.push(word);
        if word == "counter" && words.peek() == Some(&"packets") {
            words.nth(3);
        }
    }
    sorted_sets(&out.join(" "))
}

/// Sets in place have no order, and `nft` lists them in that of the kernel's hash.
pub(crate) fn sorted_sets(text: &str) -> String {
    let Some((before, rest)) = text.split_once("{ ") else {
        return text.to_owned();
    };
    let (inside, after) = rest.split_once(" }").unwrap();
    let mut elements: Vec<&str> = inside.split(", ").collect();
    elements.sort_unstable();
    format!("{before}{{ {} }}{}", elements.join(", "), sorted_sets(after))
}

/// What ours says.
pub(crate) fn texts_by_handle(section: &Section) -> BTreeMap<Place, String> {
    let Some(Content::Netfilter { config, runtime }) = &section.content else {
        panic!("not a ruleset")
    };
    let mut out = BTreeMap::new();
    for (table, table_runtime) in config.tables.iter().zip(&runtime.tables) {
        for (chain, chain_runtime) in table.chains.iter().zip(&table_runtime.chains) {
            for (rule, rule_runtime) in chain.rules.iter().zip(&chain_runtime.rules) {
                let place = (
                    format!("{} {}", table.family, table.name),
                    rule_runtime.handle.unwrap().0,
                );
                out.insert(place, sorted_sets(&text::rule(config.plane, table, chain, rule)));
            }
        }
    }
    out
}
