//! The two ends, found and read in Azure by your own login.

use std::net::IpAddr;
use std::time::Instant;

use anyhow::anyhow;
use netghost_azure::{DiscoverError, Missing};
use netghost_controller::azure::Azure as Account;
use netghost_core::azure::id::ResourceId;
use netghost_core::azure::inventory;
use netghost_core::azure::path::Around;
use netghost_core::azure::selector::Selector;
use tokio::sync::OnceCell;

use super::address::{Neighbours, Publics, of_name};
use super::choose::{has, is};
use super::end::{Found, Word};
use super::{Path, Read};
use crate::commands::azure::{PERIOD, ask, of_discovery};
use crate::error::Failure;
use crate::output::Format;

mod pick;
mod storage;
mod take;

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
        /// The public address by which it was asked for, and the resource of that.
        public: Option<(IpAddr, ResourceId)>,
    },
    Done(Box<Found>),
}

struct Asking<'a> {
    args: &'a Path,
    account: &'a Account,
    until: Instant,
    neighbours: OnceCell<Result<Neighbours<'a>, String>>,
    publics: OnceCell<Publics>,
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
        publics: OnceCell::new(),
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
        let (networks, vnets) = self.networks(&ends).await;
        Ok(Read {
            ends,
            around: Around { appliances, networks },
            vnets,
            notes,
        })
    }

    async fn look(&self, word: &Word) -> Result<Draft, Failure> {
        let selector = match word {
            Word::Azure(selector) => selector,
            Word::Address(address) => return Ok(Draft::Addresses(vec![*address])),
            Word::Internet => return Ok(Draft::Done(Box::new(Found::internet(word)))),
            Word::Storage(name) => return Ok(Draft::Done(Box::new(self.storage(word, name).await))),
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

    /// The public addresses of these subscriptions and of the login's, listed once.
    async fn publics(&self, subscription: Option<&str>) -> &Publics {
        let list = self.publics.get_or_init(|| {
            let own = self.account.subscription.as_deref();
            let all = subscription.into_iter().chain(own).map(str::to_lowercase);
            Publics::list(&self.account.arm, all.collect(), self.period())
        });
        list.await
    }
}
