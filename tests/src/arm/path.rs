//! Addresses in Azure Resource Manager, taken apart.

/// Words whose spelling matters in ids and actions; addresses may have them in any case.
const WORDS: &[&str] = &[
    "Microsoft.Authorization",
    "Microsoft.Compute",
    "Microsoft.Insights",
    "Microsoft.Network",
    "Microsoft.ResourceGraph",
    "Microsoft.Resources",
    "Microsoft.Storage",
    "applicationSecurityGroups",
    "deallocate",
    "defaultSecurityRules",
    "effectiveNetworkSecurityGroups",
    "effectiveRouteTable",
    "instanceView",
    "ipConfigurations",
    "listNetworkManagerEffectiveSecurityAdminRules",
    "loadBalancers",
    "locations",
    "natGateways",
    "networkInterfaces",
    "networkManagers",
    "networkSecurityGroups",
    "networkWatchers",
    "operationResults",
    "operations",
    "packetCaptures",
    "permissions",
    "powerOff",
    "privateEndpoints",
    "publicIPAddresses",
    "queryStatus",
    "routeTables",
    "routes",
    "runCommand",
    "runCommands",
    "securityRules",
    "serviceTags",
    "start",
    "stop",
    "storageAccounts",
    "subnets",
    "virtualMachineScaleSets",
    "virtualMachines",
    "virtualNetworkGateways",
    "virtualNetworkPeerings",
    "virtualNetworks",
];

/// Types that a group or a subscription lists.
const LISTED: &[&str] = &[
    "Microsoft.Compute/virtualMachineScaleSets",
    "Microsoft.Compute/virtualMachines",
    "Microsoft.Network/applicationSecurityGroups",
    "Microsoft.Network/loadBalancers",
    "Microsoft.Network/natGateways",
    "Microsoft.Network/networkInterfaces",
    "Microsoft.Network/networkManagers",
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Network/networkWatchers",
    "Microsoft.Network/privateEndpoints",
    "Microsoft.Network/publicIPAddresses",
    "Microsoft.Network/routeTables",
    "Microsoft.Network/virtualNetworkGateways",
    "Microsoft.Network/virtualNetworks",
    "Microsoft.Storage/storageAccounts",
];

/// Lists that stand in the body of the resource that they are part of.
const EMBEDDED: &[&str] = &[
    "defaultSecurityRules",
    "ipConfigurations",
    "routes",
    "securityRules",
    "subnets",
    "virtualNetworkPeerings",
];

/// A word as Azure spells it.
pub(crate) fn spelled(word: &str) -> String {
    let known = WORDS.iter().find(|known| known.eq_ignore_ascii_case(word));
    known.map_or_else(|| word.to_owned(), |known| (*known).to_owned())
}

/// An address below a provider: `/subscriptions/S[/resourceGroups/G]/providers/NAMESPACE/type/name/type/name…`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) subscription: String,
    /// As the address has it; empty below a subscription.
    pub(crate) group: String,
    /// `Microsoft.Network`.
    pub(crate) namespace: String,
    /// Types with names; the last name is missing where a list, an action or a view is meant.
    pub(crate) parts: Vec<(String, Option<String>)>,
}

