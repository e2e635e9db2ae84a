//! A fleet in a lab: a controller on a VM of its own, an operator with a context there, and an enrolled agent on each other VM.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::arm::Beside;
use crate::daemon::Daemon;
use crate::error::{LabError, Result};
use crate::lab::{CONTROLLER, Lab, Plan};
use crate::run::{Limits, Output};
use crate::vm::Vm;

mod files;
mod gate;
mod programs;

pub use gate::APPROVER;
pub use programs::Programs;

/// The controller's port.
const PORT: u16 = 7443;

/// How long a program may take to get ready, on an emulated machine too.
const READY: Duration = Duration::from_secs(60);

/// How long a command of the product may take.
const PATIENCE: Limits = Limits {
    time: Duration::from_secs(180),
    output: 64 << 20,
};

/// A lab whose VMs are a fleet. Removed on drop with its lab.
#[derive(Debug)]
pub struct Fleet {
    lab: Lab,
    programs: Programs,
    controller: Option<Daemon>,
    agents: BTreeMap<String, Daemon>,
    /// The process that acts, and its guard.
    gates: BTreeMap<String, (Daemon, Daemon)>,
    azure: Option<Beside>,
}

impl Fleet {
    /// Builds a lab with a controller that serves, its operator logged in as the admin `ada`, and every other VM enrolled under
    /// its name and connected.
    ///
    /// # Errors
    /// When a program is not built or a step fails; what was made until then is removed.
    pub fn up(plan: &Plan) -> Result<Self> {
        Self::up_telling(plan, &|_| {})
    }

    /// As [`Fleet::up`], telling each step as a person would type it.
    ///
    /// # Errors
    /// As [`Fleet::up`].
    pub fn up_telling(plan: &Plan, tell: &dyn Fn(&str)) -> Result<Self> {
        let mut fleet = Self::found(plan)?;
        let address = fleet.address();
        tell("controller# netghost-controller init");
        tell("controller# netghost-controller serve &");
        tell(&format!(
            "controller# netghost-controller user add ada --role admin | netghost login --controller {address}"
        ));
        let vms = fleet.members();
        if plan.gate {
            fleet.found_approvers(tell)?;
        }
        for vm in &vms {
            if plan.gate {
                tell(&format!("{vm}# systemctl enable --now netghost-act.socket"));
                fleet.start_gate(vm)?;
            }
            tell(&format!(
                "controller# netghost token create --uses 1 --lifetime 10m | \
                 {vm}# netghost-agent enroll --controller {address} --name {vm}"
            ));
            fleet.join(vm)?;
            tell(&format!("{vm}# netghost-agent run &"));
        }
        let names: Vec<&str> = vms.iter().map(String::as_str).collect();
        fleet.wait_connected(&names)?;
        Ok(fleet)
    }

    /// As [`Fleet::up`], without any agent.
    ///
    /// # Errors
    /// As [`Fleet::up`].
    pub fn found(plan: &Plan) -> Result<Self> {
        let programs = Programs::find()?;
        let lab = Lab::up(&plan.clone().with_controller())?;
        let azure = match plan.azure {
            true => Some(Beside::start(&lab)?),
            false => None,
        };
        let mut fleet = Self {
            lab,
            programs,
            controller: None,
            agents: BTreeMap::new(),
            gates: BTreeMap::new(),
            azure,
        };
        fleet.write_configuration(Configured::default())?;
        let name = fleet.address().ip().to_string();
        fleet
            .controller_command(&["init"])?
            .ok(&["netghost-controller init", &name])?;
        fleet.start_controller(&[])?;
        fleet.log_in("ada", "admin")?;
        Ok(fleet)
    }

    /// A fleet that was [kept](Self::keep), to operate; its programs can't be ended by this value.
    ///
    /// # Errors
    /// [`LabError::NoLab`], or when a program is not built.
    pub fn open(name: &str) -> Result<Self> {
        let lab = Lab::open(name)?;
        Ok(Self {
            programs: Programs::find()?,
            controller: None,
            agents: BTreeMap::new(),
            gates: BTreeMap::new(),
            azure: Beside::of(lab.directory())?,
            lab,
        })
    }

