//! What a login sees in Azure, for people.

use netghost_azure::Found;
use netghost_core::azure::id::ResourceId;
use netghost_core::azure::permission::Allowed;

use super::comparison::plural;
use super::table::columns;

/// What a login may do. Features of other roles than the wanted ones are shown too; to lack those is as it should be.
pub fn permissions(scope: &str, allowed: &[Allowed], is_wanted: impl Fn(&Allowed) -> bool) -> String {
    let mut out = format!("{scope}\n");
    for one in allowed {
        let word = match (one.missing.is_empty(), is_wanted(one)) {
            (true, _) => "allowed",
            (false, true) => "missing",
            (false, false) => "not held",
        };
        out += &format!(
            "  {word:8}  {:7}  {}\n",
            one.feature.role.word(),
            one.feature.name
        );
        for action in one.missing.iter().filter(|_| is_wanted(one)) {
            out += &format!("              {action}\n");
        }
    }
    let missing = allowed
        .iter()
        .filter(|one| is_wanted(one) && !one.missing.is_empty())
        .count();
    out += &match missing {
        0 => "nothing that was asked for is missing; deny assignments and locks are not in what Azure says here\n".to_owned(),
        _ => format!("{} can't be used\n", plural(missing, "feature")),
    };
    out
}

/// VMs, network interfaces without one, and what could not be listed.
pub fn vms(found: &Found) -> String {
    let mut out = format!(
        "{}, {}\n",
        plural(found.vms.len(), "VM"),
        plural(found.nics.len(), "network interface")
    );
    let rows = found.vms.iter().map(|machine| {
        let attached = found
            .nics
            .iter()
            .filter(|nic| nic.vm.as_ref() == Some(&machine.vm.id));
        let nics: Vec<String> = attached.map(|nic| shown(&nic.id, &nic.addresses)).collect();
        vec![
            format!(
                "{}/{}",
                machine.vm.id.group().unwrap_or_default(),
                machine.vm.name
            ),
            machine.power.clone().unwrap_or_else(|_| "unknown".to_owned()),
            machine.vm.location.clone().unwrap_or_default(),
            nics.join(", "),
        ]
    });
    out += &columns(&rows.collect::<Vec<_>>(), 2);
    let loose: Vec<String> = found
        .nics
        .iter()
        .filter(|nic| nic.vm.is_none())
        .map(|nic| format!("  {}\n", shown(&nic.id, &nic.addresses)))
        .collect();
    if !loose.is_empty() {
        out += &format!("\nattached to no VM\n{}", loose.concat());
    }
    out + &not_covered(found)
}

fn shown(id: &ResourceId, addresses: &[String]) -> String {
    match addresses {
        [] => id.name().to_owned(),
        _ => format!("{} {}", id.name(), addresses.join(" ")),
    }
}

fn not_covered(found: &Found) -> String {
    let missing = found.missing.iter();
    let missing = missing.map(|missing| format!("  {}: {}\n", missing.what, missing.why));
    let powers = found.vms.iter().filter_map(|machine| {
        let why = machine.power.as_ref().err()?;
        Some(format!("  the power state of {}: {why}\n", machine.vm.id))
    });
    let subnets = found.nics.iter().filter_map(|nic| {
        let why = nic.subnets.as_ref().err()?;
        Some(format!("  the subnets of {}: {why}\n", nic.id))
    });
    let all: Vec<String> = missing.chain(powers).chain(subnets).collect();
    if all.is_empty() {
        "\nnot covered: nothing\n".to_owned()
    } else {
        format!("\nnot covered: there may be more\n{}", all.concat())
    }
}
