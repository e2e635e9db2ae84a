//! All of a group, a subscription, a virtual network or a scale set.

use futures_util::StreamExt;
use futures_util::stream;
use netghost_core::azure::body;
use netghost_core::azure::id::ResourceId;
use netghost_core::azure::inventory::{self, vnet_of};
use serde_json::Value;

use super::single::form;
use super::{AT_ONCE, DiscoverError, Draft, is_of_all};
use crate::error::{ArmError, Kind};
use crate::ops::Scope;
use crate::pages::Pages;
use crate::within::Within;

impl Within<'_> {
    /// Everything in a scope. A list that is refused is missing, and Resource Graph says what the login may see of it.
    pub(super) async fn all(self, scope: Scope<'_>) -> Result<Draft, DiscoverError> {
        let mut draft = Draft::default();
        let (nics, vms, sets) = tokio::join!(self.nics(scope), self.vms(scope), self.scale_sets(scope));
        match (nics, vms) {
            (Err(error), _) | (_, Err(error)) if is_of_all(&error) => return Err(error.into()),
            // Neither is to be had, and nobody refused: nothing was learnt.
            (Err(error), Err(other)) if !is_refused(&error) && !is_refused(&other) => {
                return Err(error.into());
            }
            (nics, vms) => {
                self.take(&mut draft, scope, "the network interfaces", nics, NICS, add_nics)
                    .await;
                self.take(&mut draft, scope, "the VMs", vms, VMS, add_vms).await;
            }
        }
        match sets {
            Ok(sets) => self.sets(&mut draft, sets.items()).await,
            Err(error) => draft.miss(format!("the scale sets of {}", name_of(scope)), error),
        }
        Ok(draft)
    }

    async fn take(
        self,
        draft: &mut Draft,
        scope: Scope<'_>,
        what: &str,
        list: Result<Pages, ArmError>,
        kind: &str,
        add: fn(&mut Draft, &str, &mut dyn Iterator<Item = &Value>),
    ) {
        let what = format!("{what} of {}", name_of(scope));
        let error = match list {
            Ok(pages) => return add(draft, &what, &mut pages.items()),
            Err(error) => error,
        };
        let refused = is_refused(&error);
        draft.miss(&what, error);
        if !refused {
            return;
        }
        let (subscription, group) = match scope {
            Scope::Subscription(subscription) => (subscription, None),
            Scope::Group { subscription, group } => (subscription, Some(group)),
        };
        let query = format!(
            "Resources | where type =~ '{kind}' | project id, name, location, properties | order by id asc"
        );
        // Resource Graph gives what the login may see, which is why the list stays missing.
        if let Ok(pages) = self.graph(&[subscription], &query).await {
            let in_group = |item: &&Value| group.is_none_or(|group| is_in(item, group));
            add(draft, &what, &mut pages.items().filter(in_group));
        }
    }

    /// The instances of these scale sets. Those of flexible sets are VMs with network interfaces of their own.
    async fn sets(self, draft: &mut Draft, sets: impl Iterator<Item = &Value>) {
        let mut uniform = Vec::new();
        for (at, item) in sets.enumerate() {
            match set(item) {
                Ok(Some(found)) => uniform.push(found),
                Ok(None) => {}
                Err(bad) => draft.miss(format!("scale set {at} of the list"), bad),
            }
        }
        // Collected, so that whoever asks may be moved between threads.
        let each: Vec<_> = uniform
            .iter()
            .map(|(id, location)| async move { (id, location, self.scale_set_nics(id).await) })
            .collect();
        let mut running = stream::iter(each).buffered(AT_ONCE);
        while let Some((id, location, nics)) = running.next().await {
            let what = format!("the network interfaces of {id}");
            match nics {
                Ok(pages) => add_of_set(draft, &what, location.as_deref(), &pages),
                Err(error) => draft.miss(what, error),
            }
        }
    }

    pub(super) async fn in_scale_set(self, id: &ResourceId) -> Result<Draft, DiscoverError> {
        let mut draft = Draft::default();
        // Its own resource says its mode, which no operation of this client reads: the list of its group has it.
        let group = id.group().unwrap_or_default();
        let scope = Scope::Group {
            subscription: id.subscription(),
            group,
        };
        let sets = self.scale_sets(scope).await?;
        let own = |item: &&Value| {
            let own = item.as_object().and_then(|object| inventory::own_id(object).ok());
            own.is_some_and(|own| own == *id)
        };
        let Some(item) = sets.items().find(own) else {
            return Err(DiscoverError::NoSuch {
                name: id.name().to_owned(),
                subscription: id.subscription().to_owned(),
            });
        };
        if set(item).map_err(|bad| form(id, bad))?.is_some() {
            self.sets(&mut draft, std::iter::once(item)).await;
            return Ok(draft);
        }
        // A flexible set: VMs of the group that name it.
        let vms = self.vms(scope).await?;
        let member = |item: &&Value| {
            let named = item.pointer("/properties/virtualMachineScaleSet/id");
            named
                .and_then(Value::as_str)
                .is_some_and(|named| named.eq_ignore_ascii_case(id.as_str()))
        };
        add_vms(
            &mut draft,
            "the VMs of the scale set",
            &mut vms.items().filter(member),
        );
        Ok(draft)
    }

    /// The network interfaces in a virtual network: those of the subscription that stand in it, and those that it names itself.
    pub(super) async fn in_vnet(self, id: &ResourceId) -> Result<Draft, DiscoverError> {
        let (vnet, all) = tokio::join!(self.vnet(id), self.nics(Scope::Subscription(id.subscription())));
        let vnet = vnet?;
        let mut draft = Draft::default();
        let what = format!("the network interfaces of /subscriptions/{}", id.subscription());
        match all {
            Ok(pages) => add_nics(&mut draft, &what, &mut pages.items()),
            Err(error) if is_of_all(&error) => return Err(error.into()),
            Err(error) => draft.miss(&what, error),
        }
        let mut unclear = Vec::new();
        draft.nics.retain(|nic, found| match &found.subnets {
            Ok(subnets) => subnets.iter().any(|subnet| vnet_of(subnet).as_ref() == Some(id)),
            Err(bad) => {
                unclear.push((nic.clone(), bad.clone()));
                false
            }
        });
        for (nic, bad) in unclear {
            draft.miss(format!("whether {nic} stands in it"), bad);
        }
        let attached: Vec<&ResourceId> = draft.nics.values().filter_map(|nic| nic.vm.as_ref()).collect();
        let attached: Vec<ResourceId> = attached.into_iter().cloned().collect();
        draft.vms.retain(|vm, _| attached.contains(vm));
        match named_in(&vnet.json) {
            Ok(mut named) => {
                named.retain(|nic| !draft.nics.contains_key(nic));
                self.add_nics(&mut draft, &named).await;
            }
            Err(bad) => draft.miss(format!("what stands in the subnets of {id}"), bad),
        }
        Ok(draft)
    }
}

