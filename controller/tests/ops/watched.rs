//! Health, readiness, metrics.

use std::collections::BTreeMap;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use netghost_controller::{audit, http};
use tower::ServiceExt;

use crate::place::Place;

async fn get(place: &Place, path: &str, disk_free: u64) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = http::routes(place.controller.clone(), disk_free)
        .oneshot(request)
        .await
        .unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// Reads the text format as a scraper does: every sample has a HELP and a TYPE before it, and stands once.
fn parse(page: &str) -> BTreeMap<String, u64> {
    let (mut described, mut samples) = (BTreeMap::<&str, u8>::new(), BTreeMap::new());
    for line in page.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (keyword, name) = (words.next().unwrap(), words.next().unwrap());
            let rest = words.next().unwrap();
            match keyword {
                "HELP" => assert!(rest.ends_with('.'), "{line}"),
                "TYPE" => assert!(rest == "counter" || rest == "gauge", "{line}"),
                _ => panic!("{line}"),
            }
            *described.entry(name).or_default() += 1;
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        assert_eq!(described.get(name), Some(&2), "{line}");
        let taken = samples.insert(series.to_owned(), value.parse().unwrap());
        assert_eq!(taken, None, "{line}");
    }
    samples
}

pub(crate) async fn metrics_can_be_read(place: &Place) {
    place.append(2).await;
    audit::sign(&place.controller).await.unwrap();
    place.append(1).await;
    place
        .edit(
            "INSERT INTO jobs (id, kind, state, request, verdict, started_at_us, deadline_at_us, asked_by) \
             VALUES ('a', 'drift', 'ended', '', 'drift', 1, 1, ''), ('b', 'drift', 'ended', '', 'drift', 1, 1, ''), \
             ('c', 'baseline', 'running', '', '', 1, 1, '')",
        )
        .await;
    place
        .edit(
            "INSERT INTO identities (id, kind, name, enrolled_at_us, revoked_at_us) \
             VALUES ('a', 'agent', 'vm1', 1, NULL), ('b', 'agent', 'vm2', 1, 2), ('c', 'user', 'ada', 1, NULL)",
        )
        .await;
    place
        .edit("INSERT INTO commands (id, identity, code, at_us) VALUES ('a', 'a', '', 1), ('b', 'a', 'expired', 1)")
        .await;
    let (status, page) = get(place, "/metrics", 0).await;
    assert_eq!(status, StatusCode::OK);
    let samples = parse(&page);
    let build = format!("netghost_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    for (series, wanted) in [
        (build.as_str(), 1),
        ("netghost_agents", 1),
        ("netghost_agents_connected", 0),
        ("netghost_jobs_running", 1),
        ("netghost_jobs_ended_total{kind=\"drift\",verdict=\"drift\"}", 2),
        ("netghost_commands_ended_total{outcome=\"captured\",code=\"\"}", 1),
        (
            "netghost_commands_ended_total{outcome=\"failed\",code=\"expired\"}",
            1,
        ),
        ("netghost_audit_records_total", 4),
        ("netghost_audit_unsigned_records", 1),
        ("netghost_audit_head_age_seconds", 0),
        ("netghost_uploaded_bytes_total", 0),
    ] {
        assert_eq!(samples.get(series), Some(&wanted), "{series}\n{page}");
    }
    // Counted for the whole process, in which other tests run.
    assert!(samples["netghost_events_total{action=\"agent.tag\",outcome=\"done\"}"] >= 3);
    assert!(samples["netghost_disk_free_bytes"] > 0);
    place.edit("DELETE FROM audit_tail").await;
    assert_eq!(get(place, "/metrics", 0).await.0, StatusCode::SERVICE_UNAVAILABLE);
}

pub(crate) async fn readiness_says_what_is_missing(place: &Place) {
    assert_eq!(
        get(place, "/healthz", 0).await,
        (StatusCode::OK, "ok\n".to_owned())
    );
    assert_eq!(
        get(place, "/readyz", 0).await,
        (StatusCode::OK, "ready\n".to_owned())
    );
    let (status, why) = get(place, "/readyz", u64::MAX).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        why.contains("MiB are free") && why.contains("limits.disk_free_mib"),
        "{why}"
    );
    place.store().pool().close().await;
    let (status, why) = get(place, "/readyz", 0).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(why.contains("can't be written"), "{why}");
    assert_eq!(get(place, "/healthz", 0).await.0, StatusCode::OK);
}
