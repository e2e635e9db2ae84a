//! The longest common subsequence of two lists of ids (Hunt and Szymanski, CACM 20(5), 1977): exact, and as fast as sorting
//! where few ids repeat.

use std::collections::HashMap;

/// Above this many equal pairs in one stretch (two thousand copies of one rule on both sides) the stretch is cut at ids
/// that occur once on each side; where there are none, no alignment is made.
const MAX_PAIRS: usize = 4_000_000;

/// How often a stretch may be cut at ids that occur once, before no alignment is made.
const MAX_DEPTH: u8 = 4;

/// Indexes into both lists of elements that stayed, rising on both sides, as many as possible. `None`: above the bound.
pub(super) fn align(before: &[u32], after: &[u32]) -> Option<Vec<(usize, usize)>> {
    let mut out = Vec::with_capacity(before.len().min(after.len()));
    stretch(before, after, (0, 0), 0, &mut out)?;
    Some(out)
}

type Pairs = Vec<(usize, usize)>;

/// Aligns two sublists that begin at `origin` in the whole lists.
fn stretch(before: &[u32], after: &[u32], origin: (usize, usize), depth: u8, out: &mut Pairs) -> Option<()> {
    let head = equal_run(before.iter(), after.iter());
    let (before, after) = (before.get(head..)?, after.get(head..)?);
    let tail = equal_run(before.iter().rev(), after.iter().rev());
    let (before, after) = (
        before.get(..before.len() - tail)?,
        after.get(..after.len() - tail)?,
    );
    let middle_at = (origin.0 + head, origin.1 + head);
    let tail_at = (middle_at.0 + before.len(), middle_at.1 + after.len());
    out.extend((0..head).map(|step| (origin.0 + step, origin.1 + step)));
    middle(before, after, middle_at, depth, out)?;
    out.extend((0..tail).map(|step| (tail_at.0 + step, tail_at.1 + step)));
    Some(())
}

fn equal_run<'a>(one: impl Iterator<Item = &'a u32>, other: impl Iterator<Item = &'a u32>) -> usize {
    one.zip(other).take_while(|(a, b)| a == b).count()
}

fn middle(before: &[u32], after: &[u32], origin: (usize, usize), depth: u8, out: &mut Pairs) -> Option<()> {
    let places = places(after);
    let all = |id: u32| places.get(&id).map_or(&[][..], Vec::as_slice);
    if before.iter().map(|id| all(*id).len()).sum::<usize>() <= MAX_PAIRS {
        let found = longest(before, all);
        out.extend(found.into_iter().map(|(i, j)| (origin.0 + i, origin.1 + j)));
        return Some(());
    }
    let counts = self::places(before);
    let once = |id: u32| {
        let unique = counts.get(&id).is_some_and(|own| own.len() == 1);
        let other = all(id);
        if unique && other.len() == 1 { other } else { &[] }
    };
    let anchors = longest(before, once);
    if anchors.is_empty() || depth == MAX_DEPTH {
        return None;
    }
    between(before, after, origin, depth, &anchors, out)
}

/// Aligns what lies between the anchors, and the anchors themselves.
fn between(
    before: &[u32],
    after: &[u32],
    origin: (usize, usize),
    depth: u8,
    anchors: &Pairs,
    out: &mut Pairs,
) -> Option<()> {
    let (mut i, mut j) = (0, 0);
    for (anchor_i, anchor_j) in anchors {
        let (left, right) = (before.get(i..*anchor_i)?, after.get(j..*anchor_j)?);
        stretch(left, right, (origin.0 + i, origin.1 + j), depth + 1, out)?;
        out.push((origin.0 + anchor_i, origin.1 + anchor_j));
        (i, j) = (anchor_i + 1, anchor_j + 1);
    }
    let (left, right) = (before.get(i..)?, after.get(j..)?);
    stretch(left, right, (origin.0 + i, origin.1 + j), depth + 1, out)
}

/// Where each id occurs, rising.
fn places(ids: &[u32]) -> HashMap<u32, Vec<usize>> {
    let mut places: HashMap<u32, Vec<usize>> = HashMap::new();
    for (index, id) in ids.iter().enumerate() {
        places.entry(*id).or_default().push(index);
    }
    places
}

/// The longest chain of pairs that rises on both sides. Pile `n` holds the lowest end of all chains of length `n + 1`.
fn longest<'a>(before: &[u32], places: impl Fn(u32) -> &'a [usize]) -> Pairs {
    let mut piles: Vec<(usize, usize)> = Vec::new();
    let mut links: Vec<(usize, usize, Option<usize>)> = Vec::new();
    for (i, id) in before.iter().enumerate() {
        for j in places(*id).iter().rev() {
            let pile = piles.partition_point(|(end, _)| end < j);
            if piles.get(pile).is_some_and(|(end, _)| end == j) {
                continue;
            }
            let below = pile.checked_sub(1).and_then(|below| piles.get(below));
            links.push((i, *j, below.map(|(_, link)| *link)));
            let top = (*j, links.len() - 1);
            match piles.get_mut(pile) {
                Some(slot) => *slot = top,
                None => piles.push(top),
            }
        }
    }
    let mut next = piles.last().map(|(_, link)| *link);
    let mut out = Vec::with_capacity(piles.len());
    while let Some((i, j, below)) = next.and_then(|link| links.get(link)) {
        out.push((*i, *j));
        next = *below;
    }
    out.reverse();
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The textbook table, as an oracle for the length.
    fn table(a: &[u32], b: &[u32]) -> usize {
        let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 1..=a.len() {
            for j in 1..=b.len() {
                rows[i][j] = if a[i - 1] == b[j - 1] {
                    rows[i - 1][j - 1] + 1
                } else {
                    rows[i - 1][j].max(rows[i][j - 1])
                };
            }
        }
        rows[a.len()][b.len()]
    }

    fn check(a: &[u32], b: &[u32], pairs: &Pairs) {
        assert!(pairs.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 < w[1].1));
        assert!(pairs.iter().all(|(i, j)| a[*i] == b[*j]));
    }

    proptest! {
        #[test]
        fn as_long_as_the_textbook_says(
            a in prop::collection::vec(0u32..6, 0..40),
            b in prop::collection::vec(0u32..6, 0..40),
        ) {
            let pairs = align(&a, &b).unwrap();
            check(&a, &b, &pairs);
            prop_assert_eq!(pairs.len(), table(&a, &b));
        }
    }

    #[test]
    fn above_the_bound_unique_ids_cut_the_stretch() {
        let copies = vec![1u32; 2_500];
        let one = [vec![9, 2], copies.clone(), vec![3], vec![8]].concat();
        let other = [vec![2], copies, vec![3, 9], vec![7]].concat();
        let pairs = align(&one, &other).unwrap();
        check(&one, &other, &pairs);
        assert_eq!(pairs.len(), 2_502);
    }

    #[test]
    fn above_the_bound_without_unique_ids_there_is_no_alignment() {
        let one: Vec<u32> = (0..6_000).map(|i| i % 2).collect();
        let other: Vec<u32> = (0..6_000).map(|i| (i / 2 + 1) % 2).collect();
        assert_eq!(align(&one, &other), None);
    }
}
