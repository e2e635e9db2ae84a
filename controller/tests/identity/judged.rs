//! Which documents are believed: those that a cloud signs as Azure does, and nothing that was altered, cut, wrapped otherwise or
//! signed by somebody else.

use netghost_controller::attested::{Cloud, LONGEST, Policy, Roots};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyUsagePurpose, SigningKey};

use crate::azure::{
    Azure, NAMES, Rsa, SUBSCRIPTION, VM, content, content_of, der, leaf, openssl, period, signer_info,
};
use crate::world::{DAY_US, HOUR_US, now_us};

const NONCE: &str = "01234567890123456789012345678901";

/// Why a document is refused.
fn why(policy: &Policy, document: &[u8]) -> String {
    match policy.verify(document, now_us()) {
        Err(refusal) => refusal.to_string(),
        Ok(statement) => panic!("believed: {statement:?}"),
    }
}

fn refused(policy: &Policy, document: &[u8], word: &str) {
    let why = why(policy, document);
    assert!(why.contains(word), "{word}: {why}");
}

#[test]
fn what_azure_signs_is_believed() {
    let azure = Azure::new();
    let (policy, content) = (azure.policy(true), content(NONCE));
    for document in [
        azure.document(&content),
        azure.cms(&content, &["-nodetach", "-noattr"]),
        azure.cms(&content, &["-nodetach"]),
        azure.cms(&content, &["-nodetach", "-certfile", "intermediate.pem"]),
    ] {
        let statement = policy.verify(&document, now_us()).unwrap();
        assert_eq!(
            (statement.vm.as_str(), statement.subscription.as_str()),
            (VM, SUBSCRIPTION)
        );
        assert_eq!(statement.nonce, NONCE);
    }
}

#[test]
fn no_altered_byte_is_believed() {
    let azure = Azure::new();
    let policy = azure.policy(true);
    for document in [
        azure.document(&content(NONCE)),
        azure.cms(&content(NONCE), &["-nodetach"]),
    ] {
        for place in 0..document.len() {
            for bit in [0x01, 0x80] {
                let mut altered = document.clone();
                altered[place] ^= bit;
                assert!(
                    policy.verify(&altered, now_us()).is_err(),
                    "byte {place}, bit {bit:#x}"
                );
            }
        }
        for length in 0..document.len() {
            assert!(
                policy.verify(&document[..length], now_us()).is_err(),
                "cut at {length}"
            );
        }
        refused(&policy, &[&document[..], &[0]].concat(), "not DER");
    }
}

#[test]
fn the_chain_leads_to_a_root_that_is_known() {
    let azure = Azure::new();
    let content = content(NONCE);
    // Azure sends no intermediate: it is said which is missing.
    let bare = azure.document(&content);
    refused(&azure.policy(false), &bare, "CN=Test TLS Issuing CA 05");
    refused(&azure.policy(false), &bare, "enrolment.azure.intermediates");
    // In the document it serves as well, in any place.
    for at in [0, 1] {
        let mut parts = azure.parts(&content);
        parts.certificates.insert(at, azure.intermediate.der().to_vec());
        assert!(azure.policy(false).verify(&parts.build(), now_us()).is_ok());
    }
    // It may be trusted itself.
    let mut pinned = azure.policy(false);
    pinned.roots = Roots::read(&azure.file("intermediate.pem"), None).unwrap();
    assert!(pinned.verify(&bare, now_us()).is_ok());
    // A cloud of the same names by other keys.
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "Test Root");
    let other = params.self_signed(&Rsa::Other.key()).unwrap();
    std::fs::write(azure.file("other.pem"), other.pem()).unwrap();
    let mut policy = azure.policy(true);
    policy.roots = Roots::read(&azure.file("other.pem"), Some(&azure.file("intermediate.pem"))).unwrap();
    refused(&policy, &bare, "does not lead to a root");
    // A root in the document is not one of the configuration.
    let mut parts = azure.parts(&content);
    parts
        .certificates
        .extend([azure.intermediate.der().to_vec(), azure.root.der().to_vec()]);
    refused(&policy, &parts.build(), "does not lead to a root");
}

