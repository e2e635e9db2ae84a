//! What goes into an answer of what programs said: an answer that is too long for a message does not arrive, and then it is not known
//! where the action stands.

use netghost_core::bytes::Text;

/// The most of a reason, as JSON, in bytes.
pub(crate) const LONGEST_WHY: usize = 4 << 10;
/// The most of an output, likewise.
pub(crate) const LONGEST_OUTPUT: usize = 8 << 10;

/// The beginning of a text, of so many bytes of JSON at most.
pub(crate) fn beginning(text: &Text, most: usize) -> Text {
    let shown = shown(text);
    Text::from(fitting(shown.chars(), most).collect::<String>())
}

/// The end of a text, of so many bytes of JSON at most.
pub(crate) fn end(text: &Text, most: usize) -> Text {
    let shown = shown(text);
    let last: Vec<char> = fitting(shown.chars().rev(), most).collect();
    Text::from(last.into_iter().rev().collect::<String>())
}

fn shown(text: &Text) -> String {
    text.as_str().map_or_else(|| text.to_string(), str::to_owned)
}

fn fitting(of: impl Iterator<Item = char>, most: usize) -> impl Iterator<Item = char> {
    of.scan(0_usize, move |length, c| {
        *length = length.saturating_add(in_json(c));
        (*length <= most).then_some(c)
    })
}

/// How long a character is in JSON: RFC 8259 §7.
fn in_json(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\t' => 2,
        c if c.is_ascii_control() => 6,
        c => c.len_utf8(),
    }
}
