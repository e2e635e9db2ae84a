//! The authority's files.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use netghost_controller::pki::{Authority, Error};

use crate::world::{DOMAIN, Scratch, outside};

#[test]
fn an_authority_is_made_once_and_opened_again() {
    let scratch = Scratch::new();
    let directory = scratch.0.join("deep/pki");
    let made = Authority::create(&directory, DOMAIN, &outside()).unwrap();
    let opened = Authority::open(&directory).unwrap();
    assert_eq!(opened.fingerprint(), made.fingerprint());
    assert_eq!(opened.domain, DOMAIN);
    assert_eq!(opened.certificate(), made.certificate());
    assert!(opened.signed(made.certificate()));
    let mode = |path: &str| fs::metadata(directory.join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("ca.key"), mode(".")), (0o600, 0o700));
    let again = Authority::create(&directory, DOMAIN, &outside());
    assert!(matches!(again, Err(Error::Exists(path)) if path == directory));
    assert_eq!(
        Authority::open(&directory).unwrap().fingerprint(),
        made.fingerprint()
    );
    // Nothing is left of the attempt, and nothing of the key is shown.
    assert_eq!(fs::read_dir(directory.parent().unwrap()).unwrap().count(), 1);
    assert!(!format!("{opened:?}").to_lowercase().contains("private"));
    let wrong = Authority::create(&scratch.0.join("other"), "Not A Domain", &outside());
    assert!(matches!(wrong, Err(Error::Domain(_))));
}

#[test]
fn its_certificate_may_sign_leaves_and_nothing_else() {
    let scratch = Scratch::new();
    let made = Authority::create(&scratch.0.join("pki"), DOMAIN, &outside()).unwrap();
    let (_, parsed) = x509_parser::parse_x509_certificate(made.certificate()).unwrap();
    let constraints = parsed.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca);
    assert_eq!(constraints.value.path_len_constraint, Some(0));
    let usage = parsed.key_usage().unwrap().unwrap().value;
    assert!(usage.key_cert_sign() && !usage.digital_signature() && !usage.crl_sign());
    let period = parsed.validity().not_after.timestamp() - parsed.validity().not_before.timestamp();
    assert_eq!(period, 3653 * 86_400 + 3600);
}

#[test]
fn a_key_that_others_can_read_or_of_another_authority_is_refused() {
    let scratch = Scratch::new();
    let (one, two) = (scratch.0.join("one"), scratch.0.join("two"));
    Authority::create(&one, DOMAIN, &outside()).unwrap();
    Authority::create(&two, DOMAIN, &outside()).unwrap();
    let key = one.join("ca.key");
    for mode in [0o640, 0o604, 0o660] {
        fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        assert!(
            matches!(Authority::open(&one), Err(Error::Exposed { path, mode: found }) if path == key && found == mode)
        );
    }
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(&one, Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(Authority::open(&one), Err(Error::Exposed { path, .. }) if path == one));
    fs::set_permissions(&one, Permissions::from_mode(0o700)).unwrap();
    Authority::open(&one).unwrap();
    fs::copy(two.join("ca.key"), &key).unwrap();
    assert!(matches!(Authority::open(&one), Err(Error::Mismatch(path)) if path == key));
    fs::write(&key, "garbage").unwrap();
    assert!(matches!(Authority::open(&one), Err(Error::Form { .. })));
    fs::remove_file(&key).unwrap();
    assert!(matches!(Authority::open(&one), Err(Error::File { .. })));
    fs::remove_file(two.join("ca.key")).unwrap();
    std::os::unix::fs::symlink("/dev/null", two.join("ca.key")).unwrap();
    assert!(matches!(Authority::open(&two), Err(Error::File { .. })));
}
