//! Lines cut into words as `ipset` cuts them: blanks separate, double quotes hold together, nothing is escaped.

/// The words of a line, a quoted one with its quotes; none for an empty line or one that begins with `#`. `None` for a line
/// that is no text, or holds a quote that does not end.
pub(super) fn words(line: &[u8]) -> Option<Vec<String>> {
    let line = std::str::from_utf8(line).ok()?.trim_end_matches('\r');
    if line.contains(|letter: char| letter.is_control() && letter != '\t') {
        return None;
    }
    let mut out = Vec::new();
    let mut rest = line.trim_start();
    if rest.starts_with('#') {
        return Some(out);
    }
    while !rest.is_empty() {
        let end = if let Some(quoted) = rest.strip_prefix('"') {
            quoted.find('"')?.checked_add(2)?
        } else {
            rest.find([' ', '\t']).unwrap_or(rest.len())
        };
        let (word, after) = rest.split_at_checked(end)?;
        if !after.is_empty() && !after.starts_with([' ', '\t']) {
            return None;
        }
        out.push(word.to_owned());
        rest = after.trim_start();
    }
    Some(out)
}
