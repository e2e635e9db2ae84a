//! The simulator beside a lab that is up: its VMs are Azure's virtual machines, its rules and routes hold for their packets, and it
//! ends with the lab.
//!
//! In a lab with a controller it listens on the loopback address of the controller's VM, where the controller and the operator
//! are; in any other, on this machine's.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::sample;
use super::state::Principal;
use crate::error::{LabError, Result};
use crate::lab::{CONTROLLER, Lab, find_program};
use crate::record::RunDir;
use crate::vm::Vm;

/// How long it may take to listen.
const READY: Duration = Duration::from_secs(20);

/// What a client must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// Where Resource Manager answers.
    pub url: String,
    /// Where a VM's identity endpoint answers.
    pub identity: String,
    /// The certificate of its authority, in PEM.
    pub ca: PathBuf,
    /// Its state.
    pub state: PathBuf,
    /// The tenant's id.
    pub tenant: String,
    /// The subscription's id and name.
    pub subscription: (String, String),
    /// Who may do everything.
    pub operator: Login,
    /// Who may do what the product reads.
    pub reader: Login,
}

/// An application that may log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// Its id.
    pub client: String,
    /// Its secret.
    pub secret: String,
    /// A file with the secret alone.
    pub file: PathBuf,
}

impl Beside {
    /// Writes the first state of this lab's Azure, and starts the simulator.
    ///
    /// # Errors
    /// When a file can't be written, the program is not found, or it does not get ready.
    pub fn start(lab: &Lab) -> Result<Self> {
        let dir = lab.directory();
        let state = sample::of_lab(lab.name())?;
        let file = dir.file("azure.json");
        state.save(&file).map_err(|source| LabError::File {
            doing: "write",
            path: file.clone(),
            source,
        })?;
        let login = |number: usize, name: &str| {
            let who = state.principals.get(number);
            Login::keep(dir, name, who)
        };
        let (operator, reader) = (login(0, "operator")?, login(1, "reader")?);
        let said = Said::wait(lab, &serve(lab, &file)?)?;
        let first = state.subscriptions.iter().next();
        let beside = Self {
            url: said.url,
            identity: said.identity,
            ca: said.ca,
            state: file,
            tenant: state.tenant.clone(),
            subscription: first
                .map(|(id, name)| (id.clone(), name.clone()))
                .unwrap_or_default(),
            operator,
            reader,
        };
        beside.save(&dir.file(KEPT))?;
        Ok(beside)
    }

    /// What [`start`](Self::start) left in this lab; none where it never was.
    ///
    /// # Errors
    /// When it is there and can't be read.
    pub fn of(dir: &RunDir) -> Result<Option<Self>> {
        let path = dir.file(KEPT);
        let failed = |source| LabError::File {
            doing: "read",
            path: path.clone(),
            source,
        };
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| failed(error.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn save(&self, path: &Path) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(self).map_err(std::io::Error::from);
        bytes
            .and_then(|bytes| write_secret(path, &bytes))
            .map_err(|source| LabError::File {
                doing: "write",
                path: path.to_owned(),
                source,
            })
    }

    /// The table of a controller's configuration by which it asks this Azure as its operator.
    pub fn configuration(&self) -> String {
        format!(
            "[azure]\nsubscription = \"{}\"\nendpoint = \"{}\"\nca_file = \"{}\"\n\
             credential = {{ kind = \"client-secret\", tenant_id = \"{}\", client_id = \"{}\", secret_file = \"{}\" }}\n",
            self.subscription.0,
            self.url,
            self.ca.display(),
            self.tenant,
            self.operator.client,
            self.operator.file.display()
        )
    }

    /// The environment in which the product's command asks this Azure as its operator.
    pub fn environment(&self) -> [(&'static str, String); 7] {
        [
            ("NETGHOST_AZURE_ENDPOINT", self.url.clone()),
            ("NETGHOST_AZURE_CA_FILE", self.ca.display().to_string()),
            ("NETGHOST_AZURE_CREDENTIAL", "client-secret".to_owned()),
            ("AZURE_TENANT_ID", self.tenant.clone()),
            ("AZURE_CLIENT_ID", self.operator.client.clone()),
            (
                "NETGHOST_AZURE_CLIENT_SECRET_FILE",
                self.operator.file.display().to_string(),
            ),
            ("AZURE_SUBSCRIPTION_ID", self.subscription.0.clone()),
        ]
    }
}

/// The file of the lab that says all of it.
const KEPT: &str = "azure-beside.json";

impl Login {
    fn keep(dir: &RunDir, name: &str, who: Option<&Principal>) -> Result<Self> {
        let secret = who.and_then(|who| who.secret.clone()).unwrap_or_default();
        let file = dir.file(&format!("azure-{name}.secret"));
        write_secret(&file, secret.as_bytes()).map_err(|source| LabError::File {
            doing: "write",
            path: file.clone(),
            source,
        })?;
        Ok(Self {
            client: who.map(|who| who.client_id.clone()).unwrap_or_default(),
            secret,
            file,
        })
    }
}

/// Writes a file that its owner alone may read.
fn write_secret(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    std::io::Write::write_all(&mut file, bytes)
}

/// Starts it; the file in which it says where it listens.
fn serve(lab: &Lab, state: &Path) -> Result<PathBuf> {
    let (dir, program) = (lab.directory(), find_program(None)?);
    let text = |path: &Path| path.display().to_string();
    let (program, state, tls) = (text(&program), text(state), text(&dir.file("azure-tls")));
    let argv = [
        program.as_str(),
        "arm",
        "serve",
        "--identity-listen",
        "127.0.0.1:0",
        "--enforce",
        lab.name(),
        "--state",
        &state,
        "--tls-dir",
        &tls,
    ];
    if let Some(vm) = controller(lab) {
        return Ok(vm.start("azure", &argv)?.log_path().to_owned());
    }
    let log = dir.file("azure.log");
    let file = |source| LabError::File {
        doing: "make",
        path: log.clone(),
        source,
    };
    let said = fs::File::create(&log).map_err(file)?;
    let errors = said.try_clone().map_err(file)?;
    Command::new(&program)
        .args(["become", "--name", lab.name(), "azure", "--"])
        .args(argv)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(said)
        .stderr(errors)
        .spawn()
        .map_err(|source| LabError::Start { program, source })?;
    Ok(log)
}

fn controller(lab: &Lab) -> Option<&Vm> {
    lab.vm(CONTROLLER).ok()
}

/// What it says when it listens.
struct Said {
    url: String,
    identity: String,
    ca: PathBuf,
}

impl Said {
    fn wait(lab: &Lab, log: &Path) -> Result<Self> {
        let deadline = Instant::now() + READY;
        loop {
            let text = fs::read_to_string(log).map_err(|source| LabError::File {
                doing: "read",
                path: log.to_owned(),
                source,
            })?;
            if let Some(said) = Self::read(&text) {
                return Ok(said);
            }
            if Instant::now() > deadline {
                return Err(LabError::NotReady {
                    program: "azure".to_owned(),
                    vm: controller(lab).map_or("this machine", Vm::name).to_owned(),
                    what: "does not listen".to_owned(),
                    log: text,
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The authority's file is the last that it says.
    fn read(text: &str) -> Option<Self> {
        let line = |what: &str| {
            let mut lines = text.lines();
            lines.find_map(|line| line.strip_prefix(what).map(|rest| rest.trim().to_owned()))
        };
        Some(Self {
            ca: line("ca ").map(PathBuf::from)?,
            url: line("arm ")?,
            identity: line("identity ")?,
        })
    }
}
