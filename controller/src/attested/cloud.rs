//! The clouds, and the names of their metadata services.

use serde::Deserialize;

/// One of Azure's clouds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cloud {
    /// The public one.
    #[default]
    Public,
    /// Azure Government.
    Government,
    /// Azure operated by 21Vianet.
    China,
    /// Azure Germany.
    Germany,
}

impl Cloud {
    /// Its word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Government => "government",
            Self::China => "china",
            Self::Germany => "germany",
        }
    }

    /// The name in the certificates that sign attested documents, or the end of it ("Signature Validation Guidance" of the
    /// metadata service's page).
    pub fn signer(self) -> &'static str {
        match self {
            Self::Public => "metadata.azure.com",
            Self::Government => "metadata.azure.us",
            Self::China => "metadata.azure.cn",
            Self::Germany => "metadata.microsoftazure.de",
        }
    }

    /// True for the signer's name itself and for names under it, in any case of letters.
    pub fn signs_as(self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        match name.strip_suffix(self.signer()) {
            Some("") => true,
            Some(under) => under.strip_suffix('.').is_some_and(|labels| !labels.is_empty()),
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cloud;

    #[test]
    fn only_the_name_itself_and_names_under_it_are_signers() {
        for name in [
            "metadata.azure.com",
            "westeurope.metadata.azure.com",
            "*.metadata.azure.com",
            "METADATA.Azure.com",
        ] {
            assert!(Cloud::Public.signs_as(name), "{name}");
        }
        for name in [
            "metadata.azure.com.evil.org",
            "evilmetadata.azure.com",
            ".metadata.azure.com",
            "metadata.azure.com.",
            "metadata.azure.us",
            "azure.com",
            "",
        ] {
            assert!(!Cloud::Public.signs_as(name), "{name}");
        }
        assert!(Cloud::Government.signs_as("usgovvirginia.metadata.azure.us"));
        assert!(Cloud::China.signs_as("metadata.azure.cn"));
        assert!(Cloud::Germany.signs_as("metadata.microsoftazure.de"));
    }
}
