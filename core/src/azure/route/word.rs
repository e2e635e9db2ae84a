//! Words of effective routes, kept as they are written and compared without regard to letter case.

use std::cmp::Ordering;
use std::fmt;

use serde::Serialize;

/// A word as Azure wrote it. `VNetPeering` and `VnetPeering` are one word. Empty: there was none.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub struct Word(String);

impl Word {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True where there was none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True for this word.
    pub fn is(&self, word: &str) -> bool {
        self.0.eq_ignore_ascii_case(word)
    }

    /// In lower case: what tells two words apart.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    fn letters(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

impl From<String> for Word {
    fn from(word: String) -> Self {
        Self(word)
    }
}

impl From<&str> for Word {
    fn from(word: &str) -> Self {
        Self(word.to_owned())
    }
}

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl Eq for Word {}

impl PartialOrd for Word {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Word {
    fn cmp(&self, other: &Self) -> Ordering {
        self.letters().cmp(other.letters())
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who made a route. Of two routes of one prefix the one whose maker stands first here wins (Microsoft, "Virtual network
/// traffic routing").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A person, in a route table: `User`.
    User,
    /// A gateway, which learnt it by BGP or was given it: `VirtualNetworkGateway`.
    Bgp,
    /// The platform: `Default`.
    System,
}

impl Origin {
    /// All three.
    pub const ALL: [Self; 3] = [Self::User, Self::Bgp, Self::System];

    /// What the word of a route's source says; `None` for `Unknown` and any other.
    pub fn of(source: &Word) -> Option<Self> {
        const WORDS: [(&str, Origin); 3] = [
            ("User", Origin::User),
            ("VirtualNetworkGateway", Origin::Bgp),
            ("Default", Origin::System),
        ];
        let mut words = WORDS.iter().filter(|(word, _)| source.is(word));
        words.next().map(|(_, origin)| *origin)
    }
}

/// Whether Azure uses a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It takes part.
    Active,
    /// It is listed and never used.
    Invalid,
}

impl State {
    /// What the word says; `None` for any other.
    pub fn of(state: &Word) -> Option<Self> {
        if state.is("Active") {
            Some(Self::Active)
        } else if state.is("Invalid") {
            Some(Self::Invalid)
        } else {
            None
        }
    }
}

/// What selection and warnings must know of a next hop's type. The word is an open one: real tables hold more than the SDKs
/// name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hop {
    /// The network itself, or a peered one: a system route that more specific routes of BGP don't override.
    Network,
    /// A service by its endpoint: neither routes of people nor of BGP override it.
    ServiceEndpoint,
    /// Out of the virtual network.
    Internet,
    /// Nowhere: packets are dropped.
    Nowhere,
    /// A gateway.
    Gateway,
    /// A machine that forwards.
    Appliance,
    /// Another: Microsoft says of it neither that routes of BGP override it nor that they don't.
    Other,
}

impl Hop {
    /// What the word says.
    pub fn of(next_hop_type: &Word) -> Self {
        const WORDS: [(&str, Hop); 10] = [
            ("VnetLocal", Hop::Network),
            ("VnetPeering", Hop::Network),
            // Real tables show it for a peered network of another region.
            ("VNetGlobalPeering", Hop::Network),
            ("VirtualNetworkServiceEndpoint", Hop::ServiceEndpoint),
            ("Internet", Hop::Internet),
            ("None", Hop::Nowhere),
            ("Null", Hop::Nowhere),
            ("VirtualNetworkGateway", Hop::Gateway),
            ("VirtualAppliance", Hop::Appliance),
            ("VirtualApplianceEcmp", Hop::Appliance),
        ];
        let mut words = WORDS.iter().filter(|(word, _)| next_hop_type.is(word));
        words.next().map_or(Self::Other, |(_, hop)| *hop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_case_makes_no_other_word() {
        assert_eq!(Word::from("VNetPeering"), Word::from("VnetPeering"));
        assert_eq!(
            Word::from("VNetPeering").cmp(&Word::from("vnetpeering")),
            Ordering::Equal
        );
        assert_eq!(Hop::of(&"VNETPEERING".into()), Hop::Network);
        assert_eq!(Hop::of(&"none".into()), Hop::Nowhere);
        assert_eq!(Hop::of(&"InterfaceEndpoint".into()), Hop::Other);
        assert_eq!(Origin::of(&"default".into()), Some(Origin::System));
        assert_eq!(State::of(&"invalid".into()), Some(State::Invalid));
    }

    #[test]
    fn another_word_is_never_taken_for_a_known_one() {
        for word in ["", "Unknown", "Users", "Bgp"] {
            assert_eq!(Origin::of(&word.into()), None, "{word}");
        }
        for word in ["", "Unknown", "Inactive"] {
            assert_eq!(State::of(&word.into()), None, "{word}");
        }
        assert_eq!(Hop::of(&"".into()), Hop::Other);
    }
}
