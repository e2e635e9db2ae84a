//! The section `effective-routes`: one fact for each route, however the entries group their prefixes.

use super::Bodies;
use crate::azure::route;
use crate::facts::Lifted;

/// Lifts the body of `POST …/effectiveRouteTable` (the part `routes`).
pub(super) fn lift(bodies: &Bodies<'_>, out: &mut Lifted) {
    let Some((_, body)) = bodies.named("routes", out) else {
        return;
    };
    let lifted = route::facts::lift(&body);
    out.config.facts.extend(lifted.config.facts);
    out.gaps.extend(lifted.gaps);
    out.warnings.extend(lifted.warnings);
}
