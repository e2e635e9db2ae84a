//! A lab: a fabric and the VMs on it, made together and removed together.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::error::{LabError, Result};
use crate::fabric::{self, Place};
use crate::kind::Kind;
use crate::machine;
use crate::process::Process;
use crate::record::{Record, RunDir, VmRecord, remove};
use crate::vm::{Vm, console_tail};

/// The name of the VM for the controller, where a lab has one.
pub const CONTROLLER: &str = "controller";

/// What to build.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The lab's name, one at a time on a machine.
    pub name: String,
    /// The VMs, `vm1` first.
    pub vms: Vec<Kind>,
    /// One more, named [`CONTROLLER`], a namespace: for the program that the others report to.
    pub controller: bool,
    /// On each VM of a fleet the process that does what approvers sign for.
    pub gate: bool,
    /// The simulator of Azure Resource Manager beside it, with the VMs as its virtual machines.
    pub azure: bool,
    /// Where each of the VMs stands, in order; all in the flat subnet where it is empty.
    pub places: Vec<Place>,
    /// A namespace for all that is not in the fabric: see [`fabric::OUTSIDE`].
    pub outside: bool,
    /// The program `netghost-lab`, which keeps machines and runs in them; `None` looks for it.
    pub program: Option<PathBuf>,
}

impl Plan {
    /// A lab with a name of its own, so that tests can run side by side.
    pub fn new(vms: &[Kind]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            name: format!("{}-{number}", std::process::id()),
            vms: vms.to_vec(),
            controller: false,
            gate: false,
            azure: false,
            places: Vec::new(),
            outside: false,
            program: None,
        }
    }

    /// The same with a VM for the controller.
    #[must_use]
    pub fn with_controller(mut self) -> Self {
        self.controller = true;
        self
    }

    /// The same with a gate on each VM of a fleet.
    #[must_use]
    pub fn with_gate(mut self) -> Self {
        self.gate = true;
        self
    }

    /// The same with [`Beside`](crate::arm::Beside), and with a world outside for its rules to be about.
    #[must_use]
    pub fn with_azure(mut self) -> Self {
        self.azure = true;
        self.outside = true;
        self
    }

    /// The same with VMs at these places, in order, and the namespace for all that is not in the fabric.
    #[must_use]
    pub fn placed(mut self, places: Vec<Place>) -> Self {
        self.places = places;
        self.outside = true;
        self
    }

    /// The same under this name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The same with the program `netghost-lab` at this path.
    #[must_use]
    pub fn with_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = Some(program.into());
        self
    }

    fn record(&self, dir: &RunDir) -> Result<Record> {
        if self.vms.is_empty() || self.vms.len() > fabric::MOST_VMS {
            return Err(LabError::BadCount(self.vms.len()));
        }
        let owner = Process::current().map_err(|source| LabError::File {
            doing: "read",
            path: "/proc/self/stat".into(),
            source,
        })?;
        let vm = |(number, kind): (usize, &Kind)| {
            let place = match self.places.get(number) {
                Some(place) => *place,
                None => Place::flat(number)?,
            };
            Ok(VmRecord {
                name: format!("vm{}", number + 1),
                kind: *kind,
                address: place.address,
                subnet: place.subnet,
            })
        };
        let mut vms = self
            .vms
            .iter()
            .enumerate()
            .map(vm)
            .collect::<Result<Vec<VmRecord>>>()?;
        if self.controller {
            let place = Place::flat(vms.len())?;
            vms.push(VmRecord {
                name: CONTROLLER.to_owned(),
                kind: Kind::Netns,
                address: place.address,
                subnet: place.subnet,
            });
        }
        let plain = vms
            .iter()
            .filter(|vm| vm.kind == Kind::Netns)
            .map(|vm| dir.namespace(&vm.name));
        let outside = self.outside.then(|| dir.namespace(fabric::OUTSIDE));
        let namespaces = std::iter::once(dir.namespace("fabric"))
            .chain(outside)
            .chain(plain)
            .collect();
        Ok(Record {
            owner: Some(owner),
            namespaces,
            vms,
        })
    }
}

/// A lab that is up. One that was built here is removed on drop, unless it was [kept](Lab::keep).
#[derive(Debug)]
pub struct Lab {
    dir: RunDir,
    vms: Vec<Vm>,
    /// Removed on drop.
    owned: bool,
    keepers: Vec<Child>,
}

impl Lab {
    /// Builds a lab and waits until every VM answers. Leftovers of dead makers are removed first.
    ///
    /// # Errors
    /// When something is missing ([`LabError::Missing`]), the name is [taken](LabError::Taken), or a step fails; what was
    /// made until then is removed.
    pub fn up(plan: &Plan) -> Result<Self> {
        let dir = RunDir::of(&plan.name)?;
        let record = plan.record(&dir)?;
        for kind in &plan.vms {
            machine::check(*kind)?;
        }
        let program = match plan.vms.iter().any(|kind| kind.has_own_kernel()) {
            true => Some(find_program(plan.program.as_deref())?),
            false => None,
        };
        remove::claim(&dir, &record)?;
        let mut lab = Self {
            dir,
            vms: Vec::new(),
            owned: true,
            keepers: Vec::new(),
        };
        lab.build(&record, program.as_deref())?;
        Ok(lab)
    }

    fn build(&mut self, record: &Record, program: Option<&Path>) -> Result<()> {
        let fabric = fabric::build(&self.dir, &record.vms)?;
        if record.namespaces.contains(&self.dir.namespace(fabric::OUTSIDE)) {
            fabric::outside::build(&self.dir, &fabric)?;
        }
        for vm in &record.vms {
            fabric::connect(&self.dir, &fabric, vm)?;
            if let (true, Some(program)) = (vm.kind.has_own_kernel(), program) {
                self.keepers.push(start_keeper(&self.dir, &vm.name, program)?);
            }
        }
        self.wait_for_sockets(record)?;
        for vm in &record.vms {
            let vm = Vm::open(&self.dir, vm.clone())?;
            fabric::configure(&vm)?;
            self.vms.push(vm);
        }
        Ok(())
    }

