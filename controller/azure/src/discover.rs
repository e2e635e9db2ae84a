//! What a word means in Azure: the network interfaces, their VMs, and whether those run.
//!
//! Resource Manager's own lists are what is relied on, since Resource Graph leaves out without a word what the login may not
//! read. It serves where Resource Manager refuses a list, which is then said, and for the power states of many VMs at once.

use std::collections::BTreeMap;
use std::time::Duration;

use netghost_core::azure::body::BadField;
use netghost_core::azure::id::ResourceId;
use netghost_core::azure::inventory::{Nic, Vm};
use netghost_core::azure::selector::Selector;

use crate::arm::Arm;
use crate::error::{ArmError, Kind};
use crate::ops::Scope;
use crate::within::Within;

mod lists;
mod power;
mod single;

/// The most calls for single resources under way at once; the client's own limits hold beside it.
const AT_ONCE: usize = 16;

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Sorted by resource id.
    pub nics: Vec<Nic>,
    /// The VMs that were meant or that the network interfaces are attached to, sorted by resource id.
    pub vms: Vec<Machine>,
    /// What could not be listed or understood. Not empty: there may be more than was found.
    pub missing: Vec<Missing>,
}

/// A VM and its power state.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The VM.
    pub vm: Vm,
    /// `running`, `deallocated` or another of Azure's words; why not, where it is not known. Of many VMs it is as of Resource
    /// Graph, which may be a minute behind.
    pub power: Result<String, String>,
}

/// Something that could not be listed or understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What.
    pub what: String,
    /// Why, with Azure's code and the ids of the request.
    pub why: String,
}

/// Nothing was found, or not for certain.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// The word is a name, and it is not known in which subscription.
    #[error("it is not known in which subscription {0} is")]
    WhichSubscription(String),
    /// Several have this name.
    #[error("{name:?} is the name of several VMs: {}", listed(candidates))]
    Ambiguous {
        /// The name.
        name: String,
        /// All that have it.
        candidates: Vec<ResourceId>,
    },
    /// None has this name.
    #[error("there is no VM {name:?} in subscription {subscription}")]
    NoSuch {
        /// The name.
        name: String,
        /// Where it was looked for.
        subscription: String,
    },
    /// What Azure said is not of a known form.
    #[error("what Azure says of {what} is not understood")]
    Form {
        /// Of what.
        what: String,
        /// Why not.
        #[source]
        source: BadField,
    },
    /// Azure could not be asked.
    #[error(transparent)]
    Arm(#[from] ArmError),
}

fn listed(ids: &[ResourceId]) -> String {
    let ids: Vec<&str> = ids.iter().map(ResourceId::as_str).collect();
    ids.join(", ")
}

impl Found {
    /// The VM of a network interface, where it is attached to one that was found.
    pub fn vm_of(&self, nic: &Nic) -> Option<&Machine> {
        let id = nic.vm.as_ref()?;
        self.vms.iter().find(|machine| machine.vm.id == *id)
    }
}

/// What is known so far.
#[derive(Debug, Default)]
struct Draft {
    nics: BTreeMap<ResourceId, Nic>,
    vms: BTreeMap<ResourceId, Vm>,
    missing: Vec<Missing>,
}

impl Draft {
    fn miss(&mut self, what: impl Into<String>, why: impl ToString) {
        self.missing.push(Missing {
            what: what.into(),
            why: why.to_string(),
        });
    }

    fn add(&mut self, nic: Nic) {
        if let Some(vm) = &nic.vm {
            self.vms.entry(vm.clone()).or_insert_with(|| Vm {
                location: nic.location.clone(),
                ..Vm::of_id(vm.clone())
            });
        }
        self.nics.insert(nic.id.clone(), nic);
    }
}

impl Arm {
    /// Finds what the selector means. Names are looked for in `subscription`. Each call has the period.
    ///
    /// # Errors
    /// Where nothing is found, several are, or Azure can't be asked at all. What is missing of several lists is no error:
    /// [`Found::missing`] says it.
    pub async fn discover(
        &self,
        selector: &Selector,
        subscription: Option<&str>,
        period: Duration,
    ) -> Result<Found, DiscoverError> {
        let calls = self.within(period);
        let of_name = || {
            let subscription = selector.subscription().or(subscription);
            subscription.ok_or_else(|| DiscoverError::WhichSubscription(selector.to_string()))
        };
        let mut draft = match selector {
            Selector::Named(name) => {
                let vm = calls.named(of_name()?, name).await?;
                calls.one_vm(&vm).await?
            }
            Selector::InGroup { group, name } => {
                let (subscription, kind) = (of_name()?, "Microsoft.Compute/virtualMachines");
                let id =
                    format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/{kind}/{name}");
                let id = id.parse().map_err(|_| DiscoverError::NoSuch {
                    name: selector.to_string(),
                    subscription: subscription.to_owned(),
                })?;
                calls.one_vm(&id).await?
            }
            Selector::Vm(id) => calls.one_vm(id).await?,
            Selector::Nic(id) => calls.one_nic(id).await?,
            Selector::Vnet(id) => calls.in_vnet(id).await?,
            Selector::ScaleSet(id) => calls.in_scale_set(id).await?,
            Selector::Group { subscription, group } => {
                calls.all(Scope::Group { subscription, group }).await?
            }
            Selector::Subscription(subscription) => calls.all(Scope::Subscription(subscription)).await?,
        };
        calls.complete(&mut draft).await;
        let powers = calls.powers(&draft).await;
        let vms = draft.vms.into_values().zip(powers);
        Ok(Found {
            nics: draft.nics.into_values().collect(),
            vms: vms.map(|(vm, power)| Machine { vm, power }).collect(),
            missing: draft.missing,
        })
    }
}

impl Within<'_> {
    /// Adds the network interfaces that VMs name and no list did: those in other groups, or where the list was refused.
    async fn complete(self, draft: &mut Draft) {
        let named = draft.vms.values().flat_map(|vm| &vm.nics);
        let mut wanted: Vec<ResourceId> = named.filter(|id| !draft.nics.contains_key(id)).cloned().collect();
        wanted.sort();
        wanted.dedup();
        self.add_nics(draft, &wanted).await;
    }
}

/// True where no other call of the same login to the same subscription can go better.
fn is_of_all(error: &ArmError) -> bool {
    matches!(
        error.kind,
        Kind::Unauthenticated
            | Kind::NoToken
            | Kind::NoSubscription
            | Kind::Argument
            | Kind::NotFound { .. }
            | Kind::NotJson { .. }
            | Kind::OtherHost
            | Kind::Network
    )
}
