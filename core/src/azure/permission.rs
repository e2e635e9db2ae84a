//! What an identity must be allowed to do in Azure, feature by feature, and what it is allowed.
//!
//! The lists are the `Microsoft.*` actions that each feature's calls need (Azure's "resource provider operations"). They are
//! kept apart by what they can do to a subscription: read, run the probe on a VM, capture, change.

use serde_json::{Map, Value, json};

use super::body::{self, BadField};

/// A role of its own: nothing that reads needs the right to run, capture or change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads and computes; alters nothing.
    Read,
    /// Runs the static probe on VMs without an agent, as root there.
    Probe,
    /// Captures packets by Network Watcher.
    Capture,
    /// Alters security rules and routes, each time by an approved action. Not part of any default.
    Change,
}

/// Something that netghost does in Azure, and the actions that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feature {
    /// In a few words.
    pub name: &'static str,
    /// The role that holds its actions.
    pub role: Role,
    /// All are needed.
    pub actions: &'static [&'static str],
}

/// Every feature, those that read first.
pub const FEATURES: [Feature; 13] = [
    Feature {
        name: "find VMs and their network interfaces",
        role: Role::Read,
        actions: &[
            "Microsoft.Compute/virtualMachines/read",
            "Microsoft.Compute/virtualMachines/instanceView/read",
            "Microsoft.Network/networkInterfaces/read",
            "Microsoft.Network/publicIPAddresses/read",
            "Microsoft.Network/virtualNetworks/read",
            "Microsoft.Network/virtualNetworks/subnets/read",
            "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/read",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
    },
    Feature {
        name: "find the instances of scale sets",
        role: Role::Read,
        actions: &[
            "Microsoft.Compute/virtualMachineScaleSets/read",
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read",
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/networkInterfaces/read",
        ],
    },
    Feature {
        name: "effective routes",
        role: Role::Read,
        actions: &["Microsoft.Network/networkInterfaces/effectiveRouteTable/action"],
    },
    Feature {
        name: "effective security rules",
        role: Role::Read,
        actions: &["Microsoft.Network/networkInterfaces/effectiveNetworkSecurityGroups/action"],
    },
    Feature {
        name: "security admin rules",
        role: Role::Read,
        actions: &["Microsoft.Network/virtualNetworks/listNetworkManagerEffectiveSecurityAdminRules/action"],
    },
    Feature {
        name: "security groups, route tables and application security groups",
        role: Role::Read,
        actions: &[
            "Microsoft.Network/applicationSecurityGroups/read",
            "Microsoft.Network/networkSecurityGroups/read",
            "Microsoft.Network/networkSecurityGroups/securityRules/read",
            "Microsoft.Network/routeTables/read",
            "Microsoft.Network/routeTables/routes/read",
        ],
    },
    Feature {
        name: "service tags",
        role: Role::Read,
        actions: &["Microsoft.Network/locations/serviceTags/read"],
    },
    Feature {
        name: "network rules of storage accounts",
        role: Role::Read,
        actions: &["Microsoft.Storage/storageAccounts/read"],
    },
    Feature {
        name: "who changed it (Activity Log)",
        role: Role::Read,
        actions: &["Microsoft.Insights/eventtypes/values/read"],
    },
    Feature {
        name: "probe VMs without an agent (run-command)",
        role: Role::Probe,
        actions: &[
            "Microsoft.Compute/virtualMachines/runCommand/action",
            "Microsoft.Compute/virtualMachines/runCommands/read",
            "Microsoft.Compute/virtualMachines/runCommands/write",
            "Microsoft.Compute/virtualMachines/runCommands/delete",
        ],
    },
    Feature {
        name: "capture packets (Network Watcher)",
        role: Role::Capture,
        actions: &[
            "Microsoft.Compute/virtualMachines/extensions/read",
            "Microsoft.Compute/virtualMachines/extensions/write",
            "Microsoft.Network/networkWatchers/read",
            "Microsoft.Network/networkWatchers/packetCaptures/read",
            "Microsoft.Network/networkWatchers/packetCaptures/write",
            "Microsoft.Network/networkWatchers/packetCaptures/delete",
            "Microsoft.Network/networkWatchers/packetCaptures/queryStatus/action",
            "Microsoft.Network/networkWatchers/packetCaptures/stop/action",
        ],
    },
    Feature {
        name: "change security rules",
        role: Role::Change,
        actions: &[
            "Microsoft.Network/networkSecurityGroups/securityRules/write",
            "Microsoft.Network/networkSecurityGroups/securityRules/delete",
        ],
    },
    Feature {
        name: "change routes",
        role: Role::Change,
        actions: &[
            "Microsoft.Network/routeTables/routes/write",
            "Microsoft.Network/routeTables/routes/delete",
        ],
    },
];

impl Role {
    /// All, the narrowest first.
    pub const ALL: [Self; 4] = [Self::Read, Self::Probe, Self::Capture, Self::Change];

    /// The word in the names of its definition and file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Probe => "probe",
            Self::Capture => "capture",
            Self::Change => "change",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Read => {
                "Reads virtual machines, networks and what Azure computes for them. Alters nothing."
            }
            Self::Probe => {
                "Runs netghost's static probe on virtual machines without its agent. Whoever holds it is root there."
            }
            Self::Capture => "Starts, reads and ends packet captures of Network Watcher.",
            Self::Change => {
                "Alters security rules and routes. netghost does so only by an action that a person approved."
            }
        }
    }

    /// Its definition as `az role definition create` takes it, for these scopes.
    pub fn definition(self, scopes: &[&str]) -> Value {
        let mut actions: Vec<&str> = FEATURES
            .iter()
            .filter(|feature| feature.role == self)
            .flat_map(|feature| feature.actions)
            .copied()
            .collect();
        actions.sort_unstable();
        json!({
            "Name": format!("netghost {}", self.word()),
            "IsCustom": true,
            "Description": self.description(),
            "Actions": actions,
            "NotActions": [],
            "DataActions": [],
            "NotDataActions": [],
            "AssignableScopes": scopes,
        })
    }
}

