//! Demands of the controller, passed on to a process that acts; and what is confirmed.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use netghost_core::artifact::json::{self, Digest};
use netghost_core::bytes::Text;
use netghost_core::gate::{ActionState, Answer, Asked, Demand, LONGEST_DEMAND, Operation, Stands};
use tonic::Status;

use crate::act::Acts;
use crate::controller::{Controller, Stage};
use crate::site::{Site, id};

fn action() -> Digest {
    Digest::of(b"the action")
}

fn stands(state: ActionState, ends_in_ms: Option<u64>) -> Answer {
    Answer::Stands(Stands {
        action: action(),
        state,
        why: None,
        approver: None,
        self_approved: false,
        ends_in_ms,
        output: None,
    })
}

fn perform() -> Vec<u8> {
    json::to_vec(&Demand::Perform {
        action: action(),
        approval: Text::from("an approval"),
        roster: Text::from("a list"),
    })
    .unwrap()
}

fn propose(agent: Option<u8>) -> Vec<u8> {
    json::to_vec(&Demand::Propose(Box::new(Asked {
        id: id(1),
        agent: agent.map(id),
        namespace: Text::from("init"),
        requester: netghost_core::artifact::name::Name::parse("alice").unwrap(),
        reason: Text::from("so"),
        ticket: None,
        operation: Operation::ServerStop { action: action() },
        checks: Vec::new(),
        window_s: 60,
        lifetime_s: 600,
    })))
    .unwrap()
}

async fn ends(stage: &mut Stage) -> ActionState {
    match json::from_slice(&stage.acted().await).unwrap() {
        Answer::Stands(stands) => stands.state,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn demands_and_answers_go_through_byte_for_byte() {
    let mut controller = Controller::start().await;
    let site = Site::new(&controller);
    let mut refusals = 0_u32;
    let answers = move |_: &[u8]| {
        refusals += 1;
        let answer = Answer::refused("denied_by_policy", format!("for the {refusals}. time"));
        Some(json::to_vec(&answer).unwrap())
    };
    let acts = Acts::raw(&site.act_socket(), Box::new(answers));
    let _agent = site.start();
    let mut stage = controller.stage().await;
    assert_eq!(stage.hello.capabilities, ["capture", "actions"]);
    let demand = propose(Some(9));
    stage.demand(id(1), 60_000, &demand, false).await;
    let answer = Answer::refused("denied_by_policy", "for the 1. time");
    assert_eq!(stage.acted().await, json::to_vec(&answer).unwrap());
    assert_eq!(acts.heard(), [demand]);
    // What this agent does not know is passed on too: it is for the process that acts to refuse.
    stage.demand(id(2), 60_000, b"{\"demand\":\"other\"}", true).await;
    stage.acted().await;
    assert_eq!(acts.kinds(), ["propose", "other"]);
    assert!(controller.script().reached.is_empty());
}

#[tokio::test]
async fn what_cannot_be_passed_on_is_refused_by_word() {
    let mut controller = Controller::start().await;
    let site = Site::new(&controller);
    let _agent = site.start();
    let mut stage = controller.stage().await;
    assert_eq!(stage.hello.capabilities, ["capture"]);
    stage.demand(id(1), 60_000, &perform(), true).await;
    assert_eq!(stage.failed().await, "unsupported");
    let acts = Acts::at(&site.act_socket(), |_| None);
    stage.demand(id(2), 60_000, b"", true).await;
    assert_eq!(stage.failed().await, "refused");
    stage
        .demand(id(3), 60_000, &vec![b'x'; LONGEST_DEMAND + 1], true)
        .await;
    assert_eq!(stage.failed().await, "refused");
    // In the name of another agent, or of none.
    for (number, agent) in [(4, Some(8)), (5, None)] {
        stage.demand(id(number), 60_000, &propose(agent), false).await;
        assert_eq!(stage.failed().await, "refused");
    }
    assert!(acts.heard().is_empty());
    // Nobody answers: whoever asked asks again.
    stage.demand(id(6), 60_000, &propose(Some(9)), false).await;
    assert_eq!(stage.failed().await, "act_silent");
}

#[tokio::test]
async fn a_change_is_confirmed_over_a_new_connection_from_a_fresh_port() {
    let mut controller = Controller::start().await;
    let site = Site::new(&controller);
    let acts = Acts::at(&site.act_socket(), |demand| {
        Some(match demand {
            Demand::Perform { .. } => stands(ActionState::Applied, Some(60_000)),
            _ => stands(ActionState::Confirmed, None),
        })
    });
    let _agent = site.start();
    let mut stage = controller.stage().await;
    stage.demand(id(1), 60_000, &perform(), true).await;
    assert_eq!(ends(&mut stage).await, ActionState::Confirmed);
    assert_eq!(acts.kinds(), ["perform", "confirm"]);
    let reached = controller.script().reached.clone();
    let [(of, port)] = &reached[..] else {
        panic!("{reached:?}")
    };
    assert_eq!(of, action().as_bytes());
    assert!(
        *port != 0 && *port != stage.port,
        "another connection than the stream's"
    );
}

#[tokio::test]
async fn without_the_controllers_word_nothing_is_confirmed() {
    for answer in [
        Ok(b"another nonce".to_vec()),
        Err(Status::not_found("no such action")),
    ] {
        let mut controller = Controller::start().await;
        controller.script().reach_answer = Some(answer);
        let site = Site::new(&controller);
        let begun = Instant::now();
        let acts = Acts::at(&site.act_socket(), move |demand| {
            Some(match demand {
                Demand::Perform { .. } => stands(ActionState::Applied, Some(2_000)),
                Demand::Standing { .. } if begun.elapsed() > Duration::from_secs(2) => {
                    stands(ActionState::Undone, None)
                }
                _ => panic!("{demand:?}"),
            })
        });
        let _agent = site.start();
        let mut stage = controller.stage().await;
        stage.demand(id(1), 60_000, &perform(), true).await;
        assert_eq!(ends(&mut stage).await, ActionState::Undone);
        assert_eq!(acts.kinds().first().unwrap(), "perform");
        assert!(!acts.kinds().contains(&"confirm".to_owned()));
        let reached = controller.script().reached.clone();
        assert!(reached.len() >= 2, "tried again: {reached:?}");
        let mut ports: Vec<u16> = reached.iter().map(|(_, port)| *port).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), reached.len(), "each from a fresh port");
    }
}

