//! A store that somebody edited.

use std::fs;
use std::path::{Path, PathBuf};

use netghost_lab::Fault;

use crate::operator::{Answer, fleet, seal};

/// Every object of the controller's store, by name.
fn objects(below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(objects(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// One bit of the byte in the middle is another.
fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes
}

#[test]
fn root_an_edited_object_is_never_no_drift() {
    let fleet = fleet(1);
    Fault::NftReject.inject(fleet.vm("vm1").unwrap()).unwrap();
    seal(&fleet, "before");
    let all = objects(&fleet.controller_directory().unwrap().join("objects"));
    assert!(all.len() > 5, "{all:?}");
    let mut unknown = 0;
    for (number, path) in all.iter().enumerate() {
        let bytes = fs::read(path).unwrap();
        match number % 3 {
            0 => fs::write(path, flipped(&bytes)).unwrap(),
            1 => fs::write(path, &bytes[..bytes.len() / 2]).unwrap(),
            _ => fs::remove_file(path).unwrap(),
        }
        let words = ["drift", "check", "--baseline", "before", "--all", "-o", "json"];
        let found = Answer::from(fleet.netghost(&words).unwrap());
        // What is read now may be the same content: then the damaged object has been stored again, and is whole.
        let whole = fs::read(path).is_ok_and(|now| now == bytes);
        if !whole || found.status != 0 {
            assert_ne!(found.status, 0, "{}: {found:?}", path.display());
            assert!(
                !found.stdout.contains("\"no_drift\""),
                "{}: {found:?}",
                path.display()
            );
            unknown += 1;
        }
        fs::write(path, &bytes).unwrap();
    }
    assert!(unknown > 0);
}