/// What one role assignment grants at a scope.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permission {
    /// Patterns of actions: `*` stands for any characters.
    pub actions: Vec<String>,
    /// Patterns that are taken from these again. They forbid nothing that another assignment grants.
    pub not_actions: Vec<String>,
}

impl Permission {
    /// True where this assignment allows the action.
    pub fn grants(&self, action: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, action));
        any(&self.actions) && !any(&self.not_actions)
    }
}

/// The answer of `GET SCOPE/providers/Microsoft.Authorization/permissions`: a list of assignments, in one page.
///
/// # Errors
/// A body of another shape, or a page that has another one behind it.
pub fn permissions(body: &Value) -> Result<Vec<Permission>, BadField> {
    let object = body
        .as_object()
        .ok_or_else(|| BadField::new("body", "it is no object"))?;
    if body::field(object, "nextLink").is_some() {
        return Err(BadField::new(
            "nextLink",
            "more permissions stand on another page",
        ));
    }
    let list = body::field(object, "value").and_then(Value::as_array);
    let list = list.ok_or_else(|| BadField::new("value", "it is no list"))?;
    let one = |(at, one): (usize, &Value)| {
        let object = one.as_object();
        let object = object.ok_or_else(|| BadField::new(format!("value.{at}"), "it is no object"))?;
        permission(object).map_err(|bad| bad.within(&format!("value.{at}")))
    };
    list.iter().enumerate().map(one).collect()
}

fn permission(object: &Map<String, Value>) -> Result<Permission, BadField> {
    Ok(Permission {
        actions: body::strings(object, "actions")?,
        not_actions: body::strings(object, "notActions")?,
    })
}

/// Whether one feature can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// Which.
    pub feature: Feature,
    /// Its actions that no assignment grants.
    pub missing: Vec<&'static str>,
}

/// Feature by feature, what is missing. Deny assignments and locks are not in what Azure lists here: a call can still fail.
pub fn check(granted: &[Permission]) -> Vec<Allowed> {
    let lacks = |action: &&&'static str| !granted.iter().any(|one| one.grants(action));
    FEATURES
        .iter()
        .map(|feature| Allowed {
            feature: *feature,
            missing: feature.actions.iter().filter(lacks).copied().collect(),
        })
        .collect()
}

