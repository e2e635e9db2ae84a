//! A namespace with rules, and what is read of it.

use netghost_core::artifact::json::{self, Digest};
use netghost_core::artifact::object;
use netghost_core::gate::{Operation, Place, RuleRef};
use netghost_core::netfilter::model::{Family, Ruleset};
use netghost_core::netfilter::text;
use netghost_core::section::{Content, Section, State};
use netghost_kernel::nftables;
use netghost_kernel::write::{self, Change, Standing, WriteError};
use netghost_lab::netns::Namespace;

/// Rules in a namespace of their own.
pub(crate) struct Host(pub(crate) Namespace);

/// One rule, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) family: Family,
    pub(crate) table: String,
    pub(crate) chain: String,
    pub(crate) rule: RuleRef,
}

impl Placed {
    pub(crate) fn deletion(&self) -> Operation {
        Operation::NftDelete {
            family: self.family,
            table: self.table.as_str().into(),
            chain: self.chain.as_str().into(),
            rule: self.rule.clone(),
        }
    }
}

pub(crate) fn insertion(family: Family, table: &str, chain: &str, place: Place, rule: &str) -> Operation {
    Operation::NftInsert {
        family,
        table: table.into(),
        chain: chain.into(),
        place,
        rule: rule.into(),
    }
}

pub(crate) fn deletion(family: Family, table: &str, chain: &str, rule: &str) -> Operation {
    Operation::NftDelete {
        family,
        table: table.into(),
        chain: chain.into(),
        rule: the_first(rule),
    }
}

pub(crate) fn the_first(rule: &str) -> RuleRef {
    RuleRef {
        text: rule.into(),
        occurrence: 1,
    }
}

impl Host {
    /// What `nft` makes of a script.
    pub(crate) fn nft(script: &str) -> Self {
        let host = Self(Namespace::new().unwrap());
        host.load(script);
        host
    }

    pub(crate) fn load(&self, script: &str) {
        let done = self
            .0
            .exec_with_input(&["nft", "-f", "-"], script.as_bytes())
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "nft refused: {said}\n{script}");
    }

    /// Runs each line.
    pub(crate) fn shell(script: &str) -> Self {
        let host = Self(Namespace::new().unwrap());
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            host.must(line);
        }
        host
    }

    pub(crate) fn must(&self, line: &str) -> String {
        let done = self.0.must(&["sh", "-c", line]).unwrap();
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    pub(crate) fn section(&self) -> Section {
        self.0.enter(|| nftables::read(&|| 0)).unwrap()
    }

    pub(crate) fn config(&self) -> Ruleset {
        let section = self.section();
        assert_eq!(section.state, State::Captured, "{:?}", section.gaps);
        match section.content {
            Some(Content::Netfilter { config, .. }) => config,
            other => panic!("not a ruleset: {other:?}"),
        }
    }

    pub(crate) fn digest(&self) -> Digest {
        let section = self.section();
        assert_eq!(section.state, State::Captured, "{:?}", section.gaps);
        object::config_digest(section.content.as_ref().unwrap()).unwrap()
    }

    pub(crate) fn generation(&self) -> u32 {
        self.0.enter(|| nftables::current_generation().unwrap()).unwrap()
    }

    /// Every rule of every chain that has a name, by its text and number.
    pub(crate) fn rules(&self) -> Vec<Placed> {
        placed(&self.config())
    }

    /// The texts of a chain's rules.
    pub(crate) fn texts(&self, chain: &str) -> Vec<String> {
        let all = self.rules().into_iter();
        all.filter(|placed| placed.chain == chain)
            .map(|placed| placed.rule.text.to_string())
            .collect()
    }

    /// What the tool says, with counters, where equal things are equal: words sorted, because a hash has no order, and without what
    /// goes by.
    pub(crate) fn listing(&self) -> Vec<String> {
        let text =
            String::from_utf8_lossy(&self.0.must(&["nft", "list", "ruleset"]).unwrap().stdout).into_owned();
        let mut all = text.split([' ', '\t', ',', '\n']).filter(|word| !word.is_empty());
        let mut words = Vec::new();
        while let Some(word) = all.next() {
            if word == "expires" {
                all.next();
            } else {
                words.push(word.to_owned());
            }
        }
        words.sort_unstable();
        words
    }

    pub(crate) fn plan(&self, operation: &Operation) -> Result<Change, WriteError> {
        let change = self.0.enter(|| write::plan(operation)).unwrap()?;
        // It lies in a record while it may have to be undone.
        let bytes = json::to_vec(&change).unwrap();
        let read: Change = json::from_slice(&bytes).unwrap();
        assert_eq!(read, change);
        Ok(read)
    }

    pub(crate) fn apply(&self, change: &Change) -> Result<(), WriteError> {
        self.0.enter(|| change.apply()).unwrap()
    }

    pub(crate) fn undo(&self, change: &Change) -> Result<(), WriteError> {
        self.0.enter(|| change.undo()).unwrap()
    }

    pub(crate) fn standing(&self, change: &Change) -> Standing {
        self.0.enter(|| change.standing()).unwrap().unwrap()
    }

    /// What is there before something is tried.
    pub(crate) fn before(&self) -> Before<'_> {
        Before {
            host: self,
            digest: self.digest(),
            listing: self.listing(),
        }
    }

    /// Asserts that the listing is this one.
    fn lists(&self, listing: &[String], what: &dyn std::fmt::Debug) {
        let now = self.listing();
        let lost: Vec<_> = listing.iter().filter(|word| !now.contains(word)).collect();
        let come: Vec<_> = now.iter().filter(|word| !listing.contains(word)).collect();
        assert!(now == listing, "{what:?}: {lost:?} became {come:?}");
    }
}

