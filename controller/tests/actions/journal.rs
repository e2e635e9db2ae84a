//! The journal of changes that are made through a cloud's API.

use netghost_controller::store::journal::{self, Change, State};
use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Id;

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
    journal::applied(&mut store, change(1).id, "W/\"2\"")
        .await
        .unwrap();
    drop(store);
    let other = world.next_process().await;
    let mut taken = Vec::new();
    let mut tasks = Vec::new();
    for (number, controller) in [&world.controller, &other.controller]
        .into_iter()
        .cycle()
        .take(8)
        .enumerate()
    {
        let (controller, lease) = (controller.clone(), lease(u8::try_from(number).unwrap()));
        tasks.push(tokio::spawn(async move {
            let mut transaction = controller.store.begin().await.unwrap();
            let taken = journal::take_expired(&mut transaction, lease, 3_000, 4_000)
                .await
                .unwrap();
            transaction.commit().await.unwrap();
            taken.map(|change| (change.id, lease))
        }));
    }
    for task in tasks {
        taken.extend(task.await.unwrap());
    }
    let mut ids: Vec<Id> = taken.iter().map(|(id, _)| *id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), taken.len(), "one change, one lease: {taken:?}");
    // Where two reach for the same one at the same moment one goes away empty, and comes again.
    let mut store = world.controller.store.pool().acquire().await.unwrap();
    while let Some(change) = journal::take_expired(&mut store, lease(50), 3_000, 4_000)
        .await
        .unwrap()
    {
        taken.push((change.id, lease(50)));
    }
    assert_eq!(taken.len(), 4, "{taken:?}");
    let (id, holder) = taken[0];
    assert!(
        !journal::applied(&mut store, id, "late").await.unwrap(),
        "somebody undoes it"
    );
    assert!(
        !journal::close(&mut store, (id, lease(77)), State::Undone, "", 3_500)
            .await
            .unwrap(),
        "another's lease"
    );
    // A controller that died lets its lease run out.
    let again = journal::take_expired(&mut store, lease(60), 4_000, 5_000)
        .await
        .unwrap()
        .unwrap();
    let held = taken.iter().find(|(id, _)| *id == again.id).unwrap().1;
    assert!(
        !journal::close(&mut store, (again.id, held), State::Undone, "", 4_500)
            .await
            .unwrap()
    );
    assert!(
        journal::close(
            &mut store,
            (again.id, lease(60)),
            State::Conflict,
            "edited",
            4_500
        )
        .await
        .unwrap()
    );
    let closed = journal::change(&mut store, again.id).await.unwrap().unwrap();
    assert_eq!((closed.state, closed.why.as_str()), (State::Conflict, "edited"));
    assert!(
        !journal::close(&mut store, (again.id, lease(60)), State::Undone, "", 4_600)
            .await
            .unwrap()
    );
    assert_ne!(holder, lease(77));
}
