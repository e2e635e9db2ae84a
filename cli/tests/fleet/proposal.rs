//! What a VM writes when it is asked for an action, made up.

use netghost_core::artifact::json::{self, Digest};
use netghost_core::artifact::name::Name;
use netghost_core::bytes::{Hex, Text};
use netghost_core::fleet::Id;
use netghost_core::gate::{ACTION_SCHEMA, Action, Asked, Effect, Operation, Target};
use netghost_proto::v1;

/// The VM's agent.
pub(super) fn agent() -> Id {
    Id::from_random([9; 16])
}

/// The action of a request.
pub(super) fn action(asked: &Asked) -> Action {
    let irreversible = matches!(asked.operation, Operation::PackageInstall { .. });
    let timed = !irreversible && !matches!(asked.operation, Operation::ServerStart { .. });
    let inverse = match irreversible {
        true => Vec::new(),
        false => vec![Text::from("put it back\x1b[2J")],
    };
    Action {
        schema: ACTION_SCHEMA.to_owned(),
        id: asked.id,
        target: Target {
            agent: asked.agent,
            host: Text::from("vm-1"),
            boot_id: "boot-1".to_owned(),
        },
        namespace: asked.namespace.clone(),
        requester: asked.requester.clone(),
        reason: asked.reason.clone(),
        ticket: asked.ticket.clone(),
        permission: asked.operation.permission(),
        operation: asked.operation.clone(),
        effect: Effect {
            change: vec![Text::from("do it")],
            inverse,
            object: Text::from("chain inet filter input"),
            before: Digest::of(b"before"),
            after: Some(Digest::of(b"after")),
            irreversible: irreversible.then(|| Text::from("maintainer scripts run as root")),
            notes: vec![Text::from("counters begin anew")],
        },
        checks: asked.checks.clone(),
        window_s: if timed { asked.window_s } else { 0 },
        lifetime_s: asked.lifetime_s,
        nonce: Hex(vec![7; 32]),
        four_eyes: true,
        tool: "netghost-act 0".to_owned(),
    }
}

/// What the controller keeps of a request, once its VM proposed it, or refused to.
pub(super) fn proposed(request: &v1::RequestActionRequest, refusal: Option<&(String, String)>) -> v1::Action {
    let optional = |text: &String| Some(Text::from(text.as_str())).filter(|text| !text.is_empty());
    let asked = Asked {
        id: Id::parse(&request.id).unwrap(),
        agent: Some(agent()),
        namespace: Text::from(request.namespace.as_str()),
        requester: Name::parse("bob").unwrap(),
        reason: Text::from(request.reason.as_str()),
        ticket: optional(&request.ticket),
        operation: json::from_slice(&request.operation).unwrap(),
        checks: json::from_slice(&request.checks).unwrap(),
        window_s: request.window_s,
        lifetime_s: request.lifetime_s,
    };
    let row = v1::Action {
        id: request.id.clone(),
        agent_id: agent().to_string(),
        agent: request.agent.clone(),
        namespace: request.namespace.clone(),
        requester: "bob".to_owned(),
        reason: request.reason.clone(),
        ticket: request.ticket.clone(),
        operation: request.operation.clone(),
        requested_at_us: 1,
        ..v1::Action::default()
    };
    match refusal {
        Some((code, why)) => v1::Action {
            state: "refused".to_owned(),
            code: code.clone(),
            why: why.clone(),
            ..row
        },
        None => v1::Action {
            state: "waiting".to_owned(),
            approval: "pending".to_owned(),
            document: action(&asked).to_bytes().unwrap().into(),
            until_us: 3_600_000_000,
            ..row
        },
    }
}
