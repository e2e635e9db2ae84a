//! A storage account and the addresses of its endpoint.

use netghost_azure::Scope;
use netghost_core::azure::path::Account;

use super::Asking;
use crate::commands::path::address::of_name;
use crate::commands::path::end::{Found, Word};

impl Asking<'_> {
    /// The account of this name; names of accounts are unique in all of Azure, but only one subscription is looked through.
    pub(super) async fn storage(&self, word: &Word, name: &str) -> Found {
        let not = |why: String| {
            Found::storage(
                word,
                format!("the network rules of the storage account {name} were not read: {why}"),
            )
        };
        let Some(subscription) = self.account.subscription.as_deref() else {
            return not("it is not known in which subscription it is".to_owned());
        };
        let scope = Scope::Subscription(subscription);
        let pages = match self
            .account
            .arm
            .within(self.period())
            .storage_accounts(scope)
            .await
        {
            Ok(pages) => pages,
            Err(error) => return not(error.to_string()),
        };
        let is = |item: &&serde_json::Value| {
            let id = item.get("id").and_then(serde_json::Value::as_str);
            let last = id.and_then(|id| id.rsplit('/').next());
            last.is_some_and(|last| last.eq_ignore_ascii_case(name))
        };
        let Some(body) = pages.items().find(is) else {
            return not(format!("it is not in the subscription {subscription}"));
        };
        let account = match Account::parse(body) {
            Ok(account) => account,
            Err(bad) => return not(bad.to_string()),
        };
        let addresses = match (self.args.destination_address, &account.blob_host) {
            (Some(address), _) => Ok(vec![address]),
            (None, Some(host)) => of_name(host).await.map_err(|why| {
                format!("the address of {host} is not known: {why}; `--destination-address` gives one")
            }),
            (None, None) => Err(
                "the account has no blobs, and which of its endpoints is meant is not known; \
                     `--destination-address` gives its address"
                    .to_owned(),
            ),
        };
        Found::stored(word, account, addresses)
    }
}
