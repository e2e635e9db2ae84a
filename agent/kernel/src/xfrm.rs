//! IPsec policies and associations. Keys are wiped as soon as they come.

use netghost_core::host::xfrm;
use netghost_core::raw::PartRead;
use netghost_core::section::{Section, SectionName};

use crate::facts::{Parts, Source, part, read as read_facts};
use crate::modules::{Modules, Presence};
use crate::netlink::{DumpError, Protocol, Socket};

// XFRM_MSG_GET*.
const GET_ASSOCIATION: u16 = 0x12;
const GET_POLICY: u16 = 0x15;
const GET_DEFAULT: u16 = 0x28;

/// Reads policies, associations and defaults. `now_us` gives microseconds since 1970 UTC.
pub(crate) fn read(now_us: &dyn Fn() -> u64) -> Section {
    let source = Source {
        name: SectionName::Xfrm,
        absent,
        pass,
        lift: xfrm::lift,
    };
    read_facts(&source, now_us)
}

/// Opening its socket would load the module.
fn absent() -> Option<String> {
    let modules = Modules::of_this_kernel();
    // Either of the two can set policies.
    let neither = ["xfrm_user", "af_key"]
        .iter()
        .all(|name| modules.presence(name) == Presence::Absent);
    neither.then(|| {
        "neither xfrm_user nor af_key is loaded or built in (/proc/modules, modules.builtin): no policy was set"
            .to_owned()
    })
}

fn pass(parts: &mut Parts) -> Result<(), DumpError> {
    let mut socket = match Socket::open(Protocol::Xfrm) {
        Ok(socket) => socket,
        Err(error) => {
            let refused = part(Err(error))?;
            for source in [xfrm::POLICIES, xfrm::ASSOCIATIONS, xfrm::DEFAULTS] {
                parts.push(source, refused.clone());
            }
            return Ok(());
        }
    };
    parts.dump(&mut socket, xfrm::POLICIES, GET_POLICY, &[])?;
    let mut associations = socket.dump(GET_ASSOCIATION, &[]);
    for message in associations.iter_mut().flatten() {
        xfrm::without_keys(&mut message.payload.0);
    }
    parts.push(xfrm::ASSOCIATIONS, part(associations)?);
    let defaults = match socket.request(GET_DEFAULT, &[0; 3]) {
        // Before Linux 5.14 there was nothing to set: packets without a policy pass.
        Err(error) if error.errno() == Some(libc::EINVAL) => PartRead::Absent { why: error.chain() },
        answer => part(answer)?,
    };
    parts.push(xfrm::DEFAULTS, defaults);
    Ok(())
}
