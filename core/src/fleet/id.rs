//! Ids of agents, users and jobs.

use serde::{Deserialize, Serialize};

use crate::artifact::json::Digest;
use crate::artifact::name::Name;
use crate::azure::id::ResourceId;

/// A UUID (RFC 9562), drawn at random by whoever makes the thing; in JSON and on paper lower-case with dashes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(uuid::Uuid);

/// A text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a UUID in lower case with dashes")]
pub struct NotAnId(String);

impl Id {
    /// The id made from 16 random bytes, which the caller draws (RFC 9562 §5.4, version 4).
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// The id of a resource as the target of a job: always the same (RFC 9562 §5.8, version 8).
    pub fn of_resource(resource: &ResourceId) -> Self {
        Self::of_digest(&resource_digest(resource))
    }

    /// The id of a host without an agent that is read by ssh, by its destination.
    pub fn of_ssh_host(destination: &str) -> Self {
        Self::of_digest(&ssh_digest(destination))
    }

    /// The id of what stands as a target of a job since it is not known: something that could not be listed or found.
    pub fn of_gap(what: &str) -> Self {
        Self::of_digest(&gap_digest(what))
    }

    fn of_digest(digest: &Digest) -> Self {
        let mut bytes = [0; 16];
        bytes
            .iter_mut()
            .zip(digest.as_bytes())
            .for_each(|(to, from)| *to = *from);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// Parses the one spelling: lower case, with dashes.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        uuid::Uuid::try_parse(text)
            .ok()
            .filter(|id| id.hyphenated().to_string() == text)
            .map(Self)
            .ok_or_else(|| NotAnId(text.chars().take(64).collect()))
    }
}

/// The name of a resource as the target of a job. People see the resource id.
pub fn resource_name(resource: &ResourceId) -> Name {
    Name::of(resource.name(), &resource_digest(resource))
}

/// The name of a host without an agent that is read by ssh, by its destination.
pub fn ssh_host_name(destination: &str) -> Name {
    Name::of(destination, &ssh_digest(destination))
}

/// The name of what stands as a target of a job since it is not known.
pub fn gap_name(what: &str) -> Name {
    Name::of(what, &gap_digest(what))
}

fn gap_digest(what: &str) -> Digest {
    Digest::of(format!("netghost gap\n{what}").as_bytes())
}

fn resource_digest(resource: &ResourceId) -> Digest {
    Digest::of(format!("netghost resource\n{}", resource.key()).as_bytes())
}

fn ssh_digest(destination: &str) -> Digest {
    Digest::of(format!("netghost ssh host\n{destination}").as_bytes())
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl std::fmt::Debug for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Id, resource_name, ssh_host_name};

    #[test]
    fn a_resource_has_one_id_however_it_is_spelled() {
        let nic = "/subscriptions/s/resourceGroups/G/providers/Microsoft.Network/networkInterfaces/Web-nic";
        let (one, other) = (nic.parse().unwrap(), nic.to_lowercase().parse().unwrap());
        assert_eq!(Id::of_resource(&one), Id::of_resource(&other));
        let id = Id::of_resource(&one).to_string();
        assert_eq!(id, "99a6d761-c1a1-81ca-a5c9-d832e77667cf");
        assert_eq!(Id::parse(&id), Ok(Id::of_resource(&one)));
        assert_eq!(resource_name(&one).as_str(), "Web-nic.99a6d761c1a1");
        assert_ne!(Id::of_ssh_host("ada@web"), Id::of_ssh_host("ada@Web"));
        assert!(ssh_host_name("ada@web").as_str().starts_with("ada-web."));
    }

    #[test]
    fn an_id_has_one_spelling() {
        let id = Id::from_random([7; 16]);
        assert_eq!(id.to_string(), "07070707-0707-4707-8707-070707070707");
        assert_eq!(Id::parse(&id.to_string()), Ok(id));
        for other in [
            "",
            "07070707070747078707070707070707",
            "0707070A-0707-4707-8707-070707070707",
            "{07070707-0707-4707-8707-070707070707}",
            "urn:uuid:07070707-0707-4707-8707-070707070707",
        ] {
            assert!(Id::parse(other).is_err(), "{other}");
        }
    }
}
