//! One rule, as it would be sent to the kernel.

use super::{NftFileError, Notes, UNRESOLVED_JUMP, compile, language};
use crate::bytes::Hex;
use crate::netfilter::model::{Family, Rule};
use crate::netfilter::nft::{self, consts};
use crate::raw::attr::{Malformed, attrs};
use crate::raw::{NetlinkRaw, RawMessage};

/// A rule that was written in the language of `nft`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneRule {
    /// What it says.
    pub rule: Rule,
    /// `NFTA_RULE_EXPRESSIONS` as the kernel takes it.
    pub expressions: Hex,
    /// `NFTA_RULE_USERDATA`: the comment.
    pub user_data: Option<Hex>,
}

/// Why a text is no rule that stands by itself.
#[derive(Debug, thiserror::Error)]
pub enum NotOneRule {
    /// It is not of the language, or can't be put together.
    #[error("not a rule of nft")]
    Unread(#[from] NftFileError),
    /// It is none, several, or more than a rule.
    #[error("not one rule")]
    Several,
    /// A part of it has no bytecode here.
    #[error("{0}")]
    NotUnderstood(String),
    /// It uses something beside itself: a set or chain in place, a device by its number.
    #[error("a rule with {0} of its own can't stand by itself")]
    NotAlone(&'static str),
}

impl From<Malformed> for NotOneRule {
    fn from(error: Malformed) -> Self {
        Self::Unread(error.into())
    }
}

/// Compiles one rule for a chain of a table of this family, with the matches on protocols that `nft` would add.
///
/// Chains that it leads to are not looked up.
///
/// # Errors
/// For anything but one rule that is understood and needs nothing else made with it.
pub fn one_rule(family: Family, rule: &str) -> Result<OneRule, NotOneRule> {
    let text = format!("table {family} t {{\nchain c {{\n{rule}\n}}\n}}\n");
    let mut notes = Notes::default();
    let tables = language::tables(text.as_bytes(), &|_| None, &mut notes)?;
    let [table] = tables.as_slice() else {
        return Err(NotOneRule::Several);
    };
    let plain = table.sets.is_empty() && table.objects.is_empty() && table.flowtables.is_empty();
    let bare = plain && table.flags.is_empty() && table.comment.is_none();
    match table.chains.as_slice() {
        [chain] if bare && chain.base.is_none() && chain.comment.is_none() && chain.rules.len() == 1 => {}
        _ => return Err(NotOneRule::Several),
    }
    let compiled = compile::tables(tables, &mut notes);
    if let Some(gap) = notes.gaps.first() {
        return Err(NotOneRule::NotUnderstood(gap.why.clone()));
    }
    let mut warnings = notes.warnings.iter();
    if let Some(warning) = warnings.find(|warning| warning.code != UNRESOLVED_JUMP) {
        return Err(NotOneRule::NotUnderstood(warning.message.clone()));
    }
    alone(&compiled.raw)
}

fn alone(raw: &NetlinkRaw) -> Result<OneRule, NotOneRule> {
    if !raw.links.is_empty() {
        return Err(NotOneRule::NotAlone("a device by its number"));
    }
    let of = |kind: u16| {
        let all = raw.messages.iter();
        all.filter(move |message| message.message_type == kind)
    };
    if of(consts::NEW_CHAIN).count() != 1 {
        return Err(NotOneRule::NotAlone("a chain"));
    }
    if of(consts::NEW_SET).next().is_some() {
        return Err(NotOneRule::NotAlone("a set"));
    }
    let mut messages = of(consts::NEW_RULE);
    let (Some(message), None) = (messages.next(), messages.next()) else {
        return Err(NotOneRule::Several);
    };
    let lifted = nft::lift(raw)?;
    let tables = lifted.config.tables.into_iter();
    let mut rules = tables
        .flat_map(|table| table.chains)
        .flat_map(|chain| chain.rules);
    let rule = rules.next().ok_or(NotOneRule::Several)?;
    parts(rule, message)
}

fn parts(rule: Rule, message: &RawMessage) -> Result<OneRule, NotOneRule> {
    let mut out = OneRule {
        rule,
        expressions: Hex::default(),
        user_data: None,
    };
    for attr in attrs(message.payload.0.get(4..).unwrap_or_default()) {
        let attr = attr?;
        match attr.kind {
            4 => out.expressions = Hex(attr.value.to_vec()),
            7 => out.user_data = Some(Hex(attr.value.to_vec())),
            _ => {}
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netfilter::text;

    #[test]
    fn a_rule_is_compiled_with_what_it_needs() {
        let one = one_rule(
            Family::Inet,
            "ip saddr 10.0.0.0/8 tcp dport 22 counter jump x comment \"a\"",
        )
        .unwrap();
        assert_eq!(
            text::nft::rule(Family::Inet, &one.rule),
            "ip saddr 10.0.0.0/8 tcp dport 22 counter jump x comment \"a\""
        );
        assert_eq!(one.user_data, Some(Hex(b"\0\x02a\0".to_vec())));
        let expressions = attrs(&one.expressions.0).count();
        // nfproto, the address's first byte, l4proto, port, counter, verdict.
        assert_eq!(expressions, 2 + 2 + 2 + 2 + 1 + 1);
    }

    #[test]
    fn what_is_more_or_less_than_a_rule_is_none() {
        let several = [
            "",
            "accept; drop",
            "accept\ndrop",
            "accept }\nchain d { drop",
            "accept }\nset s { type mark; }\nchain d {",
            "accept\n}\n}\ntable ip u {\nchain c {\n",
            "type filter hook input priority 0; accept",
            "comment \"of the chain\"; accept",
            "accept\n}\nflags dormant;\nchain d {",
        ];
        for text in several {
            let refused = one_rule(Family::Inet, text);
            assert!(matches!(refused, Err(NotOneRule::Several)), "{text}: {refused:?}");
        }
        for text in ["tcp dport { 1, 2 }", "jump { accept; }", "iif eth0 drop"] {
            let refused = one_rule(Family::Inet, text);
            assert!(
                matches!(refused, Err(NotOneRule::NotAlone(_))),
                "{text}: {refused:?}"
            );
        }
        for text in [
            "accept }",
            "nonsense",
            "accept } }",
            "\"",
            "include \"/etc/passwd\"",
        ] {
            assert!(one_rule(Family::Inet, text).is_err(), "{text}");
        }
        let refused = one_rule(Family::Inet, "ip saddr @s drop");
        assert!(
            matches!(refused, Err(NotOneRule::NotUnderstood(_))),
            "{refused:?}"
        );
    }

    /// Whoever asks for it has sent a text; that it can't be read must cost no stack.
    #[test]
    fn a_text_that_nests_without_end_is_refused() {
        for (open, close) in [
            ("{", "}"),
            ("(", ")"),
            ("ip saddr { ", " }"),
            ("!", ""),
            ("- ", ""),
            ("a . ", ""),
            ("1 | ", "1"),
            ("~", ""),
            ("meta mark set ", ""),
        ] {
            for times in [100, 2_000] {
                let rule = open.repeat(times) + &close.repeat(times);
                let cut: String = rule.chars().take(4_096).collect();
                for text in [
                    cut.clone(),
                    format!("tcp dport {cut}"),
                    format!("meta mark set {cut}"),
                ] {
                    assert!(one_rule(Family::Inet, &text).is_err(), "{open}");
                }
            }
        }
    }
}
