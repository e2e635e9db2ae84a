//! Base chains that share a hook and a priority: the order of registration decides which runs first.

use std::collections::BTreeMap;

use crate::bytes::Text;
use crate::netfilter::model::{BaseChain, ChainId, Family, Hook, HookOrder};

type Place = (Family, Hook, Vec<Text>, i32);

/// Gathers base chains in the order in which the kernel lists them.
#[derive(Debug, Default)]
pub(super) struct Orders {
    places: BTreeMap<Place, Vec<ChainId>>,
}

impl Orders {
    pub(super) fn add(&mut self, id: &ChainId, base: &BaseChain) {
        for family in packet_families(id.family) {
            let place = (*family, base.hook, base.devices.clone(), base.priority);
            self.places.entry(place).or_default().push(id.clone());
        }
    }

    /// Only where more than one chain stands.
    pub(super) fn finish(self) -> Vec<HookOrder> {
        self.places
            .into_iter()
            .filter(|(_, chains)| chains.len() > 1)
            .map(|((family, hook, _, priority), chains)| HookOrder {
                family,
                hook,
                priority,
                chains,
            })
            .collect()
    }
}

/// The packets that a table of this family meets: `inet` tables meet those of `ip` and of `ip6`.
fn packet_families(family: Family) -> &'static [Family] {
    match family {
        Family::Inet => &[Family::Ip, Family::Ip6],
        Family::Ip => &[Family::Ip],
        Family::Ip6 => &[Family::Ip6],
        Family::Arp => &[Family::Arp],
        Family::Bridge => &[Family::Bridge],
        Family::Netdev => &[Family::Netdev],
    }
}
