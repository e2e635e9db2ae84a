//! Which Azure, and who asks: from the line, else from the environment.

use std::path::PathBuf;

use anyhow::anyhow;
use netghost_azure::{Arm, CloudSettings, CredentialSettings, Settings};
use netghost_controller::azure::Azure;

use crate::error::Failure;

mod profile;

/// Which Azure, and who asks.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct AccountArgs {
    /// The subscription's id; else $AZURE_SUBSCRIPTION_ID, else the default of whoever is logged in to `az`
    #[arg(long, value_name = "ID", help_heading = "Azure")]
    subscription: Option<String>,
    /// Which cloud; else $NETGHOST_AZURE_CLOUD, else the public one
    #[arg(
        long,
        value_enum,
        value_name = "CLOUD",
        help_heading = "Azure",
        conflicts_with = "arm_endpoint"
    )]
    cloud: Option<CloudName>,
    /// Where Resource Manager answers, in a cloud of its own or the lab; else $NETGHOST_AZURE_ENDPOINT
    #[arg(long, value_name = "URL", help_heading = "Azure")]
    arm_endpoint: Option<String>,
    /// Where that cloud issues tokens; else $NETGHOST_AZURE_AUTHORITY, else the endpoint
    #[arg(long, value_name = "URL", help_heading = "Azure")]
    arm_authority: Option<String>,
    /// The certificates to trust there, in PEM; else $NETGHOST_AZURE_CA_FILE
    #[arg(long, value_name = "FILE", help_heading = "Azure")]
    arm_ca_file: Option<PathBuf>,
    /// Who asks; else $NETGHOST_AZURE_CREDENTIAL, else whoever is logged in to `az`
    #[arg(long, value_enum, value_name = "WHO", help_heading = "Azure")]
    credential: Option<CredentialName>,
    /// The tenant; else $AZURE_TENANT_ID
    #[arg(long, value_name = "ID", help_heading = "Azure")]
    tenant: Option<String>,
    /// The application or the user-assigned identity; else $AZURE_CLIENT_ID
    #[arg(long, value_name = "ID", help_heading = "Azure")]
    client_id: Option<String>,
    /// The file with the application's secret; else $NETGHOST_AZURE_CLIENT_SECRET_FILE
    #[arg(long, value_name = "FILE", help_heading = "Azure")]
    client_secret_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum CloudName {
    /// The public cloud
    Public,
    /// Azure Government
    UsGovernment,
    /// Azure in China
    China,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum CredentialName {
    /// Whoever is logged in to `az` on this machine
    Az,
    /// The identity of the VM that this runs on
    ManagedIdentity,
    /// The federated token of a pod or a pipeline
    WorkloadIdentity,
    /// An application with a secret
    ClientSecret,
}

impl AccountArgs {
    /// The client. Nothing is sent yet.
    pub fn open(&self) -> Result<Azure, Failure> {
        let settings = Settings {
            cloud: self.cloud()?,
            credential: self.credential()?,
            at_once: Settings::AT_ONCE,
        };
        let arm = Arm::new(&settings).map_err(|error| Failure::usage("cloud", error))?;
        Ok(Azure {
            arm,
            subscription: self.own_subscription(),
        })
    }

    /// The subscription that the line or the environment names, else the one that was chosen by `az`, where its login asks.
    pub(super) fn own_subscription(&self) -> Option<String> {
        self.known_subscription().or_else(|| {
            let CredentialSettings::Cli { .. } = self.credential().ok()? else {
                return None;
            };
            let cloud = match self.cloud().ok()? {
                CloudSettings::Public => "AzureCloud",
                CloudSettings::UsGovernment => "AzureUSGovernment",
                CloudSettings::China => "AzureChinaCloud",
                CloudSettings::Custom { .. } => return None,
            };
            profile::default_of(&std::fs::read(profile::file()?).ok()?, cloud)
        })
    }

    /// The subscription that the line names.
    pub(super) fn subscription(&self) -> Option<&str> {
        self.subscription.as_deref()
    }

    /// The subscription that the line or the environment names.
    pub(super) fn known_subscription(&self) -> Option<String> {
        given(self.subscription.as_ref(), "AZURE_SUBSCRIPTION_ID")
    }

    /// An option of the line that says which Azure or who asks; a controller has its own login.
    pub(super) fn said(&self) -> Option<&'static str> {
        let all = [
            ("--cloud", self.cloud.is_some()),
            ("--arm-endpoint", self.arm_endpoint.is_some()),
            ("--arm-authority", self.arm_authority.is_some()),
            ("--arm-ca-file", self.arm_ca_file.is_some()),
            ("--credential", self.credential.is_some()),
            ("--tenant", self.tenant.is_some()),
            ("--client-id", self.client_id.is_some()),
            ("--client-secret-file", self.client_secret_file.is_some()),
        ];
        let mut said = all.iter().filter(|(_, is_said)| *is_said);
        said.next().map(|(option, _)| *option)
    }

    fn cloud(&self) -> Result<CloudSettings, Failure> {
        let named = match self.cloud {
            // What the line says counts more than any address of the environment.
            Some(name) => Some(name),
            None => match given(self.arm_endpoint.as_ref(), "NETGHOST_AZURE_ENDPOINT") {
                Some(endpoint) => {
                    let authority = given(self.arm_authority.as_ref(), "NETGHOST_AZURE_AUTHORITY");
                    return Ok(CloudSettings::Custom {
                        authority: authority.unwrap_or_else(|| endpoint.clone()),
                        endpoint,
                        scope: None,
                        ca_file: file(self.arm_ca_file.as_ref(), "NETGHOST_AZURE_CA_FILE"),
                    });
                }
                None => chosen("NETGHOST_AZURE_CLOUD")?,
            },
        };
        if self.arm_authority.is_some() || self.arm_ca_file.is_some() {
            let error = anyhow!("`--arm-authority` and `--arm-ca-file` belong to `--arm-endpoint`");
            return Err(Failure::usage("wrong_use", error));
        }
        Ok(match named {
            None | Some(CloudName::Public) => CloudSettings::Public,
            Some(CloudName::UsGovernment) => CloudSettings::UsGovernment,
            Some(CloudName::China) => CloudSettings::China,
        })
    }

    fn credential(&self) -> Result<CredentialSettings, Failure> {
        let name = match self.credential {
            Some(name) => Some(name),
            None => chosen("NETGHOST_AZURE_CREDENTIAL")?,
        };
        self.credential_is_heard(name)?;
        let tenant_id = given(self.tenant.as_ref(), "AZURE_TENANT_ID");
        let client_id = given(self.client_id.as_ref(), "AZURE_CLIENT_ID");
        Ok(match name {
            None | Some(CredentialName::Az) => CredentialSettings::Cli {
                tenant_id: self.tenant.clone(),
                subscription: given(self.subscription.as_ref(), "AZURE_SUBSCRIPTION_ID"),
            },
            Some(CredentialName::ManagedIdentity) => CredentialSettings::ManagedIdentity {
                client_id,
                object_id: None,
                resource_id: None,
            },
            Some(CredentialName::WorkloadIdentity) => CredentialSettings::WorkloadIdentity {
                tenant_id,
                client_id,
                token_file: None,
            },
            Some(CredentialName::ClientSecret) => {
                let secret = file(
                    self.client_secret_file.as_ref(),
                    "NETGHOST_AZURE_CLIENT_SECRET_FILE",
                );
                CredentialSettings::ClientSecret {
                    tenant_id: needed(tenant_id, "--tenant")?,
                    client_id: needed(client_id, "--client-id")?,
                    secret_file: needed(secret, "--client-secret-file")?,
                }
            }
        })
    }
}

