//! New connections: accepted from every listener, counted, refused when there are too many.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use mio::{Interest, Registry, Token};
use rustix::net::sockopt::{set_tcp_user_timeout, socket_peercred};
use rustls::ServerConfig;
use tracing::warn;

use super::connection::Connection;
use super::reception::Entrance;
use super::{Gateway, GatewayError};
use crate::CommandSink;
use crate::auth::Ticket;
use crate::limits::{LISTEN_QUEUE, TURN_ACCEPTS, UNACKNOWLEDGED};
use crate::origin::Peer;
use crate::session::CloseReason;
use crate::transport::{Transport, TransportKind};
use crate::unix::{self, SocketFile};

/// Tokens of listeners: below [`super::WAKER`], above every connection's.
const FIRST: usize = usize::MAX - 8;
/// One of each kind.
pub(super) const LISTENERS_MAX: usize = 3;
/// Refused connections are told in the log as often as this at most.
const TELL_STEP: Duration = Duration::from_secs(1);

/// Where to listen. At least one of them should be there.
#[derive(Clone, Debug, Default)]
pub struct ListenOptions {
    /// Plaintext; port 0: any.
    pub tcp: Option<SocketAddr>,
    /// TLS; port 0: any.
    pub tls: Option<(SocketAddr, Arc<ServerConfig>)>,
    /// Unix socket.
    pub unix: Option<PathBuf>,
}

/// Where a gateway listens.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Addresses {
    /// Plaintext.
    pub tcp: Option<SocketAddr>,
    /// TLS.
    pub tls: Option<SocketAddr>,
    /// Unix socket.
    pub unix: Option<PathBuf>,
}

#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Tls(TcpListener, Arc<ServerConfig>),
    /// The file goes with the listener.
    Unix(UnixListener, #[allow(dead_code, reason = "held for its end")] SocketFile),
}

/// All listeners of a gateway.
#[derive(Debug)]
pub(super) struct Listeners {
    open: Vec<Listener>,
    addresses: Addresses,
    /// One had an error in passing: all are looked at again without a new edge.
    again: bool,
    /// Listeners that had their turn before all who wait at them were accepted.
    more: [bool; LISTENERS_MAX],
    refused: Refused,
}

/// Connections refused since the log told of it last.
#[derive(Debug, Default)]
struct Refused {
    count: u64,
    next_tell: Duration,
}

impl Listeners {
    /// Binds and registers all of them.
    pub(super) fn open(options: &ListenOptions, registry: &Registry) -> Result<Self, GatewayError> {
        let mut listeners = Listeners {
            open: Vec::new(),
            addresses: Addresses::default(),
            again: false,
            more: [false; LISTENERS_MAX],
            refused: Refused::default(),
        };
        if let Some(address) = options.tcp {
            let (listener, local) = bind(TransportKind::Tcp, address)?;
            listeners.addresses.tcp = Some(local);
            listeners.add(Listener::Tcp(listener), registry)?;
        }
        if let Some((address, config)) = &options.tls {
            let (listener, local) = bind(TransportKind::Tls, *address)?;
            listeners.addresses.tls = Some(local);
            listeners.add(Listener::Tls(listener, config.clone()), registry)?;
        }
        if let Some(path) = &options.unix {
            let opened = unix::open(path);
            let (listener, file) = opened.map_err(|source| GatewayError::Listen {
                listener: TransportKind::Unix,
                address: path.display().to_string(),
                source,
            })?;
            listeners.addresses.unix = Some(path.clone());
            listeners.add(Listener::Unix(UnixListener::from_std(listener), file), registry)?;
        }
        Ok(listeners)
    }

    fn add(&mut self, mut listener: Listener, registry: &Registry) -> io::Result<()> {
        registry.register(listener.source(), Token(FIRST + self.open.len()), Interest::READABLE)?;
        self.open.push(listener);
        Ok(())
    }

    pub(super) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Somebody may wait at a listener.
    pub(super) fn has_more(&self) -> bool {
        self.more.contains(&true)
    }

    /// At which; they are looked at now.
    pub(super) fn take_more(&mut self) -> [bool; LISTENERS_MAX] {
        std::mem::take(&mut self.more)
    }

    /// After an error in passing all listeners are looked at again.
    pub(super) fn retry(&mut self) {
        if std::mem::take(&mut self.again) {
            self.more = [true; LISTENERS_MAX];
        }
    }

    /// No more connections; the addresses are free again.
    pub(super) fn close(&mut self) {
        self.open.clear();
    }

    /// Which listener a token stands for.
    pub(super) fn place_of(token: usize) -> Option<usize> {
        (FIRST..FIRST + LISTENERS_MAX).contains(&token).then(|| token - FIRST)
    }

    /// The next connection of one of them. `WouldBlock`: there is none.
    fn accept(&self, at: usize) -> io::Result<(Transport, Peer)> {
        match self.open.get(at) {
            None => Err(io::ErrorKind::WouldBlock.into()),
            Some(Listener::Tcp(listener)) => listener.accept().map(|(socket, peer)| plain(socket, peer)),
            Some(Listener::Tls(listener, config)) => {
                let (socket, peer) = listener.accept()?;
                tune(&socket);
                Ok((Transport::tls(socket, config)?, Peer::Network(peer)))
            }
            Some(Listener::Unix(listener, _)) => listener.accept().map(|(socket, _)| local(socket)),
        }
    }
}