const NICS: &str = "microsoft.network/networkinterfaces";
const VMS: &str = "microsoft.compute/virtualmachines";

/// Refused to this login, though another may do it.
fn is_refused(error: &ArmError) -> bool {
    matches!(error.kind, Kind::Forbidden { .. })
}

fn name_of(scope: Scope<'_>) -> String {
    match scope {
        Scope::Subscription(subscription) => format!("/subscriptions/{subscription}"),
        Scope::Group { subscription, group } => {
            format!("/subscriptions/{subscription}/resourceGroups/{group}")
        }
    }
}

fn is_in(item: &Value, group: &str) -> bool {
    let id = item.as_object().and_then(|object| inventory::own_id(object).ok());
    // What can't be told is kept, and found to be not understood.
    id.is_none_or(|id| {
        id.group()
            .is_some_and(|there| there.to_lowercase() == group.to_lowercase())
    })
}

fn add_nics(draft: &mut Draft, what: &str, items: &mut dyn Iterator<Item = &Value>) {
    for (at, item) in items.enumerate() {
        match inventory::nic(item) {
            Ok(nic) => draft.add(nic),
            Err(bad) => draft.miss(entry(what, at, item), bad),
        }
    }
}

fn add_vms(draft: &mut Draft, what: &str, items: &mut dyn Iterator<Item = &Value>) {
    for (at, item) in items.enumerate() {
        match inventory::vm(item) {
            Ok(vm) => drop(draft.vms.insert(vm.id.clone(), vm)),
            Err(bad) => draft.miss(entry(what, at, item), bad),
        }
    }
}

