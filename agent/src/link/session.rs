//! One connection, from the dial to its end.

use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use netghost_client::{Address, Dial, DialError, Files, Identity, Key, Proxy, Trust};
use netghost_proto::v1;
use netghost_proto::v1::agent_message::Kind as Said;
use netghost_proto::v1::controller_message::Kind as Heard;
use netghost_proto::v1::link_client::LinkClient;
use netghost_proto::{CONTROL_MESSAGE, PROTOCOL};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

use super::machine::{Loss, LossKind};
use super::wire::{self, loss, short};
use crate::advice;
use crate::capture::chain;
use crate::files::{self, HEAD, Head};
use crate::order::message;
use crate::outside::{Host, now_us};

/// How long the controller may take to welcome the agent; it may first ask another stream of the same identity.
const WELCOME: Duration = Duration::from_secs(30);
/// How many messages may wait to be sent before the connection is given up.
const OUTGOING: usize = 256;
/// What every agent can do, and what one can beside whom a process listens that acts.
const CAPTURE: &str = "capture";
const ACTIONS: &str = "actions";

/// What it takes to connect.
#[derive(Debug)]
pub(super) struct Dialer {
    pub(super) files: Files,
    pub(super) state: PathBuf,
    pub(super) address: Address,
    pub(super) proxy: Option<Proxy>,
    pub(super) host: Host,
    /// Where the process listens that acts.
    pub(super) act_socket: PathBuf,
    pub(super) process_id: String,
    /// The controller said that the certificate is out of its period, whatever the clock here says.
    pub(super) recover: AtomicBool,
}

/// What a session tells.
#[derive(Debug)]
pub(super) enum Notice {
    /// This identity is used.
    Identity(Arc<Identity>),
    /// The controller has welcomed the agent.
    Up(Up),
    /// The controller has said something.
    Heard(Box<wire::Heard>),
    /// It has ended, or did not begin.
    Lost(Loss),
}

/// A connection that stands.
#[derive(Debug)]
pub(super) struct Up {
    pub(super) channel: Channel,
    pub(super) outgoing: mpsc::Sender<v1::AgentMessage>,
    pub(super) welcome: v1::Welcome,
    /// The VM's clock minus the controller's, microseconds.
    pub(super) clock_offset_us: i64,
}

/// Connects and passes on what is heard, up to the end.
pub(super) async fn session(dialer: Arc<Dialer>, number: u64, notices: mpsc::Sender<(u64, Notice)>) {
    let loss = match dialer.open(number, &notices).await {
        Ok(incoming) => hear(incoming, number, &notices).await,
        Err(loss) => {
            let period = netghost_client::Refusal::OutOfPeriod.to_string();
            if loss.why.contains(&period) {
                dialer.recover.store(true, Ordering::Relaxed);
            }
            loss
        }
    };
    tell(&notices, number, Notice::Lost(loss)).await;
}

/// Nobody listens any more when the process ends.
async fn tell(notices: &mpsc::Sender<(u64, Notice)>, number: u64, notice: Notice) {
    drop(notices.send((number, notice)).await);
}

async fn hear(
    mut incoming: Streaming<v1::ControllerMessage>,
    number: u64,
    notices: &mpsc::Sender<(u64, Notice)>,
) -> Loss {
    loop {
        match incoming.message().await {
            Ok(Some(message)) => {
                let heard = Box::new(wire::heard(message));
                tell(notices, number, Notice::Heard(heard)).await;
            }
            Ok(None) => return passing("the controller ended the connection".to_owned()),
            Err(status) => return loss("the connection to the controller was lost", &status),
        }
    }
}

fn passing(why: String) -> Loss {
    Loss {
        kind: LossKind::Passing,
        why,
        hint: None,
    }
}

pub(super) fn not_dialled(error: &DialError) -> Loss {
    Loss {
        hint: advice::of(error),
        ..passing(chain(error))
    }
}

impl Dialer {
    async fn open(
        &self,
        number: u64,
        notices: &mpsc::Sender<(u64, Notice)>,
    ) -> Result<Streaming<v1::ControllerMessage>, Loss> {
        let identity = self.identity().await?;
        tell(notices, number, Notice::Identity(identity.clone())).await;
        let channel = self.dial(Some(identity)).connect().await;
        let channel = channel.map_err(|error| not_dialled(&error))?;
        let (outgoing, said) = mpsc::channel(OUTGOING);
        // The queue is new and empty.
        drop(outgoing.try_send(self.hello()));
        let mut client = LinkClient::new(channel.clone()).max_decoding_message_size(CONTROL_MESSAGE);
        let open = async {
            let mut incoming = client.control(ReceiverStream::new(said)).await?.into_inner();
            let first = incoming.message().await?;
            Ok::<_, tonic::Status>((incoming, first))
        };
        let (incoming, first) = timeout(WELCOME, open)
            .await
            .map_err(|_| {
                passing(format!(
                    "the controller sent no welcome within {} s",
                    WELCOME.as_secs()
                ))
            })?
            .map_err(|status| loss("the controller did not welcome this agent", &status))?;
        let up = Up {
            welcome: welcome(first)?,
            clock_offset_us: 0,
            channel,
            outgoing,
        };
        let offset = i128::from(now_us()).saturating_sub(i128::from(up.welcome.clock_us));
        let up = Up {
            clock_offset_us: i64::try_from(offset).unwrap_or(i64::MAX),
            ..up
        };
        tell(notices, number, Notice::Up(up)).await;
        Ok(incoming)
    }

