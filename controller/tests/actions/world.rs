//! A controller on a store of its own, people with roles, and approvers with keys.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use hyper_util::rt::TokioIo;
use netghost_client::Key;
use netghost_controller::jobs::Running;
use netghost_controller::link::{LinkReach, Links};
use netghost_controller::outside::Outside;
use netghost_controller::peer::{Peer, PeerStream};
use netghost_controller::pki::{Authority, PublicKey, Validity};
use netghost_controller::store::identities::Identity;
use netghost_controller::store::{Store, certificates, identities};
use netghost_controller::{Controller, Shared, server};
use netghost_core::artifact::json;
use netghost_core::artifact::key::Signer;
use netghost_core::artifact::name::Name;
use netghost_core::audit::{Outcome, Record};
use netghost_core::bytes::Text;
use netghost_core::fleet::{Id, Kind, Role};
use netghost_core::gate::{Action, Approval, Operation, Roster, RuleRef};
use netghost_core::netfilter::model::Family;
use netghost_proto::v1;
use netghost_proto::v1::fleet_client::FleetClient;
use netghost_proto::v1::link_client::LinkClient;
use sqlx::Row;
use tonic::transport::{Channel, Endpoint};

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// See the module.
pub(crate) struct World {
    pub(crate) controller: Controller,
    directory: Arc<Directory>,
    database: Option<String>,
}

struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

