//! Resource ids.

use std::cmp::Ordering;
use std::fmt;

/// A resource id, shown as it was written, compared without regard to letter case.
#[derive(Debug, Clone)]
pub struct Id {
    shown: String,
    key: String,
}

impl Id {
    /// The id of this text.
    pub fn new(text: &str) -> Self {
        Self {
            shown: text.to_owned(),
            key: text.to_lowercase(),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// In lower case.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Its last part.
    pub fn name(&self) -> &str {
        self.shown.rsplit('/').next().unwrap_or_default()
    }

    /// The words at every second place behind the last `providers`, in lower case, joined by `/`:
    /// `microsoft.network/virtualnetworks/subnets`. Empty where the id has another form.
    pub fn kind(&self) -> String {
        let Some((_, behind)) = self.key.rsplit_once("/providers/") else {
            return String::new();
        };
        let mut words = behind.split('/');
        let mut kind = words.next().unwrap_or_default().to_owned();
        for word in words.step_by(2) {
            kind.push('/');
            kind.push_str(word);
        }
        kind
    }

    /// The id of the resource that this one is a part of: two words less.
    pub fn parent(&self) -> Option<Self> {
        let (rest, _) = self.shown.rsplit_once('/')?;
        let (rest, _) = rest.rsplit_once('/')?;
        Some(Self::new(rest))
    }
}

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Id {}

impl PartialOrd for Id {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Id {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_what_it_is_of() {
        let id = Id::new(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/A",
        );
        assert_eq!(
            (id.kind().as_str(), id.name()),
            ("microsoft.network/virtualnetworks/subnets", "A")
        );
        assert_eq!(id.parent().unwrap().kind(), "microsoft.network/virtualnetworks");
        assert_eq!(id, Id::new(&id.as_str().to_uppercase()));
        assert_eq!(Id::new("/subscriptions/s").kind(), "");
    }
}
