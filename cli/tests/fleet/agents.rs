//! Agents, tokens, contexts: what is asked, and how it ends.

use netghost_cli::exit::Status;
use netghost_proto::v1;
use tonic::Code;

use super::place::{Place, run};

fn agent(name: &str, state: &str) -> v1::Agent {
    v1::Agent {
        id: "07070707-0707-4707-8707-070707070707".to_owned(),
        name: name.to_owned(),
        state: state.to_owned(),
        kernel: "6.1\x1b[2J".to_owned(),
        ..v1::Agent::default()
    }
}

#[test]
fn every_refusal_ends_every_command_alike() {
    let place = Place::new();
    let lines = [
        "agent list",
        "agent revoke --vm a",
        "token create",
        "controller status",
        "baseline list",
        "baseline create b --all",
        "drift check --baseline b --all",
        "sweep run --baseline b --all",
        "audit show",
        "audit verify",
    ];
    let table = [
        (Code::NotFound, Status::Usage),
        (Code::InvalidArgument, Status::Usage),
        (Code::AlreadyExists, Status::Usage),
        (Code::FailedPrecondition, Status::Usage),
        (Code::Unauthenticated, Status::Failed),
        (Code::PermissionDenied, Status::Failed),
        (Code::Internal, Status::Failed),
    ];
    for (code, status) in table {
        place.script.with(|state| state.refuse = Some(code));
        for line in lines {
            let failure = place.run(line).unwrap_err();
            assert_eq!(failure.status, status, "{line}: {code:?}");
            assert!(
                format!("{:#}", failure.error).contains("so the script says"),
                "{line}"
            );
        }
    }
}

#[test]
fn an_attested_vm_is_shown_with_whom_it_supersedes() {
    let place = Place::new();
    let mut web = agent("web-1", "connected");
    web.attested = Some(v1::Attested {
        cloud: "public".to_owned(),
        vm: "bd8e7443-24a0-41f3-b949-8baf4fd1c573".to_owned(),
        subscription: "5f130ffc-0a3e-4795-b691-4f56a12a5547".to_owned(),
        resource: "/subscriptions/s/resourceGroups/g".to_owned(),
        unverified: "nobody was asked".to_owned(),
        supersedes: "web-0 (08080808-0808-4808-8808-080808080808)".to_owned(),
    });
    place
        .script
        .with(|state| state.agents = vec![web, agent("web-2", "connected")]);
    let list = place.run("agent list").unwrap();
    assert!(
        list.text.contains("connected, supersedes web-0 (08080808-"),
        "{}",
        list.text
    );
    let row = &list.document["agents"][0]["attested"];
    assert_eq!(row["vm"], "bd8e7443-24a0-41f3-b949-8baf4fd1c573");
    assert_eq!(row["supersedes"], "web-0 (08080808-0808-4808-8808-080808080808)");
    assert!(list.document["agents"][1]["attested"].is_null());
    let shown = place.run("agent show web-1").unwrap().text;
    for words in [
        "by Azure (public)",
        "as the agent says (nobody was asked)",
        "5f130ffc-",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn a_list_asks_for_all_and_a_change_for_none() {
    let place = Place::new();
    place
        .script
        .with(|state| state.agents = vec![agent("vm2", "offline"), agent("vm1", "connected")]);
    let outcome = place.run("agent list").unwrap();
    assert!(place.script.with(|state| state.selector.clone()).unwrap().all);
    assert_eq!(outcome.status, Status::Good);
    assert_eq!(outcome.document["schema"], "netghost.agents/v1");
    assert_eq!(outcome.document["agents"][0]["name"], "vm1");
    assert!(
        outcome
            .text
            .lines()
            .nth(1)
            .unwrap()
            .starts_with("vm1   connected"),
        "{}",
        outcome.text
    );
    for line in [
        "agent revoke",
        "agent remove",
        "agent settle",
        "agent tag --set a=b",
    ] {
        assert_eq!(place.run(line).unwrap_err().code, "no_target", "{line}");
    }
    place.run("agent tag --vm vm1 vm2 --set role=web").unwrap();
    let selector = place.script.with(|state| state.selector.clone()).unwrap();
    assert_eq!(selector.names, ["vm1", "vm2"]);
    assert!(!selector.all);
}

#[test]
fn an_answer_with_a_bad_field_is_not_taken() {
    let place = Place::new();
    place
        .script
        .with(|state| state.agents = vec![agent("vm1", "fine")]);
    let failure = place.run("agent list").unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Failed, "bad_answer"));
    assert!(format!("{:#}", failure.error).contains("field state"));
}

#[test]
fn a_token_is_alone_in_the_text() {
    let place = Place::new();
    let outcome = place
        .run("token create --uses 3 --lifetime 2h --tag role=web")
        .unwrap();
    assert_eq!(outcome.text, "netghost1.TOKEN\n");
    assert_eq!(outcome.document["uses"], 3);
    assert_eq!(outcome.document["until_us"], "7200000000");
}

#[test]
fn without_a_controller_only_its_own_commands_refuse() {
    let place = Place::new();
    let alone = place.alone();
    for line in [
        "agent list --standalone",
        "token list --standalone",
        "controller status --standalone",
        "sweep schedule s --baseline b --every 1h --all --standalone",
    ] {
        let failure = run(&place.path(""), &alone, line).unwrap_err();
        assert_eq!(
            (failure.status, failure.code),
            (Status::Usage, "needs_a_controller"),
            "{line}"
        );
        assert!(failure.hint.unwrap().contains("netghost login"));
    }
    std::fs::remove_file(place.path("config/netghost/current")).unwrap();
    assert_eq!(
        run(&place.path(""), &alone, "agent list").unwrap_err().code,
        "needs_a_controller"
    );
}

#[test]
fn a_context_is_chosen_by_flag_then_environment_then_file() {
    let place = Place::new();
    let mut alone = place.alone();
    let unknown = |failure: netghost_cli::error::Failure| format!("{:#}", failure.error);
    let at = place.path("");
    alone.context = Some("env".to_owned());
    assert_eq!(
        unknown(run(&at, &alone, "agent list").unwrap_err()),
        "there is no context env"
    );
    let failure = run(&at, &alone, "agent list --context flag").unwrap_err();
    assert_eq!(failure.status, Status::Usage);
    assert_eq!(unknown(failure), "there is no context flag");
    alone.context = None;
    // The current one exists and holds no certificate.
    let failure = run(&at, &alone, "agent list").unwrap_err();
    assert_eq!(
        (failure.status, failure.code),
        (Status::Failed, "unauthenticated")
    );
    assert_eq!(
        place.run("context show").unwrap().document["contexts"][0]["name"],
        "lab"
    );
    assert_eq!(
        place.run("context use other").unwrap_err().code,
        "no_such_context"
    );
    place.run("context remove lab").unwrap();
    assert_eq!(
        place.run("context list").unwrap().document["contexts"],
        serde_json::json!([])
    );
    assert_eq!(place.run("context show").unwrap_err().code, "no_such_context");
    assert_eq!(place.status("context remove lab"), Status::Usage);
}
