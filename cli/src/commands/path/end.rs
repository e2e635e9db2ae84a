//! An end of a flow: the word for it, and what was found.

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::anyhow;
use netghost_core::azure::id::ResourceId;
use netghost_core::azure::net::Net;
use netghost_core::azure::path::{Account, End, Interface, Layer, Place, Public, Unasked};
use netghost_core::azure::selector::Selector;
use netghost_core::section::SectionName;
use netghost_core::snapshot::Snapshot;

use super::address::Publics;
use crate::error::Failure;

/// The word for an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// A VM or a network interface; a bare name may be one in DNS.
    Azure(Selector),
    /// An address.
    Address(IpAddr),
    /// Any address of the Internet.
    Internet,
    /// A storage account.
    Storage(String),
    /// What a file holds.
    File(String),
}

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Azure(selector) => selector.fmt(f),
            Self::Address(address) => address.fmt(f),
            Self::Internet => f.write_str("internet"),
            Self::Storage(account) => write!(f, "storage:{account}"),
            Self::File(name) => f.write_str(name),
        }
    }
}

impl Word {
    pub(super) fn parse(word: &str) -> Result<Self, Failure> {
        let wrong = |why: String| Failure::usage("wrong_use", anyhow!(why));
        if word.eq_ignore_ascii_case("internet") {
            return Ok(Self::Internet);
        }
        if let Some(account) = word.strip_prefix("storage:") {
            let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            return if (3..=24).contains(&account.len()) && account.bytes().all(fine) {
                Ok(Self::Storage(account.to_owned()))
            } else {
                Err(wrong(format!(
                    "{account:?} is no name of a storage account: 3 to 24 small letters and digits"
                )))
            };
        }
        if let Ok(address) = word.parse() {
            return Ok(Self::Address(address));
        }
        if word.len() == 36 && uuid::Uuid::parse_str(word).is_ok() {
            let why = format!(
                "{word} is the id of an agent, which only its controller knows, and this command asks Azure itself"
            );
            return Err(wrong(why).hint("name the VM, or give its resource id"));
        }
        match word
            .parse::<Selector>()
            .map_err(|error| Failure::usage("wrong_use", error))?
        {
            selector @ (Selector::Named(_)
            | Selector::InGroup { .. }
            | Selector::Vm(_)
            | Selector::Nic(_)) => Ok(Self::Azure(selector)),
            other => Err(wrong(format!("{other} is no single VM or network interface"))),
        }
    }
}

/// What kind of end it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// A network interface, of a VM or of nothing.
    Nic,
    /// An address that is of no network interface that was found.
    Address,
    /// Any address of the Internet.
    Internet,
    /// A storage account.
    Storage,
    /// Not known: nothing was asked, or it could not be read.
    Unknown,
}

/// What is known of an end.
#[derive(Debug)]
pub(super) enum Known {
    /// An address.
    End(End),
    /// An interface by its public address.
    Public(Box<Public>),
    /// Any address of the Internet.
    Internet,
    /// A storage account, and the public addresses of its endpoint or why there are none.
    Storage(Box<Account>, Result<Vec<IpAddr>, String>),
    /// Nothing that a path could begin with.
    Nothing(Layer, Option<SectionName>, String),
}

/// An end as it was found.
#[derive(Debug)]
pub struct Found {
    pub(super) word: String,
    pub(super) kind: Kind,
    pub(super) vm: Option<ResourceId>,
    pub(super) nic: Option<ResourceId>,
    pub(super) known: Known,
    pub(super) snapshot: Option<Snapshot>,
    /// The public address that the interface has here, where that is known.
    pub(super) public: Option<IpAddr>,
    /// Why an address is, or may be, more than one on the Internet: what is behind it was not read.
    pub(super) behind: Option<String>,
}

