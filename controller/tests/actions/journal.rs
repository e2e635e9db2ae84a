//! The journal of changes that are made through a cloud's API.

use netghost_controller::Controller;
use netghost_controller::store::journal::{self, Change, State};
use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Id;
use sqlx::AnyConnection;

use crate::world::World;

fn change(number: u8) -> Change {
    Change {
        id: Id::from_random([number; 16]),
        action: Digest::of(&[number]),
        resource: format!("/subscriptions/s/nsg{number}"),
        etag_before: "W/\"1\"".to_owned(),
        etag_after: String::new(),
        inverse: Digest::of(b"the body before"),
        state: State::Open,
        why: String::new(),
        opened_at_us: 1_000,
        deadline_us: 2_000,
    }
}

fn lease(number: u8) -> Id {
    Id::from_random([100 + number; 16])
}

pub(crate) async fn a_journal_goes_on_by_conditions(world: &World) {
    let mut store = world.controller.store.pool().acquire().await.unwrap();
    let one = change(1);
    assert!(journal::open(&mut store, &one).await.unwrap());
    assert!(!journal::open(&mut store, &one).await.unwrap(), "opened once");
    let twin = Change {
        id: lease(9),
        ..one.clone()
    };
    assert!(
        !journal::open(&mut store, &twin).await.unwrap(),
        "one change for one action"
    );
    assert_eq!(
        journal::change(&mut store, one.id).await.unwrap(),
        Some(one.clone())
    );
    assert!(
        !journal::confirm(&mut store, one.id, 1_500).await.unwrap(),
        "nothing was applied"
    );
    assert!(journal::applied(&mut store, one.id, "W/\"2\"").await.unwrap());
    assert!(!journal::applied(&mut store, one.id, "W/\"3\"").await.unwrap());
    assert_eq!(
        journal::take_expired(&mut store, lease(1), 1_999, 9_000)
            .await
            .unwrap(),
        None,
        "its time is not over"
    );
    assert!(journal::confirm(&mut store, one.id, 1_999).await.unwrap());
    assert_eq!(
        journal::take_expired(&mut store, lease(1), 5_000, 9_000)
            .await
            .unwrap(),
        None,
        "it stays"
    );
    assert!(
        !journal::close(&mut store, (one.id, lease(1)), State::Undone, "", 5_000)
            .await
            .unwrap()
    );
    let stored = journal::change(&mut store, one.id).await.unwrap().unwrap();
    assert_eq!(
        (stored.state, stored.etag_after.as_str()),
        (State::Confirmed, "W/\"2\"")
    );
    // At the deadline it is too late.
    let two = change(2);
    journal::open(&mut store, &two).await.unwrap();
    journal::applied(&mut store, two.id, "W/\"2\"").await.unwrap();
    assert!(!journal::confirm(&mut store, two.id, 2_000).await.unwrap());
    assert_eq!(journal::change(&mut store, lease(5)).await.unwrap(), None);
}

pub(crate) async fn of_two_controllers_one_undoes(world: &World) {
    let mut store = world.controller.store.pool().acquire().await.unwrap();
    for number in 1..=4 {
        journal::open(&mut store, &change(number)).await.unwrap();
    }
    let applied = journal::applied(&mut store, change(1).id, "W/\"2\"");
    assert!(applied.await.unwrap());
    let other = world.next_process().await;
    let mut taken = taken_at_once([&world.controller, &other.controller]).await;
    let mut ids: Vec<Id> = taken.iter().map(|(id, _)| *id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), taken.len(), "one change, one lease: {taken:?}");
    // Where two reach for the same one at the same moment one goes away empty, and comes again.
    while let Some(one) = taken_by(&mut store, lease(50), 3_000).await {
        taken.push((one, lease(50)));
    }
    assert_eq!(taken.len(), 4, "{taken:?}");
    let (id, _) = taken[0];
    let applied = journal::applied(&mut store, id, "late").await.unwrap();
    assert!(!applied, "somebody undoes it");
    assert!(
        !closes(&mut store, (id, lease(77)), State::Undone).await,
        "another's lease"
    );
    // A controller that died lets its lease run out.
    let again = taken_by(&mut store, lease(60), 4_000).await.unwrap();
    let held = taken.iter().find(|(id, _)| *id == again).unwrap().1;
    assert!(!closes(&mut store, (again, held), State::Undone).await);
    assert!(closes(&mut store, (again, lease(60)), State::Conflict).await);
    let closed = journal::change(&mut store, again).await.unwrap().unwrap();
    assert_eq!(
        (closed.state, closed.why.as_str()),
        (State::Conflict, "so it was")
    );
    assert!(!closes(&mut store, (again, lease(60)), State::Undone).await);
}

async fn taken_by(store: &mut AnyConnection, lease: Id, now_us: u64) -> Option<Id> {
    let taken = journal::take_expired(store, lease, now_us, now_us + 1_000).await;
    taken.unwrap().map(|change| change.id)
}

async fn closes(store: &mut AnyConnection, which: (Id, Id), end: State) -> bool {
    journal::close(store, which, end, "so it was", 4_500)
        .await
        .unwrap()
}

/// What eight take, each of two controllers by turns, all at the same moment.
async fn taken_at_once(controllers: [&Controller; 2]) -> Vec<(Id, Id)> {
    let mut tasks = Vec::new();
    for (number, controller) in controllers.into_iter().cycle().take(8).enumerate() {
        let (controller, lease) = (controller.clone(), lease(u8::try_from(number).unwrap()));
        tasks.push(tokio::spawn(async move {
            let mut transaction = controller.store.begin().await.unwrap();
            let taken = taken_by(&mut transaction, lease, 3_000).await;
            transaction.commit().await.unwrap();
            taken.map(|id| (id, lease))
        }));
    }
    let mut taken = Vec::new();
    for task in tasks {
        taken.extend(task.await.unwrap());
    }
    taken
}
