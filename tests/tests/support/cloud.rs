//! A subscription of the simulator's: two VMs, and the options by which a command asks it.

use std::net::Ipv4Addr;
use std::path::Path;

use netghost_lab::arm::sample::{self, Member};
use netghost_lab::arm::{Options, Simulator};
use serde_json::{Value, json};

/// The simulator, over TLS on the loopback address.
pub(crate) struct Cloud {
    pub(crate) arm: Simulator,
    pub(crate) subscription: String,
    tenant: String,
    secret: std::path::PathBuf,
}

impl Cloud {
    /// With the VMs `vm1` and `vm2` in the group `lab`; keeps what it needs in `place`.
    pub(crate) fn new(place: &Path) -> Self {
        let member = |number: u8| Member {
            name: format!("vm{number}"),
            address: Ipv4Addr::new(10, 77, 0, 3 + number),
            mac: format!("00-0D-3A-00-00-0{number}"),
            runs_in: None,
        };
        let mut state = sample::of(&[member(1), member(2)]);
        state.settings.effective_ms = 10;
        let (subscription, tenant) = (
            state.subscriptions.keys().next().unwrap().clone(),
            state.tenant.clone(),
        );
        std::fs::create_dir_all(place).unwrap();
        let arm = Simulator::start(state, &Options::new(place.join("tls"))).unwrap();
        Self {
            arm,
            subscription,
            tenant,
            secret: place.join("secret"),
        }
    }

    /// The options of a command that asks as the operator, who may do everything, or as the reader, in this subscription.
    pub(crate) fn account(&self, reader: bool) -> Vec<String> {
        let mut words = self.login(reader);
        words.extend(["--subscription".to_owned(), self.subscription.clone()]);
        words
    }

    /// The same without the subscription.
    pub(crate) fn login(&self, reader: bool) -> Vec<String> {
        let who = self.arm.state().principals[usize::from(reader)].clone();
        let secret = self.secret.with_extension(&who.client_id);
        std::fs::write(&secret, who.secret.unwrap()).unwrap();
        let words = [
            "--arm-endpoint",
            &self.arm.url(),
            "--arm-ca-file",
            &self.arm.ca().display().to_string(),
            "--credential",
            "client-secret",
            "--tenant",
            &self.tenant,
            "--client-id",
            &who.client_id,
            "--client-secret-file",
            &secret.display().to_string(),
        ];
        words.map(str::to_owned).to_vec()
    }

    /// The id of something in the group.
    pub(crate) fn id(&self, rest: &str) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/lab/providers/{rest}",
            self.subscription
        )
    }

    /// The id of something in `Microsoft.Network`.
    pub(crate) fn network(&self, rest: &str) -> String {
        self.id(&format!("Microsoft.Network/{rest}"))
    }

    /// The id of a VM.
    pub(crate) fn machine(&self, name: &str) -> String {
        self.id(&format!("Microsoft.Compute/virtualMachines/{name}"))
    }

    /// Changes an entry of a list of the state, as nobody's act.
    pub(crate) fn set(&self, list: &str, id: &str, change: &Value) {
        self.arm
            .patch(&json!({ list: { id.to_lowercase(): change } }))
            .unwrap();
    }
}
