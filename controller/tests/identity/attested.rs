//! VMs that come in by attested documents: once each, one identity a VM, and nobody in another's name.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use netghost_client::{EnrolError, Identity, Key, attest, challenge};
use netghost_controller::attested::Resources;
use netghost_core::audit::Record;
use netghost_core::azure::id::ResourceId;
use netghost_core::fleet::Role;
use netghost_proto::v1;
use netghost_proto::v1::agent_message::Kind as Say;
use netghost_proto::v1::controller_message::Kind as Hear;
use netghost_proto::v1::link_client::LinkClient;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use crate::azure::{Azure, SUBSCRIPTION, VM, content, content_of};
use crate::postgres;
use crate::world::{SECOND_US, World, later};

const OTHER_VM: &str = "00000000-0000-4000-8000-000000000002";

/// A key that a test can use again.
fn key() -> String {
    Key::generate().unwrap().to_pem().to_string()
}

fn of(pem: &str) -> Key {
    Key::from_pem(pem).unwrap()
}

/// This VM's resource id.
fn resource() -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-1"
    )
}

/// A controller, and the cloud whose documents it takes.
struct Site {
    world: World,
    azure: Azure,
}

impl Site {
    async fn new() -> Self {
        Self::on(None).await
    }

    async fn on(database: Option<&str>) -> Self {
        let azure = Azure::new();
        let world = World::attesting_on(azure.attested(), database).await;
        Self { world, azure }
    }

    async fn nonce(&self, pem: &str) -> String {
        let channel = self.world.channel(None).await;
        challenge(channel, &of(pem)).await.unwrap().nonce
    }

    async fn bring(
        &self,
        pem: &str,
        name: &str,
        proof: (Vec<u8>, String),
    ) -> Result<Arc<Identity>, EnrolError> {
        let channel = self.world.channel(None).await;
        let (identity, _) = attest(channel, &self.world.trust(), of(pem), name, proof).await?;
        Ok(Arc::new(identity))
    }

    /// Asks for a nonce, has it signed as this VM's, and brings it.
    async fn enrol_as(&self, vm: &str, pem: &str, name: &str) -> Result<Arc<Identity>, EnrolError> {
        let nonce = self.nonce(pem).await;
        let document = self.azure.document(&content_of(vm, SUBSCRIPTION, &nonce));
        self.bring(pem, name, (document, String::new())).await
    }

    async fn enrol(&self, pem: &str, name: &str) -> Result<Arc<Identity>, EnrolError> {
        self.enrol_as(VM, pem, name).await
    }
}

fn refused(answer: Result<Arc<Identity>, EnrolError>, code: Code, words: &[&str]) -> String {
    let status = crate::world::refused(answer);
    assert_eq!(status.code(), code, "{}", status.message());
    for word in words {
        assert!(status.message().contains(word), "{word}: {}", status.message());
    }
    status.message().to_owned()
}

fn argument(records: &[Record], action: &str, name: &str) -> String {
    let record = records.iter().rfind(|record| record.action == action).unwrap();
    let mut arguments = record.arguments.iter();
    arguments
        .find(|argument| argument.name == name)
        .unwrap()
        .value
        .clone()
}

