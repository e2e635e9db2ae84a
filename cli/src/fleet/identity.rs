//! The own certificate of a context: used, renewed at half life, recovered when it ran out.

use std::fs::File;
use std::sync::Arc;

use anyhow::anyhow;
use futures_util::future::BoxFuture;
use netghost_client::{Dial as Dialled, DialError, EnrolError, Files, Identity, Key, Trust};
use netghost_proto::v1;
use tonic::transport::Channel;

use super::contexts::Context;
use super::{Dial, Place, client_over, refused};
use crate::error::Failure;

/// Dials the controller of a context.
#[derive(Debug)]
pub struct ContextDial {
    context: Context,
    now_us: fn() -> u64,
}

impl ContextDial {
    /// For this context; the clock says when a certificate is to be renewed.
    pub fn new(context: Context, now_us: fn() -> u64) -> Self {
        Self { context, now_us }
    }

    fn files(&self) -> Files {
        Files::new(&self.context.directory)
    }

    fn load(&self) -> Result<Identity, Failure> {
        let loaded = self
            .files()
            .load()
            .map_err(|error| Failure::failed("context", error))?;
        loaded.ok_or_else(|| {
            let error = anyhow!("context {} holds no certificate", self.context.name);
            Failure::failed("unauthenticated", error).hint("log in again")
        })
    }

    fn dialled(&self, identity: Option<Arc<Identity>>, authority: &[u8]) -> Result<Dialled, Failure> {
        let trust = Trust::Authority(authority.to_vec());
        let mut dial = Dialled::new(self.context.settings.address()?, trust);
        dial.identity = identity;
        dial.proxy = self.context.settings.proxy()?;
        Ok(dial)
    }

    async fn connect(&self) -> Result<Channel, Failure> {
        let mut identity = self.load()?;
        if (self.now_us)() >= identity.not_after_us {
            identity = self.recover().await?;
        }
        let (begin, end) = (identity.not_before_us, identity.not_after_us);
        let authority = identity.authority.clone();
        let dial = self.dialled(Some(Arc::new(identity)), &authority)?;
        let channel = dial.connect().await.map_err(unreachable)?;
        if (self.now_us)() >= begin + end.saturating_sub(begin) / 2 {
            // It still holds for a while: a controller that can't renew now is asked at the next use.
            drop(self.renew(channel.clone(), &authority).await);
        }
        Ok(channel)
    }

    /// One command at a time gets a new certificate; the lock goes with the file.
    fn lock(&self) -> Result<File, Failure> {
        File::open(&self.context.directory).map_err(|error| Failure::failed("context", error))
    }

    async fn renew(&self, channel: Channel, authority: &[u8]) -> Result<(), Failure> {
        let lock = self.lock()?;
        if lock.try_lock().is_err() {
            return Ok(());
        }
        let key = Key::generate().map_err(|error| Failure::failed("internal", error))?;
        let csr = key
            .request()
            .map_err(|error| Failure::failed("internal", error))?;
        let request = v1::RenewRequest { csr: csr.into() };
        let answer = client_over(channel).renew(request).await;
        let answer = answer.map_err(|status| refused(&status, &self.place()))?;
        let trust = Trust::Authority(authority.to_vec());
        let (identity, _) = netghost_client::renewed(answer.into_inner(), key, &trust)
            .map_err(|error| self.refused(error))?;
        self.save(&identity)
    }

    async fn recover(&self) -> Result<Identity, Failure> {
        let lock = self.lock()?;
        lock.lock().map_err(|error| Failure::failed("context", error))?;
        // Another command may have done it while this one waited.
        let old = self.load()?;
        if (self.now_us)() < old.not_after_us {
            return Ok(old);
        }
        let channel = self
            .dialled(None, &old.authority)?
            .connect()
            .await
            .map_err(unreachable)?;
        let key = Key::generate().map_err(|error| Failure::failed("internal", error))?;
        let (identity, _) = netghost_client::recover(channel, &old, key)
            .await
            .map_err(|error| self.refused(error).context("the certificate ran out"))?;
        self.save(&identity)?;
        Ok(identity)
    }

    fn save(&self, identity: &Identity) -> Result<(), Failure> {
        self.files()
            .save(identity)
            .map_err(|error| Failure::failed("context", error))
    }

    fn refused(&self, error: EnrolError) -> Failure {
        match error {
            EnrolError::Refused(status) => refused(&status, &self.place()),
            error => Failure::failed("unauthenticated", error).hint("log in again"),
        }
    }

    fn place(&self) -> Place {
        place(&self.context)
    }
}

impl Dial for ContextDial {
    fn dial(&mut self) -> BoxFuture<'_, Result<Channel, Failure>> {
        Box::pin(self.connect())
    }
}

/// The controller of a context.
pub fn place(context: &Context) -> Place {
    Place {
        name: context.name.to_string(),
        seen: context.directory.clone(),
        standalone: false,
    }
}

/// Why there is no connection, and what to do.
pub fn unreachable(error: DialError) -> Failure {
    let hint = match &error {
        DialError::Resolve { .. } => "check the controller's name, and that this machine's DNS knows it",
        DialError::Connect { .. } => "check that the controller runs, and that no firewall stands between",
        DialError::Proxy { .. } => "check the proxy, or log in without --proxy",
        DialError::Tls { .. } => {
            "check the address, and that this machine's clock is right; if the controller was set up anew, log in \
             with a new token"
        }
        DialError::Own(_) => "log in again",
        DialError::Http { .. } => "check that netghost-controller listens there, and not another program",
    };
    Failure::failed("unreachable", error).hint(hint)
}