    pub(super) fn dial(&self, identity: Option<Arc<Identity>>) -> Dial {
        let trust = identity
            .as_ref()
            .map_or(Trust::Authority(Vec::new()), |identity| {
                Trust::Authority(identity.authority.clone())
            });
        Dial {
            identity,
            proxy: self.proxy.clone(),
            ..Dial::new(self.address.clone(), trust)
        }
    }

    /// The identity on the disk, got anew by proof of the old key where its certificate has run out.
    async fn identity(&self) -> Result<Arc<Identity>, Loss> {
        let identity = self.files.load().map_err(|error| passing(chain(&error)))?;
        let identity = identity.ok_or_else(|| Loss {
            hint: Some("netghost-agent enroll".to_owned()),
            ..passing(format!("{} is gone", self.files.path().display()))
        })?;
        if identity.not_after_us > now_us() && !self.recover.load(Ordering::Relaxed) {
            return Ok(Arc::new(identity));
        }
        let recovered = self.get_anew(&identity).await?;
        self.recover.store(false, Ordering::Relaxed);
        Ok(Arc::new(recovered))
    }

    async fn get_anew(&self, old: &Identity) -> Result<Identity, Loss> {
        let dial = Dial {
            proxy: self.proxy.clone(),
            ..Dial::new(self.address.clone(), Trust::Authority(old.authority.clone()))
        };
        let channel = dial.connect().await.map_err(|error| not_dialled(&error))?;
        let key = Key::generate().map_err(|error| passing(chain(&error)))?;
        let what = "the certificate ran out, and no new one was given";
        match timeout(WELCOME, netghost_client::recover(channel, old, key)).await {
            Err(_) => Err(passing(format!("{what}: no answer"))),
            Ok(Err(netghost_client::EnrolError::Refused(status))) => Err(not_recovered(what, &status)),
            Ok(Err(error)) => Err(passing(format!("{what}: {}", chain(&error)))),
            Ok(Ok((identity, _))) => {
                tracing::info!("got a new certificate by the old key");
                // An identity that was enrolled meanwhile stays, and is used.
                self.files
                    .renew(&old.certificate, identity)
                    .map_err(|error| passing(chain(&error)))
            }
        }
    }

    fn capabilities(&self) -> Vec<String> {
        let socket = std::fs::metadata(&self.act_socket).is_ok_and(|found| found.file_type().is_socket());
        let actions = socket.then_some(ACTIONS);
        [CAPTURE].into_iter().chain(actions).map(str::to_owned).collect()
    }

    /// A head that can't be read is not said: the controller's next one takes its place.
    fn hello(&self) -> v1::AgentMessage {
        let head = files::read::<Head>(&self.state, HEAD).ok().flatten();
        message(Said::Hello(v1::Hello {
            protocol_min: *PROTOCOL.start(),
            protocol_max: *PROTOCOL.end(),
            capabilities: self.capabilities(),
            boot_id: self.host.boot_id.clone(),
            host_name: self.host.name.clone(),
            kernel: self.host.kernel.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            clock_us: now_us(),
            head: head.map(|head| head.to_wire()),
            process_id: self.process_id.clone(),
        }))
    }
}

/// A refusal of the old key will not pass by itself, but for a controller that is not all there.
fn not_recovered(what: &str, status: &tonic::Status) -> Loss {
    let mut loss = loss(what, status);
    if matches!(
        status.code(),
        tonic::Code::FailedPrecondition | tonic::Code::InvalidArgument | tonic::Code::NotFound
    ) {
        loss.kind = LossKind::Refused;
        loss.hint = Some("enrol again with a new token: netghost-agent enroll --replace".to_owned());
    }
    loss
}

fn welcome(first: Option<v1::ControllerMessage>) -> Result<v1::Welcome, Loss> {
    match first.and_then(|message| message.kind) {
        Some(Heard::Welcome(welcome)) if PROTOCOL.contains(&welcome.protocol) => Ok(v1::Welcome {
            name: short(&welcome.name),
            ..welcome
        }),
        Some(Heard::Welcome(welcome)) => Err(Loss {
            hint: Some("upgrade the older of the two".to_owned()),
            ..passing(format!(
                "the controller speaks protocol {}, this agent {} to {}",
                welcome.protocol,
                PROTOCOL.start(),
                PROTOCOL.end()
            ))
        }),
        Some(Heard::Revoked(revoked)) => Err(Loss {
            kind: LossKind::Refused,
            why: format!(
                "the controller took this identity away: {}",
                short(&revoked.reason)
            ),
            hint: Some("enrol again with a new token: netghost-agent enroll --replace".to_owned()),
        }),
        Some(Heard::Closing(closing)) => Err(passing(format!(
            "the controller ended the connection: {}",
            short(&closing.reason)
        ))),
        Some(_) => Err(passing(
            "the controller said something before its welcome".to_owned(),
        )),
        None => Err(passing("the controller ended the connection".to_owned())),
    }
}
