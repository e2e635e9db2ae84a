//! What is meant on a command line: agents, VMs, and what of Azure; and which of their layers.

use anyhow::anyhow;
use netghost_controller::probe::{BySsh, Probe};
use netghost_core::artifact::name::Name;
use netghost_core::azure::selector as azure;
use netghost_core::fleet::{Selector, Tag};
use netghost_core::job::{Layer, Via};
use netghost_proto::v1;

use super::account::AccountArgs;
use super::{Place, Request};
use crate::error::Failure;

mod heard;

/// Which agents are meant.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Agents {
    /// These VMs, by name or id
    #[arg(long, num_args = 1.., value_name = "NAME")]
    vm: Vec<Name>,
    /// VMs that carry every one of these tags
    #[arg(long, num_args = 1.., value_name = "KEY=VALUE", value_parser = tag)]
    tag: Vec<Tag>,
    /// Every VM
    #[arg(long, conflicts_with_all = ["vm", "tag"])]
    all: bool,
}

/// Parses a tag.
pub fn tag(word: &str) -> Result<Tag, String> {
    Tag::parse(word).map_err(|error| format!("a tag is KEY=VALUE: {error}"))
}

impl Agents {
    /// What is selected; nothing is an error that says how to select.
    pub fn selector(&self) -> Result<Selector, Failure> {
        let selector = self.optional();
        if selector.is_empty() {
            return Err(nothing("add --vm NAME, --tag KEY=VALUE or --all"));
        }
        Ok(selector)
    }

    /// What is selected, maybe nothing.
    pub fn optional(&self) -> Selector {
        Selector {
            names: self.vm.iter().map(|name| name.as_str().to_owned()).collect(),
            tags: self.tag.clone(),
            all: self.all,
            ..Selector::default()
        }
    }
}

fn nothing(hint: &str) -> Failure {
    Failure::usage("no_target", anyhow!("nothing is selected")).hint(hint)
}

/// A layer, as the line names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum LayerName {
    /// What a VM's own kernel holds
    Host,
    /// What Azure computed and configured for its network interfaces
    Azure,
}

impl From<LayerName> for Layer {
    fn from(name: LayerName) -> Self {
        match name {
            LayerName::Host => Self::Host,
            LayerName::Azure => Self::Azure,
        }
    }
}

/// A way, as the line names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum ViaName {
    /// By its agent; where it has none by run-command, or by ssh if it is named as USER@HOST
    #[default]
    Auto,
    /// By its agent only
    Agent,
    /// By a fixed script that Azure runs in the VM
    RunCommand,
    /// By the same script over ssh; the VM is named as USER@HOST
    Ssh,
}

impl From<ViaName> for Via {
    fn from(name: ViaName) -> Self {
        match name {
            ViaName::Auto => Self::Auto,
            ViaName::Agent => Self::Agent,
            ViaName::RunCommand => Self::RunCommand,
            ViaName::Ssh => Self::Ssh,
        }
    }
}

/// How hosts are reached by ssh, where there is no controller that is configured for it.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SshArgs {
    /// With ssh, go by way of this host, whose key must be known too
    #[arg(long, value_name = "USER@HOST")]
    jump: Option<netghost_reach::ssh::Target>,
    /// With ssh, use this file in place of your ssh configuration
    #[arg(long, value_name = "FILE")]
    ssh_config: Option<std::path::PathBuf>,
}

