//! What is issued.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::to_hex;
use netghost_core::fleet::{Id, Kind, SpiffeId};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SerialNumber,
};
use rustls::crypto::ring::sign::any_ecdsa_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::sign::CertifiedKey;

use super::{Authority, Error, PublicKey};
use crate::outside::Outside;

/// How long before its making a certificate is valid, for clocks that are behind.
pub const SKEW_US: u64 = 3_600_000_000;
/// How long certificates of agents, users and controllers are valid.
pub const CLIENT_LIFETIME_US: u64 = 24 * 3_600_000_000;
/// How long the authority is.
const AUTHORITY_LIFETIME_US: u64 = 3653 * 24 * 3_600_000_000;

/// From when to when a certificate is valid, microseconds since 1970 UTC; in it, whole seconds stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// From here on.
    pub not_before_us: u64,
    /// To here.
    pub not_after_us: u64,
}

impl Validity {
    /// From an hour before now to so long after.
    pub fn starting(now_us: u64, lifetime_us: u64) -> Self {
        let second = |us: u64| us.saturating_sub(us % 1_000_000);
        Self {
            not_before_us: second(now_us.saturating_sub(SKEW_US)),
            not_after_us: second(now_us.saturating_add(lifetime_us)),
        }
    }
}

/// A certificate that was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The certificate in DER.
    pub der: Vec<u8>,
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// When it is valid.
    pub validity: Validity,
}

impl Authority {
    /// A certificate for a client with this key, under this name.
    pub fn issue(
        &self,
        key: &PublicKey,
        name: &SpiffeId,
        validity: Validity,
        outside: &Outside,
    ) -> Result<Issued, Error> {
        let serial = serial(outside)?;
        let mut params = leaf(name, validity, serial)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(key, &self.issuer)?;
        Ok(Issued {
            der: certificate.der().to_vec(),
            serial: to_hex(&serial),
            validity,
        })
    }

    /// A new key and certificate for a controller under these names, with the authority's own in the chain: a client
    /// knows the authority only by its fingerprint.
    pub fn issue_server(
        &self,
        controller: Id,
        names: &[ServerName<'static>],
        validity: Validity,
        outside: &Outside,
    ) -> Result<CertifiedKey, Error> {
        let name = self.name(Kind::Controller, controller);
        let mut params = leaf(&name, validity, serial(outside)?)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        for name in names {
            params.subject_alt_names.push(server_name(name)?);
        }
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let chain = vec![
            certificate.der().clone(),
            CertificateDer::from(self.certificate().to_vec()),
        ];
        Ok(CertifiedKey::new(chain, Arc::clone(&any_ecdsa_type(&private)?)))
    }

    /// The name under which this authority certifies.
    pub fn name(&self, kind: Kind, id: Id) -> SpiffeId {
        SpiffeId {
            domain: self.domain.clone(),
            kind,
            id,
        }
    }
}

/// The authority's own certificate. Its URI is that of the trust domain (SPIFFE X.509-SVID §3).
///
/// The fingerprint stands in its name, so that two authorities of one domain are told apart where only names are compared.
pub(super) fn authority(domain: &str, key: &KeyPair, outside: &Outside) -> Result<CertificateParams, Error> {
    let validity = Validity::starting(outside.now_us(), AUTHORITY_LIFETIME_US);
    let digest = Digest::of(&key.subject_public_key_info());
    let fingerprint = digest
        .as_bytes()
        .first_chunk::<8>()
        .map_or(&[][..], |first| first);
    let mut params = params(&format!("spiffe://{domain}"), validity, serial(outside)?)?;
    params.distinguished_name = called(&format!("netghost CA {}", to_hex(fingerprint)));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.use_authority_key_identifier_extension = false;
    Ok(params)
}

fn leaf(name: &SpiffeId, validity: Validity, serial: [u8; 16]) -> Result<CertificateParams, Error> {
    let mut params = params(&name.to_string(), validity, serial)?;
    params.distinguished_name = called(&format!("{} {}", name.kind, name.id));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    Ok(params)
}

fn params(uri: &str, validity: Validity, serial: [u8; 16]) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::default();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let at = |us: u64| {
        Duration::from_micros(us)
            .try_into()
            .ok()
            .and_then(|since| epoch.checked_add(since))
            .ok_or(Error::Time(us))
    };
    params.not_before = at(validity.not_before_us)?;
    params.not_after = at(validity.not_after_us)?;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.subject_alt_names = vec![SanType::URI(uri.try_into()?)];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn called(name: &str) -> DistinguishedName {
    let mut called = DistinguishedName::new();
    called.push(DnType::CommonName, name);
    called
}

/// A positive number of 128 bits, 126 of them random (RFC 5280 §4.1.2.2): always 16 bytes long, so that it has one spelling.
fn serial(outside: &Outside) -> Result<[u8; 16], Error> {
    let [first, rest @ ..] = outside.random::<16>()?;
    let mut serial = [0; 16];
    let [head, tail @ ..] = &mut serial;
    *head = (first & 0x3f) | 0x40;
    *tail = rest;
    Ok(serial)
}

fn server_name(name: &ServerName<'_>) -> Result<SanType, Error> {
    let wrong = || Error::ServerName(name.to_str().into_owned());
    match name {
        ServerName::DnsName(dns) => Ok(SanType::DnsName(dns.as_ref().try_into().map_err(|_| wrong())?)),
        ServerName::IpAddress(ip) => Ok(SanType::IpAddress(IpAddr::from(*ip))),
        _ => Err(wrong()),
    }
}