impl Found {
    /// An end of which nothing was asked.
    pub(super) fn unread(word: Word, why: &str) -> Self {
        match word {
            Word::Address(address) => Self::outside(&word, address),
            Word::Internet => Self::internet(&word),
            Word::Storage(_) => Self::storage(&word, why.to_owned()),
            Word::Azure(_) | Word::File(_) => Self {
                word: word.to_string(),
                kind: Kind::Unknown,
                vm: None,
                nic: None,
                known: Known::Nothing(Layer::Nic, Some(SectionName::Nic), why.to_owned()),
                snapshot: None,
                public: None,
                behind: None,
            },
        }
    }

    /// The same, with something behind it that was not read.
    pub(super) fn behind(mut self, why: String) -> Self {
        self.behind = Some(why);
        self
    }

    /// The interface by the public address and the resource of that, where it was asked for so.
    pub(super) fn known_by(mut self, public: Option<(IpAddr, ResourceId)>) -> Self {
        let Some((address, resource)) = public else {
            return self;
        };
        let is = |id: &String| id.eq_ignore_ascii_case(resource.as_str());
        let nic = match &self.known {
            Known::End(End::Nic(interface)) => Some(interface),
            _ => None,
        };
        let own = nic.and_then(|interface| {
            let mut all = interface.nic.captured()?.configurations.iter();
            let own = all.find(|one| one.public.as_ref().is_some_and(is))?.address?;
            Some((interface.clone(), own))
        });
        self.known = if let Some((mut interface, own)) = own {
            interface.address = own;
            self.public = Some(address);
            Known::Public(Box::new(Public {
                address,
                interface: *interface,
            }))
        } else {
            let nic = self.nic.as_ref().map(ResourceId::as_str).unwrap_or_default();
            self.behind = Some(format!(
                "{address} is the address of {nic}, of which it was not read for which private address it stands"
            ));
            Known::End(End::Outside(address))
        };
        self
    }

    /// The same, with its own public address, where that is one of these.
    pub(super) fn with_public(mut self, all: &Publics) -> Self {
        if let Known::End(End::Nic(interface)) = &self.known {
            let nic = interface.nic.captured();
            let own = nic.and_then(|nic| nic.configuration(interface.address)?.public.as_deref());
            self.public = own.and_then(|id| all.address(id));
        }
        self
    }

    pub(super) fn outside(word: &Word, address: IpAddr) -> Self {
        Self::plain(word, Kind::Address, Known::End(End::Outside(address)))
    }

    pub(super) fn internet(word: &Word) -> Self {
        Self::plain(word, Kind::Internet, Known::Internet)
    }

    /// A storage account that was read.
    pub(super) fn stored(word: &Word, account: Account, addresses: Result<Vec<IpAddr>, String>) -> Self {
        Self::plain(word, Kind::Storage, Known::Storage(Box::new(account), addresses))
    }

    /// A storage account that was not read.
    pub(super) fn storage(word: &Word, why: String) -> Self {
        Self::plain(
            word,
            Kind::Storage,
            Known::Nothing(Layer::StorageRules, None, why),
        )
    }

    fn plain(word: &Word, kind: Kind, known: Known) -> Self {
        Self {
            word: word.to_string(),
            kind,
            vm: None,
            nic: None,
            known,
            snapshot: None,
            public: None,
            behind: None,
        }
    }

    /// A network interface that was read, where an address of it is known. `chosen`: the address that is meant, where that was
    /// said; `seen`: one that was seen before the reading.
    pub(super) fn interface(
        word: &Word,
        snapshot: Snapshot,
        chosen: Option<IpAddr>,
        (seen, ipv4): (Option<IpAddr>, bool),
    ) -> Self {
        let any = chosen.or(seen).unwrap_or(std::net::Ipv4Addr::UNSPECIFIED.into());
        let mut interface = Interface::of_snapshot(&snapshot, any);
        let nic = interface.nic.captured();
        let first = nic.and_then(|nic| nic.first(ipv4));
        let vm = nic
            .and_then(|nic| nic.machine.as_ref())
            .and_then(|id| id.parse().ok());
        let id = match &snapshot.target {
            netghost_core::snapshot::Target::Nic { id } => Some(id.clone()),
            _ => nic.map(|nic| nic.id.clone()),
        };
        let known = match chosen.or(first).or(seen) {
            Some(address) => {
                interface.address = address;
                Known::End(End::Nic(Box::new(interface)))
            }
            None => {
                let why = match &interface.nic {
                    netghost_core::azure::path::Read::Unread(why) => {
                        format!("its address is not known: {why}")
                    }
                    netghost_core::azure::path::Read::Captured(_) => {
                        "it has no address of this family".to_owned()
                    }
                };
                Known::Nothing(Layer::Nic, Some(SectionName::Nic), why)
            }
        };
        Self {
            word: word.to_string(),
            kind: Kind::Nic,
            vm,
            nic: id,
            known,
            snapshot: Some(snapshot),
            public: None,
            behind: None,
        }
    }

