//! Which members of a baseline are meant. Where it is not known, a member is: what is left out could have changed.

use netghost_core::azure::id::ResourceId;
use netghost_core::azure::inventory::{self, Nic, Vm};
use netghost_core::azure::selector::Selector;
use netghost_core::job::baseline::Member;
use netghost_core::raw::{PartRead, Raw};
use netghost_core::section::SectionName;
use netghost_core::snapshot::Snapshot;

use super::words::Word;
use crate::Controller;
use crate::jobs::{Broken, load};
use crate::store::Error;

/// True if one of the words can mean this member.
pub(super) async fn is_meant(
    controller: &Controller,
    (words, subscription): (&[&Word], Option<&str>),
    member: &Member,
) -> Result<bool, Error> {
    let Some(id) = &member.resource else {
        return Ok(true);
    };
    let mut doubtful = Vec::new();
    for word in words {
        match by_id(&word.0, id) {
            Some(true) => return Ok(true),
            Some(false) => {}
            None => doubtful.push(&word.0),
        }
    }
    if doubtful.is_empty() {
        return Ok(false);
    }
    let Some(nic) = stored(controller, member).await? else {
        return Ok(true);
    };
    Ok(doubtful.into_iter().any(|word| by_body(word, subscription, &nic)))
}

/// Whether a VM lies in what a word means, as far as its id tells.
pub(in super::super) fn lies_in(word: &Selector, vm: &ResourceId) -> Option<bool> {
    match word {
        Selector::Vm(named) => Some(named == vm),
        Selector::Nic(_) => Some(false),
        Selector::Group { .. } => Some(by_id(word, vm) == Some(true)),
        _ => by_id(word, vm),
    }
}

/// What the id alone tells.
fn by_id(word: &Selector, id: &ResourceId) -> Option<bool> {
    let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
    match word {
        Selector::Nic(nic) => Some(nic == id),
        Selector::Subscription(subscription) => Some(same(subscription, id.subscription())),
        Selector::Group { subscription, .. } if !same(subscription, id.subscription()) => Some(false),
        // What could not be listed of the whole subscription could be of this group, and what lies in another one can belong to a
        // VM of this.
        Selector::Group { group, .. } => id.group().is_none_or(|there| same(group, there)).then_some(true),
        Selector::Vm(other) | Selector::Vnet(other) | Selector::ScaleSet(other)
            if !same(other.subscription(), id.subscription()) =>
        {
            Some(false)
        }
        _ => None,
    }
}

/// What the resource tells as it was when the baseline was made.
fn by_body(word: &Selector, subscription: Option<&str>, nic: &Nic) -> bool {
    let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
    let vm = nic.vm.as_ref();
    match word {
        Selector::Vm(id) => vm == Some(id),
        Selector::Named(name) => vm.is_some_and(|vm| {
            same(&Vm::of_id(vm.clone()).name, name)
                && subscription.is_none_or(|subscription| same(subscription, vm.subscription()))
        }),
        Selector::InGroup { group, name } => vm.is_some_and(|vm| {
            same(vm.name(), name)
                && vm.group().is_some_and(|there| same(there, group))
                && subscription.is_none_or(|subscription| same(subscription, vm.subscription()))
        }),
        // An instance of a flexible scale set is a VM like any other, which does not say to which set it belongs.
        Selector::ScaleSet(set) => vm.is_some_and(|vm| {
            let of_uniform = vm.key().contains("/virtualmachinescalesets/");
            !of_uniform || vm.key().starts_with(&format!("{}/", set.key()))
        }),
        Selector::Vnet(vnet) => match &nic.subnets {
            Ok(subnets) => subnets
                .iter()
                .any(|subnet| inventory::vnet_of(subnet).as_ref() == Some(vnet)),
            Err(_) => true,
        },
        Selector::Group { group, .. } => {
            let in_group = |id: &ResourceId| id.group().is_none_or(|there| same(group, there));
            in_group(&nic.id) || vm.is_some_and(in_group)
        }
        Selector::Nic(_) | Selector::Subscription(_) => by_id(word, &nic.id).unwrap_or(true),
    }
}

