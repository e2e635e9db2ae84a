//! Reading sections in other namespaces.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use netghost_core::bytes::Text;
use netghost_core::namespace::name::INIT;
use netghost_core::namespace::{Asked, Namespace, NamespaceState, Namespaces};
use netghost_core::section::SectionName;

use super::{Listed, enter, list, within};

/// How often the list is taken anew for what came meanwhile.
const ROUNDS: u32 = 3;

/// Which files may be opened to enter a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doors {
    /// Only those of [`list`].
    Listed,
    /// Also a file that a name says, as `/path`.
    Named,
}

/// Why a namespace that was named can't be read.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The list can't be had.
    #[error("list the network namespaces")]
    List(#[source] io::Error),
    /// None is known by this name.
    #[error("there is no network namespace {word}; {}", known(.there, *.hidden))]
    Unknown {
        /// What was asked for.
        word: String,
        /// Those that there are.
        there: Vec<String>,
        /// How many processes and files did not show theirs.
        hidden: u32,
    },
    /// It is where the caller is.
    #[error("{word} is the network namespace that this runs in: its sections are read without naming it")]
    Own {
        /// What was asked for.
        word: String,
    },
    /// The file can't be opened.
    #[error("open {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} is no network namespace", .path.display())]
    NotOne {
        /// The file.
        path: PathBuf,
    },
}

fn known(there: &[String], hidden: u32) -> String {
    let mut out = if there.is_empty() {
        "there is no other one".to_owned()
    } else {
        format!("there are {}", there.join(", "))
    };
    if hidden > 0 {
        out.push_str("; those of ");
        out.push_str(&hidden.to_string());
        out.push_str(" processes or files are shown to root only");
    }
    out
}

/// Which namespaces some words mean: names as [`list`] gives them, other files of `ip netns`, or `/path` of any file that a
/// namespace is mounted on.
///
/// # Errors
/// Where a word means none, or the caller's own.
pub fn find(words: &[String]) -> Result<Asked, FindError> {
    let listed = list().map_err(FindError::List)?;
    let names = words.iter().map(|word| one(word, &listed));
    Ok(Asked::named(names.collect::<Result<Vec<Text>, _>>()?))
}

fn one(word: &str, listed: &Listed) -> Result<Text, FindError> {
    let all = &listed.namespaces;
    let by_name = || {
        all.iter()
            .find(|namespace| namespace.known_as.as_bytes() == word.as_bytes())
    };
    let by_alias = || {
        let path = Path::new(netghost_core::host::namespaces::NAMES).join(word);
        all.iter().find(|namespace| namespace.paths.contains(&path))
    };
    let found = match by_name().or_else(by_alias) {
        Some(found) => found,
        None if word.contains('/') => return file(word, listed),
        None => {
            let others = all.iter().filter(|namespace| !namespace.own);
            return Err(FindError::Unknown {
                word: word.to_owned(),
                there: others.map(|namespace| namespace.known_as.to_string()).collect(),
                hidden: listed.hidden,
            });
        }
    };
    if found.own {
        return Err(FindError::Own {
            word: word.to_owned(),
        });
    }
    Ok(found.known_as.clone())
}

/// The namespace that a file stands for: a listed one, or one that is known by nothing else.
fn file(word: &str, listed: &Listed) -> Result<Text, FindError> {
    let path = std::path::absolute(word).unwrap_or_else(|_| word.into());
    let inode = match enter::inode(&path) {
        Ok(Some(inode)) => inode,
        Ok(None) => return Err(FindError::NotOne { path }),
        Err(source) => return Err(FindError::File { path, source }),
    };
    match listed
        .namespaces
        .iter()
        .find(|namespace| namespace.inode == inode)
    {
        Some(found) if found.own => Err(FindError::Own {
            word: word.to_owned(),
        }),
        Some(found) => Ok(found.known_as.clone()),
        None => Ok(Text::from(path.into_os_string().into_vec())),
    }
}

/// Reads sections in the namespaces that were asked for. `now_us` gives microseconds since 1970 UTC; `stop` says, before each
/// namespace, why no further one is read.
///
/// Nothing fails as a whole: a namespace that could not be read stands there with the reason.
pub fn read(
    asked: &Asked,
    (names, doors): (&[SectionName], Doors),
    now_us: &(dyn Fn() -> u64 + Sync),
    stop: &dyn Fn() -> Option<String>,
) -> Namespaces {
    let mut reading = Reading {
        asked,
        names: names
            .iter()
            .copied()
            .filter(|name| name.is_of_namespace())
            .collect(),
        now_us,
        stop,
        done: Vec::new(),
        tried: BTreeSet::new(),
    };
    let mut listed = match listed(asked, doors) {
        Ok(listed) => listed,
        Err(error) => {
            let why = format!("cannot list the network namespaces: {error}");
            return Namespaces::unlisted(asked.clone(), why);
        }
    };
    for round in 1..=ROUNDS {
        reading.round(&listed, round == ROUNDS);
        match self::listed(asked, doors) {
            Ok(now) => listed = now,
            // What was read stays; that nothing came meanwhile is not known.
            Err(_) => listed.hidden = listed.hidden.saturating_add(1),
        }
        if !reading.has_more(&listed) {
            break;
        }
    }
    let all = reading.end(&listed);
    let hidden = match asked {
        Asked::All => listed.hidden,
        Asked::Named(names) => {
            let there = |name: &Text| all.iter().any(|namespace| namespace.name == *name);
            let missing = names.iter().filter(|name| !there(name));
            missing.map(|name| could_hide(name, &listed)).max().unwrap_or(0)
        }
    };
    let why =
        (hidden > 0).then(|| format!("the namespaces of {hidden} processes or files are shown to root only"));
    Namespaces::new(asked.clone(), why, all)
}