impl Path {
    /// Takes an address apart; none where it is of another form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.trim_matches('/').split('/').collect();
        if words.iter().any(|word| word.is_empty()) {
            return None;
        }
        let (subscription, rest) = match words.as_slice() {
            [first, subscription, rest @ ..] if first.eq_ignore_ascii_case("subscriptions") => {
                ((*subscription).to_owned(), rest)
            }
            _ => return None,
        };
        let (group, rest) = match rest {
            [first, group, rest @ ..] if first.eq_ignore_ascii_case("resourceGroups") => {
                ((*group).to_owned(), rest)
            }
            rest => (String::new(), rest),
        };
        let [first, namespace, rest @ ..] = rest else {
            return None;
        };
        if !first.eq_ignore_ascii_case("providers") || rest.is_empty() {
            return None;
        }
        let parts = rest.chunks(2).filter_map(|pair| match pair {
            [kind, name] => Some((spelled(kind), Some((*name).to_owned()))),
            [kind] => Some((spelled(kind), None)),
            _ => None,
        });
        Some(Self {
            subscription,
            group,
            namespace: spelled(namespace),
            parts: parts.collect(),
        })
    }

    /// `Microsoft.Network/networkSecurityGroups/securityRules`.
    pub(crate) fn kind(&self) -> String {
        let kinds = self.parts.iter().map(|(kind, _)| kind.as_str());
        std::iter::once(self.namespace.as_str())
            .chain(kinds)
            .collect::<Vec<_>>()
            .join("/")
    }

    /// The last word that is a type or an action.
    pub(crate) fn last(&self) -> &str {
        self.parts.last().map_or("", |(kind, _)| kind)
    }

    /// The last name; empty where a list or an action is meant.
    pub(crate) fn name(&self) -> &str {
        self.parts
            .last()
            .and_then(|(_, name)| name.as_deref())
            .unwrap_or_default()
    }

    /// Whether it ends with a name.
    pub(crate) fn is_resource(&self) -> bool {
        self.parts.last().is_some_and(|(_, name)| name.is_some())
    }

    /// The id, spelled as the address spells names.
    pub(crate) fn id(&self) -> String {
        let mut id = format!("/subscriptions/{}", self.subscription);
        if !self.group.is_empty() {
            id = format!("{id}/resourceGroups/{}", self.group);
        }
        id = format!("{id}/providers/{}", self.namespace);
        for (kind, name) in &self.parts {
            id = format!("{id}/{kind}");
            if let Some(name) = name {
                id = format!("{id}/{name}");
            }
        }
        id
    }

    /// The key of the resource in the state.
    pub(crate) fn key(&self) -> String {
        self.id().to_ascii_lowercase()
    }

    /// The address without its last part.
    pub(crate) fn parent(&self) -> Self {
        let mut parent = self.clone();
        parent.parts.pop();
        parent
    }

    /// The resource in whose body this one stands, where it is such a part.
    pub(crate) fn holder(&self) -> Option<Self> {
        let holder = self.parent();
        (EMBEDDED.contains(&self.last()) && holder.is_resource()).then_some(holder)
    }

    /// The resource whose list this is, where the list stands in its body.
    pub(crate) fn holder_of_list(&self) -> Option<Self> {
        (EMBEDDED.contains(&self.last()) && !self.is_resource()).then(|| self.parent())
    }

    /// Whether groups and subscriptions list resources of this type.
    pub(crate) fn is_listed(&self) -> bool {
        self.parts.len() == 1 && LISTED.contains(&&*self.kind())
    }

    /// The action that a request on this address needs.
    pub(crate) fn action(&self, verb: &str) -> String {
        let suffix = match verb {
            "GET" | "HEAD" => "read",
            "DELETE" => "delete",
            "POST" => "action",
            _ => "write",
        };
        format!("{}/{suffix}", self.kind())
    }

    /// The scope of a request: the resource itself, for an action or a list the resource that has it.
    pub(crate) fn scope(&self) -> String {
        if self.is_resource() {
            return self.id();
        }
        let parent = self.parent();
        if parent.parts.is_empty() {
            let id = parent.id();
            return id.split("/providers/").next().unwrap_or_default().to_owned();
        }
        parent.id()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        Path::parse(text).unwrap()
    }

    #[test]
    fn an_address_is_taken_apart() {
        let rule = path(
            "/subscriptions/S/resourcegroups/G/PROVIDERS/microsoft.network/networksecuritygroups/n/securityrules/R",
        );
        assert_eq!(
            rule.kind(),
            "Microsoft.Network/networkSecurityGroups/securityRules"
        );
        assert_eq!(
            rule.id(),
            "/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/networkSecurityGroups/n/securityRules/R"
        );
        assert_eq!(rule.holder().unwrap().name(), "n");
        assert_eq!(
            rule.action("PUT"),
            "Microsoft.Network/networkSecurityGroups/securityRules/write"
        );
        let list = path("/subscriptions/S/providers/Microsoft.Network/networkInterfaces");
        assert!(list.is_listed() && !list.is_resource());
        assert_eq!(list.scope(), "/subscriptions/S");
        let action = path(
            "/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/networkInterfaces/n/effectiveroutetable",
        );
        assert_eq!(
            action.action("POST"),
            "Microsoft.Network/networkInterfaces/effectiveRouteTable/action"
        );
        assert!(action.scope().ends_with("/networkInterfaces/n"));
    }

    #[test]
    fn other_addresses_are_none() {
        for bad in [
            "/",
            "/subscriptions/s",
            "/subscriptions/s/resourceGroups/g",
            "/subscriptions/s/providers/Microsoft.Network",
            "/subscriptions/s//providers/Microsoft.Network/x",
            "/tenants",
        ] {
            assert_eq!(Path::parse(bad), None, "{bad}");
        }
    }
}
