//! `netghost-lab`: labs from the command line.

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use netghost_lab::arm::Beside;
use netghost_lab::record::{RunDir, labs, remove};
use netghost_lab::{Fault, Fleet, Kind, Lab, LabError, Limits, Output, Plan, daemon, fault, guest, keeper};

#[path = "main/arm.rs"]
mod arm;

/// Virtual machines on one Linux machine, for tests and demonstrations. Needs root.
#[derive(Parser)]
#[command(name = "netghost-lab", version)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

/// The name of the lab.
#[derive(clap::Args)]
struct Name {
    /// Which lab
    #[arg(long, default_value = "lab")]
    name: String,
}

#[derive(Subcommand)]
enum Task {
    /// The simulator of Azure Resource Manager
    Arm {
        #[command(subcommand)]
        task: arm::ArmTask,
    },
    /// Build a lab and leave it running
    Up {
        #[command(flatten)]
        lab: Name,
        /// What the VMs are made of
        #[arg(long, value_enum, default_value = "netns")]
        kind: Kind,
        /// How many VMs: vm1, vm2 …
        #[arg(long, default_value_t = 2)]
        vms: usize,
        /// Run a controller on a VM of its own, and an enrolled agent on each of the others
        #[arg(long)]
        controller: bool,
        /// An approvers' CA, the approver bob, and on each VM what does what he approves
        #[arg(long, requires = "controller")]
        gate: bool,
        /// The simulator of Azure Resource Manager on the loopback address, with the VMs as its virtual machines and its rules and
        /// routes on their packets
        #[arg(long)]
        azure: bool,
    },
    /// Remove a lab, also what a crash left of one
    Down {
        #[command(flatten)]
        lab: Name,
    },
    /// Run a program in a VM; its exit status becomes this one's, 125 is a failure of the lab
    Exec {
        #[command(flatten)]
        lab: Name,
        /// Feed standard input to the program
        #[arg(short, long)]
        input: bool,
        /// Seconds that the program may run
        #[arg(long, default_value_t = 30)]
        timeout: u64,
        /// Which VM
        vm: String,
        /// The program and its arguments
        #[arg(last = true, required = true)]
        argv: Vec<String>,
    },
    /// Run `netghost` as the operator of a lab that was built with a controller; its exit status becomes this one's
    Operate {
        #[command(flatten)]
        lab: Name,
        /// Who: the admin ada, or where there is a gate the approver bob
        #[arg(long = "as", value_name = "USER", default_value = "ada")]
        user: String,
        /// What `netghost` is to do
        #[arg(last = true, required = true)]
        words: Vec<String>,
    },
    /// Put a fault on a VM
    Inject {
        #[command(flatten)]
        lab: Name,
        /// Which VM
        vm: String,
        /// Which fault: see `list`
        fault: Fault,
    },
    /// Take a fault off a VM
    Clear {
        #[command(flatten)]
        lab: Name,
        /// Which VM
        vm: String,
        /// Which fault: see `list`
        fault: Fault,
    },
    /// Start a program in a VM that stays until the lab goes; what it says goes to the log that is printed
    Start {
        #[command(flatten)]
        lab: Name,
        /// What it is known by
        #[arg(long)]
        label: String,
        /// Which VM
        vm: String,
        /// The program and its arguments
        #[arg(last = true, required = true)]
        argv: Vec<String>,
    },
    /// Drop all packets from and to a VM on their way through the fabric
    Cut {
        #[command(flatten)]
        lab: Name,
        /// Which VM
        vm: String,
    },
    /// Let the packets of a VM that was cut through again
    Heal {
        #[command(flatten)]
        lab: Name,
        /// Which VM
        vm: String,
    },
    /// Show all labs with their VMs, and the catalogue of faults
    List,
    #[command(hide = true)]
    Keep {
        #[command(flatten)]
        lab: Name,
        vm: String,
    },
    #[command(hide = true)]
    Become {
        #[command(flatten)]
        lab: Name,
        label: String,
        #[arg(last = true, required = true)]
        argv: Vec<String>,
    },
    #[command(hide = true)]
    Guest { device: PathBuf },
}

fn main() -> ExitCode {
    let task = Arguments::parse().command;
    let failure = if matches!(task, Task::Exec { .. } | Task::Operate { .. }) {
        125
    } else {
        1
    };
    match perform(task) {
        Ok(code) => code,
        Err(error) => {
            // When not even standard error can be written, the exit status has to do.
            writeln!(io::stderr(), "netghost-lab: {error:#}").ok();
            ExitCode::from(failure)
        }
    }
}