#[test]
fn only_the_clouds_own_names_sign() {
    let content = content(NONCE);
    for (names, believed) in [
        (&["metadata.azure.com"][..], true),
        (&["eastus.metadata.azure.com"], true),
        (&["evil.org", "eastus.metadata.azure.com"], true),
        (&["metadata.azure.com.evil.org"], false),
        (&["evilmetadata.azure.com"], false),
        (&["metadata.azure.us"], false),
        (&[], false),
    ] {
        // The subject's common name is right in all of them: it does not count.
        let azure = Azure::with(leaf(names));
        let document = azure.document(&content);
        match believed {
            true => assert!(
                azure.policy(true).verify(&document, now_us()).is_ok(),
                "{names:?}"
            ),
            false => refused(&azure.policy(true), &document, "not for metadata.azure.com"),
        }
    }
    let azure = Azure::with(leaf(&["usgovvirginia.metadata.azure.us"]));
    let mut policy = azure.policy(true);
    policy.cloud = Cloud::Government;
    assert!(policy.verify(&azure.document(&content), now_us()).is_ok());
}

#[test]
fn a_signer_is_valid_now_for_signatures_and_no_authority() {
    let document = |change: &dyn Fn(&mut CertificateParams)| {
        let mut params = leaf(&NAMES);
        change(&mut params);
        let azure = Azure::with(params);
        let document = azure.document(&content(NONCE));
        why(&azure.policy(true), &document)
    };
    let late = document(&|params| period(params, now_us() - 9 * DAY_US, now_us() - HOUR_US));
    assert!(
        late.contains("does not lead to a root") && late.contains("expired"),
        "{late}"
    );
    let early = document(&|params| period(params, now_us() + HOUR_US, now_us() + DAY_US));
    assert!(early.contains("not valid yet"), "{early}");
    let authority = document(&|params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    assert!(authority.contains("an authority's"), "{authority}");
    let usage = document(&|params| params.key_usages = vec![KeyUsagePurpose::KeyEncipherment]);
    assert!(usage.contains("not for signatures"), "{usage}");
    let purpose = document(&|params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::CodeSigning];
    });
    assert!(purpose.contains("other purposes"), "{purpose}");
}

#[test]
fn a_signer_certifies_nobody() {
    let azure = Azure::new();
    let content = content(NONCE);
    // Whoever holds a signer's key makes a certificate of the right name by it.
    let issuer = Issuer::new(leaf(&NAMES), Rsa::Leaf.key());
    let forged = leaf(&NAMES)
        .signed_by(&Rsa::Other.key(), &issuer)
        .unwrap()
        .der()
        .to_vec();
    let mut parts = azure.parts(&content);
    parts.signers = vec![signer_info(
        &forged,
        &Rsa::Other.key().sign(content.as_bytes()).unwrap(),
    )];
    parts.certificates.push(forged);
    refused(&azure.policy(true), &parts.build(), "does not lead to a root");
}

#[test]
fn one_signer_signs_one_content_that_is_there() {
    let azure = Azure::new();
    let (policy, content) = (azure.policy(true), content(NONCE));
    let mut detached = azure.parts(&content);
    detached.content = None;
    refused(&policy, &detached.build(), "detached");
    refused(&policy, &azure.cms(&content, &["-noattr"]), "detached");
    let mut two = azure.parts(&content);
    two.signers.push(two.signers[0].clone());
    refused(&policy, &two.build(), "2 signers");
    let mut none = azure.parts(&content);
    none.signers.clear();
    refused(&policy, &none.build(), "0 signers");
    let mut stranger = azure.parts(&content);
    stranger.certificates = vec![azure.intermediate.der().to_vec()];
    refused(&policy, &stranger.build(), "does not hold the certificate");
    let mut other = azure.parts(&content);
    other.signers = vec![signer_info(
        azure.leaf.der(),
        &Rsa::Other.key().sign(content.as_bytes()).unwrap(),
    )];
    refused(&policy, &other.build(), "signature does not hold");
    let mut crowd = azure.parts(&content);
    crowd.certificates = vec![der(0x30, &[&[5, 0]]); 9];
    refused(&policy, &crowd.build(), "more than 8 certificates");
}