/// The change cuts the way: the stream is gone, no new connection works, and the change undoes itself.
#[tokio::test]
async fn a_link_that_is_cut_right_after_the_action_leaves_it_undone_and_told() {
    let mut controller = Controller::start().await;
    let proxy = Arc::new(crate::proxy::Proxy::start().await);
    let site = Site::new(&controller).through(&proxy);
    let cut = proxy.clone();
    let begun = Mutex::new(None::<Instant>);
    let acts = Acts::at(&site.act_socket(), move |demand| {
        let mut begun = begun.lock().unwrap();
        Some(match (demand, *begun) {
            (Demand::Perform { .. }, _) => {
                *begun = Some(Instant::now());
                cut.refuse("HTTP/1.1 503 Service Unavailable\r\n\r\n");
                cut.cut();
                stands(ActionState::Applied, Some(1_500))
            }
            (Demand::Standing { .. }, Some(at)) if at.elapsed() > Duration::from_millis(1_500) => {
                cut.open();
                stands(ActionState::Undone, None)
            }
            (demand, _) => panic!("{demand:?}"),
        })
    });
    let _agent = site.start();
    let stage = controller.stage().await;
    stage.demand(id(1), 60_000, &perform(), true).await;
    acts.hears("standing").await;
    let mut again = controller.stage().await;
    assert_eq!(ends(&mut again).await, ActionState::Undone);
    assert!(!acts.kinds().contains(&"confirm".to_owned()));
    assert!(controller.script().reached.is_empty());
}

#[tokio::test]
async fn an_agent_that_ends_demands_the_same_again_and_tells_one_outcome() {
    let mut controller = Controller::start().await;
    let site = Site::new(&controller);
    let answers = Arc::new(Mutex::new(false));
    let open = answers.clone();
    let acts = Acts::at(&site.act_socket(), move |demand| {
        let answers = *open.lock().unwrap();
        match demand {
            // The first process gets no answer before it ends.
            Demand::Perform { .. } if !answers => None,
            Demand::Perform { .. } => Some(stands(ActionState::Undone, None)),
            _ => panic!("{demand:?}"),
        }
    });
    let agent = site.start();
    let stage = controller.stage().await;
    stage.demand(id(1), 60_000, &perform(), true).await;
    acts.hears("perform").await;
    drop(agent);
    drop(stage);
    *answers.lock().unwrap() = true;
    let _agent = site.start();
    let mut stage = controller.stage().await;
    assert_eq!(ends(&mut stage).await, ActionState::Undone);
    let first = acts.heard();
    assert!(first.iter().all(|demand| *demand == perform()) && first.len() >= 2);
    // Asked for again it is told again, and not demanded again.
    let count = first.len();
    stage.demand(id(1), 60_000, &perform(), true).await;
    assert_eq!(ends(&mut stage).await, ActionState::Undone);
    assert_eq!(acts.heard().len(), count);
}

#[tokio::test]
async fn a_demand_whose_time_has_passed_is_asked_about_and_not_made() {
    let mut controller = Controller::start().await;
    let site = Site::new(&controller);
    let acts = Acts::at(&site.act_socket(), |demand| match demand {
        Demand::Standing { .. } => Some(Answer::refused("unknown_action", "never heard of it")),
        _ => panic!("{demand:?}"),
    });
    let _agent = site.start();
    let mut stage = controller.stage().await;
    stage.demand(id(1), 0, &perform(), true).await;
    assert_eq!(stage.failed().await, "expired");
    assert_eq!(acts.kinds(), ["standing"]);
}

#[tokio::test]
async fn a_capture_is_taken_while_a_change_waits_to_be_confirmed() {
    let mut controller = Controller::start().await;
    controller.script().reach_answer = Some(Err(Status::unavailable("not now")));
    let site = Site::new(&controller);
    let acts = Acts::at(&site.act_socket(), |demand| {
        Some(match demand {
            Demand::Perform { .. } => stands(ActionState::Applied, Some(60_000)),
            _ => stands(ActionState::Confirmed, None),
        })
    });
    let _agent = site.start();
    let mut stage = controller.stage().await;
    stage.demand(id(1), 60_000, &perform(), true).await;
    acts.hears("perform").await;
    stage.ask(id(2), 60_000, &["links"]).await;
    let first = stage.finished().await;
    assert_eq!(first.id, id(2).to_string());
    controller.script().reach_answer = None;
    assert_eq!(ends(&mut stage).await, ActionState::Confirmed);
}
