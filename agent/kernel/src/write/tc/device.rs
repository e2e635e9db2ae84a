//! The device that qdiscs hang on.

use netghost_core::bytes::Text;
use netghost_core::raw::LinkName;
use netghost_core::section::{Content, State};

use super::WriteError;
use crate::links;

/// What qdiscs depend on.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) name: Text,
    pub(super) index: u32,
    pub(super) mtu: u32,
    pub(super) queue_length: Option<u32>,
    /// How many queues it was made with.
    pub(super) queues: Option<u32>,
    /// `veth`; none for a driver's.
    pub(super) kind: Option<Text>,
    /// `ARPHRD_*`.
    pub(super) hardware_type: u16,
    pub(super) is_up: bool,
    /// All links of its namespace.
    links: Vec<LinkName>,
}

impl Device {
    pub(super) fn read(name: &Text) -> Result<Self, WriteError> {
        let section = links::read(&|| 0);
        let (State::Captured, Some(Content::Links { config, runtime })) = (&section.state, section.content)
        else {
            return Err(WriteError::Unreadable {
                what: "the links".to_owned(),
                why: format!("{:?}", section.state),
            });
        };
        let names = config.links.iter().zip(&runtime.links);
        let links: Vec<LinkName> = names
            .map(|(link, runtime)| LinkName {
                index: runtime.index,
                name: link.name.clone(),
            })
            .collect();
        let mut all = config.links.into_iter().zip(runtime.links);
        let (link, runtime) =
            all.find(|(link, _)| link.name == *name)
                .ok_or_else(|| WriteError::NotThere {
                    what: format!("device {name}"),
                })?;
        Ok(Self {
            name: link.name,
            index: runtime.index,
            mtu: link.mtu,
            queue_length: link.queue_length_packets,
            queues: link.transmit_queues,
            kind: link.kind,
            hardware_type: link.hardware_type,
            is_up: link.admin_up,
            links,
        })
    }

    /// The index of any link of its namespace.
    pub(super) fn index_of(&self, name: &Text) -> Option<u32> {
        let mut links = self.links.iter();
        links.find(|link| link.name == *name).map(|link| link.index)
    }
}