impl Listener {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Listener::Tcp(listener) | Listener::Tls(listener, _) => listener,
            Listener::Unix(listener, _) => listener,
        }
    }
}

fn bind(listener: TransportKind, address: SocketAddr) -> Result<(TcpListener, SocketAddr), GatewayError> {
    let bound = TcpListener::bind(address).and_then(|bound| {
        // Beyond the queue that mio asks for a connection is not refused: its packets are dropped, and it comes a second, three,
        // seven later. On a socket that listens this changes the length alone (listen(2)).
        rustix::net::listen(&bound, LISTEN_QUEUE)?;
        Ok((bound.local_addr()?, bound))
    });
    let (local, bound) =
        bound.map_err(|source| GatewayError::Listen { listener, address: address.to_string(), source })?;
    Ok((bound, local))
}

fn plain(socket: TcpStream, peer: SocketAddr) -> (Transport, Peer) {
    tune(&socket);
    (Transport::Tcp(socket), Peer::Network(peer))
}

/// No delay, and no patience without end: a client whose heartbeats arrive is not silent, however little of what it is sent
/// reaches it.
fn tune(socket: &TcpStream) {
    // Failing here means that the peer has gone already; the first read will tell.
    let _ = socket.set_nodelay(true);
    // Cannot truncate because UNACKNOWLEDGED is 30,000 ms.
    let _ = set_tcp_user_timeout(socket, UNACKNOWLEDGED.as_millis() as u32);
}

fn local(socket: UnixStream) -> (Transport, Peer) {
    let uid = socket_peercred(&socket).ok().map(|credentials| credentials.uid.as_raw());
    (Transport::Unix(socket), Peer::Local { uid })
}

impl Gateway {
    pub(super) fn accept_all(&mut self, at: usize, sink: &mut impl CommandSink) -> io::Result<()> {
        for _ in 0..TURN_ACCEPTS {
            let Entrance::Reception(reception) = &mut self.entrance else { return Ok(()) };
            match reception.listeners.accept(at) {
                Ok((transport, peer)) => self.admit(transport, peer, sink)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => {
                    // Out of file descriptors or memory, or the peer's network is gone (accept(2)): it passes, and
                    // the others must not notice. Listeners are edge-triggered, so they are looked at again later.
                    warn!(%error, "accept failed");
                    reception.listeners.again = true;
                    return Ok(());
                }
            }
        }
        if let Entrance::Reception(reception) = &mut self.entrance {
            // Others may wait: in the next turn, after everybody else's.
            reception.listeners.more[at] = true;
        }
        Ok(())
    }

    fn admit(&mut self, mut transport: Transport, peer: Peer, sink: &mut impl CommandSink) -> io::Result<()> {
        self.stats.accepted += 1;
        let Entrance::Reception(reception) = &mut self.entrance else {
            unreachable!("only the reception accepts");
        };
        let refusal = reception.crowd.refusal(peer.origin());
        if let Some(reason) = refusal.or((!self.accepting).then_some(CloseReason::TooMany)) {
            reception.listeners.note_refused(peer, reason, self.now);
            self.count_close(reason);
            return Ok(());
        }
        self.make_room_for_a_newcomer(sink);
        self.generation += 1;
        let entry = self.connections.vacant_entry();
        let key = entry.key();
        transport.register(self.poll.registry(), Token(key))?;
        entry.insert(Connection::new(transport, peer, self.generation, self.now));
        self.ready.push_back(key);
        self.stats.connections += 1;
        let connections = &self.connections;
        let is_newcomer = |ticket: &Ticket| is_newcomer(connections.get(ticket.key), ticket);
        if let Entrance::Reception(reception) = &mut self.entrance {
            reception.crowd.came(peer.origin(), Ticket { key, generation: self.generation }, is_newcomer);
        }
        Ok(())
    }

    /// The oldest of those that have not logged in goes, when there are as many as may be.
    fn make_room_for_a_newcomer(&mut self, sink: &mut impl CommandSink) {
        while let Entrance::Reception(reception) = &mut self.entrance
            && reception.crowd.is_full_of_newcomers()
        {
            let Some(ticket) = reception.crowd.oldest_newcomer() else { return };
            if is_newcomer(self.connections.get(ticket.key), &ticket) {
                self.close(ticket.key, CloseReason::Unauthenticated, sink);
            }
        }
    }
}

impl Listeners {
    fn note_refused(&mut self, peer: Peer, reason: CloseReason, now: Duration) {
        self.refused.count += 1;
        if now >= self.refused.next_tell {
            warn!(%peer, reason = reason.name(), count = self.refused.count, "connections refused");
            self.refused = Refused { count: 0, next_tell: now + TELL_STEP };
        }
    }
}

fn is_newcomer(connection: Option<&Connection>, ticket: &Ticket) -> bool {
    connection.is_some_and(|connection| {
        connection.generation == ticket.generation && !connection.session.has_logged_in()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::sockopt::tcp_user_timeout;

    #[test]
    fn what_a_client_never_acknowledges_ends_its_connection() {
        let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (socket, peer) = std::iter::repeat_with(|| listener.accept()).find_map(Result::ok).unwrap();
        let (Transport::Tcp(socket), _) = plain(socket, peer) else { panic!("plaintext") };
        assert_eq!(tcp_user_timeout(&socket).unwrap(), UNACKNOWLEDGED.as_millis() as u32);
        drop(client);
    }
}
