//! The files that were read, and those that are still to be read.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::raw::{HostRaw, PartRead};

/// Something to look up below the root of a host's files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ask {
    /// The content of a file; links are followed.
    File(String),
    /// Where a link leads, one step; empty for what is there and is no link.
    Link(String),
    /// The names in a directory that match a pattern, sorted, each ended by a NUL.
    List {
        /// The directory.
        directory: String,
        /// As the shell knows it: `*`, `?` and `[…]`.
        pattern: String,
    },
}

impl Ask {
    /// The name of the part that answers it.
    pub fn source(&self) -> String {
        match self {
            Self::File(path) => path.clone(),
            Self::Link(path) => format!("link:{path}"),
            Self::List { directory, pattern } => format!("list:{directory}/{pattern}"),
        }
    }
}

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found<T> {
    /// It was read.
    Read(T),
    /// It is not there.
    Absent,
    /// It could not be read, or was not asked for yet.
    Unread(String),
}

/// Looks up what was read, and notes what was not asked for yet.
#[derive(Debug)]
pub(super) struct Files<'r> {
    parts: BTreeMap<&'r str, &'r PartRead>,
    asked: RefCell<BTreeSet<Ask>>,
}

impl<'r> Files<'r> {
    pub(super) fn new(raw: &'r HostRaw) -> Self {
        let parts = raw.parts.iter().map(|part| (part.source.as_str(), &part.read));
        Self {
            parts: parts.collect(),
            asked: RefCell::default(),
        }
    }

    /// What was looked up and is not among the parts.
    pub(super) fn asked(self) -> Vec<Ask> {
        self.asked.into_inner().into_iter().collect()
    }

    fn look(&self, ask: Ask) -> Found<&'r [u8]> {
        let source = ask.source();
        match self.parts.get(source.as_str()) {
            Some(PartRead::File { content }) => Found::Read(content.as_bytes()),
            Some(PartRead::Absent { .. }) => Found::Absent,
            Some(PartRead::Unreadable { why }) => Found::Unread(why.clone()),
            Some(PartRead::Messages { .. }) => Found::Unread(format!("{source} is no file")),
            None => {
                self.asked.borrow_mut().insert(ask);
                Found::Unread(format!("{source} was not asked for"))
            }
        }
    }

    /// Notes what will be looked up, so that much is asked for at once.
    pub(super) fn ask(&self, ask: Ask) {
        if !self.parts.contains_key(ask.source().as_str()) {
            self.asked.borrow_mut().insert(ask);
        }
    }

    /// The content of a file.
    pub(super) fn file(&self, path: &str) -> Found<&'r [u8]> {
        self.look(Ask::File(path.to_owned()))
    }

    /// Where a link leads: empty for what is no link.
    pub(super) fn link(&self, path: &str) -> Found<String> {
        match self.look(Ask::Link(path.to_owned())) {
            Found::Read(target) => match std::str::from_utf8(target) {
                Ok(target) => Found::Read(target.to_owned()),
                Err(_) => Found::Unread(format!("{path} leads to a path that is not UTF-8")),
            },
            Found::Absent => Found::Absent,
            Found::Unread(why) => Found::Unread(why),
        }
    }

    /// The names in a directory; none where it is not there.
    pub(super) fn list(&self, directory: &str, pattern: &str) -> Result<Vec<String>, String> {
        let ask = Ask::List {
            directory: directory.to_owned(),
            pattern: pattern.to_owned(),
        };
        match self.look(ask) {
            Found::Absent => Ok(Vec::new()),
            Found::Unread(why) => Err(why),
            Found::Read(names) => {
                let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
                let names = names.map(|name| String::from_utf8(name.to_vec()));
                names
                    .collect::<Result<_, _>>()
                    .map_err(|_| format!("{directory} holds a name that is not UTF-8"))
            }
        }
    }
}

/// The directory of a path and the name in it.
pub(super) fn split(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some(parts) => parts,
        None => ("", path),
    }
}

/// True if `pattern` means more than itself.
pub(super) fn is_pattern(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

/// Whether a name matches a pattern of the shell: `*`, `?`, `[abc]`, `[a-z]`, `[!a]` and `\`; a point at the beginning only
/// by itself (glob(7)). A bracket that does not close stands for itself.
pub fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match (pattern.get(p), name.get(n)) {
            (None, None) => return true,
            (Some('*'), _) => {
                star = Some((p + 1, n));
                Some((p + 1, n))
            }
            (Some(_), Some(c)) => one(pattern.get(p..).unwrap_or_default(), *c).map(|by| (p + by, n + 1)),
            _ => None,
        };
        (p, n) = match (step, star) {
            (Some(step), _) => step,
            (None, Some((after, from))) if from < name.len() => {
                star = Some((after, from + 1));
                (after, from + 1)
            }
            (None, _) => return false,
        };
    }
}

/// How many characters of the pattern take this one; `None` where it does not fit.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['\\', literal, ..] => (*literal == c).then_some(2),
        ['[', rest @ ..] => match bracket(rest, c) {
            Some((length, fits)) => fits.then_some(length + 1),
            None => (c == '[').then_some(1),
        },
        [literal, ..] => (*literal == c).then_some(1),
        [] => None,
    }
}

/// The length up to the closing bracket, and whether the character is one of those.
fn bracket(rest: &[char], c: char) -> Option<(usize, bool)> {
    let not = matches!(rest.first(), Some('!' | '^'));
    let begin = usize::from(not);
    let end = begin + 1 + rest.get(begin + 1..)?.iter().position(|c| *c == ']')?;
    let mut members = rest.get(begin..end)?;
    let mut fits = false;
    while let Some((first, after)) = members.split_first() {
        members = after;
        let mut last = first;
        if let ['-', to, others @ ..] = members {
            (last, members) = (to, others);
        }
        fits |= (*first..=*last).contains(&c);
    }
    Some((end + 1, fits != not))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_the_shell() {
        let cases = [
            ("*.nft", "a.nft", true),
            ("*.nft", ".nft", false),
            (".*", ".x", true),
            ("*.nft", "a.nft~", false),
            ("*", "", true),
            ("a*b*c", "aXbYbc", true),
            ("a*b*c", "aXbY", false),
            ("[0-4]?-*", "40-x", true),
            ("[0-4]?-*", "50-x", false),
            ("[!a]", "b", true),
            ("[!a]", "a", false),
            ("[]a]", "]", true),
            ("[a", "[a", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
        ];
        for (pattern, name, fits) in cases {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
