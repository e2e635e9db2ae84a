//! Names that people give to baselines.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use super::json::Digest;

/// The longest name, in bytes.
const MAX: usize = 64;

/// A name of the form `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`: it has no separator and begins with no dot, so it can stand in a
/// path as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Name(String);

/// Why some text is not a [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a name: use 1 to 64 letters, digits, '.', '_' and '-', and begin with a letter or digit"
)]
pub struct NotAName {
    /// The text, cut to 80 characters.
    pub text: String,
}

impl Name {
    /// Takes `text` if it is a name; nothing is trimmed or changed.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let mut bytes = text.bytes();
        let begins = bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let goes_on = bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        if begins && goes_on && text.len() <= MAX {
            Ok(Self(text.to_owned()))
        } else {
            let text = text.chars().take(80).collect();
            Err(NotAName { text })
        }
    }

    /// The name under which something goes that has another kind of name: as much of that as may stand in one, a dot, and the
    /// beginning of a digest that tells it apart.
    pub fn of(other: &str, apart: &Digest) -> Self {
        const KEPT: usize = 48;
        const APART: usize = 12;
        let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
        let kept: String = other
            .chars()
            .map(|letter| if fits(letter) { letter } else { '-' })
            .skip_while(|letter| !letter.is_ascii_alphanumeric())
            .take(KEPT)
            .collect();
        let hex: String = apart.to_string().chars().take(APART).collect();
        Self(if kept.is_empty() {
            hex
        } else {
            format!("{kept}.{hex}")
        })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Name {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        Self::parse(text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_names_are_taken_as_they_are() {
        for text in ["a", "0", "before-change.2026_11", "A..b", &"x".repeat(64)] {
            assert_eq!(Name::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn another_name_is_kept_as_far_as_it_goes() {
        let digest = Digest::of(b"x");
        let hex = &digest.to_string()[..12];
        assert_eq!(
            Name::of("web_nic-0", &digest).as_str(),
            format!("web_nic-0.{hex}")
        );
        assert_eq!(Name::of("(é)", &digest).as_str(), hex);
        assert_eq!(Name::of("_a(1)", &digest).as_str(), format!("a-1-.{hex}"));
        assert_eq!(Name::of(&"x".repeat(90), &digest).as_str().len(), 48 + 1 + 12);
    }

    #[test]
    fn what_could_leave_the_directory_is_no_name() {
        let long = "x".repeat(65);
        for text in [
            "", ".", "..", "../x", "a/b", "/a", ".hidden", "-x", "_x", "a\n", "a\r\n", "\na", "a b", "a\0",
            "é", "a\\b", "a:b", &long,
        ] {
            assert!(Name::parse(text).is_err(), "{text:?}");
            let json = serde_json::to_string(text).unwrap();
            assert!(serde_json::from_str::<Name>(&json).is_err(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn every_other_name_has_one_of_these(other in "\\PC{0,70}|[._-]{0,3}[a-z]{0,60}") {
            let name = Name::of(&other, &Digest::of(other.as_bytes()));
            prop_assert_eq!(Name::parse(name.as_str()), Ok(name));
        }

        #[test]
        fn a_name_is_one_plain_component(text in "\\PC{0,70}|[A-Za-z0-9._/-]{0,70}") {
            if let Ok(name) = Name::parse(&text) {
                prop_assert_eq!(name.as_str(), text.as_str());
                let path = std::path::Path::new(name.as_str());
                let parts: Vec<_> = path.components().collect();
                prop_assert!(matches!(parts[..], [std::path::Component::Normal(_)]));
            }
        }
    }
}
