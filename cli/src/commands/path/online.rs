//! The two ends, found and read in Azure by your own login.

use std::net::IpAddr;
use std::time::Instant;

use anyhow::anyhow;
use netghost_azure::{DiscoverError, Missing, NicReader, Reading};
use netghost_core::azure::id::ResourceId;
use netghost_core::azure::inventory;
use netghost_core::azure::path::{self as azure, End};
use netghost_core::azure::route::Hop;
use netghost_core::azure::selector::Selector;
use netghost_core::azure::tags::public;
use netghost_core::snapshot::Snapshot;
use tokio::sync::OnceCell;

use super::address::{Neighbours, of_name, vnets};
use super::choose::{Chosen, addresses, ambiguous, choose, has, is};
use super::end::{Found, Kind, Known, Word};
use super::{Path, Read};
use crate::commands::azure::{Account, PERIOD, ask, of_discovery};
use crate::error::Failure;
use crate::output::Format;
use crate::world::tool;

/// What Azure says a word means.
enum Draft {
    /// The interfaces of a VM, or one.
    Nics {
        nics: Vec<inventory::Nic>,
        missing: Vec<Missing>,
    },
    /// Addresses.
    Addresses(Vec<IpAddr>),
    /// Nothing that is looked for.
    Done(Box<Found>),
}

/// Which interface, or what else, an end is.
enum Pick {
    Nic {
        id: ResourceId,
        vnets: Vec<ResourceId>,
        seen: Option<IpAddr>,
    },
    Done(Box<Found>),
}

struct Asking<'a> {
    args: &'a Path,
    account: &'a Account,
    until: Instant,
    neighbours: OnceCell<Result<Neighbours<'a>, String>>,
}

/// Asks Azure.
pub(super) fn read(args: &Path, words: [Word; 2], format: Format) -> Result<Read, Failure> {
    let account = args.account.open()?;
    let now = Instant::now();
    let asking = Asking {
        args,
        account: &account,
        until: now.checked_add(args.deadline).unwrap_or(now),
        neighbours: OnceCell::new(),
    };
    ask(format, "about the two ends", asking.read(words))?
}

