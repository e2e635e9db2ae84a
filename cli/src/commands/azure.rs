//! What your own login sees in Azure. No controller is asked.

use std::time::{Duration, Instant};

use netghost_azure::{ArmError, DiscoverError, Kind};

use crate::error::Failure;
use crate::examples;
use crate::fleet;
use crate::output::{Format, Outcome};
use crate::progress::Progress;

use super::Call;

mod login_check;
mod vms;

/// What your own login sees in Azure.
#[derive(Debug, clap::Subcommand)]
pub enum Azure {
    /// Say, feature by feature, which permission the login lacks
    #[command(after_help = examples::AZURE_LOGIN_CHECK)]
    LoginCheck(login_check::LoginCheck),
    /// List VMs with their network interfaces and whether they run
    #[command(after_help = examples::AZURE_VMS)]
    Vms(vms::Vms),
}

/// Runs one of them.
pub fn run(command: &Azure, call: &Call<'_>) -> Result<Outcome, Failure> {
    match command {
        Azure::LoginCheck(args) => login_check::run(args, call.format),
        Azure::Vms(args) => vms::run(args, call.format),
    }
}

/// The longest that one call to Azure may take, with the waits for its limits.
pub(super) const PERIOD: Duration = Duration::from_secs(120);

/// How often it is said that Azure is still being asked.
const TOLD: Duration = Duration::from_secs(10);

/// Asks Azure, and tells of it where that takes longer than a second.
pub(super) fn ask<T>(format: Format, what: &str, asking: impl Future<Output = T>) -> Result<T, Failure> {
    let progress = Progress::new(format);
    let begun = Instant::now();
    let came = fleet::runtime(false)?.block_on(async {
        tokio::pin!(asking);
        let mut wait = Duration::from_secs(1);
        loop {
            match tokio::time::timeout(wait, &mut asking).await {
                Ok(came) => return came,
                Err(_) => progress.say(&format!(
                    "asking Azure {what}, for {} s",
                    begun.elapsed().as_secs()
                )),
            }
            wait = TOLD;
        }
    });
    progress.clear();
    Ok(came)
}

fn of_arm(error: ArmError) -> Failure {
    let (code, hint) = match &error.kind {
        Kind::NoToken | Kind::Unauthenticated => {
            ("login", "log in by `az login`, or say by `--credential` who asks")
        }
        Kind::NoSubscription => (
            "no_subscription",
            "name another one by `--subscription`, or another login's tenant by `--tenant`",
        ),
        Kind::Forbidden { .. } => (
            "forbidden",
            "`netghost azure login-check` says what the login lacks",
        ),
        Kind::Argument => return Failure::usage("wrong_use", error),
        Kind::NotFound { .. } => ("not_found", "look for it by `netghost azure vms`"),
        Kind::NotJson { .. } => (
            "azure",
            "something between here and Azure answers in its place: look for a proxy",
        ),
        Kind::Network | Kind::Cut => ("azure", "look for a proxy or a firewall on the way to Azure"),
        _ => return Failure::failed("azure", error),
    };
    Failure::failed(code, error).hint(hint)
}

pub(super) fn of_discovery(error: DiscoverError) -> Failure {
    match error {
        DiscoverError::Arm(error) => of_arm(error),
        DiscoverError::WhichSubscription(_) => Failure::usage("no_subscription", error)
            .hint("give `--subscription ID` or set AZURE_SUBSCRIPTION_ID"),
        DiscoverError::Ambiguous { .. } => {
            Failure::usage("ambiguous", error).hint("give RESOURCE_GROUP/NAME or the resource id")
        }
        DiscoverError::NoSuch { .. } => {
            Failure::usage("no_such_vm", error).hint("`netghost azure vms` lists them")
        }
        DiscoverError::Form { .. } => Failure::failed("azure", error),
    }
}
