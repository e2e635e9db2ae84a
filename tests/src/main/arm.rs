//! `netghost-lab arm`: the simulator of Azure Resource Manager from the command line.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Subcommand;
use netghost_lab::arm::{Options, Simulator, State, enforcing, sample};
use netghost_lab::record::RunDir;

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

/// Starts the simulator beside a lab that is up, and makes what it knows hold there; it ends with the lab.
pub(crate) fn beside(lab: &str) -> Result<()> {
    let dir = RunDir::of(lab)?;
    let (state, log) = (dir.file("azure.json"), dir.file("azure.log"));
    new(lab, &state)?;
    let program = std::env::current_exe().context("find this program")?;
    let said = File::create(&log).with_context(|| format!("make {}", log.display()))?;
    let errors = said.try_clone().context("copy a handle")?;
    let mut child = Command::new(&program)
        .args(["become", "--name", lab, "azure", "--"])
        .arg(&program)
        .args([
            "arm",
            "serve",
            "--identity-listen",
            "127.0.0.1:0",
            "--enforce",
            lab,
            "--state",
        ])
        .arg(&state)
        .arg("--tls-dir")
        .arg(dir.file("azure-tls"))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(said)
        .stderr(errors)
        .spawn()
        .context("start the simulator")?;
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let text = std::fs::read_to_string(&log).with_context(|| format!("read {}", log.display()))?;
        // The authority's file is the last that it says.
        if text.lines().any(|line| line.starts_with("ca ")) {
            writeln!(io::stdout(), "{text}state    {}", state.display())?;
            return Ok(());
        }
        let ended = child.try_wait().context("wait for the simulator")?;
        if ended.is_some() || Instant::now() > deadline {
            bail!("the simulator did not start: {}", text.trim());
        }
        std::thread::sleep(Duration::from_millis(20));
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
