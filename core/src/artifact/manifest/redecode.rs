//! Reading an older section again from what it was decoded from.

use crate::raw::Raw;
use crate::section::{Content, Gap, SectionName};

/// What this version's decoder makes of older raw bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The content.
    pub content: Content,
    /// What could not be decoded; not empty makes the section unreadable.
    pub gaps: Vec<Gap>,
}

/// Decodes `raw` with this version's decoders; `None` where there is none for this pair, which makes the section unreadable,
/// never empty.
pub fn redecode(name: SectionName, raw: &Raw) -> Option<Decoded> {
    match (name, raw) {
        // Each decoder that can read its raw form again is called from here.
        (_, Raw::Netlink(_) | Raw::Xtables(_) | Raw::Text(_)) => None,
    }
}
