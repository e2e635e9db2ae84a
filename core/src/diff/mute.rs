//! Setting changes apart that nobody wants to hear of.

use serde::Serialize;

use super::Change;

/// Which changes to set apart: those in chains whose name matches, or whose path does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mute {
    /// A chain's name; `*` stands for any characters: `KUBE-*`. One with a slash may also be a change's path, so that
    /// `ip/kube-proxy/*` is all that is in a table, its sets and maps too.
    pub chain_pattern: String,
}

/// What a pattern set apart. The changes are kept whole: muted is not dropped.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Muted {
    /// The pattern.
    pub chain_pattern: String,
    /// How many changes.
    pub count: usize,
    /// The changes.
    pub changes: Vec<Change>,
}

/// Those that stay, and those that each pattern takes; the first pattern that matches takes a change. A pattern that takes
/// nothing is listed too, so that the result says what it was made with.
pub(super) fn split(changes: Vec<Change>, mutes: &[Mute]) -> (Vec<Change>, Vec<Muted>) {
    let mut muted: Vec<Muted> = mutes
        .iter()
        .map(|mute| Muted {
            chain_pattern: mute.chain_pattern.clone(),
            count: 0,
            changes: Vec::new(),
        })
        .collect();
    let mut kept = Vec::with_capacity(changes.len());
    for change in changes {
        let taker = muted
            .iter_mut()
            .find(|row| takes(row.chain_pattern.as_bytes(), &change));
        match taker {
            Some(row) => {
                row.count += 1;
                row.changes.push(change);
            }
            None => kept.push(change),
        }
    }
    (kept, muted)
}

fn takes(pattern: &[u8], change: &Change) -> bool {
    let chain = change.chain.as_ref().map(|id| id.chain.as_bytes());
    chain.is_some_and(|name| matches(pattern, name))
        || (pattern.contains(&b'/') && matches(pattern, change.path.as_bytes()))
}

/// Greedy matching of `*`, going back to the last star only: linear space, no recursion.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(byte) if name.get(n) == Some(byte) => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, n) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stand_for_any_characters() {
        let cases = [
            ("KUBE-*", "KUBE-SEP-1", true),
            ("KUBE-*", "KUBE", false),
            ("*-sshd", "f2b-sshd", true),
            ("f*b*d", "f2b-sshd", true),
            ("f*b*x", "f2b-sshd", false),
            ("*", "", true),
            ("", "x", false),
        ];
        for (pattern, name, yes) in cases {
            assert_eq!(
                matches(pattern.as_bytes(), name.as_bytes()),
                yes,
                "{pattern} {name}"
            );
        }
    }
}
