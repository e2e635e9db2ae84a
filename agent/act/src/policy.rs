//! `/etc/netghost/policy.toml`: what this VM's owner lets others ask of it.

use std::path::Path;

use netghost_core::gate::Policy;

use crate::trusted;

/// A policy, and why it is the one that denies everything, where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// The policy.
    pub policy: Policy,
    /// Why the file does not count.
    pub why: Option<String>,
}

/// Reads the policy. A file that is missing, can't be trusted or is not of the form denies everything.
pub fn read(path: &Path) -> InForce {
    let read = trusted::read(path).and_then(|text| {
        toml::from_str(&text).map_err(|error| {
            let error = error.to_string();
            format!("{} is no policy: {}", path.display(), error.trim())
        })
    });
    match read {
        Ok(policy) => InForce { policy, why: None },
        Err(why) => InForce {
            policy: Policy::nothing(),
            why: Some(why),
        },
    }
}

impl InForce {
    /// A refusal's reason, with why everything is refused where the file does not count.
    pub fn explain(&self, refusal: netghost_core::gate::Refusal) -> netghost_core::gate::Refusal {
        match (&self.why, refusal) {
            (Some(file), netghost_core::gate::Refusal::Denied { .. }) => {
                netghost_core::gate::Refusal::Denied {
                    why: format!("{file}; without a policy everything is denied"),
                }
            }
            (_, refusal) => refusal,
        }
    }
}