/// Answers every probe of a control stream.
async fn serve(
    world: &World,
    identity: &Arc<Identity>,
) -> (JoinHandle<Status>, mpsc::Sender<v1::AgentMessage>) {
    let (say, said) = mpsc::channel(8);
    let hello = v1::Hello {
        protocol_min: 1,
        protocol_max: 1,
        version: "1".to_owned(),
        kernel: "6.1".to_owned(),
        host_name: "web-1".to_owned(),
        boot_id: "00000000-0000-4000-8000-000000000009".to_owned(),
        process_id: "00000000-0000-4000-8000-00000000000a".to_owned(),
        ..v1::Hello::default()
    };
    let message = |kind| v1::AgentMessage { kind: Some(kind) };
    say.send(message(Say::Hello(hello))).await.unwrap();
    let mut link = LinkClient::new(world.channel(Some(identity)).await);
    let mut heard = link
        .control(ReceiverStream::new(said))
        .await
        .unwrap()
        .into_inner();
    let first = heard.message().await.unwrap().unwrap();
    assert!(matches!(first.kind, Some(Hear::Welcome(_))), "{first:?}");
    let answers = say.clone();
    let served = tokio::spawn(async move {
        loop {
            match heard.message().await {
                Ok(Some(v1::ControllerMessage {
                    kind: Some(Hear::Probe(number)),
                })) => drop(answers.send(message(Say::ProbeAnswered(number))).await),
                Ok(Some(_)) => {}
                Ok(None) => return Status::ok("ended"),
                Err(status) => return status,
            }
        }
    });
    (served, say)
}

#[tokio::test]
async fn a_vm_comes_in_by_its_attested_document() {
    let site = Site::new().await;
    let pem = key();
    let nonce = site.nonce(&pem).await;
    assert!(
        nonce.len() <= 32 && nonce.bytes().all(|byte| byte.is_ascii_digit()),
        "{nonce}"
    );
    let document = site.azure.document(&content(&nonce));
    let identity = site.bring(&pem, "web-1", (document, resource())).await.unwrap();
    let agents = site.world.agents().await;
    let [agent] = agents.as_slice() else {
        panic!("{agents:?}")
    };
    assert_eq!((agent.name.as_str(), agent.state.as_str()), ("web-1", "offline"));
    assert_eq!(agent.id, identity.spiffe.id.to_string());
    assert_eq!(agent.tags[0].key, "from");
    let attested = agent.attested.as_ref().unwrap();
    assert_eq!((attested.cloud.as_str(), attested.vm.as_str()), ("public", VM));
    assert_eq!(
        (&attested.subscription[..], &attested.resource[..]),
        (SUBSCRIPTION, &resource()[..])
    );
    assert!(attested.unverified.contains("does not ask"), "{attested:?}");
    assert_eq!(attested.supersedes, "");
    let records = site.world.records().await;
    for (name, value) in [
        ("vm", VM),
        ("subscription", SUBSCRIPTION),
        ("attested", "public"),
        ("again", "false"),
    ] {
        assert_eq!(argument(&records, "agent.enrol", name), value);
    }
    // It is an identity like any other.
    let (served, say) = serve(&site.world, &identity).await;
    assert_eq!(site.world.agents_again().await[0].state, "connected");
    drop((served, say));
}

#[tokio::test]
async fn without_configuration_no_document_is_taken() {
    let world = World::start().await;
    let Err(EnrolError::Refused(status)) = challenge(world.channel(None).await, &of(&key())).await else {
        panic!("not refused");
    };
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(
        status.message().contains("[enrolment.azure]"),
        "{}",
        status.message()
    );
    let proof = (vec![1], String::new());
    let answer = attest(
        world.channel(None).await,
        &world.trust(),
        of(&key()),
        "web-1",
        proof,
    )
    .await;
    refused(
        answer.map(|(identity, _)| Arc::new(identity)),
        Code::FailedPrecondition,
        &["subscriptions", "netghost token create"],
    );
    assert_eq!(world.denials().await.len(), 2);
}