/// A host as it was.
pub(crate) struct Before<'h> {
    host: &'h Host,
    digest: Digest,
    listing: Vec<String>,
}

impl Before<'_> {
    /// Plans and does it, and undoes it: what is read, and what the tool lists, is as before.
    pub(crate) fn there_and_back(&self, operation: &Operation) -> Change {
        let host = self.host;
        let must =
            |done: Result<(), WriteError>| done.unwrap_or_else(|error| panic!("{operation:?}: {error}"));
        let planned = host.plan(operation);
        let change = planned.unwrap_or_else(|error| panic!("{operation:?}: {error}"));
        assert_eq!(host.standing(&change), Standing::Before);
        must(host.apply(&change));
        assert_eq!(host.standing(&change), Standing::After, "{operation:?}");
        assert_ne!(host.digest(), self.digest, "{operation:?}");
        must(host.undo(&change));
        assert_eq!(host.standing(&change), Standing::Before, "{operation:?}");
        self.is_so(operation);
        change
    }

    /// Nothing is otherwise.
    pub(crate) fn is_so(&self, what: &dyn std::fmt::Debug) {
        assert_eq!(self.host.digest(), self.digest, "{what:?}");
        self.host.lists(&self.listing, what);
    }
}

pub(crate) fn placed(config: &Ruleset) -> Vec<Placed> {
    let mut out: Vec<Placed> = Vec::new();
    for table in &config.tables {
        let named = table.chains.iter();
        let named = named.filter(|chain| !chain.name.as_bytes().starts_with(b"(implicit "));
        for chain in named {
            let first = out.len();
            for rule in &chain.rules {
                let text = text::rule(config.plane, table, chain, rule);
                let same = out[first..].iter();
                let same = same.filter(|one| one.rule.text.as_str() == Some(&text)).count();
                out.push(Placed {
                    family: table.family,
                    table: table.name.to_string(),
                    chain: chain.name.to_string(),
                    rule: RuleRef {
                        text: text.into(),
                        occurrence: same as u32 + 1,
                    },
                });
            }
        }
    }
    out
}
