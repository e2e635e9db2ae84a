//! The baseline over which a window is opened: what counts is what was sealed, not its rows.

use netghost_core::job::baseline::{Baseline, Member};
use netghost_core::job::{Layer, Request};
use netghost_core::section::SectionName;
use tonic::Status;

use crate::Controller;
use crate::jobs::{self, Broken};
use crate::store::baselines::BaselineRow;

/// The sealed document. A window is opened over nothing that can't be used, and that holds nothing of what is to be compared.
pub(super) async fn sealed(
    controller: &Controller,
    row: &BaselineRow,
    request: &Request,
) -> Result<Baseline, Status> {
    let name = &row.name;
    let sealed = match jobs::sealed(controller, row).await {
        Ok(sealed) => sealed.baseline,
        Err(Broken::Content(why)) => {
            let why = format!("baseline {name} can't be used, so that no window is opened over it: {why}");
            return Err(Status::failed_precondition(why));
        }
        Err(Broken::Store(error)) => return Err(error.into()),
    };
    let asked = |layer: Layer| request.layers.is_empty() || request.layers.contains(&layer);
    let mut meant = sealed.members.iter().filter(|member| asked(member.layer()));
    if !meant.clone().any(|_| true) {
        let layers: Vec<String> = request.layers.iter().map(ToString::to_string).collect();
        return Err(Status::failed_precondition(format!(
            "baseline {name} holds nothing of the layer {}: no window is opened over it",
            layers.join(" or ")
        )));
    }
    // Of a layer that is asked for by name and has no member, a comparison of the members would say nothing at all.
    let without = |layer: &&Layer| !sealed.members.iter().any(|member| member.layer() == **layer);
    if let Some(layer) = request
        .layers
        .iter()
        .find(|layer| request.selector.members && without(layer))
    {
        return Err(Status::failed_precondition(format!(
            "baseline {name} holds nothing of the layer {layer}: leave it out, or say who is compared there"
        )));
    }
    if !meant.any(is_held) {
        return Err(Status::failed_precondition(format!(
            "baseline {name} holds nothing that could be read: no window is opened over it"
        )));
    }
    Ok(sealed)
}

/// True if anything of a member was read. Of a network interface an earlier version kept what held nothing.
fn is_held(member: &Member) -> bool {
    let blank = member.layer() == Layer::Azure
        && SectionName::AZURE
            .iter()
            .all(|section| member.not_captured.contains(section));
    member.manifest.is_some() && !blank
}

#[cfg(test)]
mod tests {
    use netghost_core::artifact::json::Digest;
    use netghost_core::artifact::name::Name;
    use netghost_core::fleet::Id;
    use netghost_core::job::Way;

    use super::*;

    #[test]
    fn a_member_of_which_nothing_was_read_is_not_held() {
        let member = |read: bool, missing: &[SectionName], way| Member {
            id: Id::from_random([1; 16]),
            name: Name::parse("x").unwrap(),
            manifest: read.then(|| Digest::of(b"x")),
            why: (!read).then(|| "away".to_owned()),
            not_captured: missing.to_vec(),
            resource: None,
            way: Some(way),
        };
        assert!(is_held(&member(true, &[], Way::Arm)));
        assert!(is_held(&member(true, &SectionName::AZURE[1..], Way::Arm)));
        assert!(!is_held(&member(true, &SectionName::AZURE, Way::Arm)));
        assert!(!is_held(&member(false, &[], Way::Arm)) && !is_held(&member(false, &[], Way::Agent)));
        assert!(
            is_held(&member(true, &SectionName::AZURE, Way::Agent)),
            "of a host that says nothing"
        );
    }
}
