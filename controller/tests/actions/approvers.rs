//! The list of approvers.

use netghost_core::audit::Outcome;
use netghost_core::fleet::{Kind, Role};
use netghost_core::gate::Roster;
use netghost_proto::v1;
use netghost_proto::v1::fleet_client::FleetClient;
use tonic::Code;
use tonic::transport::Channel;

use crate::world::{World, ca, name, refused, roster, signer};

fn published(roster: &Roster, key: u8) -> v1::Approvers {
    v1::Approvers {
        ca: signer(key).public().to_pem().unwrap(),
        roster: roster.sign(&signer(key)).unwrap().into(),
    }
}

pub(crate) async fn only_a_newer_list_under_the_same_ca_is_published(world: &World) {
    let mut admin = world.user("ada", Role::Admin).await;
    let shown = shown(&mut admin).await;
    assert_eq!(Roster::open(&shown.roster, ca().public()).unwrap(), roster());
    // The same again is no error.
    assert_eq!(world.publish(&roster()).await.unwrap(), shown);
    let older = Roster::new();
    refused(world.publish(&older).await, Code::FailedPrecondition, "not newer");
    let twin = Roster {
        version: roster().version,
        ..Roster::new()
    };
    refused(world.publish(&twin).await, Code::FailedPrecondition, "not newer");
    let newer = roster().with(name("zoe"), signer(8).public()).unwrap();
    refused(
        admin.publish_approvers(published(&newer, 9)).await,
        Code::FailedPrecondition,
        "pins its CA",
    );
    // Signed by another key than the one that it comes with.
    let mut mixed = published(&newer, 9);
    mixed.ca = ca().public().to_pem().unwrap();
    refused(
        admin.publish_approvers(mixed).await,
        Code::InvalidArgument,
        "roster",
    );
    nothing_else_is(&mut admin, &newer).await;
    admin.publish_approvers(published(&newer, 1)).await.unwrap();
    let records = world.records().await;
    let of = |outcome| {
        records
            .iter()
            .filter(|record| record.action == "approvers.publish" && record.outcome == outcome)
            .count()
    };
    assert_eq!((of(Outcome::Done), of(Outcome::Denied)), (2, 7));
}

async fn shown(who: &mut FleetClient<Channel>) -> v1::Approvers {
    let shown = who.show_approvers(v1::ShowApproversRequest {}).await;
    shown.unwrap().into_inner()
}

/// What is no list is refused, and what was published stays.
async fn nothing_else_is(admin: &mut FleetClient<Channel>, newer: &Roster) {
    for bad in [
        v1::Approvers::default(),
        v1::Approvers {
            ca: "x".repeat(2_000),
            ..published(newer, 1)
        },
        v1::Approvers {
            roster: vec![0; 10_000].into(),
            ..published(newer, 1)
        },
    ] {
        assert_eq!(
            admin.publish_approvers(bad).await.unwrap_err().code(),
            Code::InvalidArgument
        );
    }
    let stayed = Roster::open(&shown(admin).await.roster, ca().public()).unwrap();
    assert_eq!(stayed, roster(), "nothing of that changed it");
}

pub(crate) async fn an_identity_carries_the_approvers_ca(world: &World) {
    let (_, certificate) = world.enrol(Kind::Agent, "vm1", "").await;
    let csr = netghost_client::Key::generate().unwrap().request().unwrap();
    let renewed = world
        .link(&certificate)
        .await
        .renew(v1::RenewRequest { csr: csr.into() })
        .await
        .unwrap();
    assert_eq!(renewed.into_inner().approvers, ca().public().to_pem().unwrap());
}
