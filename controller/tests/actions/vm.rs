//! A VM behind an agent: it keeps a real ledger under a pinned CA, and does nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use netghost_core::artifact::json::{self, Digest};
use netghost_core::bytes::{Hex, Text};
use netghost_core::fleet::{Id, Kind};
use netghost_core::gate::{
    ACTION_SCHEMA, Action, ActionState, Answer, Asked, Consent, Demand, Effect, Ledger, Moment, Operation,
    Policy, Presented, Refusal, Stands, Target,
};
use netghost_proto::v1;
use netghost_proto::v1::agent_message::Kind as Say;
use netghost_proto::v1::command_finished::Outcome;
use netghost_proto::v1::controller_message::Kind as Hear;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;

use crate::world::{PATIENCE, World, ca};

/// What a VM does otherwise than usual.
#[derive(Default)]
pub(crate) struct Script {
    /// It writes another action than was asked for.
    pub(crate) edit: Option<fn(&mut Action)>,
    /// It answers so to what it was told to do, after its ledger let it.
    pub(crate) performed: Option<Answer>,
    /// Its agent says nothing to these.
    pub(crate) silent: Vec<&'static str>,
    /// Its agent fails with this word.
    pub(crate) fails: Option<&'static str>,
    /// How long what was done goes on by itself.
    pub(crate) ends_in_ms: Option<u64>,
}

pub(crate) struct State {
    pub(crate) script: Script,
    pub(crate) policy: Policy,
    pub(crate) boot_id: String,
    ledger: Ledger,
    begun: Instant,
    /// What was done, by action: a VM does nothing twice.
    pub(crate) done: BTreeMap<Digest, u32>,
    pub(crate) stands: BTreeMap<Digest, ActionState>,
    /// The kinds of demands that came, in order.
    pub(crate) demands: Vec<String>,
    nonce: u8,
}

/// A VM that can connect.
#[derive(Clone)]
pub(crate) struct Vm {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) certificate: Vec<u8>,
    pub(crate) state: Arc<Mutex<State>>,
}

