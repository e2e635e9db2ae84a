//! Base chains that share a hook and a priority: the order of registration decides which runs first.

use std::collections::BTreeMap;

use crate::bytes::Text;
use crate::netfilter::model::{BaseChain, ChainId, Family, Hook, HookOrder};

/// On one device, where a hook belongs to one.
type Place = (Family, Hook, Option<Text>, i32);

/// Gathers base chains in the order in which the kernel lists them.
#[derive(Debug, Default)]
pub(super) struct Orders {
    places: BTreeMap<Place, Vec<ChainId>>,
}

impl Orders {
    pub(super) fn add(&mut self, id: &ChainId, base: &BaseChain) {
        let devices: Vec<Option<Text>> = if base.devices.is_empty() {
            vec![None]
        } else {
            base.devices.iter().cloned().map(Some).collect()
        };
        for family in packet_families(id.family, base.hook) {
            for device in &devices {
                let place = (*family, base.hook, device.clone(), base.priority);
                self.places.entry(place).or_default().push(id.clone());
            }
        }
    }

    /// Only where more than one chain stands. Devices on which the same chains stand are one row.
    pub(super) fn finish(self) -> Vec<HookOrder> {
        let mut orders: Vec<HookOrder> = self
            .places
            .into_iter()
            .filter(|(_, chains)| chains.len() > 1)
            .map(|((family, hook, _, priority), chains)| HookOrder {
                family,
                hook,
                priority,
                chains,
            })
            .collect();
        orders.sort_by(|a, b| {
            (a.family, a.hook, a.priority, &a.chains).cmp(&(b.family, b.hook, b.priority, &b.chains))
        });
        orders.dedup();
        orders
    }
}

/// The packets that a table of this family meets: `inet` tables meet those of `ip` and of `ip6`.
/// Ingress stands before all families, so there `inet` and `netdev` meet.
fn packet_families(family: Family, hook: Hook) -> &'static [Family] {
    match family {
        _ if hook == Hook::Ingress => &[Family::Netdev],
        Family::Inet => &[Family::Ip, Family::Ip6],
        Family::Ip => &[Family::Ip],
        Family::Ip6 => &[Family::Ip6],
        Family::Arp => &[Family::Arp],
        Family::Bridge => &[Family::Bridge],
        Family::Netdev => &[Family::Netdev],
    }
}
