//! What is not touched, since it could not be put back.

use netghost_core::gate::QdiscPlace;
use netghost_core::tc::{Options, Place, Qdisc};

use super::state::{State, hangs_at};
use super::{WriteError, unsupported};

/// Refuses what is not fully decoded, and what others share.
pub(super) fn check(state: &State, place: QdiscPlace) -> Result<(), WriteError> {
    let refuse = |what: String| {
        Err(unsupported(format!(
            "{what} of {} could not be put back exactly",
            state.device
        )))
    };
    let part = state.part(place);
    for qdisc in &state.config.qdiscs {
        if let Some(why) = qdisc_fault(qdisc) {
            return refuse(format!("qdisc {} {}, {why},", qdisc.kind, qdisc.handle));
        }
    }
    for class in &part.config.classes {
        if is_opaque(&class.options) || !class.other.is_empty() {
            return refuse(format!(
                "class {} {}, which is not decoded,",
                class.kind, class.id
            ));
        }
    }
    for filter in part
        .config
        .filters
        .iter()
        .filter(|filter| hangs_at(filter, place))
    {
        let what = format!("filter {} of priority {}", filter.kind, filter.priority);
        if is_opaque(&filter.options) || !filter.other.is_empty() {
            return refuse(format!("{what}, which is not decoded,"));
        }
        if filter.somewhere_here {
            return refuse(format!(
                "{what}, of which the kernel does not say where it hangs,"
            ));
        }
        for action in &filter.actions {
            if is_opaque(&action.options) || !action.other.is_empty() {
                return refuse(format!("action {} of {what}, which is not decoded,", action.kind));
            }
            if action.shared.is_some() {
                return refuse(format!(
                    "action {} of {what}, which other filters share,",
                    action.kind
                ));
            }
        }
    }
    let stands = |chain: &&netghost_core::tc::Chain| matches!(chain.place, Place::Device { .. });
    match part.config.chains.iter().find(stands) {
        Some(chain) => refuse(format!(
            "chain {}, which has a template or no filters,",
            chain.chain
        )),
        None => Ok(()),
    }
}

fn qdisc_fault(qdisc: &Qdisc) -> Option<&'static str> {
    if is_opaque(&qdisc.options) || !qdisc.other.is_empty() {
        return Some("which is not decoded");
    }
    if qdisc.size_table.is_some() {
        return Some("which has a size table, of which the kernel tells a part only");
    }
    if qdisc.ingress_block.is_some() || qdisc.egress_block.is_some() {
        return Some("which shares its filters by a block");
    }
    None
}

fn is_opaque(options: &Options) -> bool {
    matches!(options, Options::Opaque { .. })
}
