//! nf_tables, from the JSON of `nft`. Rules that use extensions of xtables, whose parameters nft does not tell, are taken from
//! `iptables-nft-save` and `ip6tables-nft-save`, rule by rule.

use super::xtables::not_run;
use super::{Outcome, ran, unreadable};
use crate::bytes::Text;
use crate::netfilter::model::{Family, Item, Rule, Ruleset, Statement};
use crate::netfilter::nft_file::{self, EMPTY_INPUT};
use crate::netfilter::save;
use crate::probe::parts::Parts;
use crate::raw::{HostPart, HostRaw, PartRead, Raw, TextRaw};
use crate::section::{Content, Gap, Section, State, Warning};

/// What is said of every such section: the tool can't tell what the kernel did not hand it.
const HIDDEN_RULES: &str = "HIDDEN_RULES_POSSIBLE";

/// The parts of the raw form where the save tools were asked too.
const JSON: &str = "nft -j list ruleset";
const SAVES: [(&str, &str, Family); 2] = [
    ("nft-ipv4", "iptables-nft-save", Family::Ip),
    ("nft-ipv6", "ip6tables-nft-save", Family::Ip6),
];
/// Where the parser of the JSON has a gap for each extension.
const EXTENSION: &str = "xt";

pub(super) fn section(parts: &Parts) -> Outcome {
    let read = ran(parts, "nft")?;
    let mut saves = Vec::new();
    for (name, tool, family) in SAVES {
        if !not_run(parts, name) {
            saves.push((tool, family, ran(parts, name)?.output.as_slice()));
        }
    }
    let mut section = joined(&read.output, &saves)
        .map_err(|error| unreadable(format!("cannot decode what {} printed: {error}", read.tool)))?;
    // The tool ended well and printed its frame around nothing: that is a proof.
    section.warnings.retain(|warning| warning.code != EMPTY_INPUT);
    section.warnings.push(Warning {
        code: HIDDEN_RULES.to_owned(),
        message: "read by nft, which shows none of the rules behind one of more than 32 KB".to_owned(),
    });
    section.raw = Some(raw(&read.output, &saves));
    Ok(section)
}

fn raw(json: &[u8], saves: &[(&str, Family, &[u8])]) -> Raw {
    if saves.is_empty() {
        return Raw::Text(TextRaw { text: json.into() });
    }
    let part = |source: &str, text: &[u8]| HostPart {
        source: source.to_owned(),
        read: PartRead::File { content: text.into() },
    };
    let mut parts = vec![part(JSON, json)];
    parts.extend(saves.iter().map(|(tool, _, text)| part(tool, text)));
    Raw::Host(HostRaw {
        links: Vec::new(),
        parts,
    })
}

/// Decodes the raw form of a section that was put together from several tools.
pub(crate) fn again(raw: &HostRaw) -> Option<(Content, Vec<Gap>)> {
    let text = |source: &str| match raw.part(source) {
        Some(PartRead::File { content }) => Some(content.as_bytes()),
        _ => None,
    };
    let saves: Vec<_> = SAVES
        .iter()
        .filter_map(|(_, tool, family)| Some((*tool, *family, text(tool)?)))
        .collect();
    let section = joined(text(JSON)?, &saves).ok()?;
    Some((section.content?, section.gaps))
}

fn joined(json: &[u8], saves: &[(&str, Family, &[u8])]) -> Result<Section, nft_file::NftFileError> {
    let mut section = nft_file::parse_json(json)?;
    let Some(Content::Netfilter { config, .. }) = &mut section.content else {
        return Ok(section);
    };
    for (_, family, text) in saves {
        let Ok(saved) = save::parse(text, Some(*family)) else {
            continue;
        };
        if let (State::Captured, Some(Content::Netfilter { config: saved, .. })) =
            (saved.state, &saved.content)
        {
            fill(config, saved, *family);
        }
    }
    if !config
        .tables
        .iter()
        .flat_map(|table| &table.chains)
        .any(|chain| chain.rules.iter().any(names_extension))
    {
        section.gaps.retain(|gap| gap.path != EXTENSION);
        if section.gaps.is_empty() {
            section.state = State::Captured;
        }
    }
    Ok(section)
}

/// Puts what the save tool says in the place of each rule with an extension. A chain of another length was changed between the
/// two, and stays as it is.
fn fill(config: &mut Ruleset, saved: &Ruleset, family: Family) {
    let tables = config.tables.iter_mut().filter(|table| table.family == family);
    for table in tables {
        for chain in &mut table.chains {
            let Some(rules) = rules(saved, &table.name, &chain.name) else {
                continue;
            };
            if rules.len() != chain.rules.len() {
                continue;
            }
            for (rule, told) in chain.rules.iter_mut().zip(rules) {
                if names_extension(rule)
                    && let Some(told) = counted(rule, told)
                {
                    *rule = told;
                }
            }
        }
    }
}

/// The rule as the save tool tells it, with the counter where nft has it: the save tool prints one for every rule or for none.
/// What stands behind it is the rule's target, which is one step on both sides.
fn counted(rule: &Rule, told: &Rule) -> Option<Rule> {
    let is_counter = |item: &Item| matches!(item, Item::Statement(Statement::Counter { name: None }));
    let mut told = told.clone();
    let Some(at) = rule.items.iter().rposition(is_counter) else {
        return Some(told);
    };
    let behind = rule.items.len().saturating_sub(at).saturating_sub(1);
    let place = told.items.len().checked_sub(behind)?;
    if behind > 1 || told.items.iter().any(is_counter) {
        return None;
    }
    told.items.insert(place, rule.items.get(at)?.clone());
    Some(told)
}

fn rules<'a>(saved: &'a Ruleset, table: &Text, chain: &Text) -> Option<&'a [Rule]> {
    let table = saved.tables.iter().find(|one| one.name == *table)?;
    let chain = table.chains.iter().find(|one| one.name == *chain)?;
    Some(&chain.rules)
}

fn names_extension(rule: &Rule) -> bool {
    rule.items
        .iter()
        .any(|item| matches!(item, Item::Opaque(opaque) if opaque.name.as_str() == Some(EXTENSION)))
}
