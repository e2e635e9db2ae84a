//! A cloud of the test's own: it certifies and signs as Azure does. The RSA keys are openssl's, and so are some of the documents.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use netghost_controller::attested::{Attested, Cloud, Nonces, Policy, Roots};
use netghost_core::fleet::Tag;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, SigningKey,
};

use crate::world::{DAY_US, Scratch, now_us};

pub(crate) const VM: &str = "bd8e7443-24a0-41f3-b949-8baf4fd1c573";
pub(crate) const SUBSCRIPTION: &str = "5f130ffc-0a3e-4795-b691-4f56a12a5547";
/// The names that Azure's certificates have.
pub(crate) const NAMES: [&str; 2] = ["westeurope.metadata.azure.com", "metadata.azure.com"];
/// DER of OIDs: data, signedData, sha256, sha256WithRSAEncryption, rsaEncryption.
const DATA: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const SIGNED_DATA: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const RSA_SHA256: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
const RSA: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const NULL: &[u8] = &[5, 0];

/// Which RSA key: one each for root, intermediate and signer, and another.
#[derive(Clone, Copy)]
pub(crate) enum Rsa {
    Root,
    Intermediate,
    Leaf,
    Other,
}

impl Rsa {
    pub(crate) fn pem(self) -> &'static str {
        static KEYS: OnceLock<Vec<String>> = OnceLock::new();
        let make = || {
            openssl(
                &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                Path::new("/"),
            )
        };
        let keys = KEYS.get_or_init(|| (0..4).map(|_| String::from_utf8(make()).unwrap()).collect());
        &keys[self as usize]
    }

    pub(crate) fn key(self) -> KeyPair {
        KeyPair::from_pkcs8_pem_and_sign_algo(self.pem(), &rcgen::PKCS_RSA_SHA256).unwrap()
    }
}

/// Runs openssl; what it writes to its standard output.
pub(crate) fn openssl(words: &[&str], directory: &Path) -> Vec<u8> {
    let run = Command::new("openssl")
        .args(words)
        .current_dir(directory)
        .output();
    let output = run.expect("openssl: apt-get install openssl");
    assert!(
        output.status.success(),
        "openssl {words:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// From when to when a certificate is valid, microseconds.
pub(crate) fn period(params: &mut CertificateParams, from_us: u64, until_us: u64) {
    let epoch = || rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch() + Duration::from_micros(from_us);
    params.not_after = epoch() + Duration::from_micros(until_us);
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    period(&mut params, now_us() - 30 * DAY_US, now_us() + 30 * DAY_US);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// What a signer's certificate says, as Azure's do.
pub(crate) fn leaf(names: &[&str]) -> CertificateParams {
    let mut params = params("metadata.azure.com");
    let san = |name: &&str| SanType::DnsName((*name).try_into().unwrap());
    params.subject_alt_names = names.iter().map(san).collect();
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
    ];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ClientAuth,
        ExtendedKeyUsagePurpose::ServerAuth,
    ];
    params
}

/// A root, an intermediate, and the certificate that signs documents.
pub(crate) struct Azure {
    pub(crate) directory: Scratch,
    pub(crate) root: Certificate,
    pub(crate) intermediate: Certificate,
    pub(crate) leaf: Certificate,
}

impl Azure {
    pub(crate) fn new() -> Self {
        Self::with(leaf(&NAMES))
    }

    pub(crate) fn with(leaf: CertificateParams) -> Self {
        let (root, intermediate) = (authority("Test Root"), authority("Test TLS Issuing CA 05"));
        let root_certificate = root.self_signed(&Rsa::Root.key()).unwrap();
        let root = Issuer::new(root, Rsa::Root.key());
        let between = intermediate.signed_by(&Rsa::Intermediate.key(), &root).unwrap();
        let issuer = Issuer::new(intermediate, Rsa::Intermediate.key());
        let azure = Self {
            directory: Scratch::new(),
            root: root_certificate,
            intermediate: between,
            leaf: leaf.signed_by(&Rsa::Leaf.key(), &issuer).unwrap(),
        };
        for (file, text) in [
            ("root.pem", azure.root.pem()),
            ("intermediate.pem", azure.intermediate.pem()),
            ("leaf.pem", azure.leaf.pem()),
            ("leaf.key", Rsa::Leaf.pem().to_owned()),
        ] {
            std::fs::write(azure.file(file), text).unwrap();
        }
        azure
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.0.join(name)
    }

    /// How a controller judges that knows the root, and the intermediate if it is told.
    pub(crate) fn policy(&self, intermediate: bool) -> Policy {
        let between = intermediate.then(|| self.file("intermediate.pem"));
        Policy {
            cloud: Cloud::Public,
            subscriptions: [SUBSCRIPTION.to_owned()].into(),
            roots: Roots::read(&self.file("root.pem"), between.as_deref()).unwrap(),
            tags: vec![Tag::parse("from=azure").unwrap()],
        }
    }

    pub(crate) fn attested(&self) -> Attested {
        Attested {
            policy: self.policy(true),
            nonces: Nonces::new(&[7; 32]),
            resources: None,
        }
    }

    /// A document as Azure makes it: no attributes, the signer's certificate alone.
    pub(crate) fn document(&self, content: &str) -> Vec<u8> {
        self.parts(content).build()
    }

    pub(crate) fn parts(&self, content: &str) -> Parts {
        let leaf = self.leaf.der().to_vec();
        let info = signer_info(&leaf, &Rsa::Leaf.key().sign(content.as_bytes()).unwrap());
        Parts {
            content: Some(content.as_bytes().to_vec()),
            certificates: vec![leaf],
            signers: vec![info],
        }
    }

    /// A document that openssl makes.
    pub(crate) fn cms(&self, content: &str, words: &[&str]) -> Vec<u8> {
        std::fs::write(self.file("content"), content).unwrap();
        let fixed = [
            "cms", "-sign", "-binary", "-in", "content", "-outform", "DER", "-signer", "leaf.pem", "-inkey",
            "leaf.key",
        ];
        openssl(&[&fixed[..], words].concat(), &self.directory.0)
    }
}

/// SignedData before it is put together.
pub(crate) struct Parts {
    pub(crate) content: Option<Vec<u8>>,
    pub(crate) certificates: Vec<Vec<u8>>,
    pub(crate) signers: Vec<Vec<u8>>,
}

impl Parts {
    pub(crate) fn build(&self) -> Vec<u8> {
        let content = self
            .content
            .as_ref()
            .map(|content| der(0xa0, &[&der(4, &[content])]));
        let data = [DATA, &content.unwrap_or_default()].concat();
        let signed = [
            vec![2, 1, 1],
            der(0x31, &[&algorithm(RSA_SHA256)]),
            der(0x30, &[&data]),
            der(0xa0, &[&self.certificates.concat()]),
            der(0x31, &[&self.signers.concat()]),
        ];
        der(
            0x30,
            &[SIGNED_DATA, &der(0xa0, &[&der(0x30, &[&signed.concat()])])],
        )
    }
}

/// What says who signed.
pub(crate) fn signer_info(certificate: &[u8], signature: &[u8]) -> Vec<u8> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).unwrap();
    let sid = [parsed.issuer().as_raw().to_vec(), der(2, &[parsed.raw_serial()])].concat();
    let info = [
        vec![2, 1, 1],
        der(0x30, &[&sid]),
        algorithm(RSA_SHA256),
        algorithm(RSA),
        der(4, &[signature]),
    ];
    der(0x30, &[&info.concat()])
}

