//! What the simulator has in its hands while it runs.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use super::clock::{self, Moment};
use super::effective::internal;
use super::fault::{FaultKind, Faults};
use super::http::Request;
use super::identity::Tokens;
use super::operation::Operations;
use super::path::Path;
use super::refusal::Refusal;
use super::state::{Principal, State};
use super::throttle::Buckets;
use crate::azure::World;

/// Requests that are remembered.
const REMEMBERED: usize = 20_000;

/// Called after each change with the whole state; what it says went wrong is answered to the request.
pub type Watcher = Arc<dyn Fn(&Value) -> Result<(), String> + Send + Sync>;

/// One request at a time looks at the core or changes it.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Core>>);

impl Shared {
    pub(crate) fn new(core: Core) -> Self {
        Self(Arc::new(Mutex::new(core)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct Core {
    pub(crate) state: State,
    file: Option<PathBuf>,
    pub(crate) operations: Operations,
    pub(crate) buckets: Buckets,
    pub(crate) faults: Faults,
    pub(crate) tokens: Tokens,
    /// The present state as what decides about packets, once somebody asked.
    world: Option<Arc<World>>,
    watcher: Option<Watcher>,
    /// Virtual machines in which the one command of the run-command action runs.
    pub(crate) busy: BTreeSet<String>,
    seen: VecDeque<Value>,
    started: Instant,
    /// Why the last change could not be written or enforced.
    pub(crate) failed: Option<String>,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Core {
    pub(crate) fn new(state: State, file: Option<PathBuf>, watcher: Option<Watcher>) -> Self {
        Self {
            state,
            file,
            operations: Operations::default(),
            buckets: Buckets::default(),
            faults: Faults::default(),
            tokens: Tokens::default(),
            world: None,
            watcher,
            busy: BTreeSet::new(),
            seen: VecDeque::new(),
            started: Instant::now(),
            failed: None,
        }
    }

    /// The time, by the clock that the state sets.
    pub(crate) fn now(&self) -> Moment {
        let mut now = Moment::now();
        let skew = Duration::from_secs(self.state.settings.clock_skew.unsigned_abs());
        let skewed: Option<SystemTime> = if self.state.settings.clock_skew < 0 {
            now.wall.checked_sub(skew)
        } else {
            now.wall.checked_add(skew)
        };
        now.wall = skewed.unwrap_or(now.wall);
        now
    }

    /// To be called after each change of the state: writes it and tells who watches.
    pub(crate) fn changed(&mut self) {
        self.world = None;
        let saved = match &self.file {
            Some(file) => self.state.save(file).map_err(|error| error.to_string()),
            None => Ok(()),
        };
        let told = match &self.watcher {
            Some(watcher) => self
                .state
                .to_value()
                .map_err(|error| error.to_string())
                .and_then(|state| watcher(&state)),
            None => Ok(()),
        };
        self.failed = saved.and(told).err();
    }

    /// The present state as what decides about packets.
    pub(crate) fn world(&mut self) -> Result<Arc<World>, Refusal> {
        if let Some(world) = &self.world {
            return Ok(Arc::clone(world));
        }
        let state = self
            .state
            .to_value()
            .map_err(|error| internal(error.to_string()))?;
        let world = World::from_state(&state).map_err(|error| internal(error.to_string()))?;
        let world = Arc::new(world);
        self.world = Some(Arc::clone(&world));
        Ok(world)
    }

    /// Writes a request into the list of those seen.
    pub(crate) fn saw(&mut self, request: &Request, status: u16, now: Moment) {
        if self.seen.len() >= REMEMBERED {
            self.seen.pop_front();
        }
        let after = now.mono.saturating_duration_since(self.started).as_secs_f64();
        self.seen.push_back(json!({
            "verb": request.verb, "path": request.path, "status": status, "time": clock::iso(now.wall), "after": after,
        }));
    }

    pub(crate) fn seen(&mut self) -> &mut VecDeque<Value> {
        &mut self.seen
    }
}

/// A request to Azure Resource Manager by somebody who is known.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) path: Path,
    pub(crate) who: Principal,
    /// `https://localhost:PORT`, as the client named it.
    pub(crate) base: String,
    pub(crate) version: String,
    pub(crate) now: Moment,
    pub(crate) correlation: String,
    /// What befalls the operation that this starts.
    pub(crate) faults: Vec<FaultKind>,
}

impl Call<'_> {
    /// The JSON of the body.
    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        serde_json::from_slice(&self.request.body).map_err(|error| {
            Refusal::gateway(
                400,
                "InvalidRequestContent",
                format!("The request content was invalid and could not be deserialized: '{error}'."),
            )
        })
    }
}