    /// Waits until every keeper listens; one that has ended says why.
    fn wait_for_sockets(&mut self, record: &Record) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        let kept = record.vms.iter().filter(|vm| vm.kind.has_own_kernel());
        for (vm, keeper) in kept.zip(&mut self.keepers) {
            while !self.dir.vm_file(&vm.name, "socket").exists() {
                let ended = keeper
                    .try_wait()
                    .map_err(|source| LabError::Pipe("wait for a keeper", source))?;
                if ended.is_some() || Instant::now() > deadline {
                    return Err(LabError::Died {
                        vm: vm.name.clone(),
                        what: "its keeper did not start".to_owned(),
                        console: console_tail(&self.dir, &vm.name),
                    });
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(())
    }

    /// A lab that is up already, for as long as it stays; dropping the value leaves it.
    ///
    /// # Errors
    /// [`LabError::NoLab`] when there is none of that name.
    pub fn open(name: &str) -> Result<Self> {
        let dir = RunDir::of(name)?;
        let vms = dir.record()?.vms;
        let vms = vms
            .into_iter()
            .map(|vm| Vm::open(&dir, vm))
            .collect::<Result<Vec<Vm>>>()?;
        Ok(Self {
            dir,
            vms,
            owned: false,
            keepers: Vec::new(),
        })
    }

    /// Lets the lab stay up after this process, until [`down`](remove::down).
    ///
    /// # Errors
    /// When that can't be written down.
    pub fn keep(mut self) -> Result<()> {
        self.dir.write(&Record {
            owner: None,
            ..self.dir.record()?
        })?;
        self.owned = false;
        Ok(())
    }

    /// Removes the lab now, with whatever can go wrong in that; a drop could tell nobody.
    ///
    /// # Errors
    /// What could not be removed.
    pub fn down(mut self) -> Result<()> {
        self.owned = false;
        self.remove()
    }

    fn remove(&mut self) -> Result<()> {
        let removed = remove::down(&self.dir);
        for keeper in &mut self.keepers {
            // Not even a keeper that never wrote itself down stays.
            keeper.kill().ok();
            keeper.wait().ok();
        }
        removed
    }

    /// Drops all packets from and to the VM on their way through the fabric, until [`heal`](Self::heal). The VM sees its link
    /// as it was.
    ///
    /// # Errors
    /// Where the VM is not there, or cut already.
    pub fn cut(&self, vm: &str) -> Result<()> {
        fabric::cut(&self.dir, self.vm(vm)?)
    }

    /// Ends what [`cut`](Self::cut) began.
    ///
    /// # Errors
    /// Where the VM is not there, or was not cut.
    pub fn heal(&self, vm: &str) -> Result<()> {
        fabric::heal(&self.dir, self.vm(vm)?)
    }

    /// The directory in which the lab writes down what it makes; removed with it.
    pub fn directory(&self) -> &RunDir {
        &self.dir
    }

    /// The lab's name.
    pub fn name(&self) -> &str {
        self.dir.name()
    }

    /// The VMs in order.
    pub fn vms(&self) -> &[Vm] {
        &self.vms
    }

    /// The VM of that name.
    ///
    /// # Errors
    /// [`LabError::NoVm`], which lists those that there are.
    pub fn vm(&self, name: &str) -> Result<&Vm> {
        self.vms
            .iter()
            .find(|vm| vm.name() == name)
            .ok_or_else(|| LabError::NoVm {
                lab: self.name().to_owned(),
                vm: name.to_owned(),
                has: self.vms.iter().map(Vm::name).collect::<Vec<_>>().join(", "),
            })
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.owned {
            // A drop has nobody to tell; the next `up` or `down` finds what is left.
            self.remove().ok();
        }
    }
}

/// Starts a keeper that outlives this process (a session of its own) and takes all it started with it when it ends (a PID
/// namespace of its own).
fn start_keeper(dir: &RunDir, vm: &str, program: &Path) -> Result<Child> {
    let path = dir.vm_file(vm, "keeper");
    let log = File::create(&path).map_err(|source| LabError::File {
        doing: "make",
        path,
        source,
    })?;
    let errors = log
        .try_clone()
        .map_err(|source| LabError::Pipe("copy a handle", source))?;
    Command::new("setsid")
        .args(["unshare", "--pid", "--fork", "--kill-child", "--"])
        .arg(program)
        .args(["keep", "--name", dir.name(), vm])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .map_err(|source| LabError::Start {
            program: "setsid (util-linux)".to_owned(),
            source,
        })
}

/// The program: as given, as named in `NETGHOST_LAB`, this one, or the one in the directory of the running test or above.
pub(crate) fn find_program(given: Option<&Path>) -> Result<PathBuf> {
    let own = std::env::current_exe().map_err(|source| LabError::File {
        doing: "find",
        path: "/proc/self/exe".into(),
        source,
    })?;
    let named = given
        .map(Path::to_owned)
        .or_else(|| std::env::var_os("NETGHOST_LAB").map(PathBuf::from));
    let found = named.or_else(|| {
        own.ancestors()
            .skip(1)
            .take(2)
            .map(|dir| dir.join("netghost-lab"))
            .find(|program| program.is_file())
    });
    found
        .and_then(|program| program.canonicalize().ok())
        .ok_or(LabError::NoProgram(own))
}