/// The network interface as the baseline holds it; nothing where that can't be told.
async fn stored(controller: &Controller, member: &Member) -> Result<Option<Nic>, Error> {
    let Some(digest) = member.manifest else {
        return Ok(None);
    };
    match load(controller, &digest).await {
        Ok((_, snapshot)) => Ok(resource(&snapshot)),
        Err(Broken::Content(_)) => Ok(None),
        Err(Broken::Store(error)) => Err(error),
    }
}

fn resource(snapshot: &Snapshot) -> Option<Nic> {
    let Raw::Host(raw) = snapshot.section(SectionName::Nic)?.raw.as_ref()? else {
        return None;
    };
    let part = raw.parts.iter().find(|part| part.source == "nic")?;
    let PartRead::File { content } = &part.read else {
        return None;
    };
    let json = serde_json::from_slice(content.as_bytes()).ok()?;
    inventory::nic(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const GROUP: &str = "/subscriptions/s/resourceGroups/g/providers";

    fn nic() -> Nic {
        let body = json!({"id": format!("{GROUP}/Microsoft.Network/networkInterfaces/n"), "properties": {
            "virtualMachine": {"id": format!("{GROUP}/Microsoft.Compute/virtualMachineScaleSets/set/virtualMachines/3")},
            "ipConfigurations": [{"properties": {"subnet":
                {"id": format!("{GROUP}/Microsoft.Network/virtualNetworks/hub/subnets/one")}}}]}});
        inventory::nic(&body).unwrap()
    }

    #[test]
    fn a_member_is_meant_by_what_holds_it() {
        let nic = nic();
        let meant = |word: &str| {
            let word: Selector = word.parse().unwrap();
            by_id(&word, &nic.id).unwrap_or_else(|| by_body(&word, Some("s"), &nic))
        };
        let compute = format!("{GROUP}/Microsoft.Compute/virtualMachineScaleSets");
        for word in [
            "/subscriptions/S",
            "/subscriptions/s/resourceGroups/G",
            "set_3",
            nic.id.as_str(),
            &format!("{compute}/set"),
            &format!("{compute}/set/virtualMachines/3"),
            &format!("{GROUP}/Microsoft.Network/virtualNetworks/HUB"),
        ] {
            assert!(meant(word), "{word}");
        }
        for word in [
            "/subscriptions/t",
            "/subscriptions/s/resourceGroups/h",
            "set",
            &format!("{compute}/se"),
            &format!("{compute}/set/virtualMachines/30"),
            &format!("{GROUP}/Microsoft.Network/virtualNetworks/hub2"),
            &format!("{GROUP}/Microsoft.Network/networkInterfaces/n2"),
        ] {
            assert!(!meant(word), "{word}");
        }
        let unclear = Nic {
            subnets: Err(netghost_core::azure::body::BadField::new("x", "y")),
            ..nic.clone()
        };
        let other: Selector = format!("{GROUP}/Microsoft.Network/virtualNetworks/hub2")
            .parse()
            .unwrap();
        assert!(by_body(&other, None, &unclear), "in doubt it is meant");
    }
    #[test]
    fn what_lies_in_another_group_is_meant_by_the_group_of_its_vm() {
        let elsewhere = "/subscriptions/s/resourceGroups/h/providers/Microsoft.Network/networkInterfaces/n";
        let of = |vm: &str| Nic {
            id: elsewhere.parse().unwrap(),
            vm: Some(vm.parse().unwrap()),
            ..nic()
        };
        let meant = |word: &str, nic: &Nic| {
            let word: Selector = word.parse().unwrap();
            by_id(&word, &nic.id).unwrap_or_else(|| by_body(&word, Some("s"), nic))
        };
        let plain = of(&format!("{GROUP}/Microsoft.Compute/virtualMachines/web"));
        assert!(meant("/subscriptions/s/resourceGroups/g", &plain));
        assert!(!meant("/subscriptions/s/resourceGroups/i", &plain));
        // Whether a VM is an instance of a flexible scale set, it does not say.
        let set = format!("{GROUP}/Microsoft.Compute/virtualMachineScaleSets/flexible");
        assert!(meant(&set, &plain));
    }
}
