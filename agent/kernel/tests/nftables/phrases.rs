//! Each thing that a rule can say: nothing of it is opaque, and what is printed of it loads as the same rule.

use netghost_core::netfilter::model::{Family, Item, Rule, Ruleset};
use netghost_core::netfilter::text;
use netghost_lab::netns::Namespace;

use crate::pairs::{RULES, TABLE};
use crate::reading::{config, namespace_with_links, read, sorted_sets, try_load, without_counts};

pub(crate) mod families;

/// What `nft` says of rules that it does not take, by line of the script.
fn refused(complaints: &str) -> Vec<(usize, String)> {
    complaints
        .lines()
        .filter_map(|line| {
            let (at, why) = line.strip_prefix("/dev/stdin:")?.split_once(": ")?;
            Some((at.split(':').next()?.parse().ok()?, why.to_owned()))
        })
        .collect()
}

/// The table with rules, each on a line of its own, in the place of `§`.
fn script(within: &str, rules: &[String]) -> String {
    let (before, after) = within.split_once('§').unwrap();
    let before = before.replace("; }", ";\n}").replace("} }", "}\n}");
    let after = after.trim_start_matches([';', ' ']);
    format!("flush ruleset\n{before}\n{}\n{after}\n", rules.join("\n"))
}

/// Loads those of the rules that this `nft` and this kernel take, says which it doesn't, and returns the others.
pub(crate) fn load(namespace: &Namespace, within: &str, mut rules: Vec<String>) -> Vec<String> {
    let first_line = script(within, &["\u{1}".to_owned()])
        .lines()
        .position(|line| line == "\u{1}")
        .unwrap()
        + 1;
    for _ in 0..100 {
        let Err(complaints) = try_load(namespace, &script(within, &rules)) else {
            return rules;
        };
        let mut lines = refused(&complaints);
        lines.retain(|(line, _)| (first_line..first_line + rules.len()).contains(line));
        // A parser that lost its way complains about what follows, too.
        let syntax = lines
            .iter()
            .find(|(_, why)| why.contains("syntax error"))
            .cloned();
        lines = syntax.map_or(lines, |one| vec![one]);
        lines.sort();
        lines.dedup_by_key(|(line, _)| *line);
        if lines.is_empty() {
            rules = without_crashes(namespace, within, rules);
            continue;
        }
        for (line, why) in lines.into_iter().rev() {
            println!("refused here: {}: {why}", rules.remove(line - first_line));
        }
    }
    panic!("{} rules are still not taken", rules.len());
}

/// Without those rules that make `nft` fall over without a word about them.
fn without_crashes(namespace: &Namespace, within: &str, rules: Vec<String>) -> Vec<String> {
    let Err(complaints) = try_load(namespace, &script(within, &rules)) else {
        return rules;
    };
    if !refused(&complaints).is_empty() {
        return rules;
    }
    if let [rule] = rules.as_slice() {
        println!("refused here: {rule}: nft falls over");
        return Vec::new();
    }
    let (first, second) = rules.split_at(rules.len() / 2);
    let halves = [first.to_vec(), second.to_vec()];
    let left: Vec<String> = halves
        .into_iter()
        .flat_map(|half| without_crashes(namespace, within, half))
        .collect();
    assert!(
        left.len() < rules.len(),
        "each half loads, but not both: {complaints}"
    );
    left
}

fn chain_c(ruleset: &Ruleset) -> (Family, Vec<Rule>) {
    let table = &ruleset.tables[0];
    let mut chains = table.chains.iter();
    let found = chains.find(|chain| chain.name.as_bytes() == b"c");
    (table.family, found.unwrap().rules.clone())
}

fn is_opaque(rule: &Rule) -> bool {
    rule.items.iter().any(|item| matches!(item, Item::Opaque(_)))
}

/// The rules as `nft list` says them.
fn listed(namespace: &Namespace, family: Family) -> Vec<String> {
    // There are rules that this `nft` loads and then falls over when it lists them.
    let listing = namespace
        .exec(&["nft", "list", "chain", family.as_str(), "t", "c"])
        .unwrap();
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    let lines = listing.lines().map(str::trim);
    let rules = lines.skip_while(|line| !line.starts_with("chain c")).skip(1);
    let rules = rules.filter(|line| !line.starts_with("type ") && *line != "}");
    rules.map(without_counts).collect()
}

