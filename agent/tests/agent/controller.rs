//! A controller that does what the test says.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Id;
use netghost_proto::v1;
use netghost_proto::v1::agent_message::Kind as Said;
use netghost_proto::v1::controller_message::Kind as Tell;
use netghost_proto::v1::enrolment_server::{Enrolment, EnrolmentServer};
use netghost_proto::v1::link_server::{Link, LinkServer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::{ReceiverStream, UnboundedReceiverStream};
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic::{Request, Response, Status, Streaming};

use crate::authority::{Authority, FRESH};

/// How long a test waits for what must come.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// What was seen of an upload: its start, and how many bytes came.
pub(crate) type SeenUpload = (v1::UploadStart, u64);

#[derive(Default)]
pub(crate) struct Script {
    /// Control calls are refused with these first.
    pub(crate) refusals: VecDeque<Status>,
    /// Said in the place of a welcome.
    pub(crate) instead_of_welcome: Option<v1::ControllerMessage>,
    /// `Missing` is refused with this.
    pub(crate) missing_refused: Option<Status>,
    /// Enrolments and recoveries fail with these first, after they were done.
    pub(crate) lost_replies: VecDeque<Status>,
    /// The next uploads keep so many bytes and fail.
    pub(crate) cut_uploads: VecDeque<(usize, Status)>,
    pub(crate) whole: BTreeMap<Digest, Vec<u8>>,
    pub(crate) part: BTreeMap<Digest, Vec<u8>>,
    pub(crate) uploads: Vec<SeenUpload>,
    pub(crate) enrolments: Vec<v1::EnrolRequest>,
    pub(crate) recoveries: Vec<v1::RecoverRequest>,
    pub(crate) attestations: Vec<v1::AttestRequest>,
    /// The nonce that is given; with none, attested documents are unknown here.
    pub(crate) nonce: Option<String>,
    pub(crate) renewals: usize,
    /// Laid down on the agent's disk while a renewal or recovery is under way.
    pub(crate) enrolled_meanwhile: Option<(std::path::PathBuf, netghost_client::Identity)>,
    pub(crate) head: Option<v1::AuditHead>,
    /// The calls over new connections: of which action, and from which port.
    pub(crate) reached: Vec<(Vec<u8>, u16)>,
    /// They are answered so in place of the nonce; or not at all.
    pub(crate) reach_answer: Option<Result<Vec<u8>, Status>>,
    /// The approvers' CA that an identity carries.
    pub(crate) approvers: String,
}

impl Script {
    fn enrol_meanwhile(&mut self) {
        if let Some((directory, identity)) = self.enrolled_meanwhile.take() {
            netghost_client::Files::new(directory).save(&identity).unwrap();
        }
    }
}

/// A control stream.
pub(crate) struct Stage {
    pub(crate) hello: v1::Hello,
    /// The client certificate (DER).
    pub(crate) certificate: Vec<u8>,
    /// The port that the agent called from.
    pub(crate) port: u16,
    said: Streaming<v1::AgentMessage>,
    tell: mpsc::Sender<Result<v1::ControllerMessage, Status>>,
}

pub(crate) struct Controller {
    pub(crate) authority: Arc<Authority>,
    pub(crate) address: SocketAddr,
    script: Arc<Mutex<Script>>,
    stages: mpsc::UnboundedReceiver<Stage>,
    tasks: Vec<JoinHandle<()>>,
}

#[derive(Clone)]
struct Service {
    script: Arc<Mutex<Script>>,
    authority: Arc<Authority>,
    stages: mpsc::UnboundedSender<Stage>,
}

impl Controller {
    pub(crate) async fn start() -> Self {
        let authority = Arc::new(Authority::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(Script::default()));
        let (stages, heard) = mpsc::unbounded_channel();
        let service = Service {
            script: script.clone(),
            authority: authority.clone(),
            stages,
        };
        let (incoming, accepted) = mpsc::unbounded_channel();
        let accept = accept(listener, Arc::new(authority.server()), incoming);
        let serve = Server::builder()
            .add_service(LinkServer::new(service.clone()))
            .add_service(EnrolmentServer::new(service))
            .serve_with_incoming(UnboundedReceiverStream::new(accepted));
        let tasks = vec![
            tokio::spawn(accept),
            tokio::spawn(async move { drop(serve.await) }),
        ];
        Self {
            authority,
            address,
            script,
            stages: heard,
            tasks,
        }
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// The next control stream that an agent opens.
    pub(crate) async fn stage(&mut self) -> Stage {
        let next = tokio::time::timeout(SOON, self.stages.recv()).await;
        next.expect("no agent came").unwrap()
    }

    /// True if an agent opens a control stream within this time.
    pub(crate) async fn is_called_within(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.stages.recv()).await.is_ok()
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Stage {
    pub(crate) async fn tell(&self, kind: Tell) {
        let message = v1::ControllerMessage { kind: Some(kind) };
        self.tell.send(Ok(message)).await.unwrap();
    }

    pub(crate) async fn tell_nothing(&self) {
        let message = v1::ControllerMessage { kind: None };
        self.tell.send(Ok(message)).await.unwrap();
    }

    pub(crate) async fn ask(&self, id: Id, lifetime_ms: u64, sections: &[&str]) {
        let capture = v1::Capture {
            sections: sections.iter().map(|name| (*name).to_owned()).collect(),
            asked_by: "ada".to_owned(),
            ..v1::Capture::default()
        };
        self.tell(Tell::Command(v1::Command {
            id: id.to_string(),
            lifetime_ms,
            kind: Some(v1::command::Kind::Capture(capture)),
        }))
        .await;
    }

    /// Passes a demand to the process that acts.
    pub(crate) async fn demand(&self, id: Id, lifetime_ms: u64, demand: &[u8], confirm: bool) {
        let demand = demand.to_vec().into();
        self.tell(Tell::Command(v1::Command {
            id: id.to_string(),
            lifetime_ms,
            kind: Some(v1::command::Kind::Act(v1::Act { demand, confirm })),
        }))
        .await;
    }

    pub(crate) async fn acknowledge(&self, id: Id) {
        self.tell(Tell::Acknowledged(v1::Acknowledged {
            commands: vec![id.to_string()],
        }))
        .await;
    }

    pub(crate) async fn hear(&mut self) -> Said {
        let next = tokio::time::timeout(SOON, self.said.message()).await;
        let message = next.expect("the agent said nothing").unwrap();
        message.expect("the agent ended the stream").kind.unwrap()
    }

    /// The next outcome; what else is said before it is passed over.
    pub(crate) async fn finished(&mut self) -> v1::CommandFinished {
        loop {
            if let Said::CommandFinished(finished) = self.hear().await {
                return finished;
            }
        }
    }

    /// The code with which the next command failed.
    pub(crate) async fn failed(&mut self) -> String {
        match self.finished().await.outcome.unwrap() {
            v1::command_finished::Outcome::Failed(failed) => failed.code,
            other => panic!("{other:?}"),
        }
    }

    /// The answer of the next outcome.
    pub(crate) async fn acted(&mut self) -> Vec<u8> {
        match self.finished().await.outcome.unwrap() {
            v1::command_finished::Outcome::Acted(acted) => acted.answer.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    /// The manifest of the next outcome.
    pub(crate) async fn captured(&mut self) -> Digest {
        match self.finished().await.outcome.unwrap() {
            v1::command_finished::Outcome::Captured(captured) => digest(&captured.manifest),
            other => panic!("{other:?}"),
        }
    }

    /// Waits until the agent has gone.
    pub(crate) async fn ended(mut self) {
        let end = async { while let Ok(Some(_)) = self.said.message().await {} };
        tokio::time::timeout(SOON, end).await.expect("the agent stayed");
    }
}

/// The objects that a manifest names.
pub(crate) fn objects_of(manifest: &[u8]) -> Vec<Digest> {
    let manifest: netghost_core::artifact::manifest::Manifest = serde_json::from_slice(manifest).unwrap();
    let digests = manifest
        .sections
        .iter()
        .flat_map(|entry| [entry.config_digest, entry.runtime_digest, entry.raw_digest]);
    digests.flatten().collect()
}

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    netghost_proto::convert::digest("digest", bytes).unwrap()
}

#[tonic::async_trait]
impl Link for Service {
    type ControlStream = Pin<Box<dyn Stream<Item = Result<v1::ControllerMessage, Status>> + Send>>;

    async fn control(
        &self,
        request: Request<Streaming<v1::AgentMessage>>,
    ) -> Result<Response<Self::ControlStream>, Status> {
        let Peer(certificate, port) = request.extensions().get::<Peer>().unwrap().clone();
        if let Some(status) = self.script.lock().unwrap().refusals.pop_front() {
            return Err(status);
        }
        let mut said = request.into_inner();
        let Some(Said::Hello(hello)) = said.message().await?.and_then(|message| message.kind) else {
            return Err(Status::invalid_argument("no hello"));
        };
        let (tell, told) = mpsc::channel(64);
        let (instead, head) = {
            let mut script = self.script.lock().unwrap();
            (script.instead_of_welcome.take(), script.head.clone())
        };
        let welcome = v1::ControllerMessage {
            kind: Some(Tell::Welcome(v1::Welcome {
                protocol: 1,
                name: "vm1".to_owned(),
                clock_us: hello.clock_us - 5_000_000,
                head,
            })),
        };
        tell.send(Ok(instead.unwrap_or(welcome))).await.unwrap();
        let stage = Stage {
            hello,
            certificate,
            port,
            said,
            tell,
        };
        drop(self.stages.send(stage));
        Ok(Response::new(Box::pin(ReceiverStream::new(told))))
    }

    async fn missing(
        &self,
        request: Request<v1::MissingRequest>,
    ) -> Result<Response<v1::MissingReply>, Status> {
        let script = self.script.lock().unwrap();
        if let Some(status) = &script.missing_refused {
            return Err(status.clone());
        }
        let wanted = request.into_inner().digests;
        let missing = wanted
            .into_iter()
            .filter(|bytes| !script.whole.contains_key(&digest(bytes)));
        let missing = missing.map(|bytes| v1::MissingObject {
            offset: script
                .part
                .get(&digest(&bytes))
                .map_or(0, |part| part.len() as u64),
            digest: bytes,
        });
        Ok(Response::new(v1::MissingReply {
            missing: missing.collect(),
        }))
    }

    async fn upload(
        &self,
        request: Request<Streaming<v1::UploadChunk>>,
    ) -> Result<Response<v1::UploadReply>, Status> {
        let mut chunks = request.into_inner();
        let first = chunks.message().await?.unwrap();
        let start = first.start.unwrap();
        let digest = digest(&start.digest);
        let mut bytes = first.bytes.to_vec();
        while let Some(chunk) = chunks.message().await? {
            assert!(chunk.start.is_none() && chunk.bytes.len() <= netghost_proto::UPLOAD_CHUNK);
            bytes.extend_from_slice(&chunk.bytes);
        }
        let mut script = self.script.lock().unwrap();
        script.uploads.push((start.clone(), bytes.len() as u64));
        let mut content = script.part.remove(&digest).unwrap_or_default();
        content.truncate(usize::try_from(start.offset).unwrap());
        content.extend_from_slice(&bytes);
        if let Some((keep, status)) = script.cut_uploads.pop_front() {
            content.truncate(keep);
            script.part.insert(digest, content);
            return Err(status);
        }
        assert_eq!(content.len() as u64, start.size);
        assert_eq!(Digest::of(&content), digest);
        if start.manifest {
            for wanted in objects_of(&content) {
                assert!(
                    script.whole.contains_key(&wanted),
                    "the manifest came before {wanted}"
                );
            }
        }
        script.whole.insert(digest, content);
        Ok(Response::new(v1::UploadReply { stored: start.size }))
    }

    async fn renew(&self, request: Request<v1::RenewRequest>) -> Result<Response<v1::Identity>, Status> {
        let mut script = self.script.lock().unwrap();
        script.renewals += 1;
        script.enrol_meanwhile();
        Ok(Response::new(self.identity(&request.into_inner().csr)))
    }

    async fn reached(
        &self,
        request: Request<v1::ReachedRequest>,
    ) -> Result<Response<v1::ReachedReply>, Status> {
        let Peer(_, port) = request.extensions().get::<Peer>().unwrap().clone();
        let request = request.into_inner();
        let mut script = self.script.lock().unwrap();
        script.reached.push((request.action.to_vec(), port));
        let nonce = match script.reach_answer.clone() {
            None => request.nonce,
            Some(answer) => answer?.into(),
        };
        Ok(Response::new(v1::ReachedReply { nonce }))
    }
}

#[tonic::async_trait]
impl Enrolment for Service {
    async fn enrol(&self, request: Request<v1::EnrolRequest>) -> Result<Response<v1::Identity>, Status> {
        assert!(request.extensions().get::<Peer>().unwrap().0.is_empty());
        let request = request.into_inner();
        let mut script = self.script.lock().unwrap();
        script.enrolments.push(request.clone());
        let approvers = script.approvers.clone();
        match script.lost_replies.pop_front() {
            Some(status) => Err(status),
            None => Ok(Response::new(v1::Identity {
                approvers,
                ..self.identity(&request.csr)
            })),
        }
    }

    async fn challenge(
        &self,
        _request: Request<v1::ChallengeRequest>,
    ) -> Result<Response<v1::ChallengeReply>, Status> {
        match self.script.lock().unwrap().nonce.clone() {
            Some(nonce) => Ok(Response::new(v1::ChallengeReply {
                nonce,
                lifetime_ms: 300_000,
            })),
            None => Err(Status::unimplemented("")),
        }
    }

    async fn attest(&self, request: Request<v1::AttestRequest>) -> Result<Response<v1::Identity>, Status> {
        let request = request.into_inner();
        let mut script = self.script.lock().unwrap();
        script.attestations.push(request.clone());
        match script.lost_replies.pop_front() {
            Some(status) => Err(status),
            None => Ok(Response::new(self.identity(&request.csr))),
        }
    }

    async fn recover(&self, request: Request<v1::RecoverRequest>) -> Result<Response<v1::Identity>, Status> {
        assert!(request.extensions().get::<Peer>().unwrap().0.is_empty());
        let request = request.into_inner();
        let mut script = self.script.lock().unwrap();
        script.recoveries.push(request.clone());
        script.enrol_meanwhile();
        match script.lost_replies.pop_front() {
            Some(status) => Err(status),
            None => Ok(Response::new(self.identity(&request.csr))),
        }
    }
}

impl Service {
    fn identity(&self, csr: &[u8]) -> v1::Identity {
        let id = Id::from_random([9; 16]);
        let certificate = self.authority.issue(csr, id, FRESH);
        v1::Identity {
            id: id.to_string(),
            name: "vm1".to_owned(),
            chain: vec![certificate.into(), self.authority.der().into()],
            domain: "example.org".to_owned(),
            ..v1::Identity::default()
        }
    }
}

/// The client certificate of a connection, empty if there is none, and the port that it comes from.
#[derive(Debug, Clone)]
struct Peer(Vec<u8>, u16);

struct Stream_(TlsStream<TcpStream>);

async fn accept(
    listener: TcpListener,
    config: Arc<rustls::ServerConfig>,
    incoming: mpsc::UnboundedSender<std::io::Result<Stream_>>,
) {
    let acceptor = TlsAcceptor::from(config);
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, incoming) = (acceptor.clone(), incoming.clone());
        tokio::spawn(async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                drop(incoming.send(Ok(Stream_(stream))));
            }
        });
    }
}

impl Connected for Stream_ {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        let certificates = self.0.get_ref().1.peer_certificates();
        let port = self.0.get_ref().0.peer_addr().map_or(0, |address| address.port());
        Peer(certificates.map_or_else(Vec::new, |all| all[0].to_vec()), port)
    }
}

impl AsyncRead for Stream_ {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream_ {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