/// What is meant, of which layers, and how Azure is asked where there is no controller.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Targets {
    /// These VMs: an agent's name or id, a VM's name, RESOURCE_GROUP/NAME, or its resource id
    #[arg(long, num_args = 1.., value_name = "VM")]
    vm: Vec<String>,
    /// VMs whose agents carry every one of these tags
    #[arg(long, num_args = 1.., value_name = "KEY=VALUE", value_parser = tag)]
    tag: Vec<Tag>,
    /// Every VM that has an agent; of the layer azure every network interface of the subscription as well
    #[arg(long, conflicts_with_all = ["vm", "tag"])]
    all: bool,
    /// These network interfaces, by resource id
    #[arg(long, num_args = 1.., value_name = "ID", help_heading = "Azure")]
    nic: Vec<String>,
    /// Every network interface in these virtual networks, by resource id
    #[arg(long, num_args = 1.., value_name = "ID", help_heading = "Azure")]
    vnet: Vec<String>,
    /// Everything in these resource groups, by name or resource id
    #[arg(long, num_args = 1.., value_name = "GROUP", help_heading = "Azure")]
    group: Vec<String>,
    /// Which layers; if nothing is said, a baseline reads the host (of what Azure alone knows: azure), and a comparison takes
    /// what the baseline holds
    #[arg(long, value_enum, value_delimiter = ',', num_args = 1.., value_name = "LAYER")]
    layers: Vec<LayerName>,
    /// By which way hosts are read; those without an agent need no more than the tools that are installed there
    #[arg(
        long,
        value_enum,
        value_name = "WAY",
        default_value_t,
        hide_default_value = true
    )]
    via: ViaName,
    /// How hosts are reached by ssh.
    #[command(flatten)]
    ssh: SshArgs,
    /// Which Azure, and who asks.
    #[command(flatten)]
    pub(super) account: AccountArgs,
    /// The subscription in which the controller looks for names, once it was asked; empty where it has none.
    #[arg(skip)]
    of_controller: std::sync::OnceLock<String>,
}

/// What is done with the targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// They are read.
    Reading,
    /// They are compared with a baseline, which says by itself what of them is to be read.
    Comparing,
}

/// What is selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// Whom and what.
    pub selector: Selector,
    /// Of which layers; none where nothing was said.
    pub layers: Vec<Layer>,
    /// By which way hosts are read.
    pub via: Via,
}

impl Selected {
    /// A request for it, with nothing else in it yet.
    pub fn request(&self) -> Request {
        Request {
            selector: Some(v1::Selector::from(&self.selector)),
            layers: self.words(),
            via: self.via_word(),
            ..Request::default()
        }
    }

    /// The way's word; empty where any will do.
    pub fn via_word(&self) -> String {
        match self.via {
            Via::Auto => String::new(),
            via => via.to_string(),
        }
    }

    /// The layers' words.
    pub fn words(&self) -> Vec<String> {
        self.layers.iter().map(ToString::to_string).collect()
    }
}

impl Targets {
    /// Nothing but how Azure is asked and hosts are reached.
    pub(super) fn of(account: &AccountArgs, ssh: &SshArgs) -> Self {
        Self {
            account: account.clone(),
            ssh: ssh.clone(),
            ..Self::default()
        }
    }

    /// True where Azure may have to be asked.
    pub(super) fn needs_azure(&self, doing: Doing) -> bool {
        // Who asks, and where, is never left unheard.
        if self.account.said().is_some() || self.account.subscription().is_some() {
            return true;
        }
        match doing {
            Doing::Comparing => {
                !self.layers.iter().all(|layer| *layer == LayerName::Host) || self.layers.is_empty()
            }
            Doing::Reading => {
                let vms = self.via == ViaName::Auto && self.vm.iter().any(|word| word.contains('/'));
                self.via == ViaName::RunCommand
                    || vms
                    || self.layers.contains(&LayerName::Azure)
                    || self.names_azure()
            }
        }
    }

    /// True where something of Azure is named, or the line or the environment says which subscription is meant.
    pub fn means_azure(&self) -> bool {
        let vm = |word: &String| matches!(word.parse(), Ok(azure::Selector::Vm(_)));
        self.names_azure() || self.vm.iter().any(vm) || self.account.known_subscription().is_some()
    }

    /// What is selected of a baseline that is there: where nobody and nothing is named, its members. A subscription alone then
    /// says only where Azure is asked without a controller.
    pub fn of_baseline(&self, place: &Place) -> Result<Selected, Failure> {
        let words = [&self.vm, &self.nic, &self.vnet, &self.group];
        let named = words.iter().any(|list| !list.is_empty()) || !self.tag.is_empty() || self.all;
        if named {
            return self.selected(place, Doing::Comparing);
        }
        let mut layers: Vec<Layer> = self.layers.iter().copied().map(Layer::from).collect();
        layers.sort();
        layers.dedup();
        let selected = Selected {
            selector: Selector {
                members: true,
                ..Selector::default()
            },
            layers,
            via: Via::from(self.via),
        };
        self.heard(place, Doing::Comparing, &selected)?;
        Ok(selected)
    }

