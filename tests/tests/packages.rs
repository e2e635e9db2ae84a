//! The packages: made, installed into a machine with systemd, upgraded, removed and purged. These need root, `debootstrap`,
//! `systemd-nspawn`, `rpmbuild`, and the distribution's own mirror once.

#[cfg(test)]
#[path = "packages/container.rs"]
mod container;
#[cfg(test)]
#[path = "packages/deb.rs"]
mod deb;
#[cfg(test)]
#[path = "packages/fleet.rs"]
mod fleet;
#[cfg(test)]
#[path = "packages/made.rs"]
mod made;
#[cfg(test)]
#[path = "packages/root.rs"]
mod root;
#[cfg(test)]
#[path = "packages/rpm.rs"]
mod rpm;
#[cfg(test)]
#[path = "packages/units.rs"]
mod units;
