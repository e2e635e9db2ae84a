//! Reading again what changed while it was read, a bounded number of times.

use std::time::Duration;

/// A writer that never rests can starve a reader for ever; after this many tries the reading is torn.
pub const TRIES: u32 = 8;

/// The pause before a further try doubles from here: 5 ms to 320 ms, 635 ms in all.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// What one try brought.
#[derive(Debug)]
pub enum Try<T, E> {
    /// Whole and stable.
    Done(T),
    /// Something, but it changed meanwhile; kept to be shown if no try does better.
    Moved(T),
    /// Nothing, but a further try may succeed.
    Again,
    /// A further try can't help.
    Failed(E),
}

/// How all tries together ended.
#[derive(Debug)]
pub enum Outcome<T, E> {
    /// Whole and stable.
    Done(T),
    /// Every try was overtaken by a change; what the last one that brought something brought.
    Torn(Option<T>),
    /// An error that repeating can't mend.
    Failed(E),
}

/// Tries until done, at most [`TRIES`] times, with growing pauses made by `pause`.
pub fn repeat<T, E>(
    mut attempt: impl FnMut() -> Try<T, E>,
    mut pause: impl FnMut(Duration),
) -> Outcome<T, E> {
    let mut last = None;
    let mut next_pause = FIRST_PAUSE;
    for number in 1..=TRIES {
        match attempt() {
            Try::Done(read) => return Outcome::Done(read),
            Try::Failed(error) => return Outcome::Failed(error),
            Try::Moved(read) => last = Some(read),
            Try::Again => {}
        }
        if number < TRIES {
            pause(next_pause);
            next_pause *= 2;
        }
    }
    Outcome::Torn(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_that_never_rests_ends_in_torn() {
        let (mut tries, mut pauses) = (0, Vec::new());
        let outcome: Outcome<u32, ()> = repeat(
            || {
                tries += 1;
                Try::Moved(tries)
            },
            |pause| pauses.push(pause),
        );
        assert!(matches!(outcome, Outcome::Torn(Some(8))));
        assert_eq!(pauses.len(), 7);
        assert_eq!(pauses.iter().sum::<Duration>(), Duration::from_millis(635));
    }

    #[test]
    fn an_error_that_stays_is_not_repeated() {
        let mut tries = 0;
        let outcome: Outcome<(), &str> = repeat(
            || {
                tries += 1;
                Try::Failed("no privilege")
            },
            |_| {},
        );
        assert!(matches!(outcome, Outcome::Failed("no privilege")));
        assert_eq!(tries, 1);
    }
}