fn perform(task: Task) -> Result<ExitCode> {
    match task {
        Task::Arm { task } => return arm::perform(task),
        Task::Up {
            lab,
            kind,
            vms,
            controller,
            gate,
            azure,
        } => {
            let plan = Plan::new(&vec![kind; vms]).named(&lab.name);
            let plan = if azure { plan.with_azure() } else { plan };
            up(if gate { plan.with_gate() } else { plan }, controller)?;
        }
        Task::Down { lab } => remove::down(&RunDir::of(&lab.name)?)?,
        Task::Exec {
            lab,
            input,
            timeout,
            vm,
            argv,
        } => return exec(&lab.name, &vm, &argv, input, timeout),
        Task::Inject { lab, vm, fault } => fault.inject(Lab::open(&lab.name)?.vm(&vm)?)?,
        Task::Clear { lab, vm, fault } => fault.clear(Lab::open(&lab.name)?.vm(&vm)?)?,
        Task::Operate { lab, user, words } => return operate(&lab.name, &user, &words),
        Task::Start { lab, label, vm, argv } => start(&lab.name, &vm, &label, &argv)?,
        Task::Cut { lab, vm } => Lab::open(&lab.name)?.cut(&vm)?,
        Task::Heal { lab, vm } => Lab::open(&lab.name)?.heal(&vm)?,
        Task::List => list()?,
        Task::Keep { lab, vm } => {
            let program = std::env::current_exe().context("find this program")?;
            keeper::keep(&RunDir::of(&lab.name)?, &vm, &program)?;
        }
        Task::Become { lab, label, argv } => {
            return Err(daemon::become_program(&RunDir::of(&lab.name)?, &label, &argv).into());
        }
        Task::Guest { device } => guest::serve(&device).context("serve commands")?,
    }
    Ok(ExitCode::SUCCESS)
}

fn up(plan: Plan, controller: bool) -> Result<()> {
    let program = std::env::current_exe().context("find this program")?;
    let plan = plan.with_program(program);
    if controller {
        // Steps are shown as they are taken; a reader who has gone misses nothing.
        let tell = |step: &str| writeln!(io::stdout(), "{step}").unwrap_or_default();
        let fleet = Fleet::up_telling(&plan, &tell)?;
        let azure = fleet.azure().cloned();
        fleet.keep()?;
        show_lab(&plan.name)?;
        return azure.iter().try_for_each(arm::show);
    }
    let lab = Lab::up(&plan)?;
    let azure = match plan.azure {
        true => Some(Beside::start(&lab)?),
        false => None,
    };
    lab.keep()?;
    show_lab(&plan.name)?;
    azure.iter().try_for_each(arm::show)
}

fn operate(lab: &str, user: &str, words: &[String]) -> Result<ExitCode> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    pass_on(&Fleet::open(lab)?.netghost_as(user, &words, b"")?)
}

fn start(lab: &str, vm: &str, label: &str, argv: &[String]) -> Result<()> {
    let lab = Lab::open(lab)?;
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    let daemon = lab.vm(vm)?.start(label, &argv)?;
    writeln!(io::stdout(), "{}", daemon.log_path().display())?;
    Ok(())
}

fn exec(lab: &str, vm: &str, argv: &[String], with_input: bool, timeout: u64) -> Result<ExitCode> {
    let lab = Lab::open(lab)?;
    let mut input = Vec::new();
    if with_input {
        io::stdin()
            .read_to_end(&mut input)
            .context("read standard input")?;
    }
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    let limits = Limits {
        time: std::time::Duration::from_secs(timeout),
        ..Limits::default()
    };
    pass_on(&lab.vm(vm)?.exec_within(&argv, &input, limits)?)
}

/// Hands on what a command left behind.
fn pass_on(output: &Output) -> Result<ExitCode> {
    io::stdout()
        .write_all(&output.stdout)
        .context("write standard output")?;
    io::stderr()
        .write_all(&output.stderr)
        .context("write standard error")?;
    Ok(ExitCode::from(
        u8::try_from(output.status.shell_code()).unwrap_or(u8::MAX),
    ))
}

fn list() -> Result<()> {
    for name in labs()? {
        match show_lab(&name) {
            // It was removed just now, or is only being made.
            Err(error) if matches!(error.downcast_ref(), Some(LabError::NoLab(_))) => {}
            shown => shown?,
        }
    }
    let mut out = io::stdout().lock();
    for fault in fault::ALL {
        let kinds: Vec<String> = fault.kinds().iter().map(Kind::to_string).collect();
        writeln!(
            out,
            "fault  {:<12}  {}  ({})",
            fault.name(),
            fault.about(),
            kinds.join(", ")
        )?;
    }
    Ok(())
}

fn show_lab(name: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    for vm in RunDir::of(name)?.record()?.vms {
        writeln!(
            out,
            "lab    {name}  {}  {}  {}  {}",
            vm.name,
            vm.kind,
            vm.address,
            vm.kind.nic()
        )?;
    }
    Ok(())
}