#[tokio::test]
async fn a_nonce_serves_its_key_once_and_for_minutes() {
    let site = Site::new().await;
    let (mine, theirs) = (key(), key());
    let nonce = site.nonce(&mine).await;
    let document = site.azure.document(&content(&nonce));
    let bring = |pem: &str| {
        let (pem, proof) = (pem.to_owned(), (document.clone(), String::new()));
        let site = &site;
        async move { site.bring(&pem, "web-1", proof).await }
    };
    // A document that somebody else caught is of no use to their key.
    refused(bring(&theirs).await, Code::Aborted, &["nonce"]);
    let first = bring(&mine).await.unwrap();
    // The answer was lost: the same key gets the same identity.
    later(299 * SECOND_US);
    assert_eq!(bring(&mine).await.unwrap().spiffe, first.spiffe);
    later(120 * SECOND_US);
    refused(bring(&mine).await, Code::Aborted, &["nonce"]);
    // With a new nonce it is the same one still.
    later(900 * SECOND_US);
    assert_eq!(site.enrol(&mine, "web-1").await.unwrap().spiffe, first.spiffe);
    assert_eq!(site.world.agents().await.len(), 1);
    let mut altered = site.azure.document(&content(&site.nonce(&mine).await));
    let last = altered.len() - 1;
    altered[last] ^= 1;
    refused(
        site.bring(&mine, "web-1", (altered, String::new())).await,
        Code::Unauthenticated,
        &["altered"],
    );
}

#[tokio::test]
async fn a_used_nonce_does_not_bring_back_who_was_superseded() {
    let site = Site::new().await;
    let (old, new) = (key(), key());
    site.enrol(&old, "web-1").await.unwrap();
    later(650 * SECOND_US);
    // The old key comes again by a nonce of now, then the VM is re-imaged.
    let nonce = site.nonce(&old).await;
    let document = site.azure.document(&content(&nonce));
    site.bring(&old, "web-1", (document.clone(), String::new()))
        .await
        .unwrap();
    let second = site.enrol(&new, "web-1").await.unwrap();
    refused(
        site.bring(&old, "web-1", (document, String::new())).await,
        Code::AlreadyExists,
        &["contested"],
    );
    let agents = site.world.agents().await;
    assert_eq!(agents[0].id, second.spiffe.id.to_string());
}

#[tokio::test]
async fn a_reimaged_vm_supersedes_what_it_was() {
    let site = Site::new().await;
    let old = site.enrol(&key(), "web-1").await.unwrap();
    let admin = site.world.user("admin", Role::Admin).await;
    let tag = v1::TagRequest {
        selector: Some(v1::Selector {
            names: vec!["web-1".to_owned()],
            ..v1::Selector::default()
        }),
        set: vec![v1::Tag {
            key: "role".to_owned(),
            value: "db".to_owned(),
        }],
        unset: Vec::new(),
    };
    site.world.fleet(&admin).await.tag_agents(tag).await.unwrap();
    later(601 * SECOND_US);
    let new = site.enrol(&key(), "web-1").await.unwrap();
    assert_ne!(new.spiffe, old.spiffe);
    let agents = site.world.agents().await;
    let [agent] = agents.as_slice() else {
        panic!("{agents:?}")
    };
    assert_eq!(
        (&agent.name[..], &agent.id),
        ("web-1", &new.spiffe.id.to_string())
    );
    let before = format!("web-1 ({})", old.spiffe.id);
    assert_eq!(agent.attested.as_ref().unwrap().supersedes, before);
    let tags: Vec<_> = agent
        .tags
        .iter()
        .map(|tag| (&tag.key[..], &tag.value[..]))
        .collect();
    assert_eq!(tags, [("from", "azure"), ("role", "db")]);
    let records = site.world.records().await;
    assert_eq!(
        argument(&records, "agent.supersede", "id"),
        old.spiffe.id.to_string()
    );
    assert_eq!(
        argument(&records, "agent.supersede", "by"),
        new.spiffe.id.to_string()
    );
    // The old identity is none any more.
    let mut link = LinkClient::new(site.world.channel(Some(&old)).await);
    let request = v1::RenewRequest {
        csr: Key::generate().unwrap().request().unwrap().into(),
    };
    let status = link.renew(request).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied, "{}", status.message());
}

