//! The simulator of Azure Resource Manager: HTTP/1.1 over TLS, with the answers, delays, limits and faults of the real one.
//!
//! What it knows is in one state file. Shapes of answers follow recorded traffic; where only documentation, or nothing, says how
//! Azure answers, the code beside it says so.

mod activity;
pub mod beside;
mod body;
mod capture;
mod clock;
mod command;
mod compute;
mod control;
mod core;
mod dispatch;
mod effective;
mod enforcing;
mod fault;
mod graph;
mod http;
mod identity;
mod operation;
mod path;
mod refusal;
mod resources;
mod rules;
pub mod sample;
mod serve;
pub mod state;
pub mod throttle;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use beside::Beside;
pub use core::Watcher;
pub use enforcing::enforcing;
pub use fault::{Fault, FaultKind};
pub use state::State;
pub use tls::CA_FILE;

use serve::Door;

/// How a simulator is started.
#[derive(Clone)]
pub struct Options {
    /// Where it listens with TLS: `127.0.0.1:PORT` (0 takes a free one), or the path of a socket.
    pub listen: String,
    /// Where the machine's identity endpoint listens without TLS; none is not at all.
    pub identity: Option<String>,
    /// The directory of its authority, made where there is none.
    pub tls: PathBuf,
    /// Where each change of the state is written.
    pub file: Option<PathBuf>,
    /// Who is told of each change.
    pub watcher: Option<Watcher>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// A simulator on a free port of the loopback address, with its authority in this directory.
    pub fn new(tls: impl Into<PathBuf>) -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            identity: None,
            tls: tls.into(),
            file: None,
            watcher: None,
        }
    }
}

/// A simulator that runs; it ends with this value.
#[derive(Debug)]
pub struct Simulator {
    shared: SharedCore,
    door: Door,
    identity: Option<Door>,
    ca: PathBuf,
}

struct SharedCore(core::Shared);

impl std::fmt::Debug for SharedCore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

impl Simulator {
    /// Starts a simulator with this state.
    ///
    /// # Errors
    /// When it can't listen, or its authority can't be made.
    pub fn start(state: State, options: &Options) -> io::Result<Self> {
        // Ids and tokens must never repeat.
        getrandom::fill(&mut [0; 16]).map_err(io::Error::other)?;
        let tls = tls::server(&options.tls)?;
        let mut core = core::Core::new(state, options.file.clone(), options.watcher.clone());
        // What is watched holds from the beginning.
        core.changed();
        if let Some(why) = core.failed.take() {
            return Err(io::Error::other(why));
        }
        let shared = core::Shared::new(core);
        let door = Door::open(&options.listen, Some(tls), &shared)?;
        let identity = options.identity.as_deref();
        let identity = identity.map(|at| Door::open(at, None, &shared)).transpose()?;
        Ok(Self {
            shared: SharedCore(shared),
            door,
            identity,
            ca: options.tls.join(CA_FILE),
        })
    }

    /// The address with TLS, where it is a port.
    pub fn address(&self) -> Option<SocketAddr> {
        self.door.address
    }

    /// `https://127.0.0.1:PORT`; empty where it listens at a path.
    pub fn url(&self) -> String {
        self.door
            .address
            .map_or_else(String::new, |address| format!("https://{address}"))
    }

    /// The address of the identity endpoint.
    pub fn identity(&self) -> Option<SocketAddr> {
        self.identity.as_ref().and_then(|door| door.address)
    }

    /// The certificate of its authority, which clients must trust.
    pub fn ca(&self) -> &Path {
        &self.ca
    }

    /// The state as it is now.
    pub fn state(&self) -> State {
        let mut core = self.shared.0.lock();
        let now = core.now();
        core.settle(now.mono, now.wall);
        core.state.clone()
    }

    /// Changes the state by a JSON merge patch (RFC 7396), as nobody's act.
    ///
    /// # Errors
    /// When the outcome is no state, or can't be written or enforced.
    pub fn patch(&self, patch: &Value) -> Result<(), String> {
        self.shared.0.lock().patch(patch.to_string().as_bytes())
    }

    /// Sets a fault, or a list of them.
    ///
    /// # Errors
    /// When it is none.
    pub fn fault(&self, fault: &Value) -> Result<(), String> {
        self.shared.0.lock().add_faults(fault.to_string().as_bytes())
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.shared.0.lock().faults.clear();
    }

    /// Ends the lifetime of all tokens.
    pub fn expire_tokens(&self) {
        self.shared.0.lock().tokens.expire_all();
    }

    /// What was asked and answered so far: verb, path, status, time.
    pub fn requests(&self) -> Vec<Value> {
        self.shared.0.lock().seen().iter().cloned().collect()
    }
}