    /// By which ways hosts without an agent are read where there is no controller: whoever names the host asks for it.
    pub(super) fn probe(&self) -> Result<Probe, Failure> {
        let wrong = |error: anyhow::Error| Failure::usage("wrong_use", error);
        let config = self.ssh.ssh_config.as_ref().map(std::path::absolute);
        let config = config.transpose().map_err(|error| wrong(error.into()))?;
        let by = BySsh {
            jump: self.ssh.jump.clone(),
            config,
        };
        if let Ok(host) = "localhost".parse() {
            by.to(host).map_err(|error| wrong(error.into()))?;
        }
        Ok(Probe {
            run_command: true,
            ssh: Some(by),
        })
    }

    /// What of this only a command without a controller may say.
    pub(super) fn said(&self) -> Option<&'static str> {
        let jump = self.ssh.jump.as_ref().map(|_| "--jump");
        jump.or_else(|| self.ssh.ssh_config.as_ref().map(|_| "--ssh-config"))
    }

    /// What is selected at this place. Where nothing is, it is this host if there is no controller; else an error that says how
    /// to select.
    pub fn selected(&self, place: &Place, doing: Doing) -> Result<Selected, Failure> {
        let selector = self.selector(place)?;
        let mut layers: Vec<Layer> = self.layers.iter().copied().map(Layer::from).collect();
        layers.sort();
        layers.dedup();
        let hosts = selector.all || !selector.names.is_empty() || !selector.tags.is_empty();
        if layers.is_empty() && doing == Doing::Reading && !hosts && !selector.is_empty() {
            layers.push(Layer::Azure);
        }
        let mut selected = Selected {
            selector,
            layers,
            via: Via::from(self.via),
        };
        if selected.selector.is_empty() {
            if !place.standalone || selected.layers.contains(&Layer::Azure) {
                return Err(nothing(
                    "add --vm, --tag or --all; of Azure also --nic, --vnet, --group or --subscription",
                ));
            }
            selected.selector.all = true;
        }
        self.heard(place, doing, &selected)?;
        Ok(selected)
    }

    fn names_azure(&self) -> bool {
        let lists = [&self.nic, &self.vnet, &self.group];
        lists.iter().any(|list| !list.is_empty()) || self.account.subscription().is_some()
    }

    fn selector(&self, place: &Place) -> Result<Selector, Failure> {
        let mut azure = Vec::new();
        for word in &self.nic {
            azure.push(checked("--nic", word, "a network interface", |word| {
                matches!(word, azure::Selector::Nic(_))
            })?);
        }
        for word in &self.vnet {
            azure.push(checked("--vnet", word, "a virtual network", |word| {
                matches!(word, azure::Selector::Vnet(_))
            })?);
        }
        for word in &self.group {
            azure.push(checked(
                "--group",
                &self.group_id(word, place)?,
                "a resource group",
                |word| matches!(word, azure::Selector::Group { .. }),
            )?);
        }
        let names: Result<Vec<String>, Failure> =
            self.vm.iter().map(|word| self.vm_word(word, place)).collect();
        let names = names?;
        let alone = names.is_empty() && self.tag.is_empty() && !self.all && azure.is_empty();
        if let (true, Some(subscription)) = (alone, self.account.subscription()) {
            let id = format!("/subscriptions/{subscription}");
            azure.push(checked("--subscription", &id, "a subscription", |word| {
                matches!(word, azure::Selector::Subscription(_))
            })?);
        }
        azure.sort();
        azure.dedup();
        Ok(Selector {
            names,
            tags: self.tag.clone(),
            all: self.all,
            azure,
            ..Selector::default()
        })
    }

    /// True where a group is given by its name, and the line does not say in which subscription.
    pub(super) fn wants_subscription(&self) -> bool {
        self.account.subscription().is_none() && self.group.iter().any(|word| !word.starts_with('/'))
    }

    /// Tells in which subscription the controller looks for names.
    pub(super) fn learn(&self, subscription: String) {
        // Whoever asks twice is told the same.
        drop(self.of_controller.set(subscription));
    }

    /// The id of a group that may be given by its name.
    fn group_id(&self, word: &str, place: &Place) -> Result<String, Failure> {
        if word.starts_with('/') {
            return Ok(word.to_owned());
        }
        let own = match place.standalone {
            true => self.account.own_subscription(),
            false => self.account.known_subscription(),
        };
        let learnt = self.of_controller.get().map(String::as_str);
        let known = which(self.account.subscription(), learnt, own.as_deref()).map_err(|(learnt, own)| {
            let error = anyhow!(
                "the group {word:?} may be in {learnt}, where the controller looks for names, or in {own}, which \
                 AZURE_SUBSCRIPTION_ID names"
            );
            Failure::usage("no_subscription", error).hint("say which by `--subscription ID`")
        })?;
        let Some(subscription) = known else {
            let error = anyhow!("it is not known in which subscription the group {word:?} is");
            return Err(Failure::usage("no_subscription", error).hint(match place.standalone {
                true => "give the group's resource id, or `--subscription ID`, or set AZURE_SUBSCRIPTION_ID, or choose one by `az account set`",
                false => "give the group's resource id, or `--subscription ID`, or name one in `[azure]` of the controller's configuration",
            }));
        };
        Ok(format!("/subscriptions/{subscription}/resourceGroups/{word}"))
    }

    /// A VM as it is asked for. Where the line names a subscription, a VM of a group is the one there.
    fn vm_word(&self, word: &str, place: &Place) -> Result<String, Failure> {
        if self.by_ssh(word) {
            let host: Result<netghost_reach::ssh::Target, _> = word.parse();
            return host
                .map(|_| word.to_owned())
                .map_err(|error| Failure::usage("wrong_use", error).hint("a host for ssh is USER@HOST"));
        }
        if Name::parse(word).is_ok() {
            if !place.standalone && self.account.subscription().is_some() {
                let error = anyhow!(
                    "{word:?} is looked for in the controller's own subscription, and `--subscription` names one"
                );
                return Err(
                    Failure::usage("wrong_use", error).hint("give RESOURCE_GROUP/NAME or the resource id")
                );
            }
            return Ok(word.to_owned());
        }
        match (word.parse(), self.account.subscription()) {
            (Ok(azure::Selector::InGroup { group, name }), Some(subscription)) => Ok(format!(
                "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{name}"
            )),
            (Ok(azure::Selector::Named(_) | azure::Selector::InGroup { .. } | azure::Selector::Vm(_)), _) => {
                Ok(word.to_owned())
            }
            _ => Err(wrong("--vm", word, "a VM")),
        }
    }
}

