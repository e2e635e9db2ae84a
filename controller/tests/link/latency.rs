//! What a large upload does to a control message beside it, over one TCP connection with TLS as it is in use.

use std::sync::Arc;
use std::time::{Duration, Instant};

use netghost_client::{Address, Dial, Identity, Key, Trust};
use netghost_controller::link::Timings;
use netghost_controller::server::Server;
use netghost_proto::v1::agent_message::Kind as Say;
use netghost_proto::v1::controller_message::Kind as Hear;
use netghost_proto::v1::link_client::LinkClient;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::harness::{Holder, PATIENCE, Scripted, Site, command, timings, within};
use crate::snapshots::{chunks, start};

/// What half of the control messages may be delayed by at most.
const LIMIT: Duration = Duration::from_millis(100);
/// What the worst of them may: other tests run beside this one, and their load falls on single messages.
const LIMIT_OF_ALL: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_message_is_not_delayed_by_an_upload_of_30_mb() {
    let site = Site::with(Timings {
        hello: Duration::from_secs(10),
        ..timings()
    })
    .await;
    let vm1 = site.agent("vm1").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let names = vec!["127.0.0.1".try_into().unwrap()];
    let server = Server::new(site.controller.clone(), names).await.unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(server.serve(listener, stop.clone().cancelled_owned()));
    let channel = dial(&site, vm1, port).connect().await.unwrap();
    let mut agent = Scripted::open(LinkClient::new(channel.clone())).await;
    agent.hello("p1").await;
    assert!(matches!(agent.hear().await.unwrap(), Hear::Welcome(_)));

    let idle = round_trips(&mut agent, || false).await;
    let bytes: Vec<u8> = (0..30_000_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let mut client = LinkClient::new(channel);
    let began = Instant::now();
    let upload = tokio::spawn(async move {
        let chunks = chunks(start(&bytes, None), &bytes, 64 * 1024);
        tokio::time::timeout(3 * PATIENCE, client.upload(tokio_stream::iter(chunks)))
            .await
            .unwrap()
    });
    let busy = round_trips(&mut agent, || !upload.is_finished()).await;
    assert_eq!(upload.await.unwrap().unwrap().into_inner().stored, 30_000_000);
    let took = began.elapsed();
    println!("30 MB in {took:?}; a command there and back, idle: {idle}; beside the upload: {busy}");
    assert!(busy.count >= 10, "{busy}");
    assert!(busy.p50 < LIMIT, "{busy}");
    assert!(busy.max < LIMIT_OF_ALL, "{busy}");
    drop(agent);
    stop.cancel();
    within(serving).await.unwrap().unwrap();
}

fn dial(site: &Site, holder: Holder, port: u16) -> Dial {
    let ca = &site.controller.ca;
    let key = Key::from_pem(&holder.key.to_pem()).unwrap();
    let identity = Identity::new(holder.certificate, ca.certificate().to_vec(), key).unwrap();
    let address = Address {
        host: "127.0.0.1".to_owned(),
        port,
    };
    Dial {
        identity: Some(Arc::new(identity)),
        ..Dial::new(address, Trust::Fingerprint(ca.fingerprint()))
    }
}

struct Delays {
    count: usize,
    p50: Duration,
    p99: Duration,
    max: Duration,
}

impl std::fmt::Display for Delays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { count, p50, p99, max } = self;
        write!(f, "n {count}, p50 {p50:?}, p99 {p99:?}, max {max:?}")
    }
}

/// How long it takes from a word of the agent to the controller's answer: the end of a command that nobody gave, which is
/// acknowledged after a look into the store. Twenty times at least, and as long as it is asked for.
async fn round_trips(agent: &mut Scripted, mut more: impl FnMut() -> bool) -> Delays {
    let mut taken = Vec::new();
    while taken.len() < 20 || more() {
        let began = Instant::now();
        agent
            .say(Say::CommandFinished(netghost_proto::v1::CommandFinished {
                id: command(1).to_string(),
                outcome: Some(netghost_proto::v1::command_finished::Outcome::Failed(
                    netghost_proto::v1::Failed {
                        code: "internal".to_owned(),
                        message: String::new(),
                    },
                )),
            }))
            .await;
        agent.acknowledged(command(1)).await;
        taken.push(began.elapsed());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    taken.sort();
    Delays {
        count: taken.len(),
        p50: taken[taken.len() / 2],
        p99: taken[(taken.len() * 99 / 100).min(taken.len() - 1)],
        max: taken[taken.len() - 1],
    }
}