impl Asking<'_> {
    fn period(&self) -> std::time::Duration {
        self.until.saturating_duration_since(Instant::now()).min(PERIOD)
    }

    async fn read(&self, words: [Word; 2]) -> Result<Read, Failure> {
        let [one, other] = &words;
        let (one, other) = tokio::join!(self.look(one), self.look(other));
        let drafts = [one?, other?];
        self.asked_exist(&drafts)?;
        let v4 = self.family(&words, &drafts)?;
        let mut notes = Vec::new();
        let picks = self.picks(&words, drafts, v4, &mut notes).await?;
        let ends = self.take(&words, picks, v4).await;
        let appliances = match self.appliances(&ends).await {
            Ok(found) => found,
            Err(why) => {
                notes.push(why);
                Vec::new()
            }
        };
        Ok(Read {
            ends,
            appliances,
            notes,
        })
    }

    async fn look(&self, word: &Word) -> Result<Draft, Failure> {
        let selector = match word {
            Word::Azure(selector) => selector,
            Word::Address(address) => return Ok(Draft::Addresses(vec![*address])),
            Word::Internet => return Ok(Draft::Done(Box::new(Found::internet(word)))),
            Word::Storage(account) => return Ok(Draft::Done(Box::new(Found::storage(word, account)))),
            Word::File(_) => {
                return Ok(Draft::Done(Box::new(Found::unread(
                    word.clone(),
                    "Azure was asked",
                ))));
            }
        };
        let subscription = self.account.subscription.as_deref();
        let error = match self
            .account
            .arm
            .discover(selector, subscription, self.period())
            .await
        {
            Ok(found) => {
                return Ok(Draft::Nics {
                    nics: found.nics,
                    missing: found.missing,
                });
            }
            Err(error) => error,
        };
        // A name with a dot may be one in DNS.
        let nowhere = matches!(
            error,
            DiscoverError::NoSuch { .. } | DiscoverError::WhichSubscription(_)
        );
        match selector {
            Selector::Named(name) if nowhere && name.contains('.') => match of_name(name).await {
                Ok(addresses) if !addresses.is_empty() => Ok(Draft::Addresses(addresses)),
                Ok(_) => Err(of_discovery(error)),
                Err(why) => {
                    Err(of_discovery(error).context(format!("{name} is no name in DNS either ({why})")))
                }
            },
            _ => Err(of_discovery(error)),
        }
    }

    /// Each `--nic` must be of one of the ends: else something else than was meant would be answered.
    fn asked_exist(&self, drafts: &[Draft; 2]) -> Result<(), Failure> {
        let all = || {
            drafts.iter().flat_map(|draft| match draft {
                Draft::Nics { nics, .. } => nics.as_slice(),
                Draft::Addresses(_) | Draft::Done(_) => &[],
            })
        };
        for word in &self.args.nic {
            if !all().any(|nic| is(&nic.id, word)) {
                let there: Vec<&str> = all().map(|nic| nic.id.as_str()).collect();
                let error = anyhow!(
                    "neither end has a network interface {word}; there are: {}",
                    there.join(", ")
                );
                return Err(Failure::usage("no_such_nic", error));
            }
        }
        Ok(())
    }

    /// Whether the flow is of IPv4: as asked for, else what both ends have, IPv4 first.
    fn family(&self, words: &[Word; 2], drafts: &[Draft; 2]) -> Result<bool, Failure> {
        let given = [self.args.source_address, self.args.destination_address];
        let fits = |v4: bool| {
            drafts
                .iter()
                .zip(given)
                .all(|(draft, given)| match (draft, given) {
                    (_, Some(address)) => address.is_ipv4() == v4,
                    (Draft::Nics { nics, .. }, None) => {
                        nics.is_empty() || nics.iter().any(|nic| has(nic, v4))
                    }
                    (Draft::Addresses(all), None) => all.iter().any(|address| address.is_ipv4() == v4),
                    (Draft::Done(_), None) => true,
                })
        };
        let wanted: &[bool] = match (self.args.ipv4, self.args.ipv6) {
            (true, _) => &[true],
            (_, true) => &[false],
            _ => &[true, false],
        };
        wanted.iter().copied().find(|v4| fits(*v4)).ok_or_else(|| {
            let [source, destination] = words;
            let error =
                anyhow!("{source} and {destination} have no addresses of one family that is asked for");
            Failure::usage("no_address", error)
        })
    }

    async fn picks(
        &self,
        words: &[Word; 2],
        drafts: [Draft; 2],
        v4: bool,
        notes: &mut Vec<String>,
    ) -> Result<[Pick; 2], Failure> {
        let single = |draft: &Draft| match draft {
            Draft::Nics { nics, .. } => match nics.as_slice() {
                [one] => Some(one.clone()),
                _ => None,
            },
            Draft::Addresses(_) | Draft::Done(_) => None,
        };
        let [source, destination] = &drafts;
        let others = [single(destination), single(source)];
        let mut open: Vec<(usize, Vec<IpAddr>)> = Vec::new();
        let mut picks: [Option<Pick>; 2] = [None, None];
        for (at, (draft, slot)) in drafts.into_iter().zip(&mut picks).enumerate() {
            let (Some(word), Some(other)) = (words.get(at), others.get(at)) else {
                continue;
            };
            match draft {
                Draft::Nics { nics, missing } => {
                    let how = (self.args.nic.as_slice(), other.as_ref(), v4);
                    *slot = Some(self.nic(word, &nics, &missing, how, notes)?);
                }
                Draft::Addresses(all) => open.push((at, all)),
                Draft::Done(found) => *slot = Some(Pick::Done(found)),
            }
        }
        for (at, all) in open {
            let of_family: Vec<IpAddr> = all
                .into_iter()
                .filter(|address| address.is_ipv4() == v4)
                .collect();
            let Some(word) = words.get(at) else { continue };
            let found = self
                .address(word, &of_family, picks.get(1 - at).and_then(Option::as_ref))
                .await?;
            if let Some(slot) = picks.get_mut(at) {
                *slot = Some(found);
            }
        }
        let [one, other] = picks;
        one.zip(other)
            .map(|(one, other)| [one, other])
            .ok_or_else(|| Failure::failed("internal", anyhow!("an end was left out")))
    }

    fn nic(
        &self,
        word: &Word,
        nics: &[inventory::Nic],
        missing: &[Missing],
        how: (&[String], Option<&inventory::Nic>, bool),
        notes: &mut Vec<String>,
    ) -> Result<Pick, Failure> {
        let (_, _, v4) = how;
        match choose(&word.to_string(), nics, missing, how)? {
            Chosen::Nic(nic, why) => {
                notes.extend(why);
                Ok(Pick::Nic {
                    vnets: vnets(nic.subnets.iter().flatten()),
                    seen: addresses(&nic).find(|address| address.is_ipv4() == v4),
                    id: nic.id.clone(),
                })
            }
            Chosen::Unknown(why) => Ok(Pick::Done(Box::new(Found::unread(word.clone(), &why)))),
        }
    }

    /// What has the address: an interface that the other end can reach within virtual networks, else what is outside.
    async fn address(&self, word: &Word, all: &[IpAddr], other: Option<&Pick>) -> Result<Pick, Failure> {
        let address = match all {
            [one] => *one,
            _ => {
                let all: Vec<String> = all.iter().map(IpAddr::to_string).collect();
                let all: Vec<&str> = all.iter().map(String::as_str).collect();
                return Err(ambiguous(&word.to_string(), "addresses", &all).hint("ask for one of them"));
            }
        };
        let outside = || Ok(Pick::Done(Box::new(Found::outside(word, address))));
        if public().contains(address) {
            return outside();
        }
        let near = match other {
            Some(Pick::Nic { id, vnets, .. }) => {
                let Ok(all) = self.neighbours(Some(id.subscription())).await else {
                    return outside();
                };
                all.near(address, vnets).await
            }
            Some(Pick::Done(_)) | None => {
                let Ok(all) = self.neighbours(None).await else {
                    return outside();
                };
                all.of(address)
            }
        };
        match near.as_slice() {
            [] => outside(),
            [one] => Ok(Pick::Nic {
                id: one.id.clone(),
                vnets: vnets(one.subnet_id(address)),
                seen: Some(address),
            }),
            several => {
                let ids: Vec<&str> = several.iter().map(|nic| nic.id.as_str()).collect();
                let hint = "give the resource id of one of them instead of the address";
                Err(ambiguous(&word.to_string(), "network interfaces", &ids).hint(hint))
            }
        }
    }

    /// All interfaces of the subscription, listed once.
    async fn neighbours(&self, subscription: Option<&str>) -> Result<&Neighbours<'_>, String> {
        let list = self.neighbours.get_or_init(|| async {
            let subscription = subscription.or(self.account.subscription.as_deref());
            let subscription =
                subscription.ok_or("it is not known in which subscription the addresses are")?;
            Neighbours::list(&self.account.arm, subscription, self.period()).await
        });
        list.await.as_ref().map_err(Clone::clone)
    }

    /// Reads the interfaces, both at once and each once.
    async fn take(&self, words: &[Word; 2], picks: [Pick; 2], v4: bool) -> [Found; 2] {
        let mut ids: Vec<ResourceId> = picks
            .iter()
            .filter_map(|pick| match pick {
                Pick::Nic { id, .. } => Some(id.clone()),
                Pick::Done(_) => None,
            })
            .collect();
        ids.sort();
        ids.dedup();
        let left = self.until.saturating_duration_since(Instant::now());
        let reader = NicReader::new(self.account.arm.clone(), Reading::new(tool(), left));
        let mut read: Vec<(ResourceId, Snapshot)> = Vec::new();
        reader
            .read_all(&ids, |one| {
                read.extend(ids.get(one.index).map(|id| (id.clone(), one.snapshot)));
            })
            .await;
        let [source, destination] = picks;
        let [from, to] = words;
        let chosen = [self.args.source_address, self.args.destination_address];
        let one = |word: &Word, pick, chosen| match pick {
            Pick::Done(found) => *found,
            Pick::Nic { id, seen, .. } => {
                let snapshot = read
                    .iter()
                    .find(|(own, _)| *own == id)
                    .map(|(_, snapshot)| snapshot.clone());
                let snapshot = snapshot.unwrap_or_else(|| reader.unreadable(&id, "it was not read"));
                let said = match word {
                    Word::Azure(_) => chosen,
                    _ => seen,
                };
                Found::interface(word, snapshot, said, (seen, v4))
            }
        };
        let [first, second] = chosen;
        [one(from, source, first), one(to, destination, second)]
    }

    /// The interfaces of machines that routes lead to.
    async fn appliances(&self, ends: &[Found; 2]) -> Result<Vec<azure::Nic>, String> {
        let [source, destination] = ends;
        let mut hops: Vec<IpAddr> = hops(source, destination);
        hops.extend(self::hops(destination, source));
        hops.sort();
        hops.dedup();
        if hops.is_empty() {
            return Ok(Vec::new());
        }
        let of_ends = ends.iter().filter_map(|end| end.nic.as_ref());
        let all = self
            .neighbours(of_ends.map(ResourceId::subscription).next())
            .await?;
        let nics = ends.iter().filter_map(|end| match &end.known {
            Known::End(End::Nic(interface)) => interface.nic.captured(),
            _ => None,
        });
        let subnets = nics.flat_map(|nic| nic.configurations.iter().filter_map(|one| one.subnet.as_ref()));
        let vnets = vnets(subnets);
        let mut found: Vec<azure::Nic> = Vec::new();
        for hop in hops {
            found.extend(all.near(hop, &vnets).await.into_iter().cloned());
        }
        Ok(found)
    }
}

/// The machines that routes of one end to the other name.
fn hops(from: &Found, to: &Found) -> Vec<IpAddr> {
    let Known::End(End::Nic(interface)) = &from.known else {
        return Vec::new();
    };
    let Some(table) = interface.routes.captured() else {
        return Vec::new();
    };
    let leads = |prefix: netghost_core::azure::net::Net| match to.address() {
        Some(address) => prefix.contains(address),
        None => to.kind == Kind::Internet,
    };
    let routes = table
        .routes
        .iter()
        .filter(|route| route.hop() == Hop::Appliance && leads(route.prefix));
    routes
        .flat_map(|route| &route.properties.next_hop_ips)
        .filter_map(|hop| hop.parse().ok())
        .collect()
}
