//! What an agent leaves out of its snapshot.

use std::sync::Arc;

use netghost_core::section::SectionName;

use crate::place::{Place, Process, all, baseline, drift};
use crate::reach::{Script, Scripted};

#[tokio::test]
async fn a_section_that_the_baseline_asked_for_and_did_not_get_is_unknown() {
    let place = Place::new();
    let process = Process::start(&place.path, Arc::new(Scripted::default())).await;
    process.enrol(1).await;
    process.script(1, Script::Lacks(22, SectionName::Tc));
    let made = process.run(baseline("short", all())).await;
    assert_eq!(
        (made.verdict.as_str(), made.why.as_str()),
        ("partial", "vm1: not captured: tc")
    );
    for script in [Script::Lacks(22, SectionName::Tc), Script::Port(22)] {
        process.script(1, script.clone());
        let job = process.run(drift("short", all())).await;
        assert_eq!(job.verdict, "unknown", "{script:?}");
        let document = process.document(&job).await;
        let mut rows = document["not_covered"].as_array().unwrap().iter();
        assert!(
            rows.any(|row| row["requested"] == true && row.to_string().contains("not in the snapshot")),
            "{document}"
        );
        let calls = process.reach.calls.lock().unwrap();
        let asked = &calls.last().unwrap().order.sections;
        assert!(
            asked.contains(&SectionName::Tc),
            "it is asked for again: {asked:?}"
        );
    }
    process.script(1, Script::Port(23));
    let job = process.run(drift("short", all())).await;
    assert_eq!(job.verdict, "drift", "what is known is told");
}