/// True where the pattern, in which `*` stands for any characters, is the whole action. Letter case says nothing.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = action.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(actions: &[&str], not_actions: &[&str]) -> Permission {
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Permission {
            actions: own(actions),
            not_actions: own(not_actions),
        }
    }

    fn missing(granted: &[Permission], name: &str) -> Vec<&'static str> {
        let all = check(granted);
        all.into_iter()
            .find(|one| one.feature.name == name)
            .unwrap()
            .missing
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        let action = "Microsoft.Network/networkInterfaces/read";
        for (pattern, wanted) in [
            ("*", true),
            ("*/read", true),
            ("microsoft.network/*", true),
            ("Microsoft.Network/*/read", true),
            (action, true),
            ("Microsoft.Network/networkInterfaces", false),
            ("Microsoft.Network/*/write", false),
            ("*/rea", false),
            ("", false),
            // What stands before and behind a star may not overlap.
            ("Microsoft.Network/networkInterfaces/re*ead", false),
        ] {
            assert_eq!(matches(pattern, action), wanted, "{pattern}");
        }
    }

    #[test]
    fn a_reader_lacks_the_effective_state() {
        // Azure's built-in role Reader.
        let reader = [grant(&["*/read"], &[])];
        assert!(missing(&reader, "find VMs and their network interfaces").is_empty());
        assert_eq!(
            missing(&reader, "effective routes"),
            ["Microsoft.Network/networkInterfaces/effectiveRouteTable/action"]
        );
    }

    #[test]
    fn what_one_assignment_takes_away_another_may_grant() {
        // Azure's built-in role Contributor takes only what concerns authorization away.
        let without = grant(&["*"], &["Microsoft.Network/routeTables/routes/*"]);
        assert_eq!(missing(std::slice::from_ref(&without), "change routes").len(), 2);
        assert!(missing(&[without, grant(&["*/write", "*/delete"], &[])], "change routes").is_empty());
        assert_eq!(check(&[]).iter().filter(|one| one.missing.is_empty()).count(), 0);
    }

    #[test]
    fn a_page_that_is_not_the_last_is_not_the_whole() {
        let body = json!({"value": [{"actions": ["*/read"], "notActions": []}]});
        assert_eq!(permissions(&body).unwrap(), [grant(&["*/read"], &[])]);
        for bad in [
            json!([]),
            json!({}),
            json!({"value": null}),
            json!({"value": [1]}),
            json!({"value": [], "nextLink": "x"}),
            json!({"value": [{"actions": 1}]}),
        ] {
            assert!(permissions(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_role_to_change_can_change() {
        for role in Role::ALL {
            let definition = role.definition(&["/subscriptions/x"]);
            let actions = definition["Actions"].as_array().unwrap();
            assert!(!actions.is_empty());
            let alters = |action: &&Value| {
                let action = action.as_str().unwrap();
                let of_network = action.contains("securityRules/") || action.contains("/routes/");
                of_network && !action.ends_with("/read")
            };
            assert_eq!(
                actions.iter().filter(alters).count() > 0,
                role == Role::Change,
                "{role:?}"
            );
            if role == Role::Read {
                let ends = |action: &Value| {
                    action.as_str().unwrap().ends_with("/write")
                        || action.as_str().unwrap().ends_with("/delete")
                };
                assert!(!actions.iter().any(ends));
            }
        }
    }

    #[test]
    fn the_packaged_definitions_are_these() {
        let files = [
            include_str!("../../../packaging/azure/netghost-read.json"),
            include_str!("../../../packaging/azure/netghost-probe.json"),
            include_str!("../../../packaging/azure/netghost-capture.json"),
            include_str!("../../../packaging/azure/netghost-change.json"),
        ];
        for (role, file) in Role::ALL.into_iter().zip(files) {
            let scope = "/subscriptions/00000000-0000-0000-0000-000000000000";
            let file: Value = serde_json::from_str(file).unwrap();
            assert_eq!(file, role.definition(&[scope]), "{}", role.word());
        }
    }
}