/// In which subscription a name is looked for: what the line says, else what the controller has, else what this machine has. Where
/// these two differ nobody knows, and both come back.
fn which<'a>(
    said: Option<&'a str>,
    controllers: Option<&'a str>,
    own: Option<&'a str>,
) -> Result<Option<&'a str>, (&'a str, &'a str)> {
    let controllers = controllers.filter(|id| !id.is_empty());
    match (said, controllers, own) {
        (None, Some(theirs), Some(own)) if !theirs.eq_ignore_ascii_case(own) => Err((theirs, own)),
        (said, theirs, own) => Ok(said.or(theirs).or(own)),
    }
}

/// A word in its one spelling, if it names what the option is for.
fn checked(
    option: &str,
    word: &str,
    what: &str,
    fits: impl Fn(&azure::Selector) -> bool,
) -> Result<String, Failure> {
    let parsed: Option<azure::Selector> = word.parse().ok();
    let fitting = parsed.filter(fits);
    fitting
        .map(|word| word.to_string())
        .ok_or_else(|| wrong(option, word, what))
}

fn wrong(option: &str, word: &str, what: &str) -> Failure {
    Failure::usage("wrong_use", anyhow!("{option} {word:?} is not {what}"))
        .hint("`netghost azure vms -o json` shows resource ids")
}

#[cfg(test)]
mod tests {
    use super::which;

    #[test]
    fn a_name_is_looked_for_where_nobody_disagrees() {
        assert_eq!(which(Some("a"), Some("b"), Some("c")), Ok(Some("a")));
        assert_eq!(which(None, Some("b"), None), Ok(Some("b")));
        assert_eq!(which(None, Some("B"), Some("b")), Ok(Some("B")));
        assert_eq!(which(None, Some(""), Some("c")), Ok(Some("c")));
        assert_eq!(which(None, None, Some("c")), Ok(Some("c")));
        assert_eq!(which(None, Some(""), None), Ok(None));
        assert_eq!(which(None, Some("b"), Some("c")), Err(("b", "c")));
    }
}
