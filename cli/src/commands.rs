//! The commands, one module for each noun.

use netghost_core::bytes::Text;
use netghost_core::fleet::Id;

use crate::args::{Args, Command};
use crate::error::Failure;
use crate::exit::Status;
use crate::fleet::{self, AccountArgs, Doing, Fleet, SshArgs, Targets, Where};
use crate::output::{Format, Outcome};
use crate::world::World;
use host::Host;

pub mod action;
pub mod agent;
pub mod approval;
pub mod approvers;
pub mod audit;
pub mod azure;
pub mod baseline;
pub mod certificate;
mod check;
pub mod completions;
pub mod context;
pub mod controller;
pub mod drift;
pub mod firewall;
pub mod host;
pub mod login;
pub mod nsg;
pub mod path;
pub mod persisted;
mod remote;
pub mod route;
pub mod seal;
mod source;
pub mod sweep;
pub mod token;
pub mod verify;
pub mod watch;
pub mod window;

/// What comes of a command.
#[derive(Debug)]
pub enum Answer {
    /// An answer, for people and for programs.
    Outcome(Outcome),
    /// A text for another program, as it is.
    Script(Vec<u8>),
    /// Everything was written as it came.
    Streamed(Status),
}

/// What every command on a fleet is called with.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// What is outside.
    pub world: &'a World,
    /// Which controller is meant.
    pub wanted: &'a Where,
    /// In which form progress is told.
    pub format: Format,
}

impl Call<'_> {
    /// The controller, which may be in this process.
    fn anywhere(&self) -> Result<Fleet, Failure> {
        (self.world.connect)(self.world, self.wanted)
    }

    /// The controller, which may be in this process, for what reads such targets.
    fn reading(&self, targets: &Targets, doing: Doing) -> Result<Fleet, Failure> {
        fleet::reading(self.world, self.wanted, targets, doing)
    }

    /// The controller, which may be in this process, for what compares with a baseline.
    fn comparing(&self, account: &AccountArgs, ssh: &SshArgs) -> Result<Fleet, Failure> {
        fleet::comparing(self.world, self.wanted, (account, ssh))
    }

    /// The controller, for what needs one.
    fn controller(&self) -> Result<Fleet, Failure> {
        fleet::controller(self.world, self.wanted)
    }
}

/// Runs one command.
pub fn run(args: &Args, world: &World) -> Result<Answer, Failure> {
    let call = Call {
        world,
        wanted: &args.wanted,
        format: args.output.format,
    };
    let outcome = match &args.command {
        Command::Host(Host::Watch(command)) => {
            return watch::run(command, world, &args.output).map(Answer::Streamed);
        }
        Command::Host(command) => host::run(command, world),
        Command::Firewall(command) => firewall::run(command, world),
        Command::Route(command) => route::run(command),
        Command::Nsg(command) => nsg::run(command),
        Command::Path(command) => path::run(command, &call),
        Command::Azure(command) => azure::run(command, &call),
        Command::Seal(command) => seal::run(command, world),
        Command::Verify(command) => verify::run(command),
        Command::Certificate(command) => certificate::run(command),
        Command::Action(command) => action::run(command, &call),
        Command::Approval(command) => approval::run(command, &call),
        Command::Approvers(command) => approvers::run(command, &call),
        Command::Login(command) => login::run(command, &call),
        Command::Context(command) => context::run(command, &call),
        Command::Agent(command) => agent::run(command, &call),
        Command::Token(command) => token::run(command, &call),
        Command::Controller(command) => controller::run(command, &call),
        Command::Baseline(command) => baseline::run(command, &call),
        Command::Drift(command) => drift::run(command, &call),
        Command::Sweep(command) => sweep::run(command, &call),
        Command::Window(command) => window::run(command, &call),
        Command::Audit(command) => audit::run(command, &call),
        Command::Completions(command) => return script(&call, || Ok(completions::completions(command))),
        Command::Man(command) => return script(&call, || completions::man(command)),
    };
    outcome.map(Answer::Outcome)
}

fn script(call: &Call<'_>, make: impl FnOnce() -> Result<Vec<u8>, Failure>) -> Result<Answer, Failure> {
    if call.format == Format::Json {
        let error = anyhow::anyhow!("this has no JSON form");
        return Err(Failure::usage("wrong_use", error).hint("leave `-o json` out"));
    }
    make().map(Answer::Script)
}

/// A new id, for a job or a request that may have to be asked for again.
fn draw() -> Result<Id, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Failure::failed("internal", error))?;
    Ok(Id::from_random(bytes))
}

/// Who asks, and for what; it stands in what is signed.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Asked {
    /// Who asks for it
    #[arg(long, value_name = "WHO")]
    asked_by: Option<String>,
    /// The change that it belongs to
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
}

impl Asked {
    fn asked_by(&self) -> Option<Text> {
        self.asked_by.clone().map(Text::from)
    }

    fn ticket(&self) -> Option<Text> {
        self.ticket.clone().map(Text::from)
    }
}