    /// Leaves the lab and all that runs in it up, until [`down`](crate::record::remove::down).
    ///
    /// # Errors
    /// When that can't be written down.
    pub fn keep(self) -> Result<()> {
        self.lab.keep()
    }

    /// Removes all of it now, with whatever can go wrong in that.
    ///
    /// # Errors
    /// What could not be removed.
    pub fn down(self) -> Result<()> {
        self.lab.down()
    }

    /// The lab.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// The programs that run.
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// The VM of that name.
    ///
    /// # Errors
    /// [`LabError::NoVm`].
    pub fn vm(&self, name: &str) -> Result<&Vm> {
        self.lab.vm(name)
    }

    /// The VM of the controller.
    ///
    /// # Errors
    /// [`LabError::NoVm`], which can't be.
    pub fn controller_vm(&self) -> Result<&Vm> {
        self.vm(CONTROLLER)
    }

    /// Where the controller listens.
    pub fn address(&self) -> SocketAddr {
        let ip = self.controller_vm().map_or(crate::fabric::GATEWAY, Vm::address);
        SocketAddr::from((ip, PORT))
    }

    /// The simulator beside it, where it was built with one.
    pub fn azure(&self) -> Option<&Beside> {
        self.azure.as_ref()
    }

    /// Names of the VMs that are to have an agent.
    pub fn members(&self) -> Vec<String> {
        let vms = self.lab.vms().iter().map(Vm::name);
        vms.filter(|name| *name != CONTROLLER)
            .map(str::to_owned)
            .collect()
    }

    /// Where the controller keeps everything.
    ///
    /// # Errors
    /// As [`Fleet::controller_vm`].
    pub fn controller_directory(&self) -> Result<PathBuf> {
        Ok(self.controller_vm()?.home().join("controller"))
    }

    /// The agent's state directory, as its VM sees it.
    ///
    /// # Errors
    /// [`LabError::NoVm`].
    pub fn agent_directory(&self, vm: &str) -> Result<PathBuf> {
        Ok(self.vm(vm)?.home().join("state"))
    }

    /// Runs `netghost-controller` with its configuration and these words.
    ///
    /// # Errors
    /// When it can't be run; its status is in the output.
    pub fn controller_command(&self, words: &[&str]) -> Result<Output> {
        let argv = self.controller_argv(words)?;
        self.controller_vm()?.exec_within(&borrowed(&argv), b"", PATIENCE)
    }

    fn controller_argv(&self, words: &[&str]) -> Result<Vec<String>> {
        let home = self.controller_vm()?.home();
        let config = home.join("controller.toml").display().to_string();
        let program = self.programs.controller.display().to_string();
        let own = [program, "--config".to_owned(), config];
        Ok(own.into_iter().chain(owned(words)).collect())
    }

    /// Starts the controller and waits until it accepts connections. `wrapper` are words before its own, as of `nsenter`.
    ///
    /// # Errors
    /// When it ends, or does not get ready.
    pub fn start_controller(&mut self, wrapper: &[&str]) -> Result<()> {
        let serve = self.controller_argv(&["serve"])?;
        let argv: Vec<&str> = wrapper.iter().copied().chain(borrowed(&serve)).collect();
        let vm = self.lab.vm(CONTROLLER)?;
        let mut daemon = vm.start("controller", &argv)?;
        let ready = wait_for_port(vm, self.address(), &mut daemon);
        self.controller = Some(daemon);
        ready
    }

    /// The controller as a process.
    ///
    /// # Errors
    /// When it was never started.
    pub fn controller(&mut self) -> Result<(&mut Daemon, &Vm)> {
        let daemon = self
            .controller
            .as_mut()
            .ok_or_else(|| never_started(CONTROLLER))?;
        Ok((daemon, self.lab.vm(CONTROLLER)?))
    }

    /// Ends the controller as a crash would.
    ///
    /// # Errors
    /// When it was never started, or does not go.
    pub fn kill_controller(&mut self) -> Result<()> {
        let (daemon, vm) = self.controller()?;
        daemon.kill(vm)
    }

