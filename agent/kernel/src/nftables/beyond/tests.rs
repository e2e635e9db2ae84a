//! In which order handles are asked for.

use super::*;

fn candidates(known: &[u64], last: u64) -> Candidates {
    Candidates::of(&known.iter().copied().collect(), last)
}

/// Every handle once, none that is known.
#[test]
fn each_handle_is_asked_for_once() {
    for (known, last) in [
        (vec![1, 2, 5], 2),
        (vec![1, 2, 5], 5),
        (vec![], 0),
        (vec![3, 20_000], 3),
        (vec![3, 20_000, 9_000], 9_000),
    ] {
        let limit = 40_000;
        let asked: Vec<u64> = candidates(&known, last).take(limit).collect();
        let once: BTreeSet<u64> = asked.iter().copied().collect();
        assert_eq!(once.len(), limit, "{known:?}");
        assert!(known.iter().all(|handle| !once.contains(handle)));
        let all = (1..=20_000).filter(|handle| !known.contains(handle));
        assert!(all.into_iter().all(|handle| once.contains(&handle)), "{known:?}");
        assert!(!once.contains(&0));
    }
}

/// What stands behind the last rule listed comes first, then what was added last.
#[test]
fn the_likely_ones_come_first() {
    let asked: Vec<u64> = candidates(&[1, 2, 1_000_000], 2).take(3 * 4096).collect();
    assert_eq!(asked[..3], [3, 4, 5]);
    let place = asked.iter().position(|handle| *handle == 1_000_001);
    assert!(place.is_some_and(|place| place < 2 * 4096 + 2), "{place:?}");
}
