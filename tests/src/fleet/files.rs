//! The files that a fleet's programs start from.

use super::gate::Places;
use super::{Configured, Fleet, owned};
use crate::arm::Beside;
use crate::error::Result;
use crate::vm::Vm;

/// The user that agents run as: nobody, with what an installed agent has.
const AGENT: [&str; 9] = [
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    // The lists of legacy tables are open to group root.
    "--groups=0",
    "--inh-caps=-all,+net_admin",
    "--ambient-caps=-all,+net_admin",
    "--bounding-set=-all,+net_admin",
    "--no-new-privs",
    "--",
];

/// The words that run the agent of a VM.
pub(super) fn agent_argv(vm: &Vm, words: &[&str]) -> Vec<String> {
    let home = vm.home();
    let program = home.join("netghost-agent").display().to_string();
    let config = home.join("agent.toml").display().to_string();
    owned(&AGENT)
        .into_iter()
        .chain([program, "--config".to_owned(), config])
        .chain(owned(words))
        .collect()
}

pub(super) fn write_controller(fleet: &Fleet, configured: Configured<'_>) -> Result<()> {
    let vm = fleet.controller_vm()?;
    let text = format!(
        "listen = \"{}\"\nnames = [\"{}\"]\ndirectory = \"{}\"\n{}\n{}",
        fleet.address(),
        vm.address(),
        fleet.controller_directory()?.display(),
        configured.controller,
        fleet.azure().map(Beside::configuration).unwrap_or_default()
    );
    vm.write(&vm.home().join("controller.toml"), &text)
}

/// Writes an agent's configuration, and puts its program where its user can run it: what was built may lie in somebody's home.
pub(super) fn write_agent(fleet: &Fleet, vm: &Vm, configured: Configured<'_>) -> Result<()> {
    let (home, gate) = (vm.home(), Places::of(vm));
    let text = format!(
        "controller = \"{}\"\nstate_directory = \"{}\"\nruntime_directory = \"{}\"\nact_socket = \"{}\"\n\
         approvers_file = \"{}\"\n{}\n",
        fleet.address(),
        home.join("state").display(),
        home.join("run").display(),
        gate.socket.display(),
        gate.approvers.display(),
        configured.agent
    );
    vm.write(&home.join("agent.toml"), &text)?;
    let script = "cd \"$2\" && mkdir -p state run && chmod 700 state && chown 65534:65534 state run && \
                  { test -x netghost-agent || ln \"$1\" netghost-agent 2>/dev/null || cp \"$1\" netghost-agent; }";
    let program = fleet.programs().agent.display().to_string();
    let home = home.display().to_string();
    vm.must(&["sh", "-c", script, "sh", &program, &home]).map(drop)
}
