//! Whether every word of a line has an effect: one that has none is refused with the reason, since whoever wrote it meant something.

use anyhow::anyhow;
use netghost_core::azure::selector as azure;
use netghost_core::fleet::Selector;
use netghost_core::job::{Layer, Via};

use super::super::Place;
use super::{Doing, Selected, Targets, ViaName};
use crate::error::Failure;

fn unheard(why: impl Into<String>, hint: &'static str) -> Failure {
    Failure::usage("wrong_use", anyhow!(why.into())).hint(hint)
}

/// True where the hosts among the targets are certain to be left out.
fn no_host(selector: &Selector, layers: &[Layer], doing: Doing) -> bool {
    let azure_alone = selector.names.is_empty() && selector.tags.is_empty() && !selector.all;
    match layers {
        // A comparison with something in Azure alone, whatever the baseline holds.
        [] => doing == Doing::Comparing && azure_alone && !selector.azure.is_empty(),
        layers => !layers.contains(&Layer::Host),
    }
}

impl Targets {
    /// Refuses what says by which way hosts are read where none is, and a subscription that nothing here lies in.
    pub(super) fn heard(&self, place: &Place, doing: Doing, selected: &Selected) -> Result<(), Failure> {
        let hosts_are_out = no_host(&selected.selector, &selected.layers, doing);
        if hosts_are_out && selected.via != Via::Auto {
            return Err(unheard(
                format!("`--via {}` says how hosts are read, and none is", selected.via),
                "leave it out, or add host to `--layers`",
            ));
        }
        if let (true, Some(option)) = (hosts_are_out, self.said()) {
            return Err(unheard(
                format!("`{option}` is for hosts that are read by ssh, and no host is read"),
                "leave it out, or add host to `--layers`",
            ));
        }
        match self.account.subscription() {
            Some(subscription) if !place.standalone => self.lies_in(subscription, &selected.selector),
            _ => Ok(()),
        }
    }

    /// Refuses options for ssh where nobody is named whom it would reach.
    pub(in crate::fleet) fn ssh_is_heard(&self) -> Result<(), Failure> {
        match self.said() {
            Some(option) if !self.vm.iter().any(|word| self.by_ssh(word)) => Err(unheard(
                format!("`{option}` is for hosts that are read by ssh, and none is named"),
                "name it by `--vm USER@HOST`, or leave the option out",
            )),
            _ => Ok(()),
        }
    }

    /// Refuses what says which Azure, or who asks, where there is no controller and nothing of Azure is asked for.
    pub fn account_is_heard(&self, place: &Place, doing: Doing, selected: &Selected) -> Result<(), Failure> {
        let subscription = self.account.subscription().map(|_| "--subscription");
        let Some(option) = self.account.said().or(subscription) else {
            return Ok(());
        };
        let by_azure = |word: &String| selected.via == Via::Auto && !self.by_ssh(word);
        let layer = match selected.layers.as_slice() {
            [] => doing == Doing::Comparing,
            layers => layers.contains(&Layer::Azure),
        };
        let asked = layer
            || !selected.selector.azure.is_empty()
            || selected.via == Via::RunCommand
            || self.vm.iter().any(by_azure);
        if asked || !place.standalone {
            return Ok(());
        }
        Err(unheard(
            format!("`{option}` says how Azure is asked, and nothing of it is asked for"),
            "add `--layers azure` or `--layers host,azure`, or leave the option out",
        ))
    }

    /// A word that names a host as ssh reaches it.
    pub(super) fn by_ssh(&self, word: &str) -> bool {
        match self.via {
            ViaName::Ssh => true,
            ViaName::Auto => word.contains('@'),
            ViaName::Agent | ViaName::RunCommand => false,
        }
    }

    /// With a controller: the subscription completes a name, or whatever names its own lies in it.
    fn lies_in(&self, subscription: &str, selector: &Selector) -> Result<(), Failure> {
        if selector.members {
            return Err(unheard(
                "`--subscription` has no effect: the members of the baseline are compared, in whatever subscription they are",
                "leave it out, or say by `--group`, `--nic` or `--all` who else is meant",
            ));
        }
        if self.all {
            return Err(unheard(
                "`--all` means what the controller knows, and in Azure its own subscription, not what `--subscription` names",
                "leave out `--all`: `--subscription` alone means everything in it",
            ));
        }
        let words = selector.azure.iter().chain(&selector.names);
        let words: Vec<azure::Selector> = words.filter_map(|word| word.parse().ok()).collect();
        let mut own: Vec<&str> = words.iter().filter_map(azure::Selector::subscription).collect();
        own.dedup();
        if own.is_empty() {
            return Err(unheard(
                "`--subscription` has no effect: agents are selected by their own names and tags, in whatever subscription they are",
                "leave it out; without any other selection it means everything in the subscription",
            ));
        }
        if own.iter().any(|own| own.eq_ignore_ascii_case(subscription)) {
            return Ok(());
        }
        Err(unheard(
            format!(
                "`--subscription` has no effect: what is named by its id lies in {}",
                own.join(", ")
            ),
            "leave it out",
        ))
    }
}
