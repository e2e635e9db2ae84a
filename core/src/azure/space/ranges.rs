//! Sets of whole numbers as sorted ranges that neither touch nor overlap.

use std::fmt::Debug;

/// A whole number with an end on both sides.
pub trait Whole: Copy + Ord + Debug {
    /// The smallest.
    const MIN: Self;
    /// The largest.
    const MAX: Self;
    /// The next larger one.
    fn after(self) -> Option<Self>;
    /// The next smaller one.
    fn before(self) -> Option<Self>;
}

macro_rules! whole {
    ($($number:ty),*) => {$(
        impl Whole for $number {
            const MIN: Self = <$number>::MIN;
            const MAX: Self = <$number>::MAX;
            fn after(self) -> Option<Self> {
                self.checked_add(1)
            }
            fn before(self) -> Option<Self> {
                self.checked_sub(1)
            }
        }
    )*};
}

whole!(u16, u32, u128);

/// A set of numbers: inclusive ranges in order, with a gap between each two, so that one set has one form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ranges<T>(Vec<(T, T)>);

impl<T: Whole> Ranges<T> {
    /// No number.
    pub fn empty() -> Self {
        Self(Vec::new())
    }

    /// Every number.
    pub fn full() -> Self {
        Self(vec![(T::MIN, T::MAX)])
    }

    /// The numbers of these inclusive ranges. One that ends before it begins holds none.
    pub fn of(ranges: impl IntoIterator<Item = (T, T)>) -> Self {
        let mut sorted: Vec<(T, T)> = ranges.into_iter().filter(|(low, high)| low <= high).collect();
        sorted.sort_unstable();
        let mut joined: Vec<(T, T)> = Vec::with_capacity(sorted.len());
        for (low, high) in sorted {
            match joined.last_mut() {
                Some((_, end)) if end.after().is_none_or(|next| low <= next) => *end = high.max(*end),
                _ => joined.push((low, high)),
            }
        }
        Self(joined)
    }

    /// The inclusive ranges, in order.
    pub fn ranges(&self) -> &[(T, T)] {
        &self.0
    }

    /// True where it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True where it holds every number.
    pub fn is_full(&self) -> bool {
        self.0.as_slice() == [(T::MIN, T::MAX)]
    }

    /// The smallest member.
    pub fn first(&self) -> Option<T> {
        self.0.first().map(|(low, _)| *low)
    }

    /// True where the number is in it.
    pub fn contains(&self, number: T) -> bool {
        let at = self.0.partition_point(|(_, high)| *high < number);
        self.0.get(at).is_some_and(|(low, _)| *low <= number)
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::of(self.0.iter().chain(&other.0).copied())
    }

    /// What is in both.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let (mut mine, mut theirs) = (self.0.as_slice(), other.0.as_slice());
        let mut both = Vec::new();
        while let ([(low_a, high_a), rest_a @ ..], [(low_b, high_b), rest_b @ ..]) = (mine, theirs) {
            let (low, high) = ((*low_a).max(*low_b), (*high_a).min(*high_b));
            if low <= high {
                both.push((low, high));
            }
            if high_a < high_b {
                mine = rest_a;
            } else {
                theirs = rest_b;
            }
        }
        Self(both)
    }

    /// What is in it and not in `other`.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        self.intersect(&other.complement())
    }

    /// What is not in it.
    #[must_use]
    pub fn complement(&self) -> Self {
        let mut gaps = Vec::with_capacity(self.0.len() + 1);
        let mut next = Some(T::MIN);
        for (low, high) in &self.0 {
            if let (Some(start), Some(end)) = (next, low.before())
                && start <= end
            {
                gaps.push((start, end));
            }
            next = high.after();
        }
        if let Some(start) = next {
            gaps.push((start, T::MAX));
        }
        Self(gaps)
    }

    /// True where every member of `other` is in it.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|(low, high)| self.holds_all(*low, *high))
    }

    /// True where every number from `low` to `high` is in it.
    pub fn holds_all(&self, low: T, high: T) -> bool {
        let at = self.0.partition_point(|(_, end)| *end < low);
        let held = |(start, end): &(T, T)| *start <= low && high <= *end;
        self.0.get(at).is_some_and(held)
    }

    /// True where a number from `low` to `high` is in it.
    pub fn holds_any(&self, low: T, high: T) -> bool {
        let at = self.0.partition_point(|(_, end)| *end < low);
        self.0.get(at).is_some_and(|(start, _)| *start <= high)
    }

    /// True where a number is in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        other.0.iter().any(|(low, high)| self.holds_any(*low, *high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Set = Ranges<u16>;

    fn some() -> impl Strategy<Value = Vec<(u16, u16)>> {
        let edge = prop_oneof![0u16..24, Just(u16::MAX), Just(u16::MAX - 1)];
        prop::collection::vec((edge.clone(), edge), 0..5)
    }

    /// The oracle: each number of a small universe asked one by one.
    fn members(ranges: &[(u16, u16)]) -> impl Fn(u16) -> bool {
        move |number| ranges.iter().any(|(low, high)| (*low..=*high).contains(&number))
    }

    fn universe() -> impl Iterator<Item = u16> {
        (0..26).chain(u16::MAX - 3..=u16::MAX)
    }

    proptest! {
        #[test]
        fn each_operation_is_what_its_members_say(a in some(), b in some()) {
            let (x, y) = (Set::of(a.iter().copied()), Set::of(b.iter().copied()));
            let (union, both, less, not) = (x.union(&y), x.intersect(&y), x.subtract(&y), x.complement());
            let (in_a, in_b) = (members(&a), members(&b));
            for n in universe() {
                prop_assert_eq!(x.contains(n), in_a(n));
                prop_assert_eq!(union.contains(n), in_a(n) || in_b(n));
                prop_assert_eq!(both.contains(n), in_a(n) && in_b(n));
                prop_assert_eq!(less.contains(n), in_a(n) && !in_b(n));
                prop_assert_eq!(not.contains(n), !in_a(n));
            }
            prop_assert_eq!(x.covers(&y), y.subtract(&x).is_empty());
            prop_assert_eq!(x.overlaps(&y), !both.is_empty());
            prop_assert_eq!(&less.union(&both), &x);
            prop_assert_eq!(&not.complement(), &x);
        }
    }

    #[test]
    fn neighbours_become_one_range() {
        assert_eq!(Set::of([(5, 6), (1, 2), (3, 4)]).ranges(), [(1, 6)]);
        assert_eq!(Set::of([(0, 9), (10, u16::MAX)]), Set::full());
        assert!(Set::of([(3, 2)]).is_empty());
    }
}
