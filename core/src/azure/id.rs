//! Resource ids of Azure Resource Manager.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A full resource id: `/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/networkInterfaces/N`, deeper ones with
/// further pairs of type and name.
///
/// It is shown as it was written; two that differ only in letter case are one, as Azure Resource Manager has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceId(String);

/// A text that is no resource id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no resource id: it has the form /subscriptions/ID/resourceGroups/GROUP/providers/NAMESPACE/TYPE/NAME"
)]
pub struct NotAnId(String);

/// Azure Resource Manager accepts URLs up to 4 KiB; no id is longer.
const LONGEST: usize = 4096;

impl ResourceId {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In lower case: what tells two ids apart.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }

    /// The subscription's id.
    pub fn subscription(&self) -> &str {
        self.after("subscriptions").unwrap_or_default()
    }

    /// The resource group's name.
    pub fn group(&self) -> Option<&str> {
        self.after("resourceGroups")
    }

    /// The name of the resource itself: the last part.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The name that follows this word: `after("networkInterfaces")` of a NIC of a scale set is the NIC's name.
    pub fn after(&self, kind: &str) -> Option<&str> {
        let mut parts = self.0.split('/').skip(1);
        while let Some(part) = parts.next() {
            let name = parts.next();
            if part.eq_ignore_ascii_case(kind) {
                return name;
            }
        }
        None
    }

    /// True for a resource of this namespace and type: `is("Microsoft.Network", "networkInterfaces")`.
    pub fn is(&self, namespace: &str, kind: &str) -> bool {
        let mut last = self.0.rsplit('/').skip(1);
        self.after("providers")
            .is_some_and(|there| there.eq_ignore_ascii_case(namespace))
            && last.next().is_some_and(|there| there.eq_ignore_ascii_case(kind))
    }
}

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for ResourceId {}

impl PartialOrd for ResourceId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ResourceId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl std::hash::Hash for ResourceId {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl FromStr for ResourceId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let parts: Vec<&str> = text.split('/').collect();
        let whole = text.len() <= LONGEST
            && text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'%' | b'\\'))
            && matches!(parts.as_slice(), ["", first, rest @ ..]
                if first.eq_ignore_ascii_case("subscriptions") && rest.len() % 2 == 1)
            && parts.iter().skip(1).all(|part| !matches!(*part, "" | "." | ".."));
        if whole {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnId(text.chars().take(200).collect()))
        }
    }
}

impl TryFrom<String> for ResourceId {
    type Error = NotAnId;

    fn try_from(text: String) -> Result<Self, NotAnId> {
        text.parse()
    }
}

impl From<ResourceId> for String {
    fn from(id: ResourceId) -> Self {
        id.0
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NIC: &str = "/subscriptions/s1/resourceGroups/Rg/providers/Microsoft.Network/networkInterfaces/n1";

    #[test]
    fn an_id_has_parts() {
        let id: ResourceId = NIC.parse().unwrap();
        assert_eq!(
            (id.subscription(), id.group(), id.name()),
            ("s1", Some("Rg"), "n1")
        );
        assert!(id.is("microsoft.network", "networkinterfaces"));
        assert!(!id.is("Microsoft.Compute", "networkInterfaces"));
        assert_eq!(id.after("virtualMachines"), None);
    }

    #[test]
    fn letter_case_makes_no_other_resource() {
        let id: ResourceId = NIC.parse().unwrap();
        let upper: ResourceId = NIC.to_uppercase().parse().unwrap();
        assert_eq!(id, upper);
        assert_eq!(id.cmp(&upper), std::cmp::Ordering::Equal);
        assert_eq!(id.to_string(), NIC);
    }

    #[test]
    fn what_is_no_id_is_refused() {
        let traversal = NIC.replace("n1", "..");
        let query = format!("{NIC}?x=1");
        for text in [
            "",
            "/",
            "n1",
            "/subscriptions",
            "/subscriptions//x",
            "/subscriptions/a/b",
            &traversal,
            &query,
        ] {
            assert!(text.parse::<ResourceId>().is_err(), "{text:?}");
        }
    }
}
