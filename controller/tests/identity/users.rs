//! People come, go, and come again.

use netghost_client::Key;
use netghost_controller::users::{self, Error};
use netghost_core::artifact::name::Name;
use netghost_core::fleet::{Kind, Role};
use tonic::Code;

use crate::world::{DAY_US, World, later, refused};

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

#[tokio::test]
async fn a_user_is_the_same_on_two_machines() {
    let world = World::start().await;
    let first = world.user("vera", Role::Operator).await;
    let second = world.user("vera", Role::Operator).await;
    assert_eq!(first.spiffe, second.spiffe);
    assert_eq!(first.spiffe.kind, Kind::User);
    let other = users::add(&world.controller, &name("vera"), Role::Admin).await;
    assert!(matches!(other, Err(Error::OtherRole { role, .. }) if role == "operator"));
    let list = users::list(&world.controller).await.unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(
        (list[0].name.as_str(), list[0].role.as_str()),
        ("vera", "operator")
    );
}

#[tokio::test]
async fn a_revoked_user_may_be_added_anew_with_another_role() {
    let world = World::start().await;
    let unused = users::add(&world.controller, &name("vera"), Role::Viewer)
        .await
        .unwrap();
    let old = world.user("vera", Role::Viewer).await;
    users::revoke(&world.controller, &name("vera"), "left")
        .await
        .unwrap();
    let status = refused(world.enrol(&unused.token, Key::generate().unwrap(), "").await);
    assert_eq!(status.code(), Code::FailedPrecondition);
    let new = world.user("vera", Role::Admin).await;
    assert_ne!(new.spiffe, old.spiffe);
    let unknown = users::revoke(&world.controller, &name("nobody"), "").await;
    assert!(matches!(unknown, Err(Error::Unknown(who)) if who == "nobody"));
}

#[tokio::test]
async fn a_login_token_serves_once_and_for_a_day() {
    let world = World::start().await;
    let login = users::add(&world.controller, &name("vera"), Role::Viewer)
        .await
        .unwrap();
    world
        .enrol(&login.token, Key::generate().unwrap(), "another-name")
        .await
        .unwrap();
    assert_eq!(users::list(&world.controller).await.unwrap()[0].name, "vera");
    let status = refused(world.enrol(&login.token, Key::generate().unwrap(), "").await);
    assert!(status.message().contains("used up"), "{}", status.message());
    let login = users::add(&world.controller, &name("vera"), Role::Viewer)
        .await
        .unwrap();
    later(DAY_US);
    let status = refused(world.enrol(&login.token, Key::generate().unwrap(), "").await);
    assert!(status.message().contains("ran out"), "{}", status.message());
}
