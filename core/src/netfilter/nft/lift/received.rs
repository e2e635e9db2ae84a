//! The rules of one chain as they were received: listed in order, then what was asked for one by one.

use crate::netfilter::nft::message::RuleMessage;

/// A rule of a chain, as it was received.
#[derive(Debug)]
pub(super) enum Received<'r, 'a> {
    /// The chain's listing holds it.
    Listed(&'r RuleMessage<'a>),
    /// It was asked for by its handle, because the listing ended before it.
    Hidden(&'r RuleMessage<'a>),
    /// The kernel would not give it: it is there, and only its handle is known.
    Refused(u64),
}

/// What was received of a chain.
#[derive(Debug, Default)]
pub(super) struct Rules<'a> {
    listed: Vec<RuleMessage<'a>>,
    alone: Vec<RuleMessage<'a>>,
    refused: Vec<u64>,
}

impl<'a> Rules<'a> {
    pub(super) fn list(&mut self, rule: RuleMessage<'a>) {
        self.listed.push(rule);
    }

    pub(super) fn found(&mut self, rule: RuleMessage<'a>) {
        self.alone.push(rule);
    }

    pub(super) fn refuse(&mut self, handle: u64) {
        self.refused.push(handle);
    }

    /// In the order of the chain, as far as it is known: behind what was listed stands the rule that ended the listing, which
    /// is one of those refused, then the others in the order of their handles.
    pub(super) fn in_order(&self) -> Vec<Received<'_, 'a>> {
        let first = self.refused.iter().min().copied();
        let mut behind: Vec<(u64, Received<'_, 'a>)> = self
            .alone
            .iter()
            .map(|rule| (rule.handle.unwrap_or_default(), Received::Hidden(rule)))
            .collect();
        let others = self.refused.iter().filter(|handle| Some(**handle) != first);
        behind.extend(others.map(|handle| (*handle, Received::Refused(*handle))));
        behind.sort_by_key(|(handle, _)| *handle);
        let listed = self.listed.iter().map(Received::Listed);
        listed
            .chain(first.map(Received::Refused))
            .chain(behind.into_iter().map(|(_, rule)| rule))
            .collect()
    }
}
