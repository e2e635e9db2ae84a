//! The command as a program: what it prints, where, and how it ends.

#[cfg(test)]
mod azure;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod firewall;
mod formats;
#[cfg(test)]
mod frame;
#[cfg(test)]
mod host;
#[cfg(test)]
mod netns;
#[cfg(test)]
mod nsg;
#[cfg(test)]
mod program;
#[cfg(test)]
mod route;
