//! Which layers a job is about.

use netghost_core::fleet::Selector;
use netghost_core::job::baseline::Member;
use netghost_core::job::{Layer, Request, Work};

/// The layers that are read, sorted. Where nothing was said, a baseline reads hosts, and a check compares whatever the baseline
/// holds of what is selected.
pub(super) fn layers(request: &Request, members: &[Member]) -> Vec<Layer> {
    if !request.layers.is_empty() {
        return request.layers.clone();
    }
    let selector = &request.selector;
    let mut layers: Vec<Layer> = match request.work {
        Work::Baseline { .. } => vec![Layer::Host],
        Work::Drift { .. } | Work::Sweep { .. } => members.iter().map(Member::layer).collect(),
    };
    let is_check = !matches!(request.work, Work::Baseline { .. });
    if is_check && only_azure(selector) {
        layers.clear();
    }
    // What somebody named is never left out.
    if is_check && !selector.azure.is_empty() {
        layers.push(Layer::Azure);
    }
    layers.sort();
    layers.dedup();
    layers
}

/// True if nothing but something in Azure is selected.
fn only_azure(selector: &Selector) -> bool {
    selector.names.is_empty() && selector.tags.is_empty() && !selector.every_member()
}

#[cfg(test)]
mod tests {
    use netghost_core::artifact::name::Name;
    use netghost_core::fleet::Id;
    use netghost_core::job::{Via, Way};

    use super::*;

    fn member(number: u8, way: Option<Way>) -> Member {
        Member {
            id: Id::from_random([number; 16]),
            name: Name::parse("x").unwrap(),
            manifest: None,
            why: None,
            not_captured: vec![],
            resource: None,
            way,
        }
    }

    fn check(selector: Selector) -> Request {
        Request {
            work: Work::Drift {
                baseline: Name::parse("golden").unwrap(),
                mute_chains: vec![],
            },
            selector,
            ticket: String::new(),
            note: String::new(),
            deadline_ms: 0,
            layers: vec![],
            via: Via::Auto,
        }
    }

    #[test]
    fn a_check_compares_what_the_baseline_holds_of_what_is_selected() {
        let host = [member(1, None), member(2, Some(Way::RunCommand))];
        let both = [member(1, None), member(2, Some(Way::Arm))];
        let all = Selector {
            all: true,
            ..Selector::default()
        };
        assert_eq!(layers(&check(all.clone()), &host), [Layer::Host]);
        assert_eq!(layers(&check(all.clone()), &both), [Layer::Host, Layer::Azure]);
        let members = Selector {
            members: true,
            ..Selector::default()
        };
        assert_eq!(layers(&check(members), &both), [Layer::Host, Layer::Azure]);
        let group = Selector {
            azure: vec!["/subscriptions/s".to_owned()],
            ..Selector::default()
        };
        assert_eq!(layers(&check(group.clone()), &both), [Layer::Azure]);
        assert_eq!(layers(&check(group), &host), [Layer::Azure]);
        let mut said = check(all);
        said.layers = vec![Layer::Host];
        assert_eq!(layers(&said, &both), [Layer::Host]);
        said.layers.clear();
        said.work = Work::Baseline {
            name: Name::parse("golden").unwrap(),
            sections: vec![],
        };
        assert_eq!(layers(&said, &[]), [Layer::Host]);
    }
}