/// Its connection, until dropped.
pub(crate) struct Connected(JoinHandle<()>);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Vm {
    pub(crate) async fn new(world: &World, name: &str) -> Self {
        let (id, certificate) = world.enrol(Kind::Agent, name, "").await;
        let state = State {
            script: Script::default(),
            policy: Policy {
                change: Consent::Approve,
                ..Policy::default()
            },
            boot_id: "boot-1".to_owned(),
            ledger: Ledger::default(),
            begun: Instant::now(),
            done: BTreeMap::new(),
            stands: BTreeMap::new(),
            demands: Vec::new(),
            nonce: 0,
        };
        Self {
            id,
            name: name.to_owned(),
            certificate,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// One that is connected for the whole test.
    pub(crate) async fn up(world: &World, name: &str) -> Self {
        let vm = Self::new(world, name).await;
        std::mem::forget(vm.connect(world).await);
        vm
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap())
    }

    pub(crate) async fn connect(&self, world: &World) -> Connected {
        let mut client = world.link(&self.certificate).await;
        let (say, said) = mpsc::channel(256);
        let mut heard = client
            .control(ReceiverStream::new(said))
            .await
            .unwrap()
            .into_inner();
        let hello = v1::Hello {
            protocol_min: 1,
            protocol_max: 1,
            capabilities: vec!["capture".to_owned(), "actions".to_owned()],
            boot_id: self.with(|state| state.boot_id.clone()),
            host_name: self.name.clone(),
            process_id: crate::world::new_id().to_string(),
            ..v1::Hello::default()
        };
        let tell = |kind| v1::AgentMessage { kind: Some(kind) };
        say.send(tell(Say::Hello(hello))).await.unwrap();
        let welcome = tokio::time::timeout(PATIENCE, heard.message())
            .await
            .unwrap()
            .unwrap();
        assert!(matches!(welcome.unwrap().kind, Some(Hear::Welcome(_))));
        let vm = self.clone();
        Connected(tokio::spawn(async move {
            // The channel lives as long as the stream does.
            let _client = client;
            while let Ok(Some(message)) = heard.message().await {
                let answer = match message.kind {
                    Some(Hear::Probe(number)) => Some(Say::ProbeAnswered(number)),
                    Some(Hear::Command(command)) => vm.command(&command),
                    _ => None,
                };
                if let Some(kind) = answer
                    && say.send(tell(kind)).await.is_err()
                {
                    return;
                }
            }
        }))
    }

    fn command(&self, command: &v1::Command) -> Option<Say> {
        let Some(v1::command::Kind::Act(act)) = &command.kind else {
            panic!("{command:?}")
        };
        let demand: Demand = json::from_slice(&act.demand).unwrap();
        let outcome = self.with(|state| state.outcome(demand))?;
        Some(Say::CommandFinished(v1::CommandFinished {
            id: command.id.clone(),
            outcome: Some(outcome),
        }))
    }

    /// Waits until so many demands of a kind came.
    pub(crate) async fn demanded(&self, kind: &str, count: usize) {
        let end = Instant::now() + PATIENCE;
        while self.with(|state| state.demands.iter().filter(|demand| *demand == kind).count()) < count {
            assert!(
                Instant::now() < end,
                "{:?}",
                self.with(|state| state.demands.clone())
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl State {
    fn outcome(&mut self, demand: Demand) -> Option<Outcome> {
        let value: serde_json::Value = serde_json::from_slice(&json::to_vec(&demand).unwrap()).unwrap();
        let kind = value["demand"].as_str().unwrap().to_owned();
        let silent = self.script.silent.contains(&kind.as_str());
        self.demands.push(kind);
        if let Some(code) = self.script.fails {
            return Some(Outcome::Failed(v1::Failed {
                code: code.to_owned(),
                message: "as the script says".to_owned(),
            }));
        }
        let answer = self.answer(demand);
        let answer = json::to_vec(&answer).unwrap().into();
        (!silent).then_some(Outcome::Acted(v1::Acted { answer }))
    }

    fn answer(&mut self, demand: Demand) -> Answer {
        match demand {
            Demand::Propose(asked) => self.propose(*asked),
            Demand::Perform {
                action,
                approval,
                roster,
            } => self.perform(action, &approval, &roster),
            Demand::Undo { action } => match self.stands.get(&action) {
                Some(ActionState::Applied) => {
                    self.stands.insert(action, ActionState::Undone);
                    self.stand(action)
                }
                _ => Answer::refused("not_there", "nothing to undo"),
            },
            Demand::Withdraw { action } => {
                self.ledger.withdraw(action);
                self.stand(action)
            }
            Demand::Standing { action } | Demand::Confirm { action } => self.stand(action),
        }
    }

    fn now(&self) -> Moment {
        Moment {
            boot_id: self.boot_id.clone(),
            since_boot: Duration::from_secs(1_000) + self.begun.elapsed(),
        }
    }

    fn propose(&mut self, asked: Asked) -> Answer {
        self.nonce += 1;
        let server = matches!(asked.operation, Operation::ServerStart { .. });
        let mut action = Action {
            schema: ACTION_SCHEMA.to_owned(),
            id: asked.id,
            target: Target {
                agent: asked.agent,
                host: Text::from("vm"),
                boot_id: self.boot_id.clone(),
            },
            namespace: asked.namespace,
            requester: asked.requester,
            reason: asked.reason,
            ticket: asked.ticket,
            permission: asked.operation.permission(),
            operation: asked.operation,
            effect: Effect {
                change: vec![Text::from("delete a rule")],
                inverse: vec![Text::from("insert it again")],
                object: Text::from("chain inet filter input"),
                before: Digest::of(b"before"),
                after: Some(Digest::of(b"after")),
                irreversible: None,
                notes: Vec::new(),
            },
            checks: asked.checks,
            window_s: if server { 0 } else { asked.window_s },
            lifetime_s: asked.lifetime_s,
            nonce: Hex(vec![self.nonce; 32]),
            four_eyes: self.policy.four_eyes,
            tool: "a test".to_owned(),
        };
        if let Some(edit) = self.script.edit {
            edit(&mut action);
        }
        let (policy, now) = (self.policy.clone(), self.now());
        match self.ledger.propose(action, &policy, &now) {
            Ok(action) => Answer::proposed(&action).unwrap(),
            Err(refusal) => refusal.into(),
        }
    }

    fn perform(&mut self, action: Digest, approval: &Text, roster: &Text) -> Answer {
        let presented = Presented {
            action,
            approval: approval.as_bytes(),
            roster: roster.as_bytes(),
        };
        let (policy, now) = (self.policy.clone(), self.now());
        match self.ledger.authorise(presented, ca().public(), &policy, &now) {
            Ok(_) => {
                *self.done.entry(action).or_default() += 1;
                match self.script.performed.clone() {
                    Some(Answer::Stands(stands)) => {
                        self.stands.insert(action, stands.state);
                        Answer::Stands(Stands { action, ..stands })
                    }
                    Some(other) => other,
                    None => {
                        self.stands.insert(action, ActionState::Confirmed);
                        self.stand(action)
                    }
                }
            }
            // Asked again, it says where it stands.
            Err(Refusal::Used) => self.stand(action),
            Err(refusal) => refusal.into(),
        }
    }

    fn stand(&self, action: Digest) -> Answer {
        match self.stands.get(&action) {
            Some(state) => Answer::Stands(Stands {
                ends_in_ms: self.script.ends_in_ms,
                ..stands(action, *state)
            }),
            None if self.ledger.open(action, &self.now()).is_some() => {
                Answer::Stands(stands(action, ActionState::Waiting))
            }
            None => Refusal::Unknown.into(),
        }
    }
}

pub(crate) fn stands(action: Digest, state: ActionState) -> Stands {
    Stands {
        action,
        state,
        why: None,
        approver: None,
        self_approved: false,
        ends_in_ms: None,
        output: None,
    }
}
