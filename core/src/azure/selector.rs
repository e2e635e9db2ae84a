//! What is meant by a word on a command line or in a request: a VM, a network interface, or all of a network, a group or more.

use std::fmt;
use std::str::FromStr;

use super::id::ResourceId;

/// What is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// The VM of this name, wherever it is in the subscription.
    Named(String),
    /// The VM of this name in this resource group.
    InGroup {
        /// The resource group's name.
        group: String,
        /// The VM's name.
        name: String,
    },
    /// A VM, or an instance of a scale set.
    Vm(ResourceId),
    /// A network interface.
    Nic(ResourceId),
    /// Every network interface in a virtual network.
    Vnet(ResourceId),
    /// Every instance of a scale set.
    ScaleSet(ResourceId),
    /// Everything in a resource group.
    Group {
        /// The subscription's id.
        subscription: String,
        /// The group's name.
        group: String,
    },
    /// Everything in a subscription, by its id.
    Subscription(String),
}

/// A word that names nothing that can be looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names nothing in Azure: it is NAME or RESOURCE_GROUP/NAME of a VM, or the resource id of a VM, a network interface, \
     a virtual network, a scale set, a resource group or a subscription"
)]
pub struct BadSelector(String);

/// What a resource is looked for as.
type Make = fn(ResourceId) -> Selector;

/// What a resource of a type is looked for as.
const KINDS: [(&str, &str, Make); 5] = [
    ("Microsoft.Compute", "virtualMachines", Selector::Vm),
    ("Microsoft.Compute", "networkInterfaces", Selector::Nic),
    ("Microsoft.Network", "networkInterfaces", Selector::Nic),
    ("Microsoft.Network", "virtualNetworks", Selector::Vnet),
    ("Microsoft.Compute", "virtualMachineScaleSets", Selector::ScaleSet),
];

impl Selector {
    fn of_id(id: ResourceId) -> Option<Self> {
        let subscription = id.subscription().to_owned();
        match id.as_str().split('/').skip(1).collect::<Vec<_>>().as_slice() {
            [_, _] => return Some(Self::Subscription(subscription)),
            [_, _, kind, group] if kind.eq_ignore_ascii_case("resourceGroups") => {
                let group = (*group).to_owned();
                return Some(Self::Group { subscription, group });
            }
            _ => {}
        }
        let known = KINDS.iter().find(|(namespace, kind, _)| id.is(namespace, kind));
        known.map(|(_, _, make)| make(id))
    }

    /// The subscription that it lies in, where it says so itself.
    pub fn subscription(&self) -> Option<&str> {
        match self {
            Self::Named(_) | Self::InGroup { .. } => None,
            Self::Vm(id) | Self::Nic(id) | Self::Vnet(id) | Self::ScaleSet(id) => Some(id.subscription()),
            Self::Group { subscription, .. } | Self::Subscription(subscription) => Some(subscription),
        }
    }
}

impl FromStr for Selector {
    type Err = BadSelector;

    fn from_str(text: &str) -> Result<Self, BadSelector> {
        let bad = || BadSelector(text.chars().take(200).collect());
        if text.starts_with('/') {
            let id: ResourceId = text.trim_end_matches('/').parse().map_err(|_| bad())?;
            return Self::of_id(id).ok_or_else(bad);
        }
        match text.split('/').collect::<Vec<_>>().as_slice() {
            [name] if is_name(name) => Ok(Self::Named((*name).to_owned())),
            [group, name] if is_name(group) && is_name(name) => Ok(Self::InGroup {
                group: (*group).to_owned(),
                name: (*name).to_owned(),
            }),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::InGroup { group, name } => write!(f, "{group}/{name}"),
            Self::Vm(id) | Self::Nic(id) | Self::Vnet(id) | Self::ScaleSet(id) => id.fmt(f),
            Self::Group { subscription, group } => {
                write!(f, "/subscriptions/{subscription}/resourceGroups/{group}")
            }
            Self::Subscription(subscription) => write!(f, "/subscriptions/{subscription}"),
        }
    }
}

/// The letters of names of VMs and groups. A name becomes a part of a path.
fn is_name(text: &str) -> bool {
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')');
    !text.is_empty() && text.chars().count() <= 90 && text.chars().all(fine) && !matches!(text, "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Selector {
        text.parse().unwrap()
    }

    #[test]
    fn words_and_ids_mean_what_they_say() {
        assert_eq!(parsed("web"), Selector::Named("web".to_owned()));
        assert!(matches!(parsed("shop/web"), Selector::InGroup { .. }));
        assert_eq!(parsed("/subscriptions/s"), Selector::Subscription("s".to_owned()));
        assert!(matches!(
            parsed("/subscriptions/s/resourceGroups/g"),
            Selector::Group { .. }
        ));
        let below = |rest: &str| parsed(&format!("/subscriptions/s/resourcegroups/g/providers/{rest}"));
        assert!(matches!(
            below("Microsoft.Compute/virtualMachines/a"),
            Selector::Vm(_)
        ));
        assert!(matches!(
            below("microsoft.network/NETWORKINTERFACES/a"),
            Selector::Nic(_)
        ));
        assert!(matches!(
            below("Microsoft.Network/virtualNetworks/a"),
            Selector::Vnet(_)
        ));
        let set = "Microsoft.Compute/virtualMachineScaleSets/a";
        assert!(matches!(below(set), Selector::ScaleSet(_)));
        assert!(matches!(
            below(&format!("{set}/virtualMachines/0")),
            Selector::Vm(_)
        ));
        let nic = format!("{set}/virtualMachines/0/networkInterfaces/n");
        assert!(matches!(below(&nic), Selector::Nic(_)));
        for text in [
            "web",
            "shop/web",
            "/subscriptions/s",
            "/subscriptions/s/resourceGroups/g",
        ] {
            assert_eq!(parsed(text).to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [
            "",
            "/",
            ".",
            "..",
            "a/b/c",
            "a/",
            "/a",
            "a b",
            "a?b",
            "a/..",
            "../a",
            "/subscriptions",
            "/subscriptions/s/resourceGroups/..",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/virtualMachines/n",
        ] {
            assert!(bad.parse::<Selector>().is_err(), "{bad:?}");
        }
    }
}