fn algorithm(oid: &[u8]) -> Vec<u8> {
    der(0x30, &[oid, NULL])
}

/// An element of DER.
pub(crate) fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let [.., high, low] = content.len().to_be_bytes();
    let length = match content.len() {
        0..=0x7f => vec![low],
        0x80..=0xff => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [vec![tag], length, content].concat()
}

/// What Azure says of the VM, made now for this nonce.
pub(crate) fn content(nonce: &str) -> String {
    content_of(VM, SUBSCRIPTION, nonce)
}

pub(crate) fn content_of(vm: &str, subscription: &str, nonce: &str) -> String {
    // The clock of each test begins at midnight.
    let (made, until) = (written(now_us()), written(now_us() + 6 * 3_600_000_000));
    format!(
        "{{\"licenseType\":\"\",\"nonce\":\"{nonce}\",\"plan\":{{\"name\":\"\",\"product\":\"\",\"publisher\":\"\"}},\
         \"sku\":\"20_04-lts-gen2\",\"subscriptionId\":\"{subscription}\",\"timeStamp\":{{\"createdOn\":\"{made}\",\
         \"expiresOn\":\"{until}\"}},\"vmId\":\"{vm}\"}}"
    )
}

/// A time of these tests as Azure writes it.
fn written(us: u64) -> String {
    let seconds = us / 1_000_000;
    let date = date(seconds / 86_400);
    let of_day = seconds % 86_400;
    format!(
        "{date} {:02}:{:02}:{:02} -0000",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    )
}

/// `MM/DD/YY` of a day since 1970, by counting.
fn date(mut days: u64) -> String {
    let mut year: u64 = 1970;
    loop {
        let length = 365 + u64::from(year.is_multiple_of(4));
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let february = 28 + u64::from(year.is_multiple_of(4));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{month:02}/{:02}/{:02}", days + 1, year % 100)
}
