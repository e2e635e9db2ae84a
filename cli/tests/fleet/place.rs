//! A directory with a context in it, and a world whose controller follows a script.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use netghost_cli::commands::{self, Answer};
use netghost_cli::error::Failure;
use netghost_cli::exit::Status;
use netghost_cli::fleet::{self, Dial, Fleet, Place as Controller};
use netghost_cli::output::Outcome;
use netghost_cli::world::World;
use netghost_core::artifact::key::Signer;
use netghost_core::snapshot::Target;
use netghost_proto::v1::fleet_server::FleetServer;
use tonic::transport::Channel;

use super::script::Script;

/// Removed when it is dropped.
pub(super) struct Place {
    path: PathBuf,
    pub(super) script: Script,
    pub(super) signer: Signer,
}

struct ScriptDial(Script);

impl Dial for ScriptDial {
    fn dial(&mut self) -> BoxFuture<'_, Result<Channel, Failure>> {
        Box::pin(async {
            self.0.with(|state| state.connections += 1);
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            let incoming = tokio_stream::iter([Ok::<_, std::io::Error>(theirs)]);
            let server = tonic::transport::Server::builder().add_service(FleetServer::new(self.0.clone()));
            tokio::spawn(async move { server.serve_with_incoming(incoming).await });
            Ok(fleet::standalone::over(ours).await.unwrap())
        })
    }
}

impl Place {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("netghost-fleet-{}-{number}", std::process::id()));
        let context = path.join("config/netghost/contexts/lab");
        fs::create_dir_all(&context).unwrap();
        let settings = "controller = \"127.0.0.1:1\"\ndomain = \"netghost.internal\"\nuser = \"ada\"\nrole = \"admin\"\n";
        fs::write(context.join("context.toml"), settings).unwrap();
        fs::write(path.join("config/netghost/current"), "lab\n").unwrap();
        let signer = Signer::from_seed(&[7; 32]).unwrap();
        let script = Script::default();
        script.with(|state| state.publish(&signer, 0));
        Self { path, script, signer }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The world of somebody who is logged in.
    pub(super) fn world(&self) -> World {
        let script = self.script.clone();
        let seen = self.path("config/netghost/contexts/lab");
        World {
            connect: Arc::new(move |_, _| {
                let place = Controller {
                    name: "lab".to_owned(),
                    seen: seen.clone(),
                    standalone: false,
                };
                Ok(Fleet::new(
                    fleet::runtime(false)?,
                    Box::new(ScriptDial(script.clone())),
                    place,
                ))
            }),
            ..self.alone()
        }
    }

    /// The world of somebody who can reach no controller.
    pub(super) fn alone(&self) -> World {
        World {
            now_us: || {
                // No two readings are of one moment.
                static NOW: AtomicU64 = AtomicU64::new(1_795_375_421_000_000);
                NOW.fetch_add(1, Ordering::Relaxed)
            },
            capture: Arc::new(|_| Vec::new()),
            find_namespaces: netghost_kernel::namespaces::find,
            namespaces: |asked, _| {
                netghost_core::namespace::Namespaces::unlisted(asked.clone(), "a test".to_owned())
            },
            notices: || Err(std::io::ErrorKind::Unsupported.into()),
            target: || Target::Host {
                name: "vm1".into(),
                boot_id: None,
                kernel: "6.1".to_owned(),
            },
            state_home: Some(self.path("state")),
            config_home: Some(self.path("config")),
            home: None,
            context: None,
            connect: Arc::new(fleet::connect),
            prompt: Arc::new(|_| None),
            person: Some("ada".to_owned()),
            etc: self.path("etc"),
            act_socket: self.path("act.sock"),
        }
    }

    /// Runs a line; `@` stands for the directory.
    pub(super) fn run(&self, line: &str) -> Result<Outcome, Failure> {
        run(&self.path, &self.world(), line)
    }

    /// Runs a line in another world.
    pub(super) fn run_in(&self, world: &World, line: &str) -> Result<Outcome, Failure> {
        run(&self.path, world, line)
    }

    /// The world of somebody at a terminal who types this when asked, and what was asked.
    pub(super) fn typing(&self, answer: &str) -> (World, Arc<Mutex<Vec<String>>>) {
        let (answer, asked) = (answer.to_owned(), Arc::new(Mutex::new(Vec::new())));
        let questions = asked.clone();
        let world = World {
            prompt: Arc::new(move |question| {
                questions.lock().unwrap().push(question.to_owned());
                Some(Ok(answer.clone()))
            }),
            ..self.world()
        };
        (world, asked)
    }

    /// How a line ends.
    pub(super) fn status(&self, line: &str) -> Status {
        match self.run(line) {
            Ok(outcome) => outcome.status,
            Err(failure) => failure.status,
        }
    }
}

pub(super) fn run(place: &Path, world: &World, line: &str) -> Result<Outcome, Failure> {
    match answer(place, world, line)? {
        Answer::Outcome(outcome) => Ok(outcome),
        other => panic!("{other:?}"),
    }
}

/// How a line ends that writes as it goes.
pub(super) fn watch(place: &Path, world: &World, line: &str) -> Result<Status, Failure> {
    match answer(place, world, line)? {
        Answer::Streamed(status) => Ok(status),
        other => panic!("{other:?}"),
    }
}

fn answer(place: &Path, world: &World, line: &str) -> Result<Answer, Failure> {
    let args = netghost_cli::args::parse(&words(place, line)).unwrap();
    commands::run(&args, world)
}

/// The words of a line; what stands between single quotes is one word.
pub(super) fn words(place: &Path, line: &str) -> Vec<OsString> {
    let mut words = vec!["netghost".to_owned()];
    for (number, part) in line.split('\'').enumerate() {
        match number % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    let at = format!("{}/", place.display());
    words
        .iter()
        .map(|word| OsString::from(word.replace('@', &at)))
        .collect()
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.path).unwrap();
    }
}
