//! The rule that a request means.

use netghost_core::bytes::Text;
use netghost_core::gate::RuleRef;
use netghost_core::netfilter::model::{Counters, Item, Rule};
use netghost_core::netfilter::{save, text};
use netghost_core::section::Content;

use super::{Chain, Tool, WriteError, unsupported};

/// The rule that the tool would take.
pub(super) struct Found {
    /// From 1.
    pub(super) place: u32,
    pub(super) text: Text,
    pub(super) counters: Counters,
    pub(super) notes: Vec<Text>,
}

/// Finds a rule by what it says. The tool takes the first that says it, so another can be meant only where that makes no difference.
pub(super) fn find(chain: &Chain, wanted: &RuleRef, tool: &Tool) -> Result<Found, WriteError> {
    let rules = &chain.config.rules;
    let shown = wanted.text.to_string();
    let occurrences: Vec<usize> = (0..rules.len())
        .filter(|at| {
            let rule = rules.get(*at);
            rule.is_some_and(|rule| chain.text(rule).to_string() == shown)
        })
        .collect();
    let nth = usize::try_from(wanted.occurrence).unwrap_or(usize::MAX);
    let meant = nth.checked_sub(1).and_then(|nth| occurrences.get(nth));
    let (Some(first), Some(meant)) = (occurrences.first().copied(), meant.copied()) else {
        return Err(WriteError::NotThere {
            what: format!(
                "rule `{shown}` (occurrence {} of {}) in {}",
                wanted.occurrence,
                occurrences.len(),
                chain.object()
            ),
        });
    };
    let rule = rules.get(first);
    let between = rules.get(first..=meant).unwrap_or_default();
    if between.iter().any(|other| Some(other) != rule) {
        return Err(unsupported(format!(
            "the tool would delete rule {}, which reads the same as rule {}, and there are others between them: delete the first one",
            first.saturating_add(1),
            meant.saturating_add(1)
        )));
    }
    let rule = rule.ok_or_else(|| unsupported("the rule has no place".to_owned()))?;
    let text = in_words(chain, rule, first, tool)?;
    let number = u32::try_from(first).ok().and_then(|first| first.checked_add(1));
    Ok(Found {
        place: number.ok_or_else(|| unsupported("the chain is too long".to_owned()))?,
        text,
        counters: chain.counters(first),
        notes: notes(rule),
    })
}

fn notes(rule: &Rule) -> Vec<Text> {
    let mut notes =
        vec!["put back, the rule counts on from what it had counted when this was planned".into()];
    let keeps = |item: &&Item| !matches!(item, Item::Match(step) if is_plain(&step.field.0));
    if rule.items.iter().any(|item| keeps(&item)) {
        notes.push("put back, matches and targets that remember packets (limit, quota, recent, hashlimit) begin anew".into());
    }
    notes
}

/// Fields of a packet, of which nothing is remembered.
fn is_plain(field: &str) -> bool {
    let of = field.split('.').next().unwrap_or_default();
    ["ip", "ip6", "tcp", "udp", "icmp", "icmpv6", "meta", "ct", "ether"].contains(&of)
}

/// The rule in words that say it and nothing else. Those of the tool come first: it compares bytes, and many forms of bytes (an
/// address with bits outside its mask, a match that asks nothing) are one rule.
fn in_words(chain: &Chain, rule: &Rule, place: usize, tool: &Tool) -> Result<Text, WriteError> {
    let own = chain.text(rule);
    let refuse = |why: &str| {
        Err(unsupported(format!(
            "rule `{own}` of {} {why}, so it could not be put back exactly",
            chain.object()
        )))
    };
    if rule.items.iter().any(|item| matches!(item, Item::Opaque(_))) {
        return refuse("has a match or a target that this version does not decode");
    }
    let of_tool = tool
        .saved(chain.table.as_bytes())
        .and_then(|saved| nth(&saved, &chain.config.name, place));
    if let Some(text) = of_tool.filter(|text| says(chain, rule, text)) {
        return Ok(text);
    }
    match says(chain, rule, &own) {
        true => Ok(own),
        false => refuse("can't be said in one line that the tool takes"),
    }
}

/// What follows `-A CHAIN` in the chain's line of this place, from 0. Lines may be parts of a comment, so it is to be held to the rule.
fn nth(saved: &[u8], chain: &Text, place: usize) -> Option<Text> {
    let mut head = b"-A ".to_vec();
    head.extend_from_slice(chain.as_bytes());
    let mut rules = saved
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.strip_prefix(head.as_slice()))
        .filter(|rest| matches!(rest.first(), None | Some(b' ')));
    rules
        .nth(place)
        .map(|rest| Text::from(rest.get(1..).unwrap_or_default()))
}

/// True if these words are read as this rule.
fn says(chain: &Chain, rule: &Rule, words: &Text) -> bool {
    let empty = chain.table_of(Vec::new());
    let mut block = text::iptables::table_save(&empty, None).as_bytes().to_vec();
    let head = block.len().saturating_sub(b"COMMIT\n".len());
    block.truncate(head);
    block.extend_from_slice(b"-A ");
    block.extend_from_slice(chain.config.name.as_bytes());
    block.push(b' ');
    block.extend_from_slice(words.as_bytes());
    block.extend_from_slice(b"\nCOMMIT\n");
    let Ok(section) = save::parse(&block, Some(chain.family())) else {
        return false;
    };
    let Some(Content::Netfilter { config, .. }) = section.content else {
        return false;
    };
    let mut read = config.tables.iter().flat_map(|table| &table.chains);
    let own = read.find(|one| one.name == chain.config.name);
    own.is_some_and(|one| one.rules == [rule.clone()])
}
