//! What is shown of a program's output.

use netghost_core::audit;

use super::Output;

/// A program's output for people, logs and other hosts: without secrets, and without control characters but for line ends and
/// tabs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// What may leave this process. Of an output that was cut, the last line, which is cut too, is left out: half a secret does
    /// not look like one.
    pub fn shown(&self) -> Shown {
        Shown {
            stdout: shown(&self.stdout, self.cut),
            stderr: shown(&self.stderr, self.cut),
        }
    }
}

fn shown(bytes: &[u8], cut: bool) -> String {
    let whole = match (cut, bytes.iter().rposition(|byte| *byte == b'\n')) {
        (false, _) => bytes,
        (true, Some(end)) => bytes.get(..=end).unwrap_or_default(),
        (true, None) => &[],
    };
    let text: String = String::from_utf8_lossy(whole)
        .chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect();
    audit::text(&text).split_inclusive('\n').map(line).collect()
}

/// A line without the value of a name that is that of a secret: `password: x`, `api_key=x`, `"token": "x"`.
fn line(line: &str) -> String {
    let (body, end) = match line.strip_suffix('\n') {
        Some(body) => (body, "\n"),
        None => (line, ""),
    };
    for (at, _) in body.match_indices([':', '=']) {
        let (before, after) = body.split_at(at);
        let before = before.trim_end_matches([' ', '"', '\'']);
        let name = before
            .rsplit([' ', '\t', '"', '\'', ',', '{', '&', '?', ';'])
            .next();
        let after = after.get(1..).unwrap_or_default();
        let value = after.trim();
        if name.is_some_and(|name| !value.is_empty() && audit::argument(name, value) == audit::REDACTED) {
            return format!("{} {}{end}", body.get(..=at).unwrap_or_default(), audit::REDACTED);
        }
    }
    line.to_owned()
}
