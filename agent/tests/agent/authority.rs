//! A certificate authority of a test's own.

use std::time::{Duration, SystemTime};

use netghost_client::{Identity, Key, fingerprint};
use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Id;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer, PrivatePkcs8KeyDer};

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// From when to when, relative to now, in hours.
pub(crate) const FRESH: (i64, i64) = (-1, 24);

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        Self {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
        }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.issuer.der().to_vec()
    }

    pub(crate) fn fingerprint(&self) -> Digest {
        fingerprint(&self.der()).unwrap()
    }

    /// What a controller does with a certificate request.
    pub(crate) fn issue(&self, csr: &[u8], id: Id, hours: (i64, i64)) -> Vec<u8> {
        let mut request =
            CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(csr)).unwrap();
        let uri = format!("spiffe://example.org/agent/{id}");
        request.params.subject_alt_names = vec![SanType::URI(Ia5String::try_from(uri).unwrap())];
        period(&mut request.params, hours);
        request.signed_by(&self.issuer).unwrap().der().to_vec()
    }

    pub(crate) fn identity(&self, id: Id, hours: (i64, i64)) -> Identity {
        let key = Key::generate().unwrap();
        let certificate = self.issue(&key.request().unwrap(), id, hours);
        Identity::new(certificate, self.der(), key).unwrap()
    }

    /// A server's side of TLS for `localhost` and 127.0.0.1, with client certificates taken and none required.
    pub(crate) fn server(&self) -> rustls::ServerConfig {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        period(&mut params, FRESH);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from(self.der())).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let clients = rustls::server::WebPkiClientVerifier::builder_with_provider(
            std::sync::Arc::new(roots),
            provider.clone(),
        )
        .allow_unauthenticated()
        .build()
        .unwrap();
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(
                vec![certificate.der().clone(), CertificateDer::from(self.der())],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    }
}

fn period(params: &mut CertificateParams, (from, to): (i64, i64)) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let at = |hours: i64| {
        let seconds = i64::try_from(now.as_secs()).unwrap() + hours * 3_600;
        SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap())
    };
    params.not_before = at(from).into();
    params.not_after = at(to).into();
}
