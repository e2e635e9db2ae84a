//! The language of `nft`.

use super::ast::Table;
use super::{NftFileError, Notes};
use crate::netfilter::model::{Family, Hook};

/// The hook of this name, if the family has it.
pub(super) fn hook(family: Family, word: &str) -> Option<Hook> {
    let hook = match word {
        "prerouting" => Hook::Prerouting,
        "input" => Hook::Input,
        "forward" => Hook::Forward,
        "output" => Hook::Output,
        "postrouting" => Hook::Postrouting,
        "ingress" => Hook::Ingress,
        "egress" => Hook::Egress,
        _ => return None,
    };
    let has = match (family, hook) {
        (Family::Netdev, Hook::Ingress | Hook::Egress) | (Family::Inet, Hook::Ingress) => true,
        (Family::Netdev, _) | (_, Hook::Ingress | Hook::Egress) => false,
        (Family::Arp, Hook::Prerouting | Hook::Postrouting) => false,
        _ => true,
    };
    has.then_some(hook)
}

pub(super) fn tables(
    _text: &[u8],
    _include: &dyn Fn(&str) -> Option<Vec<u8>>,
    _notes: &mut Notes,
) -> Result<Vec<Table>, NftFileError> {
    Ok(Vec::new())
}