    fn operate_as(&self, user: &str) -> Vec<String> {
        let home = self.controller_vm().map(Vm::home).unwrap_or_default();
        let config = home.join(user).join("config");
        let state = home.join(user).join("state");
        let mut words = vec![
            "env".to_owned(),
            format!("XDG_CONFIG_HOME={}", config.display()),
            format!("XDG_STATE_HOME={}", state.display()),
        ];
        let azure = self.azure.iter().flat_map(Beside::environment);
        words.extend(azure.map(|(name, value)| format!("{name}={value}")));
        words.push(self.programs.netghost.display().to_string());
        words
    }

    /// Runs `netghost` as the admin who was logged in first.
    ///
    /// # Errors
    /// When it can't be run; its status is in the output.
    pub fn netghost(&self, words: &[&str]) -> Result<Output> {
        self.netghost_as("ada", words, b"")
    }

    /// Runs `netghost` as a user who was [logged in](Self::log_in).
    ///
    /// # Errors
    /// As [`Fleet::netghost`].
    pub fn netghost_as(&self, user: &str, words: &[&str], input: &[u8]) -> Result<Output> {
        let argv: Vec<String> = self.operate_as(user).into_iter().chain(owned(words)).collect();
        self.controller_vm()?
            .exec_within(&borrowed(&argv), input, PATIENCE)
    }