#[test]
fn what_openssl_writes_otherwise_is_refused() {
    let azure = Azure::new();
    let (policy, content) = (azure.policy(true), content(NONCE));
    // Indefinite lengths (BER), another digest, another name for the signer, no certificate, another structure.
    refused(
        &policy,
        &azure.cms(&content, &["-nodetach", "-noattr", "-indef", "-stream"]),
        "not DER",
    );
    refused(
        &policy,
        &azure.cms(&content, &["-nodetach", "-noattr", "-md", "sha512"]),
        "RSA with SHA-256",
    );
    refused(
        &policy,
        &azure.cms(&content, &["-nodetach", "-noattr", "-md", "sha1"]),
        "RSA with SHA-256",
    );
    refused(
        &policy,
        &azure.cms(&content, &["-nodetach", "-noattr", "-keyid"]),
        "version",
    );
    refused(
        &policy,
        &azure.cms(&content, &["-nodetach", "-noattr", "-nocerts"]),
        "does not hold",
    );
    refused(
        &policy,
        &azure.cms(
            &content,
            &["-nodetach", "-noattr", "-keyopt", "rsa_padding_mode:pss"],
        ),
        "RSA with SHA-256",
    );
    let enveloped = openssl(
        &[
            "cms",
            "-digest_create",
            "-binary",
            "-in",
            "content",
            "-outform",
            "DER",
        ],
        &azure.directory.0,
    );
    refused(&policy, &enveloped, "contentType");
    // A signature over attributes that are of another content.
    let mut swapped = azure.cms(&content, &["-nodetach"]);
    let at = swapped
        .windows(VM.len())
        .position(|bytes| bytes == VM.as_bytes())
        .unwrap();
    swapped[at] = b'0';
    refused(&policy, &swapped, "not that of its content");
}

#[test]
fn what_is_large_is_not_read() {
    let azure = Azure::new();
    let content = content_of(VM, SUBSCRIPTION, &"1".repeat(LONGEST));
    refused(&azure.policy(true), &azure.document(&content), "more than 12288");
    refused(&azure.policy(true), &vec![0x30; 1 << 20], "more than 12288");
    refused(&azure.policy(true), b"", "not DER");
    refused(&azure.policy(true), b"<html>", "not DER");
    // Lengths that promise more than there is, and depth.
    refused(
        &azure.policy(true),
        &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        "not DER",
    );
    refused(&azure.policy(true), &[0x30, 0x80].repeat(4000), "not DER");
}

#[test]
fn only_named_subscriptions_count() {
    let azure = Azure::new();
    let other = "00000000-0000-4000-8000-000000000001";
    let document = azure.document(&content_of(VM, other, NONCE));
    refused(&azure.policy(true), &document, "enrolment.azure.subscriptions");
    refused(&azure.policy(true), &document, other);
    let upper = azure.document(&content_of(VM, &SUBSCRIPTION.to_uppercase(), NONCE));
    assert!(azure.policy(true).verify(&upper, now_us()).is_ok());
}

#[test]
fn a_document_counts_in_its_time() {
    let azure = Azure::new();
    let (policy, document) = (azure.policy(true), azure.document(&content(NONCE)));
    let at = |us: u64| policy.verify(&document, us).map(drop);
    let skew_us = 300_000_000;
    assert!(at(now_us() + 6 * HOUR_US + skew_us - 1).is_ok());
    let late = at(now_us() + 6 * HOUR_US + skew_us).unwrap_err().to_string();
    assert!(late.contains("ran out"), "{late}");
    let early = at(now_us() - skew_us - 1).unwrap_err().to_string();
    assert!(early.contains("set the controller's clock"), "{early}");
}

#[test]
fn files_that_hold_no_certificates_are_named() {
    let azure = Azure::new();
    let read = |name: &str| Roots::read(&azure.file(name), None).unwrap_err().to_string();
    assert!(read("nothing.pem").contains("nothing.pem"));
    assert!(read("leaf.key").contains("leaf.key"), "{}", read("leaf.key"));
    std::fs::write(azure.file("cut.pem"), &azure.root.pem()[..200]).unwrap();
    assert!(read("cut.pem").contains("cut.pem"));
}
