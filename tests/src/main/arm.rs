//! `netghost-lab arm`: the simulator of Azure Resource Manager from the command line.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::Subcommand;
use netghost_lab::arm::{Beside, Options, Simulator, State, enforcing, sample};

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
        /// Make the resources hold for the packets of this lab, which `up --azure` built
        #[arg(long, value_name = "LAB")]
        enforce: Option<String>,
    },
}

pub(crate) fn perform(task: ArmTask) -> Result<ExitCode> {
    match task {
        ArmTask::New { name, state } => {
            new(&name, &state)?;
            Ok(ExitCode::SUCCESS)
        }
        ArmTask::Serve {
            state,
            listen,
            identity_listen,
            tls_dir,
            enforce,
        } => {
            let known = State::load(&state).with_context(|| format!("read {}", state.display()))?;
            let options = Options {
                listen,
                identity: identity_listen,
                file: Some(state),
                watcher: enforce.as_deref().map(enforcing).transpose()?,
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

/// Writes a state with the VMs of a lab, and says what a client must know of it.
fn new(lab: &str, file: &Path) -> Result<()> {
    ensure!(!file.exists(), "{} is there already", file.display());
    let state = sample::of_lab(lab)?;
    state
        .save(file)
        .with_context(|| format!("write {}", file.display()))?;
    let mut out = io::stdout().lock();
    writeln!(out, "tenant   {}", state.tenant)?;
    for (subscription, name) in &state.subscriptions {
        writeln!(out, "subscription {subscription}  {name}")?;
    }
    for (what, who) in ["operator", "reader"].iter().zip(&state.principals) {
        let secret = who.secret.as_deref().unwrap_or_default();
        writeln!(out, "{what:<8} client {}  secret {secret}", who.client_id)?;
    }
    Ok(())
}

/// Says what a client of the simulator beside a lab must know.
pub(crate) fn show(azure: &Beside) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "tenant   {}", azure.tenant)?;
    writeln!(
        out,
        "subscription {}  {}",
        azure.subscription.0, azure.subscription.1
    )?;
    for (what, who) in [("operator", &azure.operator), ("reader", &azure.reader)] {
        writeln!(out, "{what:<8} client {}  secret {}", who.client, who.secret)?;
    }
    writeln!(out, "arm      {}", azure.url)?;
    writeln!(out, "identity {}", azure.identity)?;
    writeln!(out, "ca       {}", azure.ca.display())?;
    writeln!(out, "state    {}", azure.state.display())?;
    Ok(())
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
