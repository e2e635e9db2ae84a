//! What an exported baseline consists of: a directory of plain files that `sha256sum -c SHA256SUMS` checks.
//!
//! ```text
//! SHA256SUMS                      every other file, in the order in which they follow
//! baseline.json                   netghost.baseline/v1
//! seal.dsse.json                  who sealed it, signed
//! key.pub.pem                     the key that signed; whoever takes the export must know it already
//! manifests/NAME.json             netghost.manifest/v1 of each member that was read
//! objects/sha256/ab/cdef…         what the manifests name
//! ```

use crate::artifact::json::Digest;
use crate::artifact::name::Name;

/// The file that lists the others.
pub const SUMS: &str = "SHA256SUMS";

/// A file of an export. The order is that of the files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum File {
    /// The sealed document.
    Baseline,
    /// Its seal.
    Seal,
    /// The key that sealed it.
    Key,
    /// A member's manifest.
    Manifest(Name),
    /// An object.
    Object(Digest),
}

impl File {
    /// Its path below the export's directory.
    pub fn path(&self) -> String {
        match self {
            Self::Baseline => "baseline.json".to_owned(),
            Self::Seal => "seal.dsse.json".to_owned(),
            Self::Key => "key.pub.pem".to_owned(),
            Self::Manifest(name) => format!("manifests/{name}.json"),
            Self::Object(digest) => {
                let hex = digest.to_string();
                let (first, rest) = hex.split_at_checked(2).unwrap_or(("", &hex));
                format!("objects/sha256/{first}/{rest}")
            }
        }
    }

    /// The file of this path: exactly what [`File::path`] writes, so that no path leads elsewhere.
    pub fn parse(path: &str) -> Option<Self> {
        let manifest = || Name::parse(path.strip_prefix("manifests/")?.strip_suffix(".json")?).ok();
        let object = || {
            let (first, rest) = path.strip_prefix("objects/sha256/")?.split_once('/')?;
            Digest::parse(&format!("{first}{rest}"))
        };
        let file = match path {
            "baseline.json" => Self::Baseline,
            "seal.dsse.json" => Self::Seal,
            "key.pub.pem" => Self::Key,
            _ => manifest()
                .map(Self::Manifest)
                .or_else(|| object().map(Self::Object))?,
        };
        (file.path() == path).then_some(file)
    }

    /// The longest that such a file may be, bytes.
    pub fn limit(&self) -> usize {
        const MIB: usize = 1 << 20;
        match self {
            Self::Baseline | Self::Seal => 32 * MIB,
            Self::Key => 4_096,
            Self::Manifest(_) => 4 * MIB,
            Self::Object(_) => 64 * MIB,
        }
    }
}

/// The longest list of files, bytes.
pub const SUMS_LIMIT: usize = 32 << 20;

/// Why a list of files is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSums {
    /// A line that is not a digest, two spaces and the path of a file of an export.
    #[error("line {0} of {SUMS} is not a SHA-256, two spaces and the path of a file of an exported baseline")]
    Line(usize),
    /// Files out of order, or one twice.
    #[error("line {0} of {SUMS} is out of order or stands twice")]
    Order(usize),
    /// A file that every export has is not listed.
    #[error("{SUMS} does not list {0}")]
    Missing(&'static str),
    /// An object whose address is not its digest.
    #[error("line {0} of {SUMS} gives an object another digest than its address")]
    Address(usize),
}

/// The list of these files, which must be sorted.
pub fn write_sums(files: &[(File, Digest)]) -> String {
    files
        .iter()
        .map(|(file, digest)| format!("{digest}  {}\n", file.path()))
        .collect()
}