/// How much of what is hidden could be known by this name: a plain one can only be a file's.
fn could_hide(name: &Text, listed: &Listed) -> u32 {
    let plain = name.as_bytes() != INIT.as_bytes() && !name.as_bytes().contains(&b':');
    if plain { listed.hidden_files } else { listed.hidden }
}

/// The list, with the files that were named and that it lacks.
fn listed(asked: &Asked, doors: Doors) -> io::Result<Listed> {
    let mut listed = list()?;
    let (Asked::Named(names), Doors::Named) = (asked, doors) else {
        return Ok(listed);
    };
    for name in names.iter().filter(|name| name.as_bytes().starts_with(b"/")) {
        let path = PathBuf::from(std::ffi::OsStr::from_bytes(name.as_bytes()));
        let known = |namespace: &super::Namespace| namespace.known_as == *name;
        if listed.namespaces.iter().any(known) {
            continue;
        }
        match enter::inode(&path) {
            Ok(Some(inode)) => listed.namespaces.push(super::Namespace {
                inode,
                own: false,
                paths: vec![path.clone()],
                processes: 0,
                door: path,
                known_as: name.clone(),
            }),
            Ok(None) => {}
            Err(error) if super::gone(&error) => {}
            // It may be one.
            Err(_) => {
                listed.hidden = listed.hidden.saturating_add(1);
                listed.hidden_files = listed.hidden_files.saturating_add(1);
            }
        }
    }
    Ok(listed)
}

struct Reading<'a> {
    asked: &'a Asked,
    names: Vec<SectionName>,
    now_us: &'a (dyn Fn() -> u64 + Sync),
    stop: &'a dyn Fn() -> Option<String>,
    /// With the inode of each.
    done: Vec<(u64, Namespace)>,
    tried: BTreeSet<u64>,
}

impl Reading<'_> {
    fn wanted<'a>(&'a self, listed: &'a Listed) -> impl Iterator<Item = &'a super::Namespace> {
        listed.namespaces.iter().filter(|namespace| {
            !namespace.own
                && self.asked.includes(&namespace.known_as)
                && !self.tried.contains(&namespace.inode)
        })
    }

    fn has_more(&self, listed: &Listed) -> bool {
        self.wanted(listed).next().is_some()
    }

    /// Reads what was not tried yet. In the last round what came meanwhile is named only.
    fn round(&mut self, listed: &Listed, last: bool) {
        let wanted: Vec<super::Namespace> = self.wanted(listed).cloned().collect();
        for namespace in wanted {
            self.tried.insert(namespace.inode);
            let name = namespace.known_as.clone();
            let why = match last {
                true => Some("it came while the others were read".to_owned()),
                false => (self.stop)(),
            };
            let read = match why {
                Some(why) => Namespace::unread(name, NamespaceState::Unread { why }),
                None => self.one(&namespace),
            };
            self.done.push((namespace.inode, read));
        }
    }

    fn one(&self, namespace: &super::Namespace) -> Namespace {
        let name = namespace.known_as.clone();
        let (names, now_us) = (&self.names, self.now_us);
        let inside = move || crate::capture(names, &|| now_us());
        let state = match within(namespace, inside) {
            Ok(sections) => return Namespace::read(name, sections),
            Err(error) if error.kind() == io::ErrorKind::NotFound || super::gone(&error) => {
                NamespaceState::Gone {
                    why: "it ended before it was read".to_owned(),
                }
            }
            Err(error) => NamespaceState::Unread {
                why: format!("it can't be entered, which needs root: {error}"),
            },
        };
        Namespace::unread(name, state)
    }

    /// What was read, given the list after it: what is not on it any more ended meanwhile.
    fn end(self, listed: &Listed) -> Vec<Namespace> {
        let mut all: Vec<Namespace> = Vec::new();
        for (inode, namespace) in self.done {
            let there = listed.namespaces.iter().find(|there| there.inode == inode);
            let still = there.is_some_and(|there| there.known_as == namespace.name);
            let ended = !still && namespace.state == NamespaceState::Read;
            let namespace = match ended {
                true => Namespace::unread(
                    namespace.name,
                    NamespaceState::Gone {
                        why: "it ended, or got another name, while the host was read".to_owned(),
                    },
                ),
                false => namespace,
            };
            match all.iter_mut().find(|other| other.name == namespace.name) {
                // The name went from one to another meanwhile: the later reading stands for it.
                Some(other) => *other = namespace,
                None => all.push(namespace),
            }
        }
        all
    }
}
