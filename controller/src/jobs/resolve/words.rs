//! What is meant in Azure: by words, and by agents whose VMs are there.

use std::collections::BTreeSet;

use netghost_core::azure::selector::Selector;
use netghost_core::fleet;
use netghost_core::job::{Request, Work};

use crate::Controller;
use crate::azure::Azure;
use crate::store::Error;
use crate::store::identities::{self, AgentRow};

/// What is to be looked for, each once.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Whole scopes and single resources that were named.
    pub(super) named: BTreeSet<Word>,
    /// The VMs of agents.
    pub(super) agents: BTreeSet<Word>,
    /// What can't be looked for: what, and why.
    pub(super) wrong: Vec<(String, String)>,
}

/// A selector, ordered by its canonical text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word(pub(super) Selector);

impl PartialOrd for Word {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Word {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let text = |word: &Self| word.0.to_string().to_lowercase();
        text(self).cmp(&text(other))
    }
}

impl Words {
    fn word(&mut self, text: &str) {
        match text.parse() {
            Ok(selector) => drop(self.named.insert(Word(selector))),
            Err(error) => self.wrong.push((text.to_owned(), format!("{error}"))),
        }
    }

    fn agent(&mut self, name: &str, row: Option<&AgentRow>) {
        let attested = row
            .and_then(|row| row.attested.as_ref())
            .map(|(attested, _)| attested);
        // What nobody vouches for is the agent's own word, and no better than its name.
        let vouched = attested.filter(|attested| attested.unverified.is_empty());
        let id = vouched.and_then(|attested| attested.resource.parse().ok());
        let word = id.map_or_else(|| name.parse(), |id| Ok(Selector::Vm(id)));
        match word {
            Ok(word) => drop(self.agents.insert(Word(word))),
            Err(error) => self.wrong.push((name.to_owned(), format!("{error}"))),
        }
    }
}

/// What a request means in Azure.
pub(super) async fn words(controller: &Controller, azure: &Azure, request: &Request) -> Result<Words, Error> {
    let mut connection = controller.store.pool().acquire().await?;
    let agents = identities::agents(&mut connection).await?;
    let mut words = Words::default();
    for text in &request.selector.azure {
        words.word(text);
    }
    for name in &request.selector.names {
        let row = agents
            .iter()
            .find(|row| row.identity.name == *name || row.identity.id.to_string() == *name);
        match row {
            Some(row) => words.agent(&row.identity.name, Some(row)),
            None => words.word(name),
        }
    }
    let carriers = fleet::Selector {
        tags: request.selector.tags.clone(),
        all: request.selector.all,
        ..fleet::Selector::default()
    };
    let is_check = !matches!(request.work, Work::Baseline { .. });
    for row in &agents {
        let identity = &row.identity;
        let live = identity.revoked.is_none() || is_check;
        if live && carriers.selects(&identity.id.to_string(), &identity.name, &row.tags) {
            words.agent(&identity.name, Some(row));
        }
    }
    if is_check && !request.selector.all {
        // What was compared once is not left out since its agent went.
        for (identity, tags) in identities::gone(&mut connection).await? {
            let there = agents.iter().any(|row| row.identity.id == identity.id);
            if !there && carriers.selects(&identity.id.to_string(), &identity.name, &tags) {
                words.agent(&identity.name, None);
            }
        }
    }
    if request.selector.all {
        match &azure.subscription {
            Some(subscription) => words.word(&format!("/subscriptions/{subscription}")),
            None => words.wrong.push(("all".to_owned(), WHICH.to_owned())),
        }
    }
    Ok(words)
}

const WHICH: &str = "the controller's configuration names no subscription, so that it is not known which network interfaces are all";