/// Reads a list of files: every line known, in order, nothing twice.
pub fn read_sums(text: &str) -> Result<Vec<(File, Digest)>, BadSums> {
    let mut files: Vec<(File, Digest)> = Vec::new();
    let ends = text.is_empty() || text.ends_with('\n');
    for (number, line) in (1..).zip(text.split_terminator('\n')) {
        let entry = line
            .split_once("  ")
            .and_then(|(digest, path)| Some((File::parse(path)?, Digest::parse(digest)?)));
        let (file, digest) = entry.filter(|_| ends).ok_or(BadSums::Line(number))?;
        if files.last().is_some_and(|(last, _)| *last >= file) {
            return Err(BadSums::Order(number));
        }
        if matches!(&file, File::Object(address) if *address != digest) {
            return Err(BadSums::Address(number));
        }
        files.push((file, digest));
    }
    let always = [
        (File::Baseline, "baseline.json"),
        (File::Seal, "seal.dsse.json"),
        (File::Key, "key.pub.pem"),
    ];
    for (file, path) in always {
        if files.iter().take(3).all(|(listed, _)| *listed != file) {
            return Err(BadSums::Missing(path));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole() -> Vec<(File, Digest)> {
        let object = Digest::of(b"object");
        vec![
            (File::Baseline, Digest::of(b"1")),
            (File::Seal, Digest::of(b"2")),
            (File::Key, Digest::of(b"3")),
            (File::Manifest(Name::parse("vm1").unwrap()), Digest::of(b"4")),
            (File::Object(object), object),
        ]
    }

    #[test]
    fn a_list_comes_back() {
        let text = write_sums(&whole());
        assert_eq!(read_sums(&text).unwrap(), whole());
        assert!(text.lines().nth(3).unwrap().ends_with("  manifests/vm1.json"));
    }

    #[test]
    fn every_edit_of_a_list_is_seen_or_leads_to_another_digest() {
        let text = write_sums(&whole());
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            let read = read_sums(&String::from_utf8(bytes).unwrap());
            assert_ne!(read.as_ref().ok(), Some(&whole()), "byte {at}");
        }
        for line in 0..3 {
            let less: Vec<_> = whole()
                .into_iter()
                .enumerate()
                .filter(|(at, _)| *at != line)
                .map(|(_, file)| file)
                .collect();
            assert!(matches!(read_sums(&write_sums(&less)), Err(BadSums::Missing(_))));
        }
        let mut turned = whole();
        turned.swap(0, 1);
        assert_eq!(read_sums(&write_sums(&turned)), Err(BadSums::Order(2)));
        let twice = format!("{text}{}", text.lines().last().unwrap());
        assert!(read_sums(&twice).is_err());
        let mut other = whole();
        other[4].1 = Digest::of(b"x");
        assert_eq!(read_sums(&write_sums(&other)), Err(BadSums::Address(5)));
        assert_eq!(read_sums(""), Err(BadSums::Missing("baseline.json")));
    }

    proptest! {
        #[test]
        fn no_path_leads_elsewhere(path in "[a-z./~]{0,4}(manifests/|objects/sha256/)?[A-Za-z0-9./\\\\-]{0,70}(\\.json)?") {
            if let Some(file) = File::parse(&path) {
                prop_assert_eq!(file.path(), path.clone());
                let plain = std::path::Path::new(&path).components();
                prop_assert!(plain.into_iter().all(|part| matches!(part, std::path::Component::Normal(_))));
                prop_assert!(!path.contains('\\'));
            }
        }
    }

    #[test]
    fn what_could_leave_the_directory_is_no_file() {
        let hex = Digest::of(b"x").to_string();
        for path in [
            "",
            "/baseline.json",
            "./baseline.json",
            "../baseline.json",
            "manifests/../x.json",
            "manifests/a/b.json",
            "manifests/.json",
            "manifests/.x.json",
            "objects/sha256/ab",
            "SHA256SUMS",
            "baseline.json/",
        ] {
            assert_eq!(File::parse(path), None, "{path}");
        }
        assert_eq!(File::parse(&format!("objects/sha256/{hex}")), None);
        assert_eq!(
            File::parse(&format!("objects/sha256/{}/{}", &hex[..3], &hex[3..])),
            None
        );
        assert_eq!(File::parse(&format!("objects/sha256//{hex}")), None);
    }
}