/// There are rules that `nft` does not load as the same from its own words either, since it moves the matches that it adds.
fn own_words_stand(namespace: &Namespace, within: &str, words: Option<&String>, rule: &Rule) -> bool {
    words.is_none_or(|words| {
        try_load(namespace, &script(within, std::slice::from_ref(words))).is_ok()
            && chain_c(config(&read(namespace))).1 == [rule.clone()]
    })
}

/// Some rules say what can't be (IPv6 behind a match on IPv4), and of these `nft` does not take its own words either.
fn own_words_load(namespace: &Namespace, within: &str, words: Option<&String>) -> bool {
    words.is_none_or(|words| try_load(namespace, &script(within, std::slice::from_ref(words))).is_ok())
}

/// What was tried: how many rules were taken, what is wrong with them, and what `nft` says in other words.
#[derive(Default)]
pub(crate) struct Tried {
    pub(crate) taken: usize,
    pub(crate) wrong: Vec<String>,
    otherwise: Vec<String>,
}

/// Loads the rules, reads them, prints them, loads what was printed, and reads it again.
pub(crate) fn round_trip(namespace: &Namespace, within: &str, phrases: Vec<String>) -> Tried {
    let phrases = load(namespace, within, phrases);
    let (family, rules) = chain_c(config(&read(namespace)));
    assert_eq!(phrases.len(), rules.len());
    let theirs = listed(namespace, family);
    let mut tried = Tried {
        taken: phrases.len(),
        ..Tried::default()
    };
    let mut printed = Vec::new();
    for (place, (phrase, rule)) in phrases.iter().zip(&rules).enumerate() {
        let ours = text::nft::rule(family, rule);
        if is_opaque(rule) {
            tried.wrong.push(format!("{phrase}\n    is opaque: {ours}"));
            continue;
        }
        if let Some(theirs) = theirs.get(place).filter(|theirs| **theirs != sorted_sets(&ours)) {
            tried
                .otherwise
                .push(format!("{phrase}\n    ours   {ours}\n    theirs {theirs}"));
        }
        printed.push((phrase, rule, ours));
    }
    let texts: Vec<String> = printed.iter().map(|(_, _, text)| text.clone()).collect();
    let taken = load(namespace, within, texts.clone());
    if taken.len() < texts.len() {
        let missing = printed.iter().filter(|(_, _, text)| !taken.contains(text));
        let missing = missing.filter(|(phrase, ..)| {
            let place = phrases.iter().position(|one| one == *phrase);
            own_words_load(namespace, within, place.and_then(|place| theirs.get(place)))
        });
        let missing = missing.map(|(phrase, _, text)| format!("{phrase}\n    printed as {text} is refused"));
        tried.wrong.extend(missing.collect::<Vec<_>>());
        printed.retain(|(_, _, text)| taken.contains(text));
        let texts: Vec<String> = printed.iter().map(|(_, _, text)| text.clone()).collect();
        try_load(namespace, &script(within, &texts)).unwrap();
    }
    let (_, again) = chain_c(config(&read(namespace)));
    for ((phrase, rule, text), again) in printed.iter().zip(&again) {
        let place = phrases.iter().position(|one| one == *phrase);
        let theirs = place.and_then(|place| theirs.get(place));
        if *rule != again && own_words_stand(namespace, within, theirs, rule) {
            tried.wrong.push(format!(
                "{phrase}\n    printed as {text}, which is another rule:\n    {rule:?}\n    {again:?}"
            ));
        }
    }
    tried
}

/// Fails for phrases that are read or printed wrong, or if too many are refused.
fn judge(within: &str, phrases: Vec<String>) {
    let all = phrases.len();
    let tried = round_trip(&namespace_with_links(), within, phrases);
    for otherwise in &tried.otherwise {
        println!("in other words: {otherwise}");
    }
    assert!(
        tried.wrong.is_empty(),
        "{} of {all}:\n{}",
        tried.wrong.len(),
        tried.wrong.join("\n")
    );
    assert!(
        tried.taken * 4 > all * 3,
        "only {} of {all} were taken",
        tried.taken
    );
}

#[test]
fn root_both_of_every_pair_load_again_as_they_were_printed() {
    let phrases = RULES
        .iter()
        .flat_map(|(_, template, one, two)| [template.replace('§', one), template.replace('§', two)]);
    judge(TABLE, phrases.collect());
}
