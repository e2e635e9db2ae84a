//! Chains and their rules.

use super::received::Received;
use super::{Lift, consts};
use crate::bytes::{Big, Text};
use crate::netfilter::model::{
    BaseChain, Chain, ChainId, ChainRuntime, Family, Hook, Item, Match, Op, Opaque, OpaqueAttribute, Rule,
    RuleRuntime, Value, Verdict,
};
use crate::netfilter::nft::message::{ChainMessage, HookMessage, RuleMessage};
use crate::netfilter::nft::{expr, hidden};
use crate::raw::attr::{Malformed, attrs};

/// One rule, decoded.
type LiftedRule = (Rule, RuleRuntime);

impl<'a> Lift<'a> {
    pub(super) fn chain(
        &self,
        id: &ChainId,
        message: &ChainMessage,
    ) -> Result<(Chain, ChainRuntime), Malformed> {
        let received = self
            .rules
            .get(id)
            .map(|rules| rules.in_order())
            .unwrap_or_default();
        let rules: Result<Vec<LiftedRule>, Malformed> = received
            .into_iter()
            .map(|rule| self.received(id.family, &rule))
            .collect();
        let (rules, rule_runtimes): (Vec<_>, Vec<_>) = rules?.into_iter().unzip();
        let base = message
            .hook
            .as_ref()
            .map(|hook| base(id.family, message, hook))
            .transpose()?;
        let chain = Chain {
            name: message.name.clone(),
            base,
            comment: message.comment.clone(),
            rules,
            opaque: message.opaque.clone(),
        };
        let runtime = ChainRuntime {
            handle: message.handle.map(Big),
            policy_counters: message.counters.map(expr::counters),
            rules: rule_runtimes,
        };
        Ok((chain, runtime))
    }

    fn received(&self, family: Family, received: &Received<'_, 'a>) -> Result<LiftedRule, Malformed> {
        match received {
            Received::Listed(rule) => self.rule(family, rule),
            Received::Hidden(rule) => {
                let (rule, runtime) = self.rule(family, rule)?;
                let hidden = true;
                Ok((rule, RuleRuntime { hidden, ..runtime }))
            }
            Received::Refused(handle) => {
                let runtime = RuleRuntime {
                    handle: Some(Big(*handle)),
                    counters: None,
                    hidden: true,
                };
                Ok((hidden::placeholder(), runtime))
            }
        }
    }

    pub(super) fn rule(&self, family: Family, message: &RuleMessage<'a>) -> Result<LiftedRule, Malformed> {
        let read = expr::read(self.source(family, &message.table), attrs(message.expressions))?;
        let mut comments = message.comment.iter().cloned().chain(read.comments);
        let comment = comments.next();
        let mut items = read.items;
        items.extend(comments.map(extra_comment));
        items.extend(message.opaque.iter().map(attribute));
        let runtime = RuleRuntime {
            handle: message.handle.map(Big),
            counters: read.counters,
            hidden: false,
        };
        Ok((Rule { items, comment }, runtime))
    }
}

/// A comment that is not the rule's first keeps its place in the configuration as a match of no effect.
fn extra_comment(text: Text) -> Item {
    Item::Match(Match {
        field: "comment".into(),
        op: Op::Eq,
        value: Value::Text(text),
    })
}

/// An attribute of a rule that is not known.
fn attribute(attribute: &OpaqueAttribute) -> Item {
    Item::Opaque(Opaque {
        kind: "attribute".to_owned(),
        name: attribute.number.to_string().into(),
        revision: None,
        payload: attribute.payload.clone(),
        text: None,
    })
}

fn base(family: Family, message: &ChainMessage, hook: &HookMessage) -> Result<BaseChain, Malformed> {
    Ok(BaseChain {
        chain_type: message.chain_type.clone(),
        hook: hook_of(family, hook.number)?,
        priority: hook.priority,
        policy: match message.policy {
            Some(0) => Verdict::Drop,
            Some(1) | None => Verdict::Accept,
            Some(other) => {
                return Err(Malformed::Value {
                    what: "NFTA_CHAIN_POLICY",
                    value: other.into(),
                });
            }
        },
        devices: hook.devices.clone(),
        offload: message.flags & consts::CHAIN_OFFLOAD != 0,
    })
}

/// `NF_INET_*`, `NF_ARP_*`, `NF_BR_*`, `NF_NETDEV_*`.
pub(in crate::netfilter::nft) fn hook_of(family: Family, number: u32) -> Result<Hook, Malformed> {
    let hook = match (family, number) {
        (Family::Netdev, 0) | (Family::Inet, 5) => Some(Hook::Ingress),
        (Family::Netdev, 1) => Some(Hook::Egress),
        (Family::Arp, 0) => Some(Hook::Input),
        (Family::Arp, 1) => Some(Hook::Output),
        (Family::Arp, 2) => Some(Hook::Forward),
        (Family::Netdev | Family::Arp, _) => None,
        (_, 0) => Some(Hook::Prerouting),
        (_, 1) => Some(Hook::Input),
        (_, 2) => Some(Hook::Forward),
        (_, 3) => Some(Hook::Output),
        (_, 4) => Some(Hook::Postrouting),
        _ => None,
    };
    hook.ok_or(Malformed::Value {
        what: "NFTA_HOOK_HOOKNUM",
        value: number.into(),
    })
}