#[tokio::test]
async fn a_copy_is_refused_while_the_vms_agent_answers() {
    let site = Site::new().await;
    let holder = site.enrol(&key(), "web-1").await.unwrap();
    let (served, say) = serve(&site.world, &holder).await;
    later(3600 * SECOND_US);
    let id = holder.spiffe.id.to_string();
    let words = ["contested", "web-1", &id, "web-2", VM, "answers"];
    let why = refused(site.enrol(&key(), "web-2").await, Code::AlreadyExists, &words);
    assert_eq!(site.world.denials().await, [why]);
    let agents = site.world.agents().await;
    assert_eq!((agents.len(), &agents[0].state[..]), (1, "connected"));
    assert!(!served.is_finished());
    // When it is gone, the VM enrols anew.
    drop(say);
    served.abort();
    later(3600 * SECOND_US);
    let new = loop {
        match site.enrol(&key(), "web-2").await {
            Ok(new) => break new,
            Err(EnrolError::Refused(status)) => assert_eq!(status.code(), Code::AlreadyExists),
            Err(other) => panic!("{other:?}"),
        }
    };
    let agents = site.world.agents_again().await;
    assert_eq!((agents.len(), &agents[0].id), (1, &new.spiffe.id.to_string()));
}

#[tokio::test]
async fn of_two_that_enrol_as_one_vm_the_second_waits() {
    let site = Site::new().await;
    let first = site.enrol(&key(), "web-1").await.unwrap();
    let copy = key();
    let id = first.spiffe.id.to_string();
    refused(
        site.enrol(&copy, "web-2").await,
        Code::AlreadyExists,
        &["contested", "web-1", &id, "web-2", "ask again after"],
    );
    // Other VMs do not wait for it.
    site.enrol_as(OTHER_VM, &key(), "web-3").await.unwrap();
    later(601 * SECOND_US);
    site.enrol(&copy, "web-2").await.unwrap();
}

#[tokio::test]
async fn of_those_who_race_for_one_vm_one_gets_it() {
    race(&Site::new().await).await;
}

#[tokio::test]
async fn root_postgres_keeps_one_identity_a_vm_too() {
    let server = postgres::Server::start();
    let site = Site::on(Some(&server.database("attested").await)).await;
    race(&site).await;
    later(601 * SECOND_US);
    let again = key();
    let new = site.enrol(&again, "web-9").await.unwrap();
    assert_eq!(site.enrol(&again, "web-9").await.unwrap().spiffe, new.spiffe);
    let agents = site.world.agents_again().await;
    assert_eq!((agents.len(), &agents[0].id), (1, &new.spiffe.id.to_string()));
    let supersedes = &agents[0].attested.as_ref().unwrap().supersedes;
    assert!(supersedes.starts_with("web-"), "{supersedes}");
}

async fn race(site: &Site) {
    let racers = (0..6).map(|racer| async move { site.enrol(&key(), &format!("web-{racer}")).await });
    let answers = futures_util::future::join_all(racers).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for answer in answers.into_iter().filter(Result::is_err) {
        let status = crate::world::refused(answer);
        assert!(
            matches!(status.code(), Code::Aborted | Code::AlreadyExists),
            "{status:?}"
        );
    }
    assert_eq!(site.world.agents().await.len(), 1);
}

#[tokio::test]
async fn a_vm_whose_agent_a_person_revoked_does_not_come_back_by_itself() {
    let site = Site::new().await;
    let pem = key();
    site.enrol(&pem, "web-1").await.unwrap();
    let admin = site.world.user("admin", Role::Admin).await;
    let selector = || {
        Some(v1::Selector {
            names: vec!["web-1".to_owned()],
            ..v1::Selector::default()
        })
    };
    let revoke = v1::RevokeRequest {
        selector: selector(),
        reason: "stolen".to_owned(),
    };
    site.world
        .fleet(&admin)
        .await
        .revoke_agents(revoke)
        .await
        .unwrap();
    later(3600 * SECOND_US);
    for pem in [pem, key()] {
        refused(
            site.enrol(&pem, "web-1").await,
            Code::PermissionDenied,
            &["stolen"],
        );
    }
    let remove = v1::RemoveRequest { selector: selector() };
    site.world
        .fleet(&admin)
        .await
        .remove_agents(remove)
        .await
        .unwrap();
    site.enrol(&key(), "web-1").await.unwrap();
}

