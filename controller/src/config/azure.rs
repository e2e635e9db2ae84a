//! How the controller itself asks Azure.

use std::path::PathBuf;

use netghost_azure::{Arm, CloudSettings, CredentialSettings, NotMade, Settings};
use serde::Deserialize;

use super::Subscription;
use crate::azure::Azure;

/// Which Azure the controller asks, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Where names are looked for, and what a selection of everything means.
    subscription: Option<Subscription>,
    /// Which cloud; the public one where nothing is said.
    cloud: Option<CloudName>,
    /// Where Resource Manager answers, in a cloud of its own or the lab.
    endpoint: Option<String>,
    /// Where that cloud issues tokens; the endpoint where nothing is said.
    authority: Option<String>,
    /// What a token is asked for there; `ENDPOINT/.default` where nothing is said.
    scope: Option<String>,
    /// The certificates (PEM) that alone are trusted there.
    ca_file: Option<PathBuf>,
    /// Who asks.
    credential: CredentialSettings,
}

/// A cloud that is known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum CloudName {
    Public,
    UsGovernment,
    China,
}

/// Why Azure can't be asked as configured.
#[derive(Debug, thiserror::Error)]
pub enum NotAsked {
    /// Two clouds at once.
    #[error("azure.cloud names a cloud and azure.endpoint another: leave one out")]
    TwoClouds,
    /// A part of a cloud of its own, whose address is missing.
    #[error("azure.{0} belongs to azure.endpoint, which is missing")]
    NoEndpoint(&'static str),
    /// No client can be made.
    #[error("[azure]")]
    Client(#[from] NotMade),
    /// The application's secret.
    #[error("read azure.credential.secret_file, {}", .path.display())]
    Secret {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl Account {
    /// The client. Nothing is sent before it is first used; what lies on this machine is read now, so that a fault shows at once.
    pub fn open(&self) -> Result<Azure, NotAsked> {
        if let CredentialSettings::ClientSecret { secret_file, .. } = &self.credential {
            std::fs::File::open(secret_file).map_err(|source| NotAsked::Secret {
                path: secret_file.clone(),
                source,
            })?;
        }
        let arm = Arm::new(&Settings {
            cloud: self.cloud()?,
            credential: self.credential.clone(),
            at_once: Settings::AT_ONCE,
        })?;
        let subscription = self.subscription.as_ref();
        Ok(Azure {
            arm,
            subscription: subscription.map(|id| id.as_str().to_owned()),
        })
    }

    fn cloud(&self) -> Result<CloudSettings, NotAsked> {
        match (&self.endpoint, self.cloud) {
            (Some(_), Some(_)) => Err(NotAsked::TwoClouds),
            (Some(endpoint), None) => Ok(CloudSettings::Custom {
                endpoint: endpoint.clone(),
                authority: self.authority.clone().unwrap_or_else(|| endpoint.clone()),
                scope: self.scope.clone(),
                ca_file: self.ca_file.clone(),
            }),
            (None, name) => {
                let parts = [
                    ("authority", self.authority.is_some()),
                    ("scope", self.scope.is_some()),
                    ("ca_file", self.ca_file.is_some()),
                ];
                if let Some((part, _)) = parts.iter().find(|(_, is_set)| *is_set) {
                    return Err(NotAsked::NoEndpoint(part));
                }
                Ok(match name {
                    None | Some(CloudName::Public) => CloudSettings::Public,
                    Some(CloudName::UsGovernment) => CloudSettings::UsGovernment,
                    Some(CloudName::China) => CloudSettings::China,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::super::Config;
    use super::NotAsked;

    const SUBSCRIPTION: &str = "5F130FFC-0a3e-4795-b691-4f56a12a5547";

    fn opened(lines: &str) -> Result<Option<String>, NotAsked> {
        let text = format!("[azure]\ncredential = {{ kind = \"managed-identity\" }}\n{lines}");
        let account = Config::parse(&text).unwrap().azure.unwrap();
        let azure = account.open()?;
        let subscription = azure.subscription.unwrap_or_default();
        Ok(Some(format!("{} {subscription}", azure.arm.cloud().endpoint())))
    }

    #[test]
    fn every_cloud_is_reached_by_its_name_or_its_address() {
        for (lines, wanted) in [
            ("", "https://management.azure.com/ ".to_owned()),
            ("cloud = \"public\"", "https://management.azure.com/ ".to_owned()),
            (
                "cloud = \"us-government\"",
                "https://management.usgovcloudapi.net/ ".to_owned(),
            ),
            (
                "cloud = \"china\"",
                "https://management.chinacloudapi.cn/ ".to_owned(),
            ),
            (
                "endpoint = \"https://127.0.0.1:8443\"",
                "https://127.0.0.1:8443/ ".to_owned(),
            ),
            (
                &format!("subscription = \"{SUBSCRIPTION}\""),
                format!("https://management.azure.com/ {}", SUBSCRIPTION.to_lowercase()),
            ),
        ] {
            assert_eq!(opened(lines).unwrap().unwrap(), wanted, "{lines}");
        }
    }

    #[test]
    fn half_a_cloud_and_two_clouds_are_refused() {
        let both = opened("cloud = \"china\"\nendpoint = \"https://127.0.0.1:1\"").unwrap_err();
        assert!(matches!(both, NotAsked::TwoClouds), "{both}");
        for part in ["authority", "scope", "ca_file"] {
            let error = opened(&format!("{part} = \"https://127.0.0.1:1\"")).unwrap_err();
            assert!(error.to_string().contains(&format!("azure.{part}")), "{error}");
        }
        let clear = opened("endpoint = \"http://arm.example.org\"").unwrap_err();
        let why = clear.source().unwrap().source().unwrap().to_string();
        assert!(why.contains("must be https"), "{why}");
        let missing = "endpoint = \"https://127.0.0.1:1\"\nca_file = \"/nowhere/ca.pem\"";
        assert!(matches!(opened(missing).unwrap_err(), NotAsked::Client(_)));
    }

    #[test]
    fn who_asks_must_be_said_and_be_whole() {
        for (text, wanted) in [
            ("[azure]\n", "missing field `credential`"),
            ("[azure]\ncredential = { kind = \"me\" }", "line 2"),
            (
                "[azure]\ncredential = { kind = \"client-secret\" }",
                "missing field",
            ),
            (
                "[azure]\ncredential = { kind = \"cli\", tennant = \"x\" }",
                "tennant",
            ),
            (
                "[azure]\nsubscription = \"shop\"\ncredential = { kind = \"cli\" }",
                "no id of a subscription",
            ),
            (
                "[azure]\ncloud = \"germany\"\ncredential = { kind = \"cli\" }",
                "unknown variant `germany`",
            ),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert!(error.contains(wanted), "{text:?}: {error}");
        }
        let secret = "[azure]\ncredential = { kind = \"client-secret\", tenant_id = \"t\", client_id = \"c\", secret_file = \"/nowhere/s\" }";
        let account = Config::parse(secret).unwrap().azure.unwrap();
        let error = account.open().unwrap_err();
        assert!(error.to_string().contains("/nowhere/s"), "{error}");
    }
}
