//! What exactly would be done.

use netghost_core::gate::{ACTION_SCHEMA, Action, Answer, Asked, LONGEST_DEMAND, Operation, Target, nonce};

use crate::guard::Guard;
use crate::planned::Planned;
use crate::site::{No, Site};
use crate::work::Work;
use crate::{TOOL, ledger, policy};

/// How many checks an action may have: each may take its time.
const MOST_CHECKS: usize = 8;
const HOST: &str = "/proc/sys/kernel/hostname";

impl<W: Work, G: Guard> Site<W, G> {
    /// Says what exactly this would do, and remembers it. Nothing is changed.
    pub(crate) fn propose(&self, asked: &Asked) -> Result<Answer, No> {
        asked.operation.check()?;
        if asked.checks.len() > MOST_CHECKS {
            return Err(No::new(
                "malformed",
                format!("at most {MOST_CHECKS} checks are made"),
            ));
        }
        let in_force = policy::read(&self.paths.policy);
        let permission = self.permission(&asked.operation)?;
        // What is denied is not even looked at.
        in_force
            .policy
            .allows(&asked.operation, permission)
            .map_err(|why| in_force.explain(netghost_core::gate::Refusal::Denied { why }))?;
        let _lock = self.lock()?;
        let planned = self.plan(&asked.namespace, &asked.operation)?;
        let mut action = self.action(asked, planned)?;
        action.permission = permission;
        action.four_eyes = in_force.policy.four_eyes;
        let answer = written(&action)?;
        let now = self.now()?;
        let mut ledger = ledger::read(&self.paths).map_err(|error| No::disk("read the ledger", &error))?;
        let kept = ledger.propose(action.clone(), &in_force.policy, &now)?;
        ledger::write(&self.paths, &self.disk, &ledger)
            .map_err(|error| No::disk("write the ledger", &error))?;
        match kept == action {
            true => Ok(answer),
            false => written(&kept),
        }
    }

    fn action(&self, asked: &Asked, planned: Planned<W::Change>) -> Result<Action, No> {
        let timed = !matches!(asked.operation, Operation::ServerStart { .. })
            && planned.effect.irreversible.is_none();
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|error| No::new("internal", error))?;
        let host = std::fs::read(HOST).unwrap_or_default();
        Ok(Action {
            schema: ACTION_SCHEMA.to_owned(),
            id: asked.id,
            target: Target {
                agent: asked.agent,
                host: host.trim_ascii().into(),
                boot_id: self.now()?.boot_id,
            },
            namespace: asked.namespace.clone(),
            requester: asked.requester.clone(),
            reason: asked.reason.clone(),
            ticket: asked.ticket.clone(),
            operation: asked.operation.clone(),
            permission: asked.operation.permission(),
            effect: planned.effect,
            checks: asked.checks.clone(),
            window_s: if timed { asked.window_s } else { 0 },
            lifetime_s: asked.lifetime_s,
            nonce: nonce(random),
            four_eyes: true,
            tool: TOOL.to_owned(),
        })
    }
}

/// The answer, if it can be shown whole: nobody consents to what was cut.
fn written(action: &Action) -> Result<Answer, No> {
    let answer = Answer::proposed(action).map_err(|error| No::new("internal", error))?;
    let length = serde_json::to_vec(&answer).map_or(usize::MAX, |bytes| bytes.len());
    match length > LONGEST_DEMAND {
        true => Err(No::new(
            "unsupported",
            format!(
                "{} is too large: what would be done takes {length} bytes to show, and {LONGEST_DEMAND} go into a message",
                action.effect.object
            ),
        )),
        false => Ok(answer),
    }
}
