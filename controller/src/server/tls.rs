//! How TLS is spoken: 1.3 only, without resumption, a client's certificate optional and of our authority where there is one.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use netghost_core::fleet::Id;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use super::Error;
use crate::Controller;
use crate::outside::Outside;
use crate::pki::{self, CLIENT_LIFETIME_US, Validity};

/// TLS as the controller speaks it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tls(Arc<ServerConfig>);

impl Tls {
    /// For a controller that is reached under these names.
    pub fn new(controller: Controller, id: Id, names: Vec<ServerName<'static>>) -> Result<Self, Error> {
        let refused = |error: rustls::Error| Error::Tls(error.into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clock = Arc::new(Clock(controller.outside));
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from(controller.ca.certificate().to_vec()))
            .map_err(refused)?;
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()
            .map_err(|error| Error::Tls(error.into()))?;
        let certificates = Arc::new(Certificates::new(controller, id, names)?);
        let mut config = ServerConfig::builder_with_details(provider, clock)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(refused)?
            .with_client_cert_verifier(clients)
            .with_cert_resolver(certificates);
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        Ok(Self(Arc::new(config)))
    }

    /// What takes connections.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.0))
    }
}

/// The store's clock, so that a certificate is in its period by the same clock that it was issued by.
#[derive(Debug)]
struct Clock(Outside);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_micros(self.0.now_us())))
    }
}

/// The server's certificate: issued anew by whichever handshake finds that half its life has passed.
#[derive(Debug)]
struct Certificates {
    controller: Controller,
    id: Id,
    names: Vec<ServerName<'static>>,
    current: ArcSwap<Current>,
}

#[derive(Debug)]
struct Current {
    key: Arc<CertifiedKey>,
    validity: Validity,
    renew_at_us: u64,
}

impl Certificates {
    fn new(controller: Controller, id: Id, names: Vec<ServerName<'static>>) -> Result<Self, pki::Error> {
        let current = Current::issue(&controller, id, &names)?;
        Ok(Self {
            controller,
            id,
            names,
            current: ArcSwap::from_pointee(current),
        })
    }

    fn current(&self) -> Arc<CertifiedKey> {
        let current = self.current.load();
        let now_us = self.controller.outside.now_us();
        if (current.validity.not_before_us..current.renew_at_us).contains(&now_us) {
            return Arc::clone(&current.key);
        }
        match Current::issue(&self.controller, self.id, &self.names) {
            Ok(new) => {
                let key = Arc::clone(&new.key);
                self.current.store(Arc::new(new));
                key
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "the server's certificate could not be issued anew");
                Arc::clone(&current.key)
            }
        }
    }
}

impl Current {
    fn issue(controller: &Controller, id: Id, names: &[ServerName<'static>]) -> Result<Self, pki::Error> {
        let now_us = controller.outside.now_us();
        let validity = Validity::starting(now_us, CLIENT_LIFETIME_US);
        let key = controller
            .ca
            .issue_server(id, names, validity, &controller.outside)?;
        Ok(Self {
            key: Arc::new(key),
            validity,
            renew_at_us: now_us.saturating_add(CLIENT_LIFETIME_US / 2),
        })
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}
