//! Which agents are meant.

use serde::{Deserialize, Serialize};

use crate::artifact::name::{Name, NotAName};

/// A word on an agent: `role=web`. Both halves are names; an agent has each key at most once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tag {
    /// What kind of word.
    pub key: Name,
    /// The word.
    pub value: Name,
}

impl Tag {
    /// A tag of these two halves.
    pub fn new(key: &str, value: &str) -> Result<Self, NotAName> {
        Ok(Self {
            key: Name::parse(key)?,
            value: Name::parse(value)?,
        })
    }

    /// Parses `key=value`; the first `=` parts them.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        Self::new(key, value)
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

/// Selects agents: all of them, those named, or those that carry every one of the tags; and beside them what is meant in Azure.
/// Nothing set selects none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Selector {
    /// Names or ids.
    pub names: Vec<String>,
    /// An agent must carry them all.
    pub tags: Vec<Tag>,
    /// Every agent.
    pub all: bool,
    /// What is meant in Azure: canonical texts of [`crate::azure::selector::Selector`], sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub azure: Vec<String>,
    /// In a comparison every member of the baseline, of either layer, and nobody else. Nothing can be selected beside it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub members: bool,
}

impl Selector {
    /// True if nothing can be selected by it.
    pub fn is_empty(&self) -> bool {
        !self.members && self.is_only_members()
    }

    /// True if nothing is selected beside the members of a baseline.
    pub fn is_only_members(&self) -> bool {
        self.names.is_empty() && self.tags.is_empty() && !self.all && self.azure.is_empty()
    }

    /// True if in a comparison no member of the baseline is left out.
    pub fn every_member(&self) -> bool {
        self.all || self.members
    }

    /// True if an agent of this id, name and tags is meant.
    pub fn selects(&self, id: &str, name: &str, tags: &[Tag]) -> bool {
        let tagged = !self.tags.is_empty() && self.tags.iter().all(|tag| tags.contains(tag));
        self.all || tagged || self.names.iter().any(|wanted| wanted == name || wanted == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_selects_none() {
        let tags = [Tag::parse("role=web").unwrap()];
        assert!(Selector::default().is_empty());
        let nic = Selector {
            azure: vec!["/subscriptions/s".to_owned()],
            ..Selector::default()
        };
        assert!(!nic.is_empty() && !nic.selects("id", "vm1", &tags));
        assert!(!Selector::default().selects("id", "vm1", &tags));
        assert!(!Selector::default().selects("id", "vm1", &[]));
    }

    #[test]
    fn the_members_of_a_baseline_are_nobody_by_themselves() {
        let members = Selector {
            members: true,
            ..Selector::default()
        };
        assert!(!members.is_empty() && members.is_only_members() && members.every_member());
        assert!(
            !members.selects("id", "vm1", &[]),
            "whose members they are is not known here"
        );
        let beside = Selector {
            names: vec!["vm1".to_owned()],
            ..members
        };
        assert!(!beside.is_only_members());
    }

    #[test]
    fn tags_are_met_all_names_any() {
        let web = Tag::parse("role=web").unwrap();
        let east = Tag::parse("zone=east").unwrap();
        let both = Selector {
            tags: vec![web.clone(), east.clone()],
            ..Selector::default()
        };
        assert!(!both.selects("id", "vm1", std::slice::from_ref(&web)));
        assert!(both.selects("id", "vm1", &[east, web]));
        let named = Selector {
            names: vec!["vm1".to_owned(), "vm2".to_owned()],
            ..Selector::default()
        };
        assert!(named.selects("id", "vm2", &[]));
        assert!(!named.selects("id", "vm3", &[]));
    }

    #[test]
    fn a_tag_has_two_names() {
        assert_eq!(Tag::parse("a=b").unwrap().to_string(), "a=b");
        for other in ["a", "a=", "=b", "a=b c", "a=b=c"] {
            assert!(Tag::parse(other).is_err(), "{other}");
        }
    }
}
