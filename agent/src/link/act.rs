//! Passes demands on to the process that acts, and confirms what it did over a connection of its own.
//!
//! What is done when is decided in `course`, which does no I/O. This process is trusted with nothing: a demand goes on byte for
//! byte, and so does the answer. What it adds is the proof that the way to the controller is open after a change.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Text;
use netghost_core::fleet::Id;
use netghost_core::gate::{Answer, Demand, LONGEST_DEMAND};
use netghost_proto::CONTROL_MESSAGE;
use netghost_proto::v1;
use netghost_proto::v1::link_client::LinkClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::session::Dialer;
use super::wire::of_status;
use crate::capture::chain;
use crate::order::{Act, Failed};
use crate::outside::{random, since_boot};

mod course;
#[cfg(test)]
mod tests;

use course::{Course, Happened, Next, Said, Silence, Way};

/// How long the process that acts may take: a package manager is given so long.
const PATIENCE: Duration = Duration::from_secs(21 * 60);
/// How long it may take for all else.
const ANSWER: Duration = Duration::from_secs(110);
/// How long one new connection to the controller, and the answer over it, may take.
const REACHED: Duration = Duration::from_secs(10);

/// Who passes demands on.
#[derive(Debug)]
pub(super) struct Actor {
    pub(super) dialer: Arc<Dialer>,
    /// The agent's own id, which stands in every action of its VM.
    pub(super) id: Option<Id>,
    pub(super) proposing: Arc<Semaphore>,
}

impl Actor {
    /// Passes a demand on and sees to it that the answer is the last word.
    pub(super) async fn act(&self, act: &Act, late: bool) -> Result<Text, Failed> {
        let parsed = act.parsed();
        let _permit = match &parsed {
            Some(Demand::Propose(asked)) => {
                if asked.agent.is_none() || asked.agent != self.id {
                    return Err(Failed::new("refused", "the request is for another agent"));
                }
                Some(self.proposing.acquire().await)
            }
            _ => None,
        };
        let way = match (act.performs(), act.confirm) {
            (Some(action), confirm) => Way::Perform {
                action,
                confirm,
                late,
            },
            (None, _) => Way::Once,
        };
        let mut course = Course::new(way, since_boot());
        let mut next = course.first();
        loop {
            let happened = match next {
                Next::Demand => Happened::Answered(self.ask(act.demand.as_bytes()).await),
                Next::Ask(demand) => Happened::Answered(self.ask_for(&demand).await),
                Next::Reach(action) => Happened::Reached(self.reach(action).await),
                Next::Wait(time) => {
                    sleep(time).await;
                    Happened::Waited
                }
                Next::End(result) => return result,
            };
            next = course.handle(happened, since_boot());
        }
    }

    async fn ask_for(&self, demand: &Demand) -> Result<Said, Silence> {
        match netghost_core::artifact::json::to_vec(demand) {
            Ok(bytes) => self.ask(&bytes).await,
            Err(error) => Err(Silence::NotAsked(chain(&error))),
        }
    }

    async fn ask(&self, demand: &[u8]) -> Result<Said, Silence> {
        let patience = match serde_json::from_slice(demand) {
            Ok(Demand::Perform { .. }) => PATIENCE,
            _ => ANSWER,
        };
        match timeout(patience, ask(&self.dialer.act_socket, demand)).await {
            Ok(answered) => answered,
            Err(_) => Err(Silence::Broken(format!(
                "no answer within {} s",
                patience.as_secs()
            ))),
        }
    }

    /// Calls the controller over a connection of its own: a new TCP port, a new TLS session.
    async fn reach(&self, action: Digest) -> Result<(), String> {
        let reached = timeout(REACHED, self.reach_once(action)).await;
        reached.unwrap_or_else(|_| Err(format!("no answer within {} s", REACHED.as_secs())))
    }

    async fn reach_once(&self, action: Digest) -> Result<(), String> {
        let identity = self.dialer.files.load().map_err(|error| chain(&error))?;
        let identity = identity.ok_or("this agent is not enrolled")?;
        let channel = self.dialer.dial(Some(Arc::new(identity))).connect().await;
        let channel = channel.map_err(|error| chain(&error))?;
        let nonce = random::<32>().map_err(|error| chain(&error))?;
        let request = v1::ReachedRequest {
            action: action.as_bytes().to_vec().into(),
            nonce: nonce.to_vec().into(),
        };
        let mut client = LinkClient::new(channel).max_decoding_message_size(CONTROL_MESSAGE);
        let reply = client.reached(request).await;
        let reply = reply.map_err(|status| of_status(&status))?.into_inner();
        match reply.nonce.as_ref() == nonce.as_slice() {
            true => Ok(()),
            false => Err("the controller answered with another nonce".to_owned()),
        }
    }
}

/// One demand, one answer, each a frame of a length (four bytes, big-endian) and that many bytes.
async fn ask(socket: &Path, demand: &[u8]) -> Result<Said, Silence> {
    let mut stream = UnixStream::connect(socket).await.map_err(|error| {
        Silence::NotAsked(format!(
            "nobody listens at {} ({error}): is netghost-act installed, and netghost-act.socket enabled?",
            socket.display()
        ))
    })?;
    let broken = |error: io::Error| Silence::Broken(error.to_string());
    let length = u32::try_from(demand.len()).unwrap_or(u32::MAX);
    let frame = [length.to_be_bytes().as_slice(), demand].concat();
    // What refuses a demand at its length may answer and hang up before it was read.
    let written = stream.write_all(&frame).await;
    let answer = match (read(&mut stream).await, written) {
        (Ok(answer), _) => answer,
        (Err(_), Err(error)) | (Err(error), Ok(())) => return Err(broken(error)),
    };
    let parsed = serde_json::from_slice::<Answer>(&answer);
    let answer = Text::from(answer);
    match parsed {
        Ok(parsed) => Ok(Said { answer, parsed }),
        Err(error) => Err(Silence::Broken(format!("its answer can't be read: {error}"))),
    }
}

async fn read(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let length = usize::try_from(stream.read_u32().await?).unwrap_or(usize::MAX);
    if length > LONGEST_DEMAND {
        let why = format!("its answer has {length} bytes, and {LONGEST_DEMAND} are taken");
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// Asks the process that acts at this socket, from a program that is no agent.
pub(super) async fn asked_once(socket: &Path, demand: &Demand) -> Result<Answer, String> {
    let bytes = netghost_core::artifact::json::to_vec(demand).map_err(|error| chain(&error))?;
    match timeout(ANSWER, ask(socket, &bytes)).await {
        Ok(Ok(said)) => Ok(said.parsed),
        Ok(Err(silence)) => Err(silence.to_string()),
        Err(_) => Err(format!("no answer within {} s", ANSWER.as_secs())),
    }
}
