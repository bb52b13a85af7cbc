//! Who is at the other end: for log lines, and for limits that hold per address.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The other end of a connection. `Display` is for log lines: `192.0.2.7:40001`, `unix:uid=1000`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// Over TCP, with or without TLS.
    Network(SocketAddr),
    /// A user of this host, over the Unix socket.
    Local {
        /// The user that the kernel vouches for; `None` when it does not tell.
        uid: Option<u32>,
    },
}

/// What limits per address count by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Origin {
    /// An IPv4 address, or the /64 network of an IPv6 address: one subscriber commonly has all of it.
    Network(IpAddr),
    /// A user of this host.
    Local(Option<u32>),
}

/// How many there are from each origin. One that nobody is from takes no memory.
#[derive(Debug, Default)]
pub(crate) struct Headcount(pub(crate) HashMap<Origin, usize>);

impl Headcount {
    /// From there.
    pub(crate) fn of(&self, origin: Origin) -> usize {
        self.0.get(&origin).copied().unwrap_or(0)
    }

    /// One more.
    pub(crate) fn came(&mut self, origin: Origin) {
        *self.0.entry(origin).or_default() += 1;
    }

    /// One fewer.
    pub(crate) fn went(&mut self, origin: Origin) {
        if let Some(count) = self.0.get_mut(&origin) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&origin);
            }
        }
    }
}

impl Peer {
    /// What limits count this peer by.
    pub fn origin(self) -> Origin {
        match self {
            Peer::Network(address) => Origin::Network(network(address.ip().to_canonical())),
            Peer::Local { uid } => Origin::Local(uid),
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Network(address) => address.fmt(f),
            Peer::Local { uid: Some(uid) } => write!(f, "unix:uid={uid}"),
            Peer::Local { uid: None } => f.write_str("unix"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(address: &str) -> Origin {
        Peer::Network(address.parse().unwrap()).origin()
    }

    #[test]
    fn ports_do_not_count_and_one_ipv6_network_is_one_origin() {
        assert_eq!(origin("192.0.2.7:1"), origin("192.0.2.7:2"));
        assert_ne!(origin("192.0.2.7:1"), origin("192.0.2.8:1"));
        assert_eq!(origin("[2001:db8::1]:1"), origin("[2001:db8::ffff]:1"));
        assert_ne!(origin("[2001:db8::1]:1"), origin("[2001:db8:0:1::1]:1"));
        assert_eq!(origin("[::ffff:192.0.2.7]:1"), origin("192.0.2.7:1"));
    }
}
