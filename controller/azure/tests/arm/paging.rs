//! Lists of several pages.

use netghost_azure::{ArmError, Kind, Pages, Scope};
use serde_json::json;

use crate::play::{Numbered, Play, SUBSCRIPTION, Says, TIME, id};

async fn nics(play: &Play) -> Result<Pages, ArmError> {
    play.arm()
        .within(TIME)
        .nics(Scope::Subscription(SUBSCRIPTION))
        .await
}

fn names(pages: &Pages) -> Vec<&str> {
    pages.items().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn all_pages_are_one_list() {
    let play = Play::of(vec![
        Says::json(
            200,
            json!({"value": [{"name": "a"}], "nextLink": "BASE/subscriptions/x?api-version=1&$skiptoken=2"}),
        ),
        Says::json(
            200,
            json!({"value": [], "nextLink": "/subscriptions/x?api-version=1&$skiptoken=3"}),
        ),
        Says::json(
            200,
            json!({"value": [{"name": "b"}, {"name": "c"}], "nextLink": ""}),
        ),
    ])
    .await;
    let pages = nics(&play).await.unwrap();
    assert_eq!(names(&pages), ["a", "b", "c"]);
    assert_eq!(pages.answers().len(), 3);
    let came = play.came();
    assert!(came[1].path.ends_with("skiptoken=2") && came[2].path.ends_with("skiptoken=3"));
}

#[tokio::test]
async fn pages_in_a_circle_are_an_error() {
    let page = |next: &str| Says::json(200, json!({"value": [{"name": "a"}], "nextLink": next}));
    let play = Play::of(vec![page("BASE/p?1"), page("BASE/p?2"), page("BASE/p?1")]).await;
    assert_eq!(nics(&play).await.unwrap_err().kind, Kind::Endless);
    assert_eq!(play.count(), 3);
}

#[tokio::test]
async fn pages_without_end_are_an_error() {
    let play = Play::with(Box::new(|number, _, base| {
        Says::json(
            200,
            json!({"value": [], "nextLink": format!("{base}/p?{number}")}),
        )
    }))
    .await;
    let arm = play
        .build()
        .most_pages(30)
        .with_tokens(Box::new(Numbered::default()))
        .unwrap();
    let error = arm
        .within(TIME)
        .nics(Scope::Subscription(SUBSCRIPTION))
        .await
        .unwrap_err();
    assert_eq!((error.kind.clone(), play.count()), (Kind::Endless, 30));
}

#[tokio::test]
async fn no_token_goes_to_another_host() {
    let thief = Play::of(vec![Says::json(200, json!({"value": []}))]).await;
    let links = [
        format!("{}/p", thief.base),
        "https://management.azure.com.example.org/p".to_owned(),
        "//example.org/p".to_owned(),
        "ftp://127.0.0.1/p".to_owned(),
    ];
    for link in links {
        let play = Play::of(vec![Says::json(200, json!({"value": [], "nextLink": link}))]).await;
        let error = nics(&play).await.unwrap_err();
        assert_eq!(error.kind, Kind::OtherHost, "{link}");
        assert!(error.to_string().contains(&link), "{error}");
    }
    assert_eq!(thief.count(), 0);
}

#[tokio::test]
async fn a_page_without_its_list_is_no_empty_list() {
    let bodies = [
        json!({}),
        json!({"value": null}),
        json!({"value": {}}),
        json!([]),
        json!({"values": []}),
        json!({"value": [], "nextLink": 5}),
    ];
    for body in bodies {
        let play = Play::of(vec![Says::json(200, body.clone())]).await;
        assert_eq!(nics(&play).await.unwrap_err().kind, Kind::Malformed, "{body}");
    }
}

#[tokio::test]
async fn a_page_that_fails_fails_the_list() {
    let first = Says::json(200, json!({"value": [{"name": "a"}], "nextLink": "BASE/p?2"}));
    let play = Play::of(vec![first, Says::error(404, "NotFound", "x")]).await;
    assert_eq!(
        nics(&play).await.unwrap_err().kind,
        Kind::NotFound {
            by_resource_manager: false
        }
    );
}

#[tokio::test]
async fn a_token_in_the_body_leads_on() {
    let play = Play::of(vec![
        Says::json(200, json!({"value": [{"name": "a"}], "skipToken": "t2"})),
        Says::json(200, json!({"value": [{"name": "b"}], "skipToken": null})),
    ])
    .await;
    let vnet = id("Microsoft.Network/virtualNetworks/hub");
    let pages = play.arm().within(TIME).admin_rules(&vnet).await.unwrap();
    assert_eq!(names(&pages), ["a", "b"]);
    let came = play.came();
    assert_eq!(
        (came[0].body.as_str(), came[1].body.as_str()),
        ("{}", r#"{"skipToken":"t2"}"#)
    );
    let circle = Play::of(vec![Says::json(200, json!({"value": [], "skipToken": "t"}))]).await;
    assert_eq!(
        circle
            .arm()
            .within(TIME)
            .admin_rules(&vnet)
            .await
            .unwrap_err()
            .kind,
        Kind::Endless
    );
}

#[tokio::test]
async fn resource_graph_is_asked_to_its_last_page() {
    let play = Play::of(vec![
        Says::json(
            200,
            json!({"data": [{"name": "a"}], "$skipToken": "s", "resultTruncated": "false"}),
        ),
        Says::json(200, json!({"data": [{"name": "b"}], "resultTruncated": "false"})),
    ])
    .await;
    let pages = play
        .arm()
        .within(TIME)
        .graph(&[SUBSCRIPTION], "Resources | order by id")
        .await
        .unwrap();
    assert_eq!(names(&pages), ["a", "b"]);
    let second: serde_json::Value = serde_json::from_str(&play.came()[1].body).unwrap();
    assert_eq!(second["options"]["$skipToken"], "s");
    assert_eq!(second["subscriptions"], json!([SUBSCRIPTION]));
    // Cut off without a way to the rest.
    let cut = Play::of(vec![Says::json(
        200,
        json!({"data": [], "resultTruncated": "true"}),
    )])
    .await;
    assert_eq!(
        cut.arm().within(TIME).graph(&[], "x").await.unwrap_err().kind,
        Kind::Malformed
    );
}
