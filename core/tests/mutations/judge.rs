//! What has to hold of anything that was decoded, however odd.

use netghost_core::artifact::manifest::{Decoded, Meta, redecode};
use netghost_core::artifact::{document, object};
use netghost_core::raw::Raw;
use netghost_core::section::coverage::coverage;
use netghost_core::section::{Content, DECODER, Reader, Section, SectionName, State};
use netghost_core::snapshot::{Snapshot, Target};
use netghost_core::tc;

use crate::memory;

/// What a decoder may hold at one time: this, and so much for each byte that it was given. The most that few bytes say is a range of
/// all 4,096 VLANs, each of which is a fact with its options.
const HOLDS: usize = 16 << 20;
const HOLDS_PER_BYTE: usize = 512;

/// What the decoder of a section makes of a reading. That of traffic control is asked itself: a stored section of which nobody
/// asked for filters is not decoded again.
pub(crate) fn decode(name: SectionName, raw: &Raw) -> Option<Decoded> {
    let (SectionName::Tc, Raw::Netlink(messages)) = (name, raw) else {
        return redecode(name, raw);
    };
    let lifted = tc::lift(messages).ok()?;
    Some(Decoded {
        content: Content::Tc {
            config: lifted.config,
            runtime: lifted.runtime,
        },
        gaps: Vec::new(),
    })
}

/// Decodes a reading; what comes of it is written down, and if it is to be `shown`, printed and read back. False where it is refused.
pub(crate) fn reading(name: SectionName, raw: &Raw, is_shown: bool) -> bool {
    let given: usize = crate::change::buffers(raw)
        .iter()
        .map(|bytes| bytes.len() + 64)
        .sum();
    let (decoded, most) = memory::most_of(|| decode(name, raw));
    assert!(
        most < HOLDS + HOLDS_PER_BYTE * given,
        "{most} bytes were held to decode {given}"
    );
    let Some(decoded) = decoded else {
        return false;
    };
    object::config_digest(&decoded.content).unwrap();
    if !is_shown {
        return true;
    }
    let state = if decoded.gaps.is_empty() {
        State::Captured
    } else {
        State::Unreadable {
            why: "gaps".to_owned(),
        }
    };
    shown(Section {
        name,
        state,
        reader: Reader::Kernel,
        decoder: DECODER,
        taken_at_us: 1,
        generation: None,
        content: Some(decoded.content),
        raw: Some(raw.clone()),
        gaps: decoded.gaps,
        warnings: Vec::new(),
    });
    true
}

/// A section can be shown, in the words of its tools too, and is the same when its document is read.
pub(crate) fn shown(section: Section) {
    let snapshot = snapshot(section);
    let document = document::to_document(&snapshot, &Meta::default()).unwrap();
    let bytes = serde_json::to_vec(&document).unwrap();
    let again = document::from_document(&bytes).unwrap();
    assert_eq!(again.sections, snapshot.sections);
}

pub(crate) fn snapshot(section: Section) -> Snapshot {
    let sections = vec![section];
    Snapshot {
        target: Target::File {
            name: "mutated".into(),
        },
        tool: "netghost 0".to_owned(),
        taken_at_us: 1,
        coverage: coverage(&sections),
        namespaces: None,
        sections,
    }
}