    /// Starts `netghost` as the admin and leaves it running.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn netghost_started(&self, label: &str, words: &[&str]) -> Result<Daemon> {
        let argv: Vec<String> = self.operate_as("ada").into_iter().chain(owned(words)).collect();
        self.controller_vm()?.start(label, &borrowed(&argv))
    }

    /// Makes a user at the controller and logs them in with the token.
    ///
    /// # Errors
    /// When a step fails.
    pub fn log_in(&self, user: &str, role: &str) -> Result<()> {
        let add = ["user", "add", user, "--role", role];
        let token = self.controller_command(&add)?.ok(&add)?.text();
        let address = self.address().to_string();
        let log_in = ["login", "--controller", &address, "--token-file", "-"];
        self.netghost_as(user, &log_in, token.as_bytes())?
            .ok(&log_in)
            .map(drop)
    }

    /// A token with which so many agents may join.
    ///
    /// # Errors
    /// When the command fails.
    pub fn token(&self, uses: u32, lifetime: &str) -> Result<String> {
        let uses = uses.to_string();
        let words = ["token", "create", "--uses", &uses, "--lifetime", lifetime];
        Ok(self.netghost(&words)?.ok(&words)?.text().trim().to_owned())
    }

    /// Runs `netghost-agent` of a VM with its configuration and these words, as the user that the agent runs as.
    ///
    /// # Errors
    /// When it can't be run; its status is in the output.
    pub fn agent_command(&self, vm: &str, words: &[&str], input: &[u8]) -> Result<Output> {
        let vm = self.vm(vm)?;
        let argv = files::agent_argv(vm, words);
        vm.exec_within(&borrowed(&argv), input, PATIENCE)
    }

    /// Starts `netghost-agent` of a VM with these words, and leaves it running.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn agent_started(&self, vm: &str, label: &str, words: &[&str]) -> Result<Daemon> {
        let vm = self.vm(vm)?;
        let argv = files::agent_argv(vm, words);
        vm.start(label, &borrowed(&argv))
    }

    /// Enrols a VM under its name with a token.
    ///
    /// # Errors
    /// When it can't be run; its status is in the output.
    pub fn enrol(&self, vm: &str, token: &str) -> Result<Output> {
        let address = self.address().to_string();
        let words = [
            "enroll",
            "--controller",
            &address,
            "--token-file",
            "-",
            "--name",
            vm,
        ];
        self.agent_command(vm, &words, token.as_bytes())
    }

    /// Enrols a VM with a token of its own and starts its agent.
    ///
    /// # Errors
    /// When a step fails.
    pub fn join(&mut self, vm: &str) -> Result<()> {
        let token = self.token(1, "10m")?;
        self.enrol(vm, &token)?.ok(&["netghost-agent enroll"])?;
        self.start_agent(vm, &[])
    }

    /// Starts the agent of a VM. `wrapper` are words before its own, as of `nsenter`.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start_agent(&mut self, vm: &str, wrapper: &[&str]) -> Result<()> {
        let here = self.lab.vm(vm)?;
        let run = files::agent_argv(here, &["run"]);
        let argv: Vec<&str> = wrapper.iter().copied().chain(borrowed(&run)).collect();
        let daemon = here.start("agent", &argv)?;
        self.agents.insert(vm.to_owned(), daemon);
        Ok(())
    }

    /// A VM's agent as a process.
    ///
    /// # Errors
    /// When it was never started.
    pub fn agent(&mut self, vm: &str) -> Result<(&mut Daemon, &Vm)> {
        let daemon = self.agents.get_mut(vm).ok_or_else(|| never_started(vm))?;
        Ok((daemon, self.lab.vm(vm)?))
    }

    /// Ends a VM's agent as a crash would.
    ///
    /// # Errors
    /// When it was never started, or does not go.
    pub fn kill_agent(&mut self, vm: &str) -> Result<()> {
        let (daemon, vm) = self.agent(vm)?;
        daemon.kill(vm)
    }

    /// What `agent list` says of each agent, by name.
    ///
    /// # Errors
    /// When the command fails.
    pub fn agents(&self) -> Result<BTreeMap<String, Value>> {
        let words = ["agent", "list", "-o", "json"];
        let text = self.netghost(&words)?.ok(&words)?.text();
        let said = |said: &dyn ToString| LabError::Said {
            what: "netghost agent list -o json".to_owned(),
            said: said.to_string(),
        };
        let document: Value = serde_json::from_str(&text).map_err(|error| said(&error))?;
        let list = document
            .get("agents")
            .and_then(Value::as_array)
            .ok_or_else(|| said(&text))?;
        let named = |agent: &Value| Some((agent.get("name")?.as_str()?.to_owned(), agent.clone()));
        list.iter()
            .map(|agent| named(agent).ok_or_else(|| said(&text)))
            .collect()
    }

    /// Waits until these agents are in that state.
    ///
    /// # Errors
    /// When they are not within a minute; with what they are.
    pub fn wait_state(&self, names: &[&str], state: &str) -> Result<()> {
        let deadline = Instant::now() + READY;
        loop {
            let agents = self.agents()?;
            let is = |name: &&str| {
                agents
                    .get(*name)
                    .is_some_and(|agent| agent.get("state").is_some_and(|is| is == state))
            };
            if names.iter().all(is) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(LabError::Said {
                    what: format!("wait until {} are {state}", names.join(", ")),
                    said: format!("{agents:?}"),
                });
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until these agents are connected.
    ///
    /// # Errors
    /// As [`Fleet::wait_state`].
    pub fn wait_connected(&self, names: &[&str]) -> Result<()> {
        self.wait_state(names, "connected")
    }

    /// Writes the configuration of the controller and of each agent, and puts the agents' program where their user can run it.
    ///
    /// # Errors
    /// When a VM does not answer.
    pub fn write_configuration(&self, configured: Configured<'_>) -> Result<()> {
        files::write_controller(self, configured)?;
        for vm in self.lab.vms().iter().filter(|vm| vm.name() != CONTROLLER) {
            files::write_agent(self, vm, configured)?;
        }
        Ok(())
    }
}

/// What differs from the default configuration: lines of TOML that are added to it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Configured<'a> {
    /// To the controller's.
    pub controller: &'a str,
    /// To each agent's.
    pub agent: &'a str,
}

fn never_started(program: &str) -> LabError {
    LabError::Said {
        what: format!("use the running program of {program}"),
        said: "it was never started".to_owned(),
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn borrowed(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

fn wait_for_port(vm: &Vm, address: SocketAddr, daemon: &mut Daemon) -> Result<()> {
    let deadline = Instant::now() + READY;
    let connect = || TcpStream::connect_timeout(&address, Duration::from_secs(1));
    loop {
        let Some(namespace) = vm.namespace() else {
            return Ok(());
        };
        if namespace.enter(connect)?.is_ok() {
            return Ok(());
        }
        if !daemon.is_running(vm)? {
            return Err(daemon.not_ready(vm, "has ended"));
        }
        if Instant::now() > deadline {
            return Err(daemon.not_ready(vm, &format!("does not listen on {address}")));
        }
        thread::sleep(Duration::from_millis(20));
    }
}
