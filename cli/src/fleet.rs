//! The controller as the commands call it: over TLS, or within this process where there is none.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use netghost_controller::azure::Azure;
use netghost_controller::probe::Probe;
use netghost_core::artifact::key::PublicKey;
use netghost_core::artifact::name::Name;
use netghost_proto::convert::BadField;
use netghost_proto::v1::fleet_client::FleetClient;
use tokio::runtime::Runtime;
use tonic::Status;
use tonic::transport::Channel;

use crate::error::Failure;
use crate::world::World;

mod account;
pub mod contexts;
pub mod identity;
mod job;
mod keys;
pub mod login;
mod objects;
mod refusal;
pub mod standalone;
mod targets;

pub use account::AccountArgs;
pub use job::{Patience, Request};
pub use refusal::refused;
pub use targets::{Agents, Doing, Selected, SshArgs, Targets, tag};

/// A client of the controller's service for people.
pub type Client = FleetClient<Channel>;

/// The longest message that is taken from the controller, in bytes: a job names each of its targets.
const MESSAGE: usize = 64 * 1024 * 1024;

/// How long a call that only reads is made again, and the time between.
const REREAD: Duration = Duration::from_secs(30);
const REREAD_PAUSE: Duration = Duration::from_millis(300);

/// Which controller is meant.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Where {
    /// Use this context, not the current one; `login` makes it. NETGHOST_CONTEXT says the same
    #[arg(long, global = true, value_name = "NAME", display_order = 902)]
    pub context: Option<Name>,
    /// Use no controller: read this host, and keep what is read in the command's own store
    #[arg(long, global = true, conflicts_with = "context", display_order = 903)]
    pub standalone: bool,
    /// How Azure is asked, where there is no controller that has its own way.
    #[arg(skip)]
    pub azure: Option<Azure>,
    /// By which ways hosts without an agent are read, where there is no controller that says so.
    #[arg(skip)]
    pub probe: Probe,
}

/// Whom the commands talk to.
#[derive(Debug, Clone)]
pub struct Place {
    /// The context's name, or the host's.
    pub name: String,
    /// Where what was seen of it is kept: its published keys, the last head of its audit log.
    pub seen: PathBuf,
    /// True if it is in this process.
    pub standalone: bool,
}

/// How a connection is had. It is asked for again when one was lost.
pub trait Dial: Send {
    /// A new connection.
    fn dial(&mut self) -> BoxFuture<'_, Result<Channel, Failure>>;

    /// Ends what was begun; nothing is dialled after it.
    fn close(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// A controller that can be called.
pub struct Fleet {
    runtime: Runtime,
    dial: Box<dyn Dial>,
    client: Option<Client>,
    place: Place,
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fleet")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.client = None;
        self.runtime.block_on(self.dial.close());
    }
}

impl Fleet {
    /// A controller that is connected to when it is first called.
    pub fn new(runtime: Runtime, dial: Box<dyn Dial>, place: Place) -> Self {
        Self {
            runtime,
            dial,
            client: None,
            place,
        }
    }

    /// Whom this talks to.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// One call, and what comes of it.
    pub fn call<T>(
        &mut self,
        call: impl AsyncFnOnce(&mut Client) -> Result<T, Status>,
    ) -> Result<T, Failure> {
        let place = self.place.clone();
        let client = connected(&self.runtime, &mut self.client, self.dial.as_mut())?;
        self.runtime
            .block_on(call(client))
            .map_err(|status| refused(&status, &place))
    }
}

impl Fleet {
    /// The subscription in which the controller looks for names; empty where it has none.
    fn subscription(&mut self) -> Result<String, Failure> {
        let asked = async |client: &mut Client| client.status(netghost_proto::v1::StatusRequest {}).await;
        Ok(self.read(asked)?.into_inner().azure_subscription)
    }