    /// True where there is, or may be, a guest with layers of its own.
    pub(super) fn is_machine(&self) -> bool {
        match (&self.kind, &self.known) {
            (_, Known::Public(_)) => true,
            _ if self.behind.is_some() => true,
            (Kind::Nic, Known::End(end)) => end
                .interface()
                .and_then(|interface| interface.nic.captured())
                .is_none_or(|nic| nic.private_endpoint.is_none()),
            (Kind::Nic | Kind::Unknown, _) => true,
            (Kind::Address | Kind::Internet | Kind::Storage, _) => false,
        }
    }

    /// The address that it has in this flow.
    pub(super) fn address(&self) -> Option<IpAddr> {
        match &self.known {
            Known::End(end) => Some(end.address()),
            Known::Public(public) => Some(public.address),
            Known::Storage(_, addresses) => addresses.as_ref().ok()?.first().copied(),
            Known::Internet | Known::Nothing(..) => None,
        }
    }

    /// What is not known of it.
    pub(super) fn lacks(&self, place: Place) -> Option<Unasked> {
        match &self.known {
            Known::Nothing(layer, section, why) => Some(Unasked {
                place,
                layer: *layer,
                section: *section,
                why: why.clone(),
            }),
            Known::End(_) | Known::Public(_) | Known::Internet | Known::Storage(..) => None,
        }
    }

    /// What service tags stand for.
    pub(super) fn learn(&mut self, tags: &BTreeMap<String, Vec<Net>>) {
        match &mut self.known {
            Known::End(End::Nic(interface)) => interface.tags.service.clone_from(tags),
            Known::Public(public) => public.interface.tags.service.clone_from(tags),
            Known::End(End::Outside(_)) | Known::Internet | Known::Storage(..) | Known::Nothing(..) => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests state what they expect by failing")]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_kind_of_end() {
        let group = "/subscriptions/s/resourceGroups/g/providers";
        assert_eq!(Word::parse("Internet").unwrap(), Word::Internet);
        assert_eq!(
            Word::parse("10.0.0.4").unwrap(),
            Word::Address("10.0.0.4".parse().unwrap())
        );
        assert_eq!(
            Word::parse("fd00::4").unwrap(),
            Word::Address("fd00::4".parse().unwrap())
        );
        assert_eq!(
            Word::parse("storage:logs1").unwrap(),
            Word::Storage("logs1".to_owned())
        );
        for azure in [
            "web-1",
            "shop/web-1",
            "web.example.org",
            &format!("{group}/Microsoft.Compute/virtualMachines/web"),
            &format!("{group}/Microsoft.Network/networkInterfaces/web"),
        ] {
            assert!(matches!(Word::parse(azure).unwrap(), Word::Azure(_)), "{azure}");
        }
        for bad in [
            "",
            "storage:",
            "storage:Logs",
            "storage:a/../b",
            "a b",
            "/subscriptions/s",
            group,
            &format!("{group}/Microsoft.Network/virtualNetworks/v"),
        ] {
            assert!(Word::parse(bad).is_err(), "{bad:?}");
        }
        let agent = Word::parse("5b1e7d3a-0000-4000-8000-000000000001").unwrap_err();
        assert!(agent.error.to_string().contains("agent"), "{}", agent.error);
    }
}
