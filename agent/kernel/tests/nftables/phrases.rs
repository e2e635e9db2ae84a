//! Each thing that a rule can say: nothing of it is opaque, and what is printed of it loads as the same rule.

use netghost_core::netfilter::model::{Item, Rule, Ruleset};
use netghost_core::netfilter::text;
use netghost_lab::netns::Namespace;

use crate::pairs::{RULES, TABLE};
use crate::reading::{config, read};

/// What a phrase came to.
enum Outcome {
    /// This `nft` or this kernel does not take it.
    Refused(String),
    /// What is wrong with how it was read or printed.
    Wrong(String),
    /// Ours, and the words of `nft list ruleset` where they differ.
    Same(Option<(String, String)>),
}

fn load(namespace: &Namespace, script: &str) -> Result<(), String> {
    let script = format!("flush ruleset\n{script}");
    let done = namespace
        .exec_with_input(&["nft", "-f", "-"], script.as_bytes())
        .unwrap();
    let complaint = || {
        String::from_utf8_lossy(&done.stderr)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    if done.status.success() {
        Ok(())
    } else {
        Err(complaint())
    }
}

fn chain_c(ruleset: &Ruleset) -> Vec<Rule> {
    let chains = ruleset.tables.iter().flat_map(|table| &table.chains);
    let mut found = chains.filter(|chain| chain.name.as_bytes() == b"c");
    found.next().unwrap().rules.clone()
}

/// The table with a rule in the place of `§`.
fn script(within: &str, rule: &str) -> String {
    within
        .replace('§', rule)
        .replace("; }", ";\n}")
        .replace("} }", "}\n}")
}

fn outcome(namespace: &Namespace, within: &str, phrase: &str) -> Outcome {
    if let Err(complaint) = load(namespace, &script(within, phrase)) {
        return Outcome::Refused(complaint);
    }
    let section = read(namespace);
    let ruleset = config(&section);
    let rules = chain_c(ruleset);
    let family = ruleset.tables[0].family;
    let printed: Vec<String> = rules.iter().map(|rule| text::nft::rule(family, rule)).collect();
    let printed = printed.join("\n");
    let opaque = |rule: &Rule| rule.items.iter().any(|item| matches!(item, Item::Opaque(_)));
    if rules.iter().any(opaque) {
        return Outcome::Wrong(format!("opaque: {printed}"));
    }
    let listed = namespace
        .must(&["nft", "list", "chain", family.as_str(), "t", "c"])
        .unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    if let Err(complaint) = load(namespace, &script(within, &printed)) {
        return Outcome::Wrong(format!("printed as {printed}: {complaint}"));
    }
    let again = chain_c(config(&read(namespace)));
    if again != rules {
        return Outcome::Wrong(format!(
            "printed as {printed}, which is another rule:\n{rules:?}\n{again:?}"
        ));
    }
    let theirs: Vec<&str> = listed
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("chain"))
        .collect();
    let theirs = theirs.join("\n").replace(" packets 0 bytes 0", "");
    let theirs = theirs
        .trim_start_matches("table inet t {\n")
        .trim_end_matches(['\n', '}'])
        .to_owned();
    Outcome::Same((theirs != printed).then_some((printed, theirs)))
}

/// Says of every phrase what it came to; fails for those that are read or printed wrong, or if too many are refused.
fn judge(within: &str, phrases: &[String]) {
    let namespace = Namespace::new().unwrap();
    for link in ["d1", "d2"] {
        namespace
            .must(&["ip", "link", "add", link, "type", "bridge"])
            .unwrap();
    }
    let (mut wrong, mut refused) = (Vec::new(), 0);
    for phrase in phrases {
        match outcome(&namespace, within, phrase) {
            Outcome::Refused(complaint) => {
                println!("refused here: {phrase}: {complaint}");
                refused += 1;
            }
            Outcome::Wrong(why) => wrong.push(format!("{phrase}\n    {why}")),
            Outcome::Same(None) => {}
            Outcome::Same(Some((ours, theirs))) => {
                println!("in other words: {phrase}\n    ours   {ours}\n    theirs {theirs}")
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        phrases.len(),
        wrong.join("\n")
    );
    assert!(
        refused * 4 < phrases.len(),
        "{refused} of {} were refused",
        phrases.len()
    );
}

#[test]
fn root_both_of_every_pair_load_again_as_they_were_printed() {
    let phrases: Vec<String> = RULES
        .iter()
        .flat_map(|(_, template, one, two)| [template.replace('§', one), template.replace('§', two)])
        .collect();
    judge(TABLE, &phrases);
}
