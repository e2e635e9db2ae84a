//! The options of `-m policy`, in order.

use crate::netfilter::model::{Family, Item};
use crate::netfilter::save::extension::Asked;
use crate::netfilter::xt::modules::policy::Reading;

pub(super) fn decode(family: Family, asked: &Asked) -> Option<Vec<Item>> {
    let mut reading = Reading::default();
    for (inverted, option, tokens) in &asked.0 {
        let words: Vec<&[u8]> = tokens.iter().map(|token| token.bytes.as_slice()).collect();
        reading.take(family, *inverted, option, &words)?;
    }
    reading.finish()
}
