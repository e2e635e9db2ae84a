//! Which interface, or what else, an end is.

use std::net::IpAddr;

use anyhow::anyhow;
use netghost_azure::Missing;
use netghost_core::azure::inventory;
use netghost_core::azure::tags::public;

use super::{Asking, Draft, Pick};
use crate::commands::path::address::{Whose, vnets};
use crate::commands::path::choose::{Chosen, addresses, ambiguous, choose};
use crate::commands::path::end::{Found, Word};
use crate::error::Failure;

impl Asking<'_> {
    /// Chooses: first among the interfaces of VMs, then what has an address that the other end can reach.
    pub(super) async fn picks(
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
                .address(
                    word,
                    &of_family,
                    picks.get(1 - at).and_then(Option::as_ref),
                    notes,
                )
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
                    public: None,
                })
            }
            Chosen::Unknown(why) => Ok(Pick::Done(Box::new(Found::unread(word.clone(), &why)))),
        }
    }

    /// What has the address: an interface that the other end can reach within virtual networks, else what is outside.
    async fn address(
        &self,
        word: &Word,
        all: &[IpAddr],
        other: Option<&Pick>,
        notes: &mut Vec<String>,
    ) -> Result<Pick, Failure> {
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
            return Ok(self.public(word, address, other, notes).await);
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
                public: None,
            }),
            several => {
                let ids: Vec<&str> = several.iter().map(|nic| nic.id.as_str()).collect();
                let hint = "give the resource id of one of them instead of the address";
                Err(ambiguous(&word.to_string(), "network interfaces", &ids).hint(hint))
            }
        }
    }

    /// What has the public address: an interface of these subscriptions, else what is on the Internet.
    async fn public(
        &self,
        word: &Word,
        address: IpAddr,
        other: Option<&Pick>,
        notes: &mut Vec<String>,
    ) -> Pick {
        let subscription = match other {
            Some(Pick::Nic { id, .. }) => Some(id.subscription()),
            Some(Pick::Done(_)) | None => None,
        };
        let outside = Found::outside(word, address);
        match self.publics(subscription).await.whose(address) {
            Whose::Nic(id, resource) => Pick::Nic {
                id,
                vnets: Vec::new(),
                seen: None,
                public: Some((address, resource)),
            },
            Whose::Unread(why) => Pick::Done(Box::new(outside.behind(why))),
            Whose::Nobody(note) => {
                notes.push(note);
                Pick::Done(Box::new(outside))
            }
        }
    }
}
