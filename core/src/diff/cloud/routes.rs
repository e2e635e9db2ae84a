//! Changes of effective routes: which addresses take another route.

use super::Told;
use crate::azure::path::Interface;
use crate::azure::route::diff::{self, SideName};
use crate::azure::route::facts;
use crate::diff::comparison::{Side, Significance};
use crate::diff::explain::{Evidence, Explanation, Role};
use crate::section::SectionName;

/// What differs between the tables of both sides; nothing where one of them was not read.
pub(super) fn tell([before, after]: &[Interface; 2], explained: bool) -> Vec<Told> {
    let (Some(before), Some(after)) = (before.routes.captured(), after.routes.captured()) else {
        return Vec::new();
    };
    let found = diff::compare(before, after);
    let paths = [facts::paths(before), facts::paths(after)];
    let texts = if explained {
        diff::explain(&found)
    } else {
        Vec::new()
    };
    let mut texts = texts.into_iter().map(explanation);
    let mut told: Vec<Told> = Vec::new();
    for change in found.changes {
        let [gone, new] = [(0, &paths[0]), (1, &paths[1])].map(|(side, paths)| {
            let place = change.places.get(side).copied().flatten();
            place.and_then(|place| paths.get(&place).cloned())
        });
        told.push(Told {
            section: SectionName::EffectiveRoutes,
            gone: gone.into_iter().collect(),
            new: new.into_iter().collect(),
            same: false,
            significance: change.significance,
            effect: change.effect,
            explanation: texts.next(),
        });
    }
    // A route that is alone under its name no longer, or again.
    told.extend(facts::renamed(before, after).into_iter().map(|(gone, new)| Told {
        section: SectionName::EffectiveRoutes,
        gone: vec![gone],
        new: vec![new],
        same: true,
        significance: Significance::Info,
        effect: None,
        explanation: None,
    }));
    told
}

fn explanation(from: diff::Explanation) -> Explanation {
    let evidence = from.evidence.into_iter().map(|row| Evidence {
        side: match row.side {
            SideName::Baseline => Side::Baseline,
            SideName::Current => Side::Current,
        },
        role: match row.role {
            "changed" => Role::Changed,
            "used" => Role::Used,
            _ => Role::NotDecided,
        },
        path: row.path,
        text: row.text,
    });
    Explanation {
        text: from.text,
        evidence: evidence.collect(),
    }
}