impl AccountArgs {
    /// Refuses what the line says of whoever does not ask. What the environment says is for whom it concerns.
    fn credential_is_heard(&self, name: Option<CredentialName>) -> Result<(), Failure> {
        let (who, deaf): (_, &[_]) = match name {
            None | Some(CredentialName::Az) => (
                "whoever is logged in to `az`",
                &[
                    ("--client-id", self.client_id.is_some()),
                    ("--client-secret-file", self.client_secret_file.is_some()),
                ],
            ),
            Some(CredentialName::ManagedIdentity) => (
                "a managed identity",
                &[
                    ("--tenant", self.tenant.is_some()),
                    ("--client-secret-file", self.client_secret_file.is_some()),
                ],
            ),
            Some(CredentialName::WorkloadIdentity) => (
                "a workload's identity",
                &[("--client-secret-file", self.client_secret_file.is_some())],
            ),
            Some(CredentialName::ClientSecret) => ("an application", &[]),
        };
        match deaf.iter().find(|(_, is_said)| *is_said) {
            Some((option, _)) => Err(Failure::usage(
                "wrong_use",
                anyhow!("`{option}` says nothing of {who}, who asks"),
            )
            .hint("say by `--credential` who asks, or leave the option out")),
            None => Ok(()),
        }
    }
}

fn needed<T>(value: Option<T>, option: &str) -> Result<T, Failure> {
    value.ok_or_else(|| {
        let error = anyhow!("an application with a secret needs `{option}`");
        Failure::usage("wrong_use", error)
    })
}

/// What the line says, else what the environment does.
fn given(line: Option<&String>, variable: &str) -> Option<String> {
    let set = || std::env::var(variable).ok().filter(|value| !value.is_empty());
    line.cloned().or_else(set)
}

fn file(line: Option<&PathBuf>, variable: &str) -> Option<PathBuf> {
    let set = || std::env::var_os(variable).filter(|value| !value.is_empty());
    line.cloned().or_else(|| set().map(PathBuf::from))
}

/// One of the words that the line knows, from the environment.
fn chosen<T: clap::ValueEnum>(variable: &str) -> Result<Option<T>, Failure> {
    let Some(word) = given(None, variable) else {
        return Ok(None);
    };
    T::from_str(&word, false).map(Some).map_err(|_| {
        Failure::usage(
            "wrong_use",
            anyhow!("${variable} is {word:?}, which is not known"),
        )
    })
}
