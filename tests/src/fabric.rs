//! The network between the VMs: it routes, as Azure's does. Every VM has a link of its own to it, and no layer 2 to another.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::{LabError, Result};
use crate::kind::Kind;
use crate::netns::Namespace;
use crate::record::{RunDir, VmRecord};
use crate::vm::Vm;

pub(crate) mod outside;

pub use outside::{HOST, Link, OUTSIDE};

/// The default gateway of VMs in the flat subnet; the fabric answers for it.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// The default gateway of every VM over IPv6.
const GATEWAY_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// How long a link may take to have its addresses.
const SETTLED: Duration = Duration::from_secs(10);

/// More VMs than this have no address in the subnet.
pub const MOST_VMS: usize = 200;

/// What a VM sees around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// Length of the subnet's prefix.
    pub length: u8,
    /// Its default gateway.
    pub gateway: Ipv4Addr,
    /// Its address of IPv6; it sees no subnet of that.
    pub v6: Option<Ipv6Addr>,
}

impl Default for Subnet {
    /// The flat subnet, 10.77.0.0/24.
    fn default() -> Self {
        Self {
            length: 24,
            gateway: GATEWAY,
            v6: None,
        }
    }
}

/// Where a VM stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its address.
    pub address: Ipv4Addr,
    /// What it sees around it.
    pub subnet: Subnet,
}

impl Place {
    /// In the flat subnet, the VM of that number, counted from 0: the first is .4, as in Azure.
    pub(crate) fn flat(number: usize) -> Result<Self> {
        let last = u8::try_from(number).ok().and_then(|number| number.checked_add(4));
        Ok(Self {
            address: last
                .map(|last| Ipv4Addr::new(10, 77, 0, last))
                .ok_or(LabError::BadCount(number))?,
            subnet: Subnet::default(),
        })
    }
}

/// Makes the fabric's namespace: a router without any way out.
pub(crate) fn build(dir: &RunDir, vms: &[VmRecord]) -> Result<Namespace> {
    let fabric = Namespace::named(&dir.namespace("fabric"))?.leave();
    set(&fabric, "net/ipv4/ip_forward", "1")?;
    // Every link answers for every gateway.
    let gateways: BTreeSet<Ipv4Addr> = vms.iter().map(|vm| vm.subnet.gateway).collect();
    for gateway in gateways {
        fabric.must(&["ip", "address", "add", &format!("{gateway}/32"), "dev", "lo"])?;
    }
    if vms.iter().any(|vm| vm.subnet.v6.is_some()) {
        set(&fabric, "net/ipv6/conf/all/forwarding", "1")?;
    }
    Ok(fabric)
}

/// Makes the VM's link into the fabric: a veth into its namespace, or the tap that its machine will take.
pub(crate) fn connect(dir: &RunDir, fabric: &Namespace, vm: &VmRecord) -> Result<()> {
    let port = &vm.name;
    if vm.kind == Kind::Netns {
        let namespace = dir.namespace(&vm.name);
        drop(Namespace::named(&namespace)?.leave());
        let nic = vm.kind.nic();
        fabric.must(&[
            "ip", "link", "add", port, "type", "veth", "peer", "name", nic, "netns", &namespace,
        ])?;
    } else {
        fabric.must(&["ip", "tuntap", "add", "dev", port, "mode", "tap"])?;
    }
    set(fabric, &format!("net/ipv4/conf/{port}/proxy_arp"), "1")?;
    // The answer for a proxied address must not wait at random.
    set(fabric, &format!("net/ipv4/neigh/{port}/proxy_delay"), "0")?;
    fabric.must(&["ip", "link", "set", port, "up"])?;
    fabric.must(&["ip", "route", "add", &format!("{}/32", vm.address), "dev", port])?;
    if let Some(v6) = vm.subnet.v6 {
        let gateway = format!("{GATEWAY_V6}/64");
        fabric.must(&["ip", "address", "add", &gateway, "dev", port, "nodad"])?;
        fabric.must(&["ip", "route", "add", &format!("{v6}/128"), "dev", port])?;
    }
    Ok(())
}

/// Gives the VM its address and its default route, from inside. On a machine this waits until it is up.
pub(crate) fn configure(vm: &Vm) -> Result<()> {
    let nic = vm.nic();
    vm.must(&["ip", "link", "set", "lo", "up"])?;
    vm.must(&[
        "ip",
        "address",
        "add",
        &format!("{}/{}", vm.address(), vm.subnet().length),
        "dev",
        nic,
    ])?;
    // Its link-local address needs no proof that it is alone: there is no layer 2 to share it on.
    let directory = format!("/proc/sys/net/ipv6/conf/{nic}");
    let detection = format!("! test -d {directory} || {{ echo 0 > {directory}/accept_dad && echo ipv6; }}");
    let has_ipv6 = !vm.must(&["sh", "-c", &detection])?.stdout.is_empty();
    vm.must(&["ip", "link", "set", nic, "up"])?;
    let gateway = vm.subnet().gateway.to_string();
    vm.must(&["ip", "route", "add", "default", "via", &gateway])?;
    if let Some(v6) = vm.subnet().v6 {
        let gateway = GATEWAY_V6.to_string();
        vm.must(&["ip", "address", "add", &format!("{v6}/128"), "dev", nic, "nodad"])?;
        vm.must(&["ip", "route", "add", "default", "via", &gateway, "dev", nic])?;
    }
    if has_ipv6 { settle(vm) } else { Ok(()) }
}

/// Waits until the kernel has made the IPv6 routes of the link, which it does some time after the link is up: a snapshot taken
/// before and one taken after would differ by them.
fn settle(vm: &Vm) -> Result<()> {
    let deadline = Instant::now() + SETTLED;
    let shown = ["ip", "-6", "route", "show", "table", "local", "dev", vm.nic()];
    loop {
        let routes = vm.must(&shown)?;
        let routes = String::from_utf8_lossy(&routes.stdout).into_owned();
        if routes.contains("local fe80") && routes.contains("multicast ff00") {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(LabError::Unsettled {
                vm: vm.name().to_owned(),
            });
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Drops what comes from the VM's link and what would leave over it.
pub(crate) fn cut(dir: &RunDir, vm: &Vm) -> Result<()> {
    let port = vm.name();
    let table = format!(
        "create table inet cut-{port}\n\
         add chain inet cut-{port} forward {{ type filter hook forward priority -300; policy accept; }}\n\
         add rule inet cut-{port} forward iifname \"{port}\" drop\n\
         add rule inet cut-{port} forward oifname \"{port}\" drop\n"
    );
    let argv = ["nft", "-f", "-"];
    Namespace::open(&dir.namespace("fabric"))?
        .exec_with_input(&argv, table.as_bytes())?
        .ok(&argv)
        .map(drop)
}

/// Lets the VM's packets through again.
pub(crate) fn heal(dir: &RunDir, vm: &Vm) -> Result<()> {
    let table = format!("cut-{}", vm.name());
    Namespace::open(&dir.namespace("fabric"))?
        .must(&["nft", "delete", "table", "inet", &table])
        .map(drop)
}

/// Writes a sysctl of the namespace.
pub(crate) fn set(namespace: &Namespace, key: &str, value: &str) -> Result<()> {
    let path = std::path::Path::new("/proc/sys").join(key);
    namespace
        .enter(|| std::fs::write(&path, value))?
        .map_err(|source| LabError::File {
            doing: "write",
            path: path.clone(),
            source,
        })
}
