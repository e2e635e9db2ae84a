//! Agents as callers see them.

use netghost_proto::v1;

use crate::Controller;
use crate::store::attested::AttestedRow;
use crate::store::identities::AgentRow;

pub(super) fn list(controller: &Controller, rows: &[AgentRow]) -> v1::AgentList {
    let agents = rows
        .iter()
        .map(|row| agent(row, controller.links.is_connected(row.identity.id)))
        .collect();
    v1::AgentList { agents }
}

fn agent(row: &AgentRow, connected: bool) -> v1::Agent {
    let (state, why) = state(row, connected);
    let said = &row.said;
    v1::Agent {
        id: row.identity.id.to_string(),
        name: row.identity.name.clone(),
        tags: row.tags.iter().map(v1::Tag::from).collect(),
        state: state.to_owned(),
        why,
        enrolled_at_us: row.identity.enrolled_at_us,
        last_seen_us: said.last_seen_us,
        version: said.version.clone(),
        kernel: said.kernel.clone(),
        host_name: said.host_name.clone(),
        boot_id: said.boot_id.clone(),
        clock_offset_us: said.clock_offset_us,
        certificate_until_us: row.certificate_until_us,
        capabilities: said.capabilities.clone(),
        attested: row.attested.as_ref().map(attested),
    }
}

fn attested((row, supersedes): &(AttestedRow, String)) -> v1::Attested {
    v1::Attested {
        cloud: row.cloud.clone(),
        vm: row.vm.clone(),
        subscription: row.subscription.clone(),
        resource: row.resource.clone(),
        unverified: row.unverified.clone(),
        supersedes: supersedes.clone(),
    }
}

/// What weighs more comes first: a revoked agent is revoked, whether its stream has ended yet or not.
fn state(row: &AgentRow, connected: bool) -> (&'static str, String) {
    match (&row.identity.revoked, &row.said.contested) {
        (Some(revoked), _) => ("revoked", revoked.why.clone()),
        (None, Some(contested)) => ("contested", contested.why.clone()),
        (None, None) if connected => ("connected", String::new()),
        (None, None) => ("offline", String::new()),
    }
}
