//! Which Azure: where its Resource Manager and its login are, and for what a token is asked.

use std::path::PathBuf;

use reqwest::Url;
use serde::Deserialize;

/// The clouds by configuration: `name = "us-government"`, or `name = "custom"` with addresses.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CloudSettings {
    /// The public cloud.
    #[default]
    Public,
    /// Azure Government.
    UsGovernment,
    /// Azure in China, run by 21Vianet.
    China,
    /// Another one: Azure Stack, or a simulator.
    Custom {
        /// Where Resource Manager answers: `https://arm.example.org`.
        endpoint: String,
        /// Where tokens are issued: `https://login.example.org`.
        authority: String,
        /// What a token is asked for; `ENDPOINT/.default` where absent.
        scope: Option<String>,
        /// Certificates in PEM. Where given, they alone are trusted, for both addresses.
        ca_file: Option<PathBuf>,
    },
}

/// A cloud whose addresses were checked.
#[derive(Debug, Clone)]
pub struct Cloud {
    pub(crate) endpoint: Url,
    pub(crate) authority: Url,
    pub(crate) scope: String,
    pub(crate) ca_file: Option<PathBuf>,
}

/// Settings that name no usable cloud.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {value:?}: {why}")]
pub struct BadCloud {
    /// The setting.
    pub field: &'static str,
    /// What it says.
    pub value: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Cloud {
    /// Checks the settings.
    ///
    /// # Errors
    /// Where an address is no URL of a host alone, or would carry tokens in the clear over a network.
    pub fn new(settings: &CloudSettings) -> Result<Self, BadCloud> {
        let known = |endpoint: &str, authority: &str, audience: &str| {
            Self::at(endpoint, authority, Some(format!("{audience}/.default")), None)
        };
        match settings {
            CloudSettings::Public => known(
                "https://management.azure.com",
                "https://login.microsoftonline.com",
                "https://management.azure.com",
            ),
            CloudSettings::UsGovernment => known(
                "https://management.usgovcloudapi.net",
                "https://login.microsoftonline.us",
                "https://management.core.usgovcloudapi.net",
            ),
            CloudSettings::China => known(
                "https://management.chinacloudapi.cn",
                "https://login.chinacloudapi.cn",
                "https://management.core.chinacloudapi.cn",
            ),
            CloudSettings::Custom {
                endpoint,
                authority,
                scope,
                ca_file,
            } => Self::at(endpoint, authority, scope.clone(), ca_file.clone()),
        }
    }

    fn at(
        endpoint: &str,
        authority: &str,
        scope: Option<String>,
        ca_file: Option<PathBuf>,
    ) -> Result<Self, BadCloud> {
        let endpoint = address("endpoint", endpoint)?;
        let authority = address("authority", authority)?;
        let scope = scope.unwrap_or_else(|| format!("{}/.default", endpoint.as_str().trim_end_matches('/')));
        Ok(Self {
            endpoint,
            authority,
            scope,
            ca_file,
        })
    }

    /// Where Resource Manager answers.
    pub fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// True where the URL lies at Resource Manager's own scheme, host and port: a token is sent nowhere else.
    pub fn holds(&self, url: &Url) -> bool {
        url.origin() == self.endpoint.origin() && url.username().is_empty() && url.password().is_none()
    }
}

/// An address of a host alone, over TLS; without it only on this machine's loopback.
fn address(field: &'static str, value: &str) -> Result<Url, BadCloud> {
    let bad = |why| BadCloud {
        field,
        value: value.to_owned(),
        why,
    };
    let url = Url::parse(value).map_err(|_| bad("is no URL"))?;
    let bare = matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    match url.scheme() {
        _ if !bare || url.host_str().is_none() => Err(bad("must be a host and nothing behind it")),
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(bad("must be https, since tokens go there")),
    }
}

/// True for `127.0.0.0/8` and `::1`, written as addresses: a name could lead elsewhere.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom(endpoint: &str) -> Result<Cloud, BadCloud> {
        Cloud::new(&CloudSettings::Custom {
            endpoint: endpoint.to_owned(),
            authority: "https://localhost:1".to_owned(),
            scope: None,
            ca_file: None,
        })
    }

    #[test]
    fn every_known_cloud_keeps_its_tokens_to_itself() {
        for settings in [
            CloudSettings::Public,
            CloudSettings::UsGovernment,
            CloudSettings::China,
        ] {
            let cloud = Cloud::new(&settings).unwrap();
            assert_eq!(
                (cloud.endpoint.scheme(), cloud.authority.scheme()),
                ("https", "https")
            );
            assert!(
                cloud.scope.ends_with("/.default") && !cloud.scope.contains("//.default"),
                "{cloud:?}"
            );
        }
    }

    #[test]
    fn an_address_is_a_host_over_tls() {
        assert_eq!(
            custom("https://arm.example.org").unwrap().scope,
            "https://arm.example.org/.default"
        );
        for fine in [
            "https://arm.example.org:8443/",
            "http://127.0.0.1:80",
            "http://[::1]:80",
        ] {
            assert!(custom(fine).is_ok(), "{fine}");
        }
        for bad in [
            "",
            "arm.example.org",
            "http://arm.example.org",
            "http://localhost:80",
            "https://arm.example.org/path",
            "https://user@arm.example.org",
            "ftp://127.0.0.1",
            "https://arm.example.org?x",
        ] {
            assert!(custom(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn another_host_port_or_scheme_is_elsewhere() {
        let cloud = custom("https://arm.example.org").unwrap();
        let at = |url: &str| cloud.holds(&Url::parse(url).unwrap());
        assert!(at("https://arm.example.org/x?y") && at("https://ARM.example.org:443/x"));
        for other in [
            "http://arm.example.org/x",
            "https://arm.example.org:8443/x",
            "https://arm.example.org.evil.example/x",
            "https://evil.example/arm.example.org",
            "https://arm.example.org@evil.example/x",
            "https://a:b@arm.example.org/",
        ] {
            assert!(!at(other), "{other}");
        }
    }
}
