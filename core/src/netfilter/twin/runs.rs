//! What two lists begin and end with alike.

/// How many elements two lists begin with alike, and how many of the others they end with alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Runs {
    /// At the beginning.
    pub(crate) head: usize,
    /// At the end.
    pub(crate) tail: usize,
}

impl Runs {
    /// Those of two lists.
    pub(crate) fn of<T: PartialEq>(one: &[T], other: &[T]) -> Self {
        let head = one.iter().zip(other).take_while(|(a, b)| a == b).count();
        let rest = one.iter().skip(head).rev().zip(other.iter().skip(head).rev());
        let tail = rest.take_while(|(a, b)| a == b).count();
        Self { head, tail }
    }

    /// One of the lists in three: its beginning, what is its own, its end.
    pub(crate) fn parts<T>(self, list: &[T]) -> (&[T], &[T], &[T]) {
        let (head, rest) = list.split_at_checked(self.head).unwrap_or((list, &[]));
        let own = rest.len().saturating_sub(self.tail);
        let (own, tail) = rest.split_at_checked(own).unwrap_or((rest, &[]));
        (head, own, tail)
    }
}
