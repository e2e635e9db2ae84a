//! Reading an older section again from what it was decoded from.

use crate::facts;
use crate::host::{ipset, links, routes};
use crate::netfilter::model::{Family, Plane};
use crate::netfilter::{nft, nft_file, save, unresolved, xt};
use crate::probe;
use crate::raw::{NetlinkRaw, Raw, TextRaw};
use crate::section::{Content, ContentKind, Gap, SectionName};
use crate::tc;

/// What this version's decoder makes of older raw bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The content.
    pub content: Content,
    /// What could not be decoded; not empty makes the section unreadable.
    pub gaps: Vec<Gap>,
}

/// Decodes `raw` with this version's decoders; `None` where they can't, which makes the section unreadable, never empty.
pub fn redecode(name: SectionName, raw: &Raw) -> Option<Decoded> {
    match raw {
        Raw::Netlink(raw) => messages(name, raw),
        Raw::Xtables(raw) => {
            let (config, runtime) = xt::lift(raw).ok()?;
            let gaps = unresolved::gaps(&config);
            Some(Decoded {
                content: Content::Netfilter { config, runtime },
                gaps,
            })
        }
        Raw::Ebtables(raw) => {
            let (config, runtime) = xt::ebt::lift(raw).ok()?;
            let gaps = unresolved::gaps(&config);
            Some(Decoded {
                content: Content::Netfilter { config, runtime },
                gaps,
            })
        }
        Raw::Text(raw) => text(name, raw),
        Raw::Host(raw) if name == SectionName::Nftables => {
            let (content, gaps) = probe::nftables_again(raw)?;
            Some(Decoded { content, gaps })
        }
        Raw::Host(raw) => {
            let lifted = facts::lift(name, raw)?.ok()?;
            Some(Decoded {
                content: Content::Facts {
                    config: lifted.config,
                    runtime: lifted.runtime,
                },
                gaps: lifted.gaps,
            })
        }
    }
}

fn whole(content: Content) -> Option<Decoded> {
    Some(Decoded {
        content,
        gaps: Vec::new(),
    })
}

fn messages(name: SectionName, raw: &NetlinkRaw) -> Option<Decoded> {
    match name.content_kind() {
        ContentKind::Netfilter if name == SectionName::Nftables => {
            let lifted = nft::lift(raw).ok()?;
            let gaps = nft::gaps(raw, &lifted).ok()?;
            let content = Content::Netfilter {
                config: lifted.config,
                runtime: lifted.runtime,
            };
            Some(Decoded { content, gaps })
        }
        // Before filters were read: what there were can't be told.
        ContentKind::Tc if tc::places::unasked(&raw.messages) => None,
        ContentKind::Tc => {
            let lifted = tc::lift(raw).ok()?;
            whole(Content::Tc {
                config: lifted.config,
                runtime: lifted.runtime,
            })
        }
        ContentKind::Links => {
            let lifted = links::lift(raw).ok()?;
            whole(Content::Links {
                config: lifted.config,
                runtime: lifted.runtime,
            })
        }
        ContentKind::Routes => {
            let lifted = routes::lift(raw).ok()?;
            whole(Content::Routes {
                config: lifted.config,
                runtime: lifted.runtime,
            })
        }
        ContentKind::Netfilter | ContentKind::Facts => None,
    }
}

fn text(name: SectionName, raw: &TextRaw) -> Option<Decoded> {
    if name == SectionName::Nftables {
        let text = raw.text.as_bytes();
        let section = if nft_file::is_json(text) {
            nft_file::parse_json(text)
        } else {
            nft_file::parse_text(text, &|_| None)
        };
        let section = section.ok()?;
        return Some(Decoded {
            content: section.content?,
            gaps: section.gaps,
        });
    }
    if name == SectionName::Ipset {
        let section = ipset::save::parse(raw.text.as_bytes()).ok()?;
        return Some(Decoded {
            content: section.content?,
            gaps: section.gaps,
        });
    }
    let family = match name {
        SectionName::IptablesSave | SectionName::XtablesLegacyIpv4 => Family::Ip,
        SectionName::Ip6tablesSave | SectionName::XtablesLegacyIpv6 => Family::Ip6,
        _ => return None,
    };
    let section = save::parse(raw.text.as_bytes(), Some(family)).ok()?;
    let mut content = section.content?;
    if let Content::Netfilter { config, .. } = &mut content
        && matches!(
            name,
            SectionName::XtablesLegacyIpv4 | SectionName::XtablesLegacyIpv6
        )
    {
        // Of the legacy save tool, old ones of which do not say so.
        config.plane = Plane::Legacy;
    }
    Some(Decoded {
        content,
        gaps: section.gaps,
    })
}