fn add_of_set(draft: &mut Draft, what: &str, location: Option<&str>, pages: &Pages) {
    let mut own = Draft::default();
    add_nics(&mut own, what, &mut pages.items());
    for (_, mut nic) in own.nics {
        nic.location = nic.location.or_else(|| location.map(str::to_owned));
        draft.add(nic);
    }
    for (id, mut vm) in own.vms {
        vm.location = location.map(str::to_owned);
        draft.vms.insert(id, vm);
    }
    draft.missing.append(&mut own.missing);
}

/// An entry of a list by its id, or by its place.
fn entry(what: &str, at: usize, item: &Value) -> String {
    let id = item.as_object().and_then(|object| inventory::own_id(object).ok());
    id.map_or_else(|| format!("entry {at} of {what}"), |id| id.to_string())
}

/// A scale set's id and location; `None` where its instances are VMs of their own.
fn set(item: &Value) -> Result<Option<(ResourceId, Option<String>)>, body::BadField> {
    let object = item
        .as_object()
        .ok_or_else(|| body::BadField::new("scale set", "it is no object"))?;
    let id = inventory::own_id(object)?;
    let mode = match body::field(object, "properties").and_then(Value::as_object) {
        Some(inner) => body::string(inner, "orchestrationMode")?,
        None => None,
    };
    let flexible = mode.is_some_and(|mode| mode.eq_ignore_ascii_case("Flexible"));
    Ok((!flexible).then_some((id, body::string(object, "location")?)))
}

/// The network interfaces that the subnets of a virtual network name. A subnet may leave its list out when it is empty.
fn named_in(vnet: &Value) -> Result<Vec<ResourceId>, body::BadField> {
    let subnets = vnet.pointer("/properties/subnets").and_then(Value::as_array);
    let subnets = subnets.ok_or_else(|| body::BadField::new("properties.subnets", "it is no list"))?;
    let mut found = Vec::new();
    for (at, subnet) in subnets.iter().enumerate() {
        let place = format!("properties.subnets.{at}.properties.ipConfigurations");
        let list = match subnet.pointer("/properties/ipConfigurations") {
            None | Some(Value::Null) => continue,
            Some(Value::Array(list)) => list,
            Some(_) => return Err(body::BadField::new(place, "it is no list")),
        };
        for (index, one) in list.iter().enumerate() {
            let id = one.get("id").and_then(Value::as_str);
            let id = id.ok_or_else(|| body::BadField::new(format!("{place}.{index}"), "it has no id"))?;
            // Gateways and load balancers stand there too, with configurations of their own.
            match nic_of(id) {
                Some(nic) => found.push(nic),
                None if id.to_ascii_lowercase().contains("/networkinterfaces/") => {
                    let what = format!("{place}.{index}.id");
                    return Err(body::BadField::new(
                        what,
                        "it lies in a network interface, and is of another form",
                    ));
                }
                None => {}
            }
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The network interface that an IP configuration's id lies in.
fn nic_of(configuration: &str) -> Option<ResourceId> {
    let lower = configuration.to_ascii_lowercase();
    let end = lower.rfind("/ipconfigurations/")?;
    let nic: ResourceId = configuration.get(..end)?.parse().ok()?;
    (nic.is("Microsoft.Network", "networkInterfaces") || nic.is("Microsoft.Compute", "networkInterfaces"))
        .then_some(nic)
}
