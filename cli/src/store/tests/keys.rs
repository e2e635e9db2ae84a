//! Keys: made once, private, and published for ever.

use super::*;

#[test]
fn the_key_is_made_once_and_kept_private() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let first = store.signer(7).unwrap();
    let path = store.root().join("keys/signing.pem");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(store.signer(8).unwrap().public(), first.public());
    let [(key, period)] = &store.published().unwrap()[..] else {
        panic!()
    };
    assert_eq!(
        (key, period.from_us.0, period.until_us),
        (first.public(), 7, None)
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(
        store.signer(9),
        Err(Error::KeyIsOpen { mode: 0o640, .. })
    ));
}

#[test]
fn a_damaged_key_is_an_error_not_a_new_key() {
    let scratch = Scratch::new();
    let store = scratch.store();
    store.signer(1).unwrap();
    for content in ["", "-----BEGIN PRIVATE KEY-----\n"] {
        fs::write(store.root().join("keys/signing.pem"), content).unwrap();
        assert!(matches!(store.signer(2), Err(Error::Key { .. })));
    }
}

#[test]
fn every_key_ever_used_stays_published() {
    let scratch = Scratch::new();
    let store = scratch.store();
    store.save(&name("old"), &snapshot("a"), &meta()).unwrap();
    let old = store.signer(6).unwrap();
    let new = store.rotate(10).unwrap();
    assert_ne!(old.public(), new.public());
    assert_eq!(store.signer(11).unwrap().public(), new.public());
    store.save(&name("new"), &snapshot("b"), &meta()).unwrap();
    assert!(store.load(&name("old")).is_ok() && store.load(&name("new")).is_ok());
    let published = store.published().unwrap();
    let period = |signer: &Signer| {
        let (_, period) = published.iter().find(|(key, _)| key == signer.public()).unwrap();
        (period.from_us.0, period.until_us.map(|until| until.0))
    };
    assert_eq!((period(&old), period(&new)), ((5, Some(10)), (10, None)));
}
