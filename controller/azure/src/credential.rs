//! Who asks: the ways to a token, by configuration. Each is a credential of `azure_identity`.

use std::path::PathBuf;
use std::sync::Arc;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::{ClientOptions, ExponentialRetryOptions, RetryOptions, Transport};
use azure_core::time::{Duration as Span, OffsetDateTime};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use futures_util::future::BoxFuture;
use serde::Deserialize;

use crate::cloud::Cloud;
use crate::token::{NoToken, Token, TokenSource};

/// Which credential, by configuration: `kind = "managed-identity"`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CredentialSettings {
    /// The identity of the VM (or App Service) that this runs on: the system's own where no id is given.
    ManagedIdentity {
        /// The client id of a user-assigned identity.
        client_id: Option<String>,
        /// Its object id, in place of the client id.
        object_id: Option<String>,
        /// Its resource id, in place of either.
        resource_id: Option<String>,
    },
    /// A federated token of a pod or a pipeline. What is absent is taken from `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and
    /// `AZURE_FEDERATED_TOKEN_FILE`.
    WorkloadIdentity {
        /// The tenant's id.
        tenant_id: Option<String>,
        /// The application's id.
        client_id: Option<String>,
        /// The file that holds the federated token.
        token_file: Option<PathBuf>,
    },
    /// An application with a secret.
    ClientSecret {
        /// The tenant's id.
        tenant_id: String,
        /// The application's id.
        client_id: String,
        /// The file that holds the secret; read for each login, so that a new secret needs no restart.
        secret_file: PathBuf,
    },
    /// Whoever is logged in to `az` on this machine.
    Cli {
        /// The tenant, where it is not the login's own.
        tenant_id: Option<String>,
        /// The subscription whose account is meant.
        subscription: Option<String>,
    },
}

/// A credential of `azure_identity`, made anew for each token: its own cache would give the token back that Azure refused.
#[derive(Debug)]
pub struct Credential {
    settings: CredentialSettings,
    cloud: Cloud,
    http: reqwest::Client,
    direct: reqwest::Client,
}

impl Credential {
    /// A credential of this cloud. `http` reaches the cloud's authority; `direct` uses no proxy, for the address of the
    /// machine's own identity.
    pub fn new(
        settings: CredentialSettings,
        cloud: Cloud,
        http: reqwest::Client,
        direct: reqwest::Client,
    ) -> Self {
        Self {
            settings,
            cloud,
            http,
            direct,
        }
    }

    /// What the credential is called in errors.
    pub fn name(&self) -> &'static str {
        match self.settings {
            CredentialSettings::ManagedIdentity { .. } => "the managed identity",
            CredentialSettings::WorkloadIdentity { .. } => "the workload identity",
            CredentialSettings::ClientSecret { .. } => "the client secret",
            CredentialSettings::Cli { .. } => "az",
        }
    }

    /// Two more tries within twenty seconds: the default goes on for a minute or longer, also where the certificate of the
    /// authority is not trusted and no try can help.
    fn options(&self, http: &reqwest::Client) -> ClientOptions {
        let mut custom = CustomConfiguration::default();
        custom.authority_host = self.cloud.authority.as_str().trim_end_matches('/').to_owned();
        let retry = ExponentialRetryOptions {
            initial_delay: Span::milliseconds(300),
            max_retries: 2,
            max_total_elapsed: Span::seconds(20),
            max_delay: Span::seconds(5),
        };
        ClientOptions {
            retry: RetryOptions::exponential(retry),
            transport: Some(Transport::new(Arc::new(http.clone()))),
            cloud: Some(Arc::new(CloudConfiguration::Custom(custom))),
            ..ClientOptions::default()
        }
    }

    async fn credential(&self) -> Result<Arc<dyn TokenCredential>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(match self.settings.clone() {
            CredentialSettings::ManagedIdentity {
                client_id,
                object_id,
                resource_id,
            } => {
                let client = client_id.map(UserAssignedId::ClientId);
                let object = object_id.map(UserAssignedId::ObjectId);
                let user_assigned_id = client.or(object).or(resource_id.map(UserAssignedId::ResourceId));
                let client_options = self.options(&self.direct);
                ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                    user_assigned_id,
                    client_options,
                }))?
            }
            CredentialSettings::WorkloadIdentity {
                tenant_id,
                client_id,
                token_file,
            } => {
                let credential_options = ClientAssertionCredentialOptions {
                    client_options: self.options(&self.http),
                };
                WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
                    credential_options,
                    client_id,
                    tenant_id,
                    token_file_path: token_file,
                }))?
            }
            CredentialSettings::ClientSecret {
                tenant_id,
                client_id,
                secret_file,
            } => {
                let read = tokio::fs::read_to_string(&secret_file).await;
                let secret = read.map_err(|error| format!("{}: {error}", secret_file.display()))?;
                let secret = Secret::new(secret.trim().to_owned());
                let options = ClientSecretCredentialOptions {
                    client_options: self.options(&self.http),
                };
                ClientSecretCredential::new(&tenant_id, client_id, secret, Some(options))?
            }
            CredentialSettings::Cli {
                tenant_id,
                subscription,
            } => AzureCliCredential::new(Some(AzureCliCredentialOptions {
                subscription,
                tenant_id,
                executor: None,
            }))?,
        })
    }

    async fn token(&self) -> Result<Token, Box<dyn std::error::Error + Send + Sync>> {
        let credential = self.credential().await?;
        let given = credential.get_token(&[&self.cloud.scope], None).await?;
        let lasts = (given.expires_on - OffsetDateTime::now_utc())
            .try_into()
            .unwrap_or_default();
        Ok(Token {
            secret: given.token,
            lasts,
        })
    }
}

impl TokenSource for Credential {
    fn fetch(&self) -> BoxFuture<'_, Result<Token, NoToken>> {
        Box::pin(async {
            self.token().await.map_err(|error| NoToken {
                by: self.name(),
                why: chain(error.as_ref()),
            })
        })
    }
}

/// An error with its causes on one line, each said once, of bounded length.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut said = one_line(&error.to_string());
    // The way to a page of advice, in the middle of the sentence.
    if let Some((before, _)) = said.split_once(" To troubleshoot, visit ") {
        said = before.to_owned();
    }
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_said = one_line(&cause.to_string());
        if !said.contains(&cause_said) {
            said = format!("{said}: {cause_said}");
        }
        source = cause.source();
    }
    said.chars().take(1000).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
