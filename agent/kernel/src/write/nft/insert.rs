//! A rule that a person wrote: what of the language can be put into a chain.

use netghost_core::bytes::Text;
use netghost_core::netfilter::model::{ChainId, Item, Match, Op, Statement, Value, Verdict};
use netghost_core::netfilter::nft_file::{NotOneRule, OneRule, one_rule};

use super::WriteError;
use super::seen::Seen;
use super::stored::StoredRule;

/// What a rule may match on; the last ones are what `nft` puts before the others.
const FIELDS: [&str; 15] = [
    "ip.saddr",
    "ip.daddr",
    "ip.protocol",
    "ip6.saddr",
    "ip6.daddr",
    "tcp.sport",
    "tcp.dport",
    "udp.sport",
    "udp.dport",
    "ct.state",
    "meta.iifname",
    "meta.oifname",
    "meta.l4proto",
    "meta.nfproto",
    "meta.protocol",
];

fn unsupported(what: String) -> WriteError {
    WriteError::Unsupported { what }
}

/// The rule as it is to be stored, and what it says.
pub(super) fn compiled(seen: &Seen, text: &Text) -> Result<(StoredRule, OneRule), WriteError> {
    let text = text.to_string();
    let one = one_rule(seen.id.family, &text).map_err(|error| {
        unsupported(format!(
            "the rule `{text}` can't be written: {}",
            chain_of(&error)
        ))
    })?;
    for item in &one.rule.items {
        item_is_known(item).map_err(|what| {
            unsupported(format!(
                "{what} can't be inserted by this version: insert `{text}` with nft itself"
            ))
        })?;
        leads_to(seen, item)?;
    }
    let stored = StoredRule {
        expressions: one.expressions.clone(),
        user_data: one.user_data.clone(),
        compat: None,
        sets: Vec::new(),
        chains: Vec::new(),
    };
    Ok((stored, one))
}

fn chain_of(error: &NotOneRule) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn item_is_known(item: &Item) -> Result<(), String> {
    match item {
        Item::Match(one) => match_is_known(one),
        Item::Statement(Statement::Counter { name: None } | Statement::Reject { .. }) => Ok(()),
        Item::Statement(Statement::Verdict(verdict)) => match verdict {
            Verdict::Accept
            | Verdict::Drop
            | Verdict::Return
            | Verdict::Jump { .. }
            | Verdict::Goto { .. } => Ok(()),
            Verdict::Continue | Verdict::Queue => Err(format!("the verdict {}", verdict.word())),
        },
        Item::Statement(_) => Err("a statement other than counter, reject and verdicts".to_owned()),
        Item::Opaque(_) => Err("what is not understood".to_owned()),
    }
}

fn match_is_known(one: &Match) -> Result<(), String> {
    let field = &one.field.0;
    if !FIELDS.contains(&field.as_str()) {
        return Err(format!("a match on {}", field.replace('.', " ")));
    }
    let compared = matches!(one.op, Op::Eq | Op::Ne);
    let flags = matches!(one.op, Op::Any | Op::None) && field == "ct.state";
    let value = match &one.value {
        Value::Number(_) | Value::Address(_) | Value::Prefix { .. } | Value::Text(_) | Value::Symbol(_) => {
            compared
        }
        Value::Flags(_) => compared || flags,
        Value::Range { from, to } => {
            let plain =
                |value: &Value| matches!(value, Value::Number(_) | Value::Address(_) | Value::Symbol(_));
            compared && plain(from) && plain(to)
        }
        _ => false,
    };
    match value {
        true => Ok(()),
        false => Err(format!("a match on {} of this kind", field.replace('.', " "))),
    }
}

/// A chain that a verdict leads to has to be there.
fn leads_to(seen: &Seen, item: &Item) -> Result<(), WriteError> {
    let Item::Statement(Statement::Verdict(Verdict::Jump { chain } | Verdict::Goto { chain })) = item else {
        return Ok(());
    };
    if seen.table.chains.iter().any(|one| one.name == *chain) {
        return Ok(());
    }
    let id = ChainId {
        chain: chain.clone(),
        ..seen.id.clone()
    };
    Err(WriteError::NotThere {
        what: super::seen::words(&id),
    })
}

/// True where the kernel can look at the rule without making anything first: `ct` turns connection tracking on, and either may load a
/// module.
pub(super) fn can_be_tried(one: &OneRule) -> bool {
    !one.rule.items.iter().any(|item| match item {
        Item::Match(one) => one.field.0.starts_with("ct."),
        Item::Statement(Statement::Reject { .. }) => true,
        _ => false,
    })
}