pub(crate) fn signer(seed: u8) -> Signer {
    Signer::from_seed(&[seed; 32]).unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// The approvers' CA.
pub(crate) fn ca() -> Signer {
    signer(1)
}

/// The keys of Bob, Carol and Alice; Dave was revoked.
pub(crate) const BOB: u8 = 2;
pub(crate) const CAROL: u8 = 3;
pub(crate) const ALICE: u8 = 4;
pub(crate) const DAVE: u8 = 5;

pub(crate) fn roster() -> Roster {
    let people = [("bob", BOB), ("carol", CAROL), ("alice", ALICE), ("dave", DAVE)];
    let all = people.iter().fold(Roster::new(), |roster, (who, seed)| {
        roster.with(name(who), signer(*seed).public()).unwrap()
    });
    all.without(&name("dave")).unwrap()
}

pub(crate) fn operation() -> Operation {
    Operation::NftDelete {
        family: Family::Inet,
        table: Text::from("filter"),
        chain: Text::from("input"),
        rule: RuleRef {
            text: Text::from("tcp dport 5001 drop"),
            occurrence: 1,
        },
    }
}

/// A request for an action of this VM.
pub(crate) fn wanted(agent: &str, operation: &Operation) -> v1::RequestActionRequest {
    v1::RequestActionRequest {
        id: new_id().to_string(),
        agent: agent.to_owned(),
        namespace: String::new(),
        operation: json::to_vec(operation).unwrap().into(),
        checks: Vec::new().into(),
        reason: "5001 is dropped".to_owned(),
        ticket: "CHG-1".to_owned(),
        window_s: 60,
        lifetime_s: 600,
    }
}

pub(crate) fn new_id() -> Id {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut bytes = [7; 16];
    bytes[..8].copy_from_slice(
        &NEXT
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .to_be_bytes(),
    );
    Id::from_random(bytes)
}

/// The approval of this action by who has this key.
pub(crate) fn signed(action: &v1::Action, who: &str, key: u8) -> Vec<u8> {
    let document = Action::from_bytes(&action.document).unwrap();
    Approval::new(&document, name(who))
        .unwrap()
        .sign(&signer(key))
        .unwrap()
}

async fn controller(directory: &std::path::Path, database: Option<&str>) -> Controller {
    let outside = Outside::real();
    let pki = directory.join("pki");
    let ca = Authority::open(&pki).or_else(|_| Authority::create(&pki, "netghost.test", &outside));
    Controller::new(Shared {
        store: Store::open(&directory.join("store"), database).await.unwrap(),
        outside,
        ca: ca.unwrap(),
        signer: Signer::from_seed(&[7; 32]).unwrap(),
        links: Links::default(),
        reach: Arc::new(LinkReach),
        jobs: Running::default(),
    })
}

impl World {
    /// With the approvers published.
    pub(crate) async fn new(database: Option<String>) -> Self {
        let world = Self::bare(database).await;
        world.publish(&roster()).await.unwrap();
        world
    }

    pub(crate) async fn bare(database: Option<String>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("netghost-actions-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self {
            controller: controller(&path, database.as_deref()).await,
            directory: Arc::new(Directory(path)),
            database,
        }
    }

    /// Another process on the same store.
    pub(crate) async fn next_process(&self) -> Self {
        Self {
            controller: controller(&self.directory.0, self.database.as_deref()).await,
            directory: self.directory.clone(),
            database: self.database.clone(),
        }
    }

    pub(crate) async fn publish(&self, roster: &Roster) -> Result<v1::Approvers, tonic::Status> {
        let published = v1::Approvers {
            ca: ca().public().to_pem().unwrap(),
            roster: roster.sign(&ca()).unwrap().into(),
        };
        let mut local = FleetClient::new(self.channel(Peer::Local).await);
        Ok(local.publish_approvers(published).await?.into_inner())
    }

    /// Enrols somebody by their rows: their id and certificate.
    pub(crate) async fn enrol(&self, kind: Kind, name: &str, role: &str) -> (Id, Vec<u8>) {
        let outside = &self.controller.outside;
        let (id, now_us) = (outside.id().unwrap(), outside.now_us());
        let public = PublicKey::from_spki(&Key::generate().unwrap().spki()).unwrap();
        let ca = &self.controller.ca;
        let issued = ca
            .issue(
                &public,
                &ca.name(kind, id),
                Validity::starting(now_us, 3_600_000_000),
                outside,
            )
            .unwrap();
        let identity = Identity {
            id,
            kind,
            name: name.to_owned(),
            role: role.to_owned(),
            enrolled_at_us: now_us,
            revoked: None,
            removed_at_us: None,
        };
        let mut transaction = self.controller.store.begin().await.unwrap();
        identities::insert(&mut transaction, &identity).await.unwrap();
        certificates::insert(&mut transaction, id, &public, &issued, now_us)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        (id, issued.der)
    }

    /// Somebody who may do what this role may.
    pub(crate) async fn user(&self, name: &str, role: Role) -> FleetClient<Channel> {
        let (_, certificate) = self.enrol(Kind::User, name, &role.to_string()).await;
        FleetClient::new(self.channel(Peer::Certificate(certificate)).await)
    }

    /// Somebody who is there already, by another certificate.
    pub(crate) async fn user_again(&self, name: &str) -> FleetClient<Channel> {
        let outside = &self.controller.outside;
        let mut transaction = self.controller.store.begin().await.unwrap();
        let user = identities::by_name(&mut transaction, Kind::User, name)
            .await
            .unwrap()
            .unwrap();
        let public = PublicKey::from_spki(&Key::generate().unwrap().spki()).unwrap();
        let ca = &self.controller.ca;
        let validity = Validity::starting(outside.now_us(), 3_600_000_000);
        let issued = ca
            .issue(&public, &ca.name(Kind::User, user.id), validity, outside)
            .unwrap();
        certificates::insert(&mut transaction, user.id, &public, &issued, outside.now_us())
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        FleetClient::new(self.channel(Peer::Certificate(issued.der)).await)
    }

    pub(crate) async fn link(&self, certificate: &[u8]) -> LinkClient<Channel> {
        LinkClient::new(self.channel(Peer::Certificate(certificate.to_vec())).await)
    }

    async fn channel(&self, peer: Peer) -> Channel {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let stream = PeerStream::new(theirs, peer);
        let incoming = futures_util::stream::iter([Ok::<_, io::Error>(stream)]);
        let serving = tonic::transport::Server::builder()
            .add_routes(server::routes(&self.controller))
            .serve_with_incoming(incoming.chain(futures_util::stream::pending()));
        tokio::spawn(serving);
        let mut ours = Some(TokioIo::new(ours));
        let connector = tower::service_fn(move |_: http::Uri| {
            std::future::ready(
                ours.take()
                    .ok_or_else(|| io::Error::other("the one connection ended")),
            )
        });
        let endpoint = Endpoint::from_static("http://controller");
        endpoint.connect_with_connector(connector).await.unwrap()
    }

    /// The records of actions in the log: what, and how it ended.
    pub(crate) async fn log(&self) -> Vec<(String, Outcome)> {
        let records = self.records().await.into_iter();
        let of_actions = records.filter(|record| record.action.starts_with("action."));
        of_actions.map(|record| (record.action, record.outcome)).collect()
    }

    pub(crate) async fn records(&self) -> Vec<Record> {
        let rows = sqlx::query("SELECT record FROM audit_records ORDER BY sequence")
            .fetch_all(self.controller.store.pool())
            .await
            .unwrap();
        let records = rows.iter().map(|row| row.get::<Vec<u8>, _>("record"));
        records
            .map(|record| serde_json::from_slice(&record).unwrap())
            .collect()
    }

    /// The action once it stands so.
    pub(crate) async fn stands(&self, id: &str, state: &str) -> v1::Action {
        let mut local = FleetClient::new(self.channel(Peer::Local).await);
        let request = v1::ShowActionRequest { id: id.to_owned() };
        let watched = async {
            let mut last = None;
            let mut states = local.watch_action(request).await.unwrap().into_inner();
            while let Some(action) = states.message().await.unwrap() {
                if action.state == state {
                    return action;
                }
                last = Some(action);
            }
            panic!("it ended as {last:?}, not as {state}");
        };
        match tokio::time::timeout(PATIENCE, watched).await {
            Ok(action) => action,
            Err(_) => panic!("it is not {state}: {:?}", self.shown(id).await),
        }
    }

    pub(crate) async fn shown(&self, id: &str) -> v1::Action {
        let mut local = FleetClient::new(self.channel(Peer::Local).await);
        let request = v1::ShowActionRequest { id: id.to_owned() };
        local.show_action(request).await.unwrap().into_inner()
    }
}

/// The envelope goes to the controller.
pub(crate) async fn approve(
    who: &mut FleetClient<Channel>,
    action: &v1::Action,
    approval: Vec<u8>,
) -> Result<v1::Action, tonic::Status> {
    let request = v1::ApproveActionRequest {
        id: action.id.clone(),
        approval: approval.into(),
    };
    Ok(who.approve_action(request).await?.into_inner())
}

/// A call was refused with these words.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<T, tonic::Status>, code: tonic::Code, words: &str) {
    let status = answer.unwrap_err();
    assert_eq!(status.code(), code, "{status:?}");
    assert!(status.message().contains(words), "{status:?}");
}