#[tokio::test]
async fn a_subscription_or_a_name_that_may_not_is_refused() {
    let site = Site::new().await;
    let pem = key();
    let nonce = site.nonce(&pem).await;
    let document = site.azure.document(&content_of(VM, OTHER_VM, &nonce));
    refused(
        site.bring(&pem, "web-1", (document, String::new())).await,
        Code::PermissionDenied,
        &[OTHER_VM, "enrolment.azure.subscriptions"],
    );
    site.enrol_as(OTHER_VM, &key(), "web-1").await.unwrap();
    refused(
        site.enrol(&pem, "web-1").await,
        Code::AlreadyExists,
        &["web-1", "another name"],
    );
    refused(
        site.enrol(&pem, "../x").await,
        Code::InvalidArgument,
        &["field name"],
    );
    refused(
        site.bring(&pem, "web-2", (vec![0x30; 13_000], String::new()))
            .await,
        Code::Unauthenticated,
        &["more than"],
    );
    let huge = site
        .bring(&pem, "web-2", (vec![0x30; 1 << 20], String::new()))
        .await;
    assert_eq!(crate::world::refused(huge).code(), Code::OutOfRange);
    assert_eq!(site.world.agents().await.len(), 1);
}

/// Azure Resource Manager, as far as it is asked.
#[derive(Debug)]
struct Arm(Result<&'static str, &'static str>);

impl Resources for Arm {
    fn vm<'a>(&'a self, _id: &'a ResourceId) -> BoxFuture<'a, Result<String, String>> {
        Box::pin(async { self.0.map(str::to_owned).map_err(str::to_owned) })
    }
}

#[tokio::test]
async fn a_resource_id_is_confirmed_or_said_to_be_unverified() {
    for (arm, expected) in [
        (Ok("BD8E7443-24a0-41f3-b949-8baf4fd1c573"), Ok("")),
        (Err("403 AuthorizationFailed"), Ok("403 AuthorizationFailed")),
        (Ok(OTHER_VM), Err(Code::PermissionDenied)),
    ] {
        let azure = Azure::new();
        let mut attested = azure.attested();
        attested.resources = Some(Arc::new(Arm(arm)));
        let world = World::attesting(attested).await;
        let site = Site { world, azure };
        let pem = key();
        let document = site.azure.document(&content(&site.nonce(&pem).await));
        let answer = site.bring(&pem, "web-1", (document, resource())).await;
        match expected {
            Ok(unverified) => {
                answer.unwrap();
                assert_eq!(
                    site.world.agents().await[0].attested.as_ref().unwrap().unverified,
                    unverified
                );
            }
            Err(code) => drop(refused(answer, code, &[OTHER_VM, VM])),
        }
    }
}

#[tokio::test]
async fn a_resource_id_that_cannot_be_this_vms_is_refused() {
    let site = Site::new().await;
    let pem = key();
    let document = site.azure.document(&content(&site.nonce(&pem).await));
    for (wrong, word) in [
        ("web-1".to_owned(), "no resource id"),
        (resource().replace(SUBSCRIPTION, OTHER_VM), "another subscription"),
        (
            resource().replace("virtualMachines", "disks"),
            "no virtual machine",
        ),
        (format!("{}\n", resource()), "no resource id"),
    ] {
        let answer = site.bring(&pem, "web-1", (document.clone(), wrong)).await;
        refused(answer, Code::InvalidArgument, &["field resource", word]);
    }
    // An instance of a scale set is a VM as well.
    let instance = resource().replace(
        "virtualMachines/web-1",
        "virtualMachineScaleSets/web/virtualMachines/7",
    );
    site.bring(&pem, "web-1", (document, instance)).await.unwrap();
}
