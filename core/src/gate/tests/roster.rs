//! The list of approvers.

use super::*;

#[test]
fn a_list_comes_back_under_its_ca_alone() {
    let envelope = roster().sign(&ca()).unwrap();
    assert_eq!(Roster::open(&envelope, ca().public()).unwrap(), roster());
    assert!(matches!(
        Roster::open(&envelope, signer(2).public()),
        Err(RosterError::Signature(_))
    ));
    for at in 0..envelope.len() {
        let mut altered = envelope.clone();
        altered[at] ^= 1;
        assert!(Roster::open(&altered, ca().public()).is_err(), "byte {at}");
    }
}

#[test]
fn an_approval_is_no_list_and_a_list_no_approval() {
    let action = action(7);
    let by_ca = Approval::new(&action, name("bob")).unwrap().sign(&ca()).unwrap();
    assert!(Roster::open(&by_ca, ca().public()).is_err());
    let list = roster().sign(&signer(2)).unwrap();
    assert!(Approval::open(&list, &roster(), &action).is_err());
}

#[test]
fn each_edit_is_one_version_and_a_revoked_name_stays() {
    let list = roster();
    assert_eq!(list.version, 3);
    let without = list.without(&name("bob")).unwrap();
    assert_eq!(without.version, 4);
    assert!(
        without
            .approvers
            .iter()
            .any(|one| one.name == name("bob") && one.revoked)
    );
    assert!(without.without(&name("bob")).is_none());
    assert!(without.without(&name("mallory")).is_none());
    assert!(
        without.with(name("bob"), signer(5).public()).is_err(),
        "a revoked name does not come back with another key"
    );
}

#[test]
fn one_key_is_one_person() {
    assert!(roster().with(name("dave"), signer(2).public()).is_err());
    assert!(roster().with(name("bob"), signer(5).public()).is_err());
}

#[test]
fn a_list_that_is_too_long_for_the_wire_is_not_signed() {
    let mut list = Roster::new();
    for seed in 10..60 {
        list = list
            .with(name(&format!("approver-{seed}")), signer(seed).public())
            .unwrap();
    }
    assert!(list.sign(&ca()).is_err());
}
