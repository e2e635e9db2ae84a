//! `netghost-lab arm`: the simulator of Azure Resource Manager from the command line.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::Subcommand;
use netghost_lab::arm::{Options, Simulator, State, sample};

#[derive(Subcommand)]
pub(crate) enum ArmTask {
    /// Write a state with the VMs of a lab, to begin with
    New {
        /// Which lab
        #[arg(long, default_value = "lab")]
        name: String,
        /// The state file, which must not be there yet
        #[arg(long)]
        state: PathBuf,
    },
    /// Answer as Azure Resource Manager does, until it is ended
    Serve {
        /// The state file; each change is written to it
        #[arg(long)]
        state: PathBuf,
        /// Where to listen with TLS: 127.0.0.1:PORT (0 takes a free port), or the path of a socket
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: String,
        /// Where a VM's identity endpoint listens, without TLS
        #[arg(long)]
        identity_listen: Option<String>,
        /// The directory of its authority, made where there is none; clients trust `ca.pem` in it
        #[arg(long)]
        tls_dir: PathBuf,
    },
}

pub(crate) fn perform(task: ArmTask) -> Result<ExitCode> {
    match task {
        ArmTask::New { name, state } => {
            ensure!(!state.exists(), "{} is there already", state.display());
            let made = sample::of_lab(&name)?;
            made.save(&state)
                .with_context(|| format!("write {}", state.display()))?;
            for (subscription, name) in &made.subscriptions {
                writeln!(io::stdout(), "subscription {subscription}  {name}")?;
            }
            Ok(ExitCode::SUCCESS)
        }
        ArmTask::Serve {
            state,
            listen,
            identity_listen,
            tls_dir,
        } => {
            let known = State::load(&state).with_context(|| format!("read {}", state.display()))?;
            let options = Options {
                listen,
                identity: identity_listen,
                file: Some(state),
                ..Options::new(tls_dir)
            };
            let simulator = Simulator::start(known, &options).context("start the simulator")?;
            announce(&simulator, &options)?;
            loop {
                // A signal ends it; each change is written already.
                std::thread::park();
            }
        }
    }
}

fn announce(simulator: &Simulator, options: &Options) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match simulator.address() {
        Some(_) => writeln!(out, "arm      {}", simulator.url())?,
        None => writeln!(out, "arm      {}", options.listen)?,
    }
    if let Some(identity) = simulator.identity() {
        writeln!(out, "identity http://{identity}")?;
    }
    writeln!(out, "ca       {}", simulator.ca().display())?;
    out.flush()
}
