//! `SHA256SUMS`: the digests of an export's files, as `sha256sum -c` reads them.

use std::collections::BTreeMap;

use super::json::Digest;

/// The file's name.
pub const NAME: &str = "SHA256SUMS";

/// Why files are not what their sums say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SumsError {
    /// A line that this program does not write.
    #[error(
        "line {line} of {NAME} is not a SHA-256, two spaces and a relative path, or does not stand in its place"
    )]
    Line {
        /// Its number, from 1.
        line: usize,
    },
    /// A file is named and not there.
    #[error("{path} is missing")]
    Missing {
        /// Its path.
        path: String,
    },
    /// A file is there and not named.
    #[error("{path} is not named in {NAME}")]
    Unnamed {
        /// Its path.
        path: String,
    },
    /// A file has other content.
    #[error("{path} was edited: its content does not have the digest in {NAME}")]
    Edited {
        /// Its path.
        path: String,
    },
}

/// Digests by path below the export's directory.
pub type Sums = BTreeMap<String, Digest>;

/// The file's content: one line for each path, in order.
pub fn write(sums: &Sums) -> String {
    sums.iter()
        .map(|(path, digest)| format!("{digest}  {path}\n"))
        .collect()
}

/// Reads what [`write`] writes, and nothing else: paths are relative, lead nowhere else, and stand in order, once each.
pub fn read(text: &[u8]) -> Result<Sums, SumsError> {
    let mut sums = Sums::new();
    if text.is_empty() {
        return Ok(sums);
    }
    let body = text.strip_suffix(b"\n").ok_or(SumsError::Line {
        line: text.split(|byte| *byte == b'\n').count(),
    })?;
    for (index, line) in body.split(|byte| *byte == b'\n').enumerate() {
        let (path, digest) = parse(line).ok_or(SumsError::Line { line: index + 1 })?;
        if sums.last_key_value().is_some_and(|(last, _)| *last >= path) {
            return Err(SumsError::Line { line: index + 1 });
        }
        sums.insert(path, digest);
    }
    Ok(sums)
}

/// Holds what is there to what is named: the same paths, the same digests.
pub fn compare(named: &Sums, there: &Sums) -> Result<(), SumsError> {
    for (path, digest) in named {
        match there.get(path) {
            None => return Err(SumsError::Missing { path: path.clone() }),
            Some(found) if found != digest => return Err(SumsError::Edited { path: path.clone() }),
            Some(_) => {}
        }
    }
    match there.keys().find(|path| !named.contains_key(*path)) {
        Some(path) => Err(SumsError::Unnamed { path: path.clone() }),
        None => Ok(()),
    }
}

fn parse(line: &[u8]) -> Option<(String, Digest)> {
    let line = std::str::from_utf8(line).ok()?;
    let (digest, path) = line.split_once("  ")?;
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    let letter = |c: char| c.is_ascii_graphic() && c != '\\';
    if !path.chars().all(letter) || !path.split('/').all(plain) {
        return None;
    }
    Some((path.to_owned(), Digest::parse(digest)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(files: &[(&str, &str)]) -> Sums {
        files
            .iter()
            .map(|(path, content)| ((*path).to_owned(), Digest::of(content.as_bytes())))
            .collect()
    }

    #[test]
    fn what_is_written_is_read() {
        for files in [&[][..], &[("a", "1")], &[("a", "1"), ("b/c", "2"), ("b/d", "1")]] {
            let sums = sums(files);
            assert_eq!(read(write(&sums).as_bytes()), Ok(sums));
        }
    }

    #[test]
    fn only_what_is_written_is_read() {
        let line = write(&sums(&[("a", "1")]));
        let path = |path: &str| line.replace("  a", &format!("  {path}"));
        for (text, number) in [
            (line.trim_end().to_owned(), 1),
            (line.replace("  ", " "), 1),
            (line.to_uppercase(), 1),
            (path("/etc/passwd"), 1),
            (path("../a"), 1),
            (path("a/../b"), 1),
            (path("a//b"), 1),
            (path("a b"), 1),
            (path(""), 1),
            (format!("{line}{line}"), 2),
            (format!("{}{line}", path("b")), 2),
            (format!("{line}\n"), 2),
        ] {
            assert_eq!(
                read(text.as_bytes()),
                Err(SumsError::Line { line: number }),
                "{text:?}"
            );
        }
    }

    #[test]
    fn each_difference_is_named() {
        let named = sums(&[("a", "1"), ("b", "2")]);
        assert_eq!(compare(&named, &named), Ok(()));
        let path = "b".to_owned();
        let edited = compare(&named, &sums(&[("a", "1"), ("b", "3")]));
        assert_eq!(edited, Err(SumsError::Edited { path: path.clone() }));
        assert_eq!(
            compare(&named, &sums(&[("a", "1")])),
            Err(SumsError::Missing { path })
        );
        let more = compare(&named, &sums(&[("a", "1"), ("b", "2"), ("c", "")]));
        assert_eq!(more, Err(SumsError::Unnamed { path: "c".to_owned() }));
    }
}
