//! The command `netghost`, from sealing to comparing, on VMs of the lab and in namespaces; these need root.

#[cfg(test)]
#[path = "host/bad_disk.rs"]
mod bad_disk;
#[cfg(test)]
#[path = "host/edits.rs"]
mod edits;
#[cfg(test)]
#[path = "host/exact.rs"]
mod exact;
#[cfg(test)]
#[path = "host/kernels.rs"]
mod kernels;
#[cfg(test)]
#[path = "host/privilege.rs"]
mod privilege;
#[cfg(test)]
#[path = "host/rewritten.rs"]
mod rewritten;
#[cfg(test)]
#[path = "host/site.rs"]
mod site;
#[cfg(test)]
#[path = "host/untouched.rs"]
mod untouched;
