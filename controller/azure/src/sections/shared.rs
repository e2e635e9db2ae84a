//! What several network interfaces have in common: asked for once, by the first that needs it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use netghost_core::azure::facts::own_of_subnet;
use netghost_core::azure::id::ResourceId;
use netghost_core::raw::{HostPart, PartRead};
use tokio::sync::OnceCell;

use super::{NicReader, body, failed, now_us, part};

/// The parts that one asking gave, and when.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) parts: Vec<HostPart>,
    pub(super) at_us: u64,
}

/// What was asked for, by the resource.
type Answers = Mutex<BTreeMap<ResourceId, Arc<OnceCell<Arc<Asked>>>>>;

#[derive(Debug, Default)]
pub(super) struct Shared {
    subnets: Answers,
    admin_rules: Answers,
}

impl NicReader {
    /// A subnet: the part `subnet ID`.
    pub(super) async fn subnet(&self, subnet: &ResourceId) -> Arc<Asked> {
        let source = format!("subnet {subnet}");
        once(&self.shared.subnets, subnet, async {
            match self.calls() {
                Ok(calls) => vec![own(part(&source, &calls.subnet(subnet).await))],
                Err(why) => vec![failed(&source, &why)],
            }
        })
        .await
    }

    /// The admin rules in force for a virtual network: the parts `admin-rules ID PAGE`.
    pub(super) async fn admin_rules(&self, vnet: &ResourceId) -> Arc<Asked> {
        let source = format!("admin-rules {vnet}");
        once(&self.shared.admin_rules, vnet, async {
            let pages = match self.calls() {
                Ok(calls) => calls.admin_rules(vnet).await.map_err(|error| error.to_string()),
                Err(why) => Err(why),
            };
            match pages {
                Ok(pages) => (1_usize..)
                    .zip(pages.answers())
                    .map(|(number, page)| body(&format!("{source} {number}"), page))
                    .collect(),
                Err(why) => vec![failed(&source, &why)],
            }
        })
        .await
    }
}

/// A subnet's part without the interfaces of others: in a large subnet they are most of it, and each would keep them all.
fn own(mut part: HostPart) -> HostPart {
    if let PartRead::File { content } = &mut part.read
        && let Some(less) = content.as_str().and_then(own_of_subnet)
    {
        *content = less.as_str().into();
    }
    part
}

/// The answer that is there, or the one that this asking gives. Whoever comes meanwhile waits for it; where it is dropped before
/// its end, the next one asks again.
async fn once(answers: &Answers, id: &ResourceId, ask: impl Future<Output = Vec<HostPart>>) -> Arc<Asked> {
    let cell = {
        let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(answers.entry(id.clone()).or_default())
    };
    let asked = cell.get_or_init(|| async {
        let parts = ask.await;
        let at_us = now_us();
        Arc::new(Asked { parts, at_us })
    });
    Arc::clone(asked.await)
}
