//! What went wrong, told apart by what Azure says of it.

use std::time::Duration;

use netghost_azure::{ArmError, Kind};

use super::output::shown;

/// The action without which nothing can be run.
const ACTION: &str = "Microsoft.Compute/virtualMachines/runCommand/action";

/// Why a script did not run on the VM, or its answer was lost.
#[derive(Debug, thiserror::Error)]
pub enum RunCommandError {
    /// The login may not run commands there.
    #[error("the login may not do {action}: the role `netghost probe` has it")]
    Forbidden {
        /// The action that is missing.
        action: String,
        /// The call.
        #[source]
        source: ArmError,
    },
    /// Another run-command was under way, for as long as could be waited.
    #[error("another run-command is under way on the VM, and did not end within {} s", .limit.as_secs())]
    Busy {
        /// How long it was waited for at most.
        limit: Duration,
        /// The call.
        #[source]
        source: ArmError,
    },
    /// The VM does not run.
    #[error("the VM is not running: start it, or read it when it runs")]
    NotRunning {
        /// The call.
        #[source]
        source: ArmError,
    },
    /// The VM's agent of Azure did not take the script.
    #[error("the VM's agent of Azure does not answer: look whether walinuxagent runs and reaches Azure")]
    AgentNotReady {
        /// The call.
        #[source]
        source: ArmError,
    },
    /// There is no such VM.
    #[error("there is no such VM any more")]
    NoSuchVm {
        /// The call.
        #[source]
        source: ArmError,
    },
    /// It took too long.
    #[error("it did not end within {} s", .limit.as_secs())]
    TimedOut {
        /// How long it could take.
        limit: Duration,
        /// The call, where one was under way.
        #[source]
        source: Option<ArmError>,
    },
    /// Azure says that the script failed.
    #[error("the run-command failed: {said}")]
    Failed {
        /// In Azure's words.
        said: String,
    },
    /// The script printed nothing but an error.
    #[error("the script could not run on the VM: {said}")]
    Said {
        /// In the VM's words.
        said: String,
    },
    /// What came back is not of a form that is known.
    #[error("what run-command handed back is not of a known form: {why}")]
    Unknown {
        /// Why.
        why: String,
    },
    /// Another failure of Azure's.
    #[error("Azure did not run the script")]
    Azure(#[source] ArmError),
}

impl RunCommandError {
    /// A fixed word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Forbidden { .. } => "forbidden",
            Self::Busy { .. } => "run_command_busy",
            Self::NotRunning { .. } => "vm_not_running",
            Self::AgentNotReady { .. } => "vm_agent_not_ready",
            Self::NoSuchVm { .. } => "no_such_vm",
            Self::TimedOut { .. } => "timed_out",
            Self::Failed { .. } | Self::Said { .. } => "run_command_failed",
            Self::Unknown { .. } => "run_command_answer",
            Self::Azure(_) => "azure",
        }
    }
}

/// Azure's codes where the agent in the VM did not do its part.
const AGENT: &[&str] = &[
    "VMAgentStatusCommunicationError",
    "VMExtensionProvisioningTimeout",
    "VMExtensionManagementInternalError",
    "OperationNotAllowedOnVMWithoutAgent",
];

/// What a failed call means; `limit` is the time for all.
pub(super) fn told(error: ArmError, limit: Duration) -> RunCommandError {
    let source = error;
    let code = source.code.as_deref().unwrap_or_default();
    let of_agent = AGENT.iter().any(|known| known.eq_ignore_ascii_case(code));
    match &source.kind {
        Kind::Forbidden { action, .. } => RunCommandError::Forbidden {
            action: action.as_deref().map_or_else(|| ACTION.to_owned(), shown),
            source,
        },
        Kind::Locked => RunCommandError::Busy { limit, source },
        Kind::NotRunning => RunCommandError::NotRunning { source },
        // Of the call itself: an operation that is not found says nothing of the VM.
        Kind::NotFound { .. } if source.operation.is_none() => RunCommandError::NoSuchVm { source },
        Kind::Deadline => RunCommandError::TimedOut {
            limit,
            source: Some(source),
        },
        _ if of_agent => RunCommandError::AgentNotReady { source },
        _ => RunCommandError::Azure(source),
    }
}
