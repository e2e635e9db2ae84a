//! NICs, subnets, what was computed for them, and whom they let in elsewhere.

use netghost_core::azure::id::ResourceId;
use serde_json::{Value, json};

use super::{Scope, api, bare};
use crate::answer::Answer;
use crate::error::ArmError;
use crate::pages::Pages;
use crate::within::{Act, At, Within, object};

const NIC: &str = "Microsoft.Network/networkInterfaces";
const VNET: &str = "Microsoft.Network/virtualNetworks";

impl Within<'_> {
    /// A NIC, also one of a scale set. Needs `Microsoft.Network/networkInterfaces/read`.
    ///
    /// # Errors
    /// As [`ArmError`] says; so do all calls.
    pub async fn nic(self, nic: &ResourceId) -> Result<Answer, ArmError> {
        self.read(At::new(self.of_kind(nic, NIC)?, nic_api(nic))).await
    }

    /// The NICs of a scope; those of scale sets are not among them. Needs `Microsoft.Network/networkInterfaces/read`.
    pub async fn nics(self, scope: Scope<'_>) -> Result<Pages, ArmError> {
        self.list(At::new(&self.listed(scope, NIC)?, api::NETWORK)).await
    }

    /// The NICs of a scale set's instances. Needs
    /// `Microsoft.Compute/virtualMachineScaleSets/networkInterfaces/read`.
    pub async fn scale_set_nics(self, scale_set: &ResourceId) -> Result<Pages, ArmError> {
        let path = self.of_kind(scale_set, "Microsoft.Compute/virtualMachineScaleSets")?;
        self.list(At::new(
            &format!("{path}/networkInterfaces"),
            api::SCALE_SET_NETWORK,
        ))
        .await
    }

    /// The routes that Azure computed for a NIC of a running VM. Needs
    /// `Microsoft.Network/networkInterfaces/effectiveRouteTable/action`.
    pub async fn effective_routes(self, nic: &ResourceId) -> Result<Answer, ArmError> {
        self.computed(nic, "effectiveRouteTable").await
    }

    /// The security groups and rules that Azure computed for a NIC of a running VM. Needs
    /// `Microsoft.Network/networkInterfaces/effectiveNetworkSecurityGroups/action`.
    pub async fn effective_rules(self, nic: &ResourceId) -> Result<Answer, ArmError> {
        self.computed(nic, "effectiveNetworkSecurityGroups").await
    }

    async fn computed(&self, nic: &ResourceId, action: &str) -> Result<Answer, ArmError> {
        let path = format!("{}/{action}", self.of_kind(nic, NIC)?);
        let act = Act {
            reads: true,
            ..Act::default()
        };
        let answer = self.post(At::new(&path, nic_api(nic)), act).await?;
        self.result(&format!("POST {path}"), answer)
    }

    /// The result of an action that has one: an operation that ends without it has told nothing.
    pub(super) fn result(&self, call: &str, answer: Answer) -> Result<Answer, ArmError> {
        object(
            &crate::call::Call::new(call.to_owned(), std::time::Duration::ZERO),
            answer,
        )
    }

    /// A virtual network, with its subnets and peerings. Needs `Microsoft.Network/virtualNetworks/read`.
    pub async fn vnet(self, vnet: &ResourceId) -> Result<Answer, ArmError> {
        self.read(At::new(self.of_kind(vnet, VNET)?, api::NETWORK)).await
    }

    /// A subnet, with its service endpoints. Needs `Microsoft.Network/virtualNetworks/subnets/read`.
    pub async fn subnet(self, subnet: &ResourceId) -> Result<Answer, ArmError> {
        let path = self.of_kind(subnet, "Microsoft.Network/virtualNetworks/subnets")?;
        self.read(At::new(path, api::NETWORK)).await
    }

    /// The security admin rules of Virtual Network Manager in force for a virtual network. Needs
    /// `Microsoft.Network/virtualNetworks/listNetworkManagerEffectiveSecurityAdminRules/action`.
    pub async fn admin_rules(self, vnet: &ResourceId) -> Result<Pages, ArmError> {
        let path = self.of_kind(vnet, VNET)?;
        let path = format!("{path}/listNetworkManagerEffectiveSecurityAdminRules");
        let ask =
            |token: Option<&str>| token.map_or_else(|| json!({}), |token| json!({ "skipToken": token }));
        self.list_by_token(
            At::new(&path, api::NETWORK),
            Pages::new("value"),
            "skipToken",
            ask,
        )
        .await
    }

    /// The service tags with their prefixes, as Azure publishes them for a location. Needs
    /// `Microsoft.Network/*/read`.
    pub async fn service_tags(self, subscription: &str, location: &str) -> Result<Answer, ArmError> {
        let location = self.part("location", location)?;
        let kind = format!("Microsoft.Network/locations/{location}/serviceTags");
        self.read(At::new(
            &self.listed(Scope::Subscription(subscription), &kind)?,
            api::NETWORK,
        ))
        .await
    }

    /// A storage account: its network rules stand in `properties.networkAcls`. Needs
    /// `Microsoft.Storage/storageAccounts/read`.
    pub async fn storage_account(self, account: &ResourceId) -> Result<Answer, ArmError> {
        let path = self.of_kind(account, "Microsoft.Storage/storageAccounts")?;
        self.read(At::new(path, api::STORAGE)).await
    }

    /// The public addresses of a scope; those of scale sets' instances are not among them. Needs
    /// `Microsoft.Network/publicIPAddresses/read`.
    pub async fn public_addresses(self, scope: Scope<'_>) -> Result<Pages, ArmError> {
        self.list(At::new(
            &self.listed(scope, "Microsoft.Network/publicIPAddresses")?,
            api::NETWORK,
        ))
        .await
    }

    /// The storage accounts of a scope. Needs `Microsoft.Storage/storageAccounts/read`.
    pub async fn storage_accounts(self, scope: Scope<'_>) -> Result<Pages, ArmError> {
        self.list(At::new(
            &self.listed(scope, "Microsoft.Storage/storageAccounts")?,
            api::STORAGE,
        ))
        .await
    }

    /// The network watchers of a scope. Needs `Microsoft.Network/networkWatchers/read`.
    pub async fn network_watchers(self, scope: Scope<'_>) -> Result<Pages, ArmError> {
        self.list(At::new(
            &self.listed(scope, "Microsoft.Network/networkWatchers")?,
            api::NETWORK,
        ))
        .await
    }

    /// Any resource, in a version that the caller names. Needs the read action of its type.
    pub async fn resource(self, id: &ResourceId, api_version: &str) -> Result<Answer, ArmError> {
        self.read(At::new(id.as_str(), api_version)).await
    }

    /// Asks Resource Graph. `subscriptions` may be empty: then all that the login can see are asked. Needs the read action of
    /// what is to be found: what may not be read is left out without a word.
    pub async fn graph(self, subscriptions: &[&str], query: &str) -> Result<Pages, ArmError> {
        for subscription in subscriptions {
            self.part("subscription", subscription)?;
        }
        let ask = |token: Option<&str>| {
            let mut options = json!({ "resultFormat": "objectArray", "$top": 1000 });
            if let (Some(token), Value::Object(options)) = (token, &mut options) {
                options.insert("$skipToken".to_owned(), json!(token));
            }
            let mut body = json!({ "query": query, "options": options });
            if let (false, Value::Object(body)) = (subscriptions.is_empty(), &mut body) {
                body.insert("subscriptions".to_owned(), json!(subscriptions));
            }
            body
        };
        let path = "/providers/Microsoft.ResourceGraph/resources";
        let pages = self
            .list_by_token(At::new(path, api::GRAPH), Pages::new("data"), "$skipToken", ask)
            .await?;
        self.whole(path, pages)
    }

    /// Resource Graph cuts an answer off and says so; without a token there is no way to the rest.
    fn whole(&self, path: &str, pages: Pages) -> Result<Pages, ArmError> {
        let cut = pages
            .answers()
            .last()
            .and_then(|page| page.json.get("resultTruncated"));
        let cut = cut.is_some_and(|cut| {
            cut == &json!(true) || cut.as_str().is_some_and(|cut| cut.eq_ignore_ascii_case("true"))
        });
        if cut {
            let why =
                "the result is cut off, and names no token for the rest: the query needs an order by id";
            return Err(ArmError::new(
                &format!("POST {path}"),
                crate::error::Kind::Malformed,
                why,
            ));
        }
        Ok(pages)
    }

    /// What the login may do at a scope: `/subscriptions/ID`, a group's or a resource's id.
    pub async fn permissions(self, scope: &str) -> Result<Pages, ArmError> {
        let parts = scope.strip_prefix('/').unwrap_or_default();
        for part in parts.split('/') {
            self.part("scope", part)?;
        }
        let path = format!("/{parts}/providers/Microsoft.Authorization/permissions");
        self.list(At::new(&path, api::AUTHORIZATION)).await
    }

    /// Deletes a resource of this type.
    pub(super) async fn remove(
        &self,
        id: &ResourceId,
        kind: &str,
        etag: Option<&str>,
    ) -> Result<Answer, ArmError> {
        self.delete(At::new(self.of_kind(id, kind)?, api::NETWORK), bare(etag))
            .await
    }
}

fn nic_api(nic: &ResourceId) -> &'static str {
    match nic.after("virtualMachineScaleSets") {
        Some(_) => api::SCALE_SET_NETWORK,
        None => api::NETWORK,
    }
}
