//! What the login may do, feature by feature.

use netghost_core::azure::permission::{self, Allowed, Role};
use serde_json::json;

use super::{PERIOD, ask, of_arm};
use crate::error::Failure;
use crate::exit::Status;
use crate::fleet::AccountArgs;
use crate::output::{Format, Outcome};
use crate::text;

const SCHEMA: &str = "netghost.azure-login-check/v1";

/// Says what the login may do.
#[derive(Debug, clap::Args)]
pub struct LoginCheck {
    /// Where it is to be allowed, if not in the whole subscription: the id of a resource group or a resource
    #[arg(long, value_name = "ID")]
    scope: Option<String>,
    /// What it is to be allowed, reading if nothing is said; may be repeated
    #[arg(long = "role", value_enum, value_name = "ROLE", default_values_t = [RoleName::Read])]
    roles: Vec<RoleName>,
    /// Which Azure, and who asks.
    #[command(flatten)]
    account: AccountArgs,
}

/// A role of netghost's, as its packaged definitions name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum RoleName {
    /// To read and compute
    Read,
    /// To run the static probe on VMs without an agent
    Probe,
    /// To capture packets by Network Watcher
    Capture,
    /// To alter security rules and routes
    Change,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Read => Self::Read,
            RoleName::Probe => Self::Probe,
            RoleName::Capture => Self::Capture,
            RoleName::Change => Self::Change,
        }
    }
}

pub(super) fn run(args: &LoginCheck, format: Format) -> Result<Outcome, Failure> {
    let account = args.account.open()?;
    let scope = match (&args.scope, &account.subscription) {
        (Some(scope), _) => scope.clone(),
        (None, Some(subscription)) => format!("/subscriptions/{subscription}"),
        (None, None) => {
            let error = anyhow::anyhow!("it is not known which subscription is meant");
            return Err(Failure::usage("no_subscription", error)
                .hint("give `--subscription ID` or set AZURE_SUBSCRIPTION_ID"));
        }
    };
    let calls = account.arm.within(PERIOD);
    let pages = ask(format, "for the login's permissions", calls.permissions(&scope))?.map_err(of_arm)?;
    let items: Vec<_> = pages.items().collect();
    let granted = permission::permissions(&json!({ "value": items })).map_err(|error| {
        Failure::failed(
            "azure",
            anyhow::Error::from(error).context("Azure's answer is not understood"),
        )
    })?;
    Ok(outcome(args, &scope, &permission::check(&granted)))
}

fn outcome(args: &LoginCheck, scope: &str, allowed: &[Allowed]) -> Outcome {
    let is_wanted = |one: &Allowed| {
        args.roles
            .iter()
            .any(|name| Role::from(*name) == one.feature.role)
    };
    let lacks = allowed
        .iter()
        .any(|one| is_wanted(one) && !one.missing.is_empty());
    let features = allowed.iter().map(|one| {
        json!({
            "name": one.feature.name,
            "role": one.feature.role.word(),
            "wanted": is_wanted(one),
            "allowed": one.missing.is_empty(),
            "missing": one.missing,
        })
    });
    Outcome {
        status: if lacks { Status::Act } else { Status::Good },
        document: json!({
            "schema": SCHEMA,
            "scope": scope,
            "allowed": !lacks,
            "features": features.collect::<Vec<_>>(),
        }),
        text: text::azure::permissions(scope, allowed, is_wanted),
    }
}
