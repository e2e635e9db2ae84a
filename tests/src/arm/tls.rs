//! The simulator's own authority, which a client is told to trust, and the server's certificate under it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The file with the authority's certificate, for `SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE`.
pub const CA_FILE: &str = "ca.pem";

/// Takes the authority of the directory, or makes one, and a new certificate for `localhost`, `127.0.0.1` and `::1` under it.
///
/// # Errors
/// When a file can't be read or written, or is no key or certificate.
pub(crate) fn server(directory: &Path) -> io::Result<Arc<ServerConfig>> {
    let (certificate, key) = (directory.join(CA_FILE), directory.join("ca.key"));
    if !(certificate.exists() && key.exists()) {
        fs::create_dir_all(directory)?;
        let (made, made_key) = authority().map_err(io::Error::other)?;
        fs::write(&key, made_key)?;
        fs::write(&certificate, made)?;
    }
    configuration(&fs::read_to_string(certificate)?, &fs::read_to_string(key)?)
}

fn authority() -> Result<(String, String), rcgen::Error> {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "netghost lab ARM simulator CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    period(&mut params);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn configuration(authority: &str, key: &str) -> io::Result<Arc<ServerConfig>> {
    let issuer = KeyPair::from_pem(key)
        .and_then(|key| Issuer::from_ca_cert_pem(authority, key))
        .map_err(io::Error::other)?;
    let (certificate, key) = leaf(&issuer).map_err(io::Error::other)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(vec![certificate], key)
        })
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn leaf(
    issuer: &Issuer<'_, KeyPair>,
) -> Result<(rustls::pki_types::CertificateDer<'static>, Vec<u8>), rcgen::Error> {
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    period(&mut params);
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?;
    Ok((certificate.der().clone(), key.serialize_der()))
}

/// Long enough that no clock of a lab is outside.
fn period(params: &mut CertificateParams) {
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2049, 12, 31);
}