    /// A call that changes nothing: where its answer was lost, it is made again over a new connection, for half a minute. So a
    /// job's outcome is had although the controller was restarted just when it ended.
    pub fn read<T>(
        &mut self,
        mut call: impl AsyncFnMut(&mut Client) -> Result<T, Status>,
    ) -> Result<T, Failure> {
        let give_up = Instant::now() + REREAD;
        // Whoever could never connect may have mistyped, and is told at once.
        connected(&self.runtime, &mut self.client, self.dial.as_mut())?;
        loop {
            let failure = match connected(&self.runtime, &mut self.client, self.dial.as_mut()) {
                Ok(client) => match self.runtime.block_on(call(client)) {
                    Ok(answer) => return Ok(answer),
                    Err(status) if !refusal::is_lost(&status) => return Err(refused(&status, &self.place)),
                    Err(status) => refused(&status, &self.place),
                },
                Err(failure) => failure,
            };
            if Instant::now() >= give_up {
                return Err(failure);
            }
            self.client = None;
            // The timer is of the runtime: it is made inside.
            self.runtime
                .block_on(async { tokio::time::sleep(REREAD_PAUSE).await });
        }
    }
}

/// The controller that a command is for: of the context that is named, else of the current one, else in this process.
pub fn connect(world: &World, wanted: &Where) -> Result<Fleet, Failure> {
    match context(world, wanted)? {
        Some(context) => {
            let place = identity::place(&context);
            let dial = identity::ContextDial::new(context, world.now_us);
            Ok(Fleet::new(runtime(false)?, Box::new(dial), place))
        }
        None => {
            // A job that a killed command left may need Azure: it is taken up by whichever command comes next.
            let azure = wanted.azure.clone();
            let azure = azure.or_else(|| AccountArgs::default().open().ok());
            let mut probe = wanted.probe.clone();
            // Whoever asks without a controller decides by themselves.
            probe.run_command = true;
            probe.ssh.get_or_insert_default();
            standalone::open(world, azure, probe)
        }
    }
}

/// As [`connect`], for what reads targets, some of which may be in Azure.
pub fn reading(world: &World, wanted: &Where, targets: &Targets, doing: Doing) -> Result<Fleet, Failure> {
    if context(world, wanted)?.is_none() {
        targets.ssh_is_heard()?;
    }
    opened(world, wanted, targets, doing)
}

/// As [`reading`], where what is read need not be named on the line.
fn opened(world: &World, wanted: &Where, targets: &Targets, doing: Doing) -> Result<Fleet, Failure> {
    let account = &targets.account;
    if context(world, wanted)?.is_some() {
        if let Some(option) = targets.said() {
            let error = anyhow::anyhow!("the controller uses ssh as it is configured, not with {option}");
            return Err(Failure::usage("wrong_use", error).hint("leave it out, or add --standalone"));
        }
        return match account.said() {
            None => {
                let mut fleet = (world.connect)(world, wanted)?;
                if targets.wants_subscription() {
                    targets.learn(fleet.subscription()?);
                }
                Ok(fleet)
            }
            Some(option) => {
                let error = anyhow::anyhow!("the controller asks Azure with its own login, not by {option}");
                Err(Failure::usage("wrong_use", error).hint("leave it out, or add --standalone"))
            }
        };
    }
    let azure = targets.needs_azure(doing).then(|| account.open()).transpose()?;
    let wanted = Where {
        azure,
        probe: targets.probe()?,
        ..wanted.clone()
    };
    (world.connect)(world, &wanted)
}

/// As [`reading`], for what compares with a baseline that says itself what is to be read.
pub fn comparing(
    world: &World,
    wanted: &Where,
    (account, ssh): (&AccountArgs, &SshArgs),
) -> Result<Fleet, Failure> {
    if account.subscription().is_some() && context(world, wanted)?.is_some() {
        let error = anyhow::anyhow!(
            "the controller looks where the baseline says, not in what `--subscription` names"
        );
        return Err(Failure::usage("wrong_use", error).hint("leave it out, or add --standalone"));
    }
    opened(world, wanted, &Targets::of(account, ssh), Doing::Comparing)
}

/// As [`connect`], for what only a controller can do.
pub fn controller(world: &World, wanted: &Where) -> Result<Fleet, Failure> {
    let alone = || {
        Failure::usage("needs_a_controller", anyhow::anyhow!("this needs a controller"))
            .hint("`netghost login --controller HOST:PORT`")
    };
    if wanted.standalone || context(world, wanted)?.is_none() {
        return Err(alone());
    }
    (world.connect)(world, wanted)
}

/// Where what was seen of the controller that is meant is kept.
pub(crate) fn seen(world: &World, wanted: &Where) -> Result<PathBuf, Failure> {
    match context(world, wanted)? {
        Some(context) => Ok(context.directory),
        None => Ok(standalone::seen(world.store()?.root())),
    }
}

/// The keys that are pinned there.
pub(crate) fn pinned_keys(seen: &Path) -> Result<Vec<PublicKey>, Failure> {
    Ok(keys::pinned(&seen.join("keys"))?.into_values().collect())
}

/// The context that is meant, if any.
pub(crate) fn context(world: &World, wanted: &Where) -> Result<Option<contexts::Context>, Failure> {
    if wanted.standalone {
        return Ok(None);
    }
    let from_environment = world.context.as_deref().map(Name::parse).transpose();
    let from_environment = from_environment.map_err(|error| {
        Failure::usage(
            "wrong_use",
            anyhow::Error::from(error).context("NETGHOST_CONTEXT"),
        )
    })?;
    let named = wanted.context.clone().or(from_environment);
    let contexts = match contexts::Contexts::open(world) {
        // Without a place there is no context, unless one is asked for.
        Err(_) if named.is_none() => return Ok(None),
        contexts => contexts?,
    };
    let name = match named {
        Some(name) => Some(name),
        None => contexts.current()?,
    };
    name.map(|name| contexts.get(&name)).transpose()
}

/// The client, connected if it is not yet.
fn connected<'a>(
    runtime: &Runtime,
    client: &'a mut Option<Client>,
    dial: &mut dyn Dial,
) -> Result<&'a mut Client, Failure> {
    let made = match client.take() {
        Some(client) => client,
        None => client_over(runtime.block_on(dial.dial())?),
    };
    Ok(client.insert(made))
}

fn client_over(channel: Channel) -> Client {
    FleetClient::new(channel).max_decoding_message_size(MESSAGE)
}

/// A runtime for one command.
pub fn runtime(workers: bool) -> Result<Runtime, Failure> {
    let mut builder = if workers {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let built = builder.worker_threads(2).enable_all().build();
    built.map_err(|error| {
        Failure::failed(
            "internal",
            anyhow::Error::from(error).context("cannot start the runtime"),
        )
    })
}

impl From<BadField> for Failure {
    fn from(error: BadField) -> Self {
        let error = anyhow::Error::from(error).context("the controller's answer can't be used");
        Self::failed("bad_answer", error).hint("use a command and a controller of one version")
    }
}
