//! A job, from its start to its end, over connections that can be lost.

use std::time::Duration;

use anyhow::anyhow;
use netghost_core::fleet::Id;
use netghost_proto::v1;
use tokio::time::Instant;
use tonic::Status;

use super::refusal::is_lost;
use super::{Client, Dial, Fleet, Place, client_over, refused};
use crate::documents::jobs::Job;
use crate::error::Failure;
use crate::progress::Progress;

/// How long a job takes at most where nobody says otherwise, as the controller has it.
const DEADLINE: Duration = Duration::from_secs(5 * 60);
/// How much longer than the job itself the command asks for its end.
const GRACE: Duration = Duration::from_secs(60);
/// The pauses between tries grow from this …
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// … to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A job that is asked for.
pub type Request = v1::StartJobRequest;

/// How long lost connections are made up for.
#[derive(Debug, Clone, Copy)]
pub struct Patience(Duration);

impl Patience {
    /// So long, whatever the job may take.
    pub fn at_most(span: Duration) -> Self {
        Self(span)
    }

    /// As long as the job can take.
    pub fn of(request: &Request) -> Self {
        let deadline = match request.deadline_ms {
            0 => DEADLINE,
            milliseconds => Duration::from_millis(milliseconds),
        };
        Self(deadline.saturating_add(GRACE))
    }
}

impl Fleet {
    /// Runs a job to its end. The same id is asked for again where a connection was lost, so that nothing is done twice.
    pub fn run(
        &mut self,
        request: &Request,
        patience: Patience,
        progress: &mut Progress,
    ) -> Result<Job, Failure> {
        let Self {
            runtime,
            dial,
            client,
            place,
        } = self;
        let ended = runtime.block_on(async {
            let job = Attempts {
                dial: dial.as_mut(),
                client,
                place,
                request,
            };
            tokio::select! {
                job = job.run(Instant::now() + patience.0, progress) => job,
                _ = tokio::signal::ctrl_c() => Err(interrupted(&request.id, place)),
            }
        });
        progress.clear();
        Ok(Job::try_from(ended?)?)
    }

    /// Follows a job that was started otherwise, to its end.
    pub fn follow(&mut self, id: Id, progress: &mut Progress) -> Result<Job, Failure> {
        let request = v1::WatchJobRequest { id: id.to_string() };
        let told = &mut *progress;
        let ended = self.read(async move |client: &mut Client| {
            let mut changes = client.watch_job(request.clone()).await?.into_inner();
            while let Some(job) = changes.message().await? {
                told.update(&job);
                if job.state == "ended" {
                    return Ok(job);
                }
            }
            Err(Status::unavailable("the controller stopped telling of the job"))
        });
        progress.clear();
        Ok(Job::try_from(ended?)?)
    }

    /// A job as it is now.
    pub fn job(&mut self, id: Id) -> Result<Job, Failure> {
        let request = v1::WatchJobRequest { id: id.to_string() };
        let job = self.call(async move |client| {
            let mut stream = client.watch_job(request).await?.into_inner();
            let first = stream.message().await?;
            first.ok_or_else(|| Status::internal("the controller says nothing of the job"))
        })?;
        Ok(Job::try_from(job)?)
    }
}

struct Attempts<'a> {
    dial: &'a mut dyn Dial,
    client: &'a mut Option<Client>,
    place: &'a Place,
    request: &'a Request,
}

/// Why an attempt gave no end of the job.
enum Cut {
    /// There was no connection.
    Dial(Failure),
    /// The call was refused, or cut off.
    Call(Status),
    /// The stream ended before the job.
    Early,
}

impl Attempts<'_> {
    async fn run(mut self, give_up: Instant, progress: &mut Progress) -> Result<v1::Job, Failure> {
        let mut pause = FIRST_PAUSE;
        let mut connected = false;
        loop {
            let cut = match self.attempt(&mut connected, progress).await {
                Ok(job) => return Ok(job),
                Err(cut) => cut,
            };
            let again = Instant::now() + pause < give_up;
            match cut {
                Cut::Call(status) if !is_lost(&status) => return Err(refused(&status, self.place)),
                // Whoever could never connect has started nothing, and may have mistyped.
                Cut::Dial(failure) if !connected || !again => return Err(failure),
                Cut::Call(status) if !again => return Err(self.lost(&refused(&status, self.place))),
                Cut::Early if !again => return Err(self.lost(&early())),
                Cut::Dial(_) | Cut::Call(_) | Cut::Early => {}
            }
            *self.client = None;
            progress.say("the connection was lost; asking again for the same job");
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    /// Asks for the job and follows it to its end.
    async fn attempt(&mut self, connected: &mut bool, progress: &mut Progress) -> Result<v1::Job, Cut> {
        let made = match self.client.take() {
            Some(client) => client,
            None => client_over(self.dial.dial().await.map_err(Cut::Dial)?),
        };
        // From here on the job may have been started, whatever becomes of the answer.
        *connected = true;
        let client = self.client.insert(made);
        let started = client.start_job(self.request.clone()).await.map_err(Cut::Call)?;
        let mut job = started.into_inner();
        if job.state == "ended" {
            return Ok(job);
        }
        let id = self.request.id.clone();
        let watched = client.watch_job(v1::WatchJobRequest { id }).await;
        let mut changes = watched.map_err(Cut::Call)?.into_inner();
        loop {
            progress.update(&job);
            let next = tokio::select! {
                next = changes.message() => next.map_err(Cut::Call)?,
                () = tokio::time::sleep(progress.patience()) => continue,
            };
            job = next.ok_or(Cut::Early)?;
            if job.state == "ended" {
                return Ok(job);
            }
        }
    }

    /// The job may go on without us.
    fn lost(&self, failure: &Failure) -> Failure {
        let what = format!("lost the controller while job {} ran", self.request.id);
        Failure::failed("unavailable", anyhow!("{:#}", failure.error).context(what)).hint(format!(
            "the job may have ended: `netghost drift show {}`",
            self.request.id
        ))
    }
}

fn early() -> Failure {
    Failure::failed(
        "unavailable",
        anyhow!("the controller stopped telling of the job"),
    )
}

fn interrupted(id: &str, place: &Place) -> Failure {
    let (goes_on, hint) = if place.standalone {
        ("is taken up by the next command", "")
    } else {
        ("goes on at the controller", ", and what came of it")
    };
    Failure::failed("interrupted", anyhow!("interrupted; job {id} {goes_on}"))
        .hint(format!("`netghost drift show {id}` shows how far it is{hint}"))
}
