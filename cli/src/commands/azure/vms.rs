//! VMs with their network interfaces.

use netghost_azure::{Found, Machine};
use netghost_core::azure::inventory::Nic;
use netghost_core::azure::selector::Selector;
use serde_json::{Value, json};

use super::{PERIOD, ask, of_discovery};
use crate::error::Failure;
use crate::exit::Status;
use crate::fleet::AccountArgs;
use crate::output::{Format, Outcome};
use crate::text;

const SCHEMA: &str = "netghost.azure-vms/v1";

/// Lists VMs.
#[derive(Debug, clap::Args)]
pub struct Vms {
    /// NAME or RESOURCE_GROUP/NAME of a VM, or the resource id of a VM, a network interface, a virtual network, a scale set, a
    /// resource group or a subscription; all of the subscription if nothing is said
    #[arg(value_name = "WHICH")]
    which: Option<String>,
    /// Which Azure, and who asks.
    #[command(flatten)]
    account: AccountArgs,
}

pub(super) fn run(args: &Vms, format: Format) -> Result<Outcome, Failure> {
    let account = args.account.open()?;
    let selector = match (&args.which, &account.subscription) {
        (Some(word), _) => word
            .parse::<Selector>()
            .map_err(|error| Failure::usage("wrong_use", error))?,
        (None, Some(subscription)) => Selector::Subscription(subscription.clone()),
        (None, None) => {
            let error = anyhow::anyhow!("it is not known which subscription is meant");
            return Err(Failure::usage("no_subscription", error)
                .hint("give `--subscription ID` or set AZURE_SUBSCRIPTION_ID"));
        }
    };
    let asking = account
        .arm
        .discover(&selector, account.subscription.as_deref(), PERIOD);
    let found = ask(format, "for VMs and network interfaces", asking)?.map_err(of_discovery)?;
    if let (true, true, [first, ..]) = (
        found.vms.is_empty(),
        found.nics.is_empty(),
        found.missing.as_slice(),
    ) {
        let error = anyhow::anyhow!("nothing could be listed: {}: {}", first.what, first.why);
        return Err(
            Failure::failed("azure", error).hint("`netghost azure login-check` says what the login lacks")
        );
    }
    Ok(Outcome {
        status: status(&found),
        document: document(&selector, &found),
        text: text::azure::vms(&found),
    })
}

/// Not complete where something could not be listed, or is of a form that is not known.
fn status(found: &Found) -> Status {
    let powers = found.vms.iter().all(|machine| machine.power.is_ok());
    let subnets = found.nics.iter().all(|nic| nic.subnets.is_ok());
    if powers && subnets && found.missing.is_empty() {
        Status::Good
    } else {
        Status::Unknown
    }
}

fn document(selector: &Selector, found: &Found) -> Value {
    let missing = found.missing.iter();
    let mut not_covered: Vec<Value> = missing
        .map(|missing| json!({ "what": missing.what, "why": missing.why }))
        .collect();
    let powers = found.vms.iter().filter_map(|machine| {
        let why = machine.power.as_ref().err()?;
        Some(json!({ "what": format!("the power state of {}", machine.vm.id), "why": why }))
    });
    let subnets = found.nics.iter().filter_map(|nic| {
        let why = nic.subnets.as_ref().err()?;
        Some(json!({ "what": format!("the subnets of {}", nic.id), "why": why.to_string() }))
    });
    not_covered.extend(powers.chain(subnets));
    json!({
        "schema": SCHEMA,
        "which": selector.to_string(),
        "vms": found.vms.iter().map(|machine| vm(machine, found)).collect::<Vec<_>>(),
        "nics": found.nics.iter().map(nic).collect::<Vec<_>>(),
        "not_covered": not_covered,
    })
}

fn vm(machine: &Machine, found: &Found) -> Value {
    let vm = &machine.vm;
    let attached = found.nics.iter().filter(|nic| nic.vm.as_ref() == Some(&vm.id));
    json!({
        "id": vm.id,
        "name": vm.name,
        "resource_group": vm.id.group(),
        "location": vm.location,
        "power": machine.power.as_ref().ok(),
        "nics": attached.map(|nic| &nic.id).collect::<Vec<_>>(),
    })
}

fn nic(nic: &Nic) -> Value {
    json!({
        "id": nic.id,
        "name": nic.id.name(),
        "location": nic.location,
        "vm": nic.vm,
        "primary": nic.primary,
        "addresses": nic.addresses,
        "subnets": nic.subnets.as_ref().ok(),
    })
}
