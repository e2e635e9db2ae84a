//! Parts of a section that were not read on one side or the other, and so are compared on neither.

use crate::section::{Gap, Section};

/// The paths that were not read.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    paths: Vec<String>,
}

impl Gaps {
    /// The gaps of both sides.
    pub(super) fn of(sides: [Option<&Section>; 2]) -> Self {
        let all = sides.into_iter().flatten().flat_map(|section| &section.gaps);
        Self {
            paths: all.map(|gap: &Gap| gap.path.clone()).collect(),
        }
    }

    /// Gaps of these paths.
    pub(super) fn of_paths(paths: impl Iterator<Item = String>) -> Self {
        Self {
            paths: paths.collect(),
        }
    }

    /// True when `path` as a whole was not read: it or something around it is a gap.
    pub(super) fn hide(&self, path: &str) -> bool {
        self.paths.iter().any(|gap| within(path, gap))
    }

    /// True when `path` or any part of it was not read.
    pub(super) fn touch(&self, path: &str) -> bool {
        self.paths
            .iter()
            .any(|gap| within(path, gap) || within(gap, path))
    }

    /// As [`Gaps::touch`] for something with a kind, which a reader may name `set[name]` or plainly `name`.
    pub(super) fn touch_named(&self, table: &str, kind: &str, name: &str) -> bool {
        self.touch(&format!("{table}/{kind}[{name}]")) || self.touch(&format!("{table}/{name}"))
    }
}

/// True when `path` is `outer` or lies in it. The empty path is everything.
fn within(path: &str, outer: &str) -> bool {
    outer.is_empty()
        || path
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_hides_what_is_in_it_and_touches_what_is_around_it() {
        let gaps = Gaps {
            paths: vec!["inet/filter/input".to_owned()],
        };
        assert!(gaps.hide("inet/filter/input/rule[3]"));
        assert!(!gaps.hide("inet/filter"));
        assert!(gaps.touch("inet/filter"));
        assert!(!gaps.touch("inet/filter/input2"));
        assert!(gaps.touch_named("inet/filter", "set", "input"));
        assert!(
            Gaps {
                paths: vec![String::new()]
            }
            .hide("ip/nat")
        );
    }
}
