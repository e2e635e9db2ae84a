//! The client.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::bucket::{Counts, Limit};
use crate::cloud::{BadCloud, Cloud, CloudSettings};
use crate::credential::{Credential, CredentialSettings};
use crate::http::{Clients, SetUp};
use crate::retry::RetryPolicy;
use crate::throttle::Throttle;
use crate::token::{TokenSource, Tokens};
use crate::within::Within;

/// How Azure is reached, by configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Which cloud; the public one where absent.
    #[serde(default)]
    pub cloud: CloudSettings,
    /// Who asks.
    pub credential: CredentialSettings,
    /// The most requests under way at once.
    #[serde(default = "at_once")]
    pub at_once: usize,
}

impl Settings {
    /// The most requests under way at once, where nobody says otherwise.
    pub const AT_ONCE: usize = 32;
}

fn at_once() -> usize {
    Settings::AT_ONCE
}

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum NotMade {
    /// The cloud's settings.
    #[error("use this cloud")]
    Cloud(#[from] BadCloud),
    /// Certificates and connections.
    #[error("connect to this cloud")]
    SetUp(#[from] SetUp),
}

/// A client of Azure Resource Manager. Copies share token, limits and connections.
#[derive(Debug, Clone)]
pub struct Arm {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) cloud: Cloud,
    pub(crate) clients: Clients,
    pub(crate) tokens: Tokens,
    pub(crate) throttle: Throttle,
    pub(crate) retry: RetryPolicy,
    /// In bytes.
    pub(crate) longest_answer: usize,
    /// The most pages of one list.
    pub(crate) most_pages: usize,
}

/// The largest answer known, the service tags of the public cloud, is about a tenth of this.
const LONGEST_ANSWER: usize = 64 << 20;

/// A subscription's list has at most some hundred pages.
const MOST_PAGES: usize = 2000;

/// What can be set beside the settings of people: for tests, and for other sources of tokens.
#[derive(Debug)]
pub struct Build {
    cloud: Cloud,
    at_once: usize,
    limit: fn(Counts) -> Limit,
    retry: RetryPolicy,
    longest_answer: usize,
    most_pages: usize,
}

impl Build {
    /// A client of this cloud.
    pub fn new(cloud: Cloud) -> Self {
        Self {
            cloud,
            at_once: at_once(),
            limit: Counts::limit,
            retry: RetryPolicy::default(),
            longest_answer: LONGEST_ANSWER,
            most_pages: MOST_PAGES,
        }
    }

    /// The most requests under way at once.
    #[must_use]
    pub fn at_once(mut self, most: usize) -> Self {
        self.at_once = most;
        self
    }

    /// Other limits than Azure's published ones.
    #[must_use]
    pub fn limit(mut self, limit: fn(Counts) -> Limit) -> Self {
        self.limit = limit;
        self
    }

    /// How often calls are made again.
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// The most bytes of one answer.
    #[must_use]
    pub fn longest_answer(mut self, bytes: usize) -> Self {
        self.longest_answer = bytes;
        self
    }

    /// The most pages of one list.
    #[must_use]
    pub fn most_pages(mut self, pages: usize) -> Self {
        self.most_pages = pages;
        self
    }

    /// The client, with tokens from this credential.
    ///
    /// # Errors
    /// Where the cloud's certificates can't be read.
    pub fn with_credential(self, settings: CredentialSettings) -> Result<Arm, NotMade> {
        let clients = Clients::new(&self.cloud)?;
        let (http, direct) = (clients.http.clone(), clients.direct.clone());
        let credential = Credential::new(settings, self.cloud.clone(), http, direct);
        Ok(self.finish(clients, Box::new(credential)))
    }

    /// The client, with tokens from elsewhere.
    ///
    /// # Errors
    /// Where the cloud's certificates can't be read.
    pub fn with_tokens(self, source: Box<dyn TokenSource>) -> Result<Arm, NotMade> {
        let clients = Clients::new(&self.cloud)?;
        Ok(self.finish(clients, source))
    }

    fn finish(self, clients: Clients, source: Box<dyn TokenSource>) -> Arm {
        Arm {
            inner: Arc::new(Inner {
                cloud: self.cloud,
                clients,
                tokens: Tokens::new(source),
                throttle: Throttle::new(self.at_once, self.limit),
                retry: self.retry,
                longest_answer: self.longest_answer,
                most_pages: self.most_pages,
            }),
        }
    }
}

impl Arm {
    /// A client by configuration. Nothing is sent before the first call.
    ///
    /// # Errors
    /// Where the settings name no usable cloud.
    pub fn new(settings: &Settings) -> Result<Self, NotMade> {
        let cloud = Cloud::new(&settings.cloud)?;
        Build::new(cloud)
            .at_once(settings.at_once)
            .with_credential(settings.credential.clone())
    }

    /// The calls, each of which has this long: with its waits, retries, pages, and the whole of a long-running operation.
    ///
    /// A call that is dropped stops at once on this side. An operation that it had started goes on in Azure.
    pub fn within(&self, period: Duration) -> Within<'_> {
        Within::new(&self.inner, period)
    }

    /// The cloud.
    pub fn cloud(&self) -> &Cloud {
        &self.inner.cloud
    }
}
