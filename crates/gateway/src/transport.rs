//! What carries a connection's bytes: TCP, TLS over TCP, or a Unix socket. Never waits.
//!
//! Invariant: a `Nothing` means that the socket itself said "would block", so its next edge will come.
//!
//! Limits of TLS: at most `TLS_OUT_BYTES` (64 KiB) wait to be sent, at most a record to be read, and one turn reads at most
//! `TLS_READS` (8) times, whatever the client makes of its records.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustls::{ServerConfig, ServerConnection};

use crate::session::CloseReason;
use crate::tls;

/// Bytes that TLS keeps for a socket that is full.
const TLS_OUT_BYTES: usize = 64 * 1024;
/// Reads of one turn that bring no byte of the client's own: handshake, key updates, empty records.
const TLS_READS: u32 = 8;

/// How a connection came. Names are log fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransportKind {
    /// Plaintext.
    Tcp,
    /// TLS 1.3.
    Tls,
    /// The same host.
    Unix,
}

impl TransportKind {
    /// Log field.
    pub const fn name(self) -> &'static str {
        match self {
            TransportKind::Tcp => "tcp",
            TransportKind::Tls => "tls",
            TransportKind::Unix => "unix",
        }
    }
}

/// A socket with what is spoken on it.
#[derive(Debug)]
pub(crate) enum Transport {
    Tcp(TcpStream),
    Tls(Box<TlsStream>),
    Unix(UnixStream),
}

/// What a read brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Arrival {
    /// Bytes. `more`: the socket may have more of them.
    Bytes { count: usize, more: bool },
    /// Nothing; an edge will tell when there is something.
    Nothing,
    /// Nothing yet, but there may be more to read.
    Again,
    /// The peer has ended, or the network has.
    Ended(CloseReason),
    /// What came is not what may come.
    Broken(CloseReason, String),
}

#[derive(Debug)]
pub(crate) struct TlsStream {
    socket: TcpStream,
    connection: ServerConnection,
}

impl Transport {
    /// TLS over a new connection.
    pub(crate) fn tls(socket: TcpStream, config: &Arc<ServerConfig>) -> io::Result<Self> {
        let mut connection = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
        connection.set_buffer_limit(Some(TLS_OUT_BYTES));
        Ok(Transport::Tls(Box::new(TlsStream { socket, connection })))
    }

    pub(crate) fn kind(&self) -> TransportKind {
        match self {
            Transport::Tcp(_) => TransportKind::Tcp,
            Transport::Tls(_) => TransportKind::Tls,
            Transport::Unix(_) => TransportKind::Unix,
        }
    }

    /// True when the client has shown a certificate in this name.
    pub(crate) fn is_certified_as(&self, name: &str) -> bool {
        let Transport::Tls(stream) = self else { return false };
        let leaf = stream.connection.peer_certificates().and_then(|chain| chain.first());
        leaf.is_some_and(|leaf| tls::is_in_name(leaf, name))
    }

    /// One read into `room`, which must not be empty.
    pub(crate) fn read(&mut self, room: &mut [u8]) -> Arrival {
        debug_assert!(!room.is_empty(), "Invariant: no read of nothing, which looks like the end");
        let wanted = room.len();
        match self {
            Transport::Tcp(socket) => arrival(socket.read(room), wanted),
            Transport::Unix(socket) => arrival(socket.read(room), wanted),
            Transport::Tls(stream) => stream.read(room),
        }
    }

    /// Takes some of `bytes` for sending. `WouldBlock`: none now; an edge will tell.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Transport::Tcp(socket) => socket.write(bytes),
            Transport::Unix(socket) => socket.write(bytes),
            Transport::Tls(stream) => stream.write(bytes),
        }
    }

    /// Sends what was taken before. `WouldBlock`: not all of it.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match self {
            Transport::Tls(stream) => stream.flush(),
            _ => Ok(()),
        }
    }

    /// Nothing that was taken waits.
    pub(crate) fn is_flushed(&self) -> bool {
        match self {
            Transport::Tls(stream) => !stream.connection.wants_write(),
            _ => true,
        }
    }

    /// Says good-bye, as far as the socket takes it at once.
    pub(crate) fn end(&mut self) {
        if let Transport::Tls(stream) = self {
            stream.connection.send_close_notify();
            // A peer that does not take it sees the connection end without it.
            let _ = stream.flush();
        }
    }

    /// Ends our side, with a good-bye where there is one. What the peer sends is still read.
    pub(crate) fn shut(&mut self) {
        self.end();
        let shut = match self {
            Transport::Tcp(socket) => socket.shutdown(Shutdown::Write),
            Transport::Unix(socket) => socket.shutdown(Shutdown::Write),
            Transport::Tls(stream) => stream.socket.shutdown(Shutdown::Write),
        };
        // The peer may have gone already: then there is nobody to tell.
        let _ = shut;
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            Transport::Tcp(socket) => socket,
            Transport::Unix(socket) => socket,
            Transport::Tls(stream) => &mut stream.socket,
        }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.source().register(registry, token, Interest::READABLE | Interest::WRITABLE)
    }

    pub(crate) fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.source().deregister(registry)
    }
}

/// What an error of a socket says of the end of its connection.
pub(crate) fn end_by(error: &io::Error) -> CloseReason {
    match error.kind() {
        // `limits::UNACKNOWLEDGED` has passed: ETIMEDOUT, or what the network said of the packets meanwhile.
        ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            CloseReason::Unacknowledged
        }
        _ => CloseReason::PeerClosed,
    }
}

fn arrival(read: io::Result<usize>, wanted: usize) -> Arrival {
    match read {
        Ok(0) => Arrival::Ended(CloseReason::PeerClosed),
        // A short read empties the socket; epoll tells when there is more.
        Ok(count) => Arrival::Bytes { count, more: count == wanted },
        Err(error) if error.kind() == ErrorKind::WouldBlock => Arrival::Nothing,
        Err(error) if error.kind() == ErrorKind::Interrupted => Arrival::Again,
        // A reset: what came before it counts all the same.
        Err(error) => Arrival::Ended(end_by(&error)),
    }
}

impl TlsStream {
    fn read(&mut self, room: &mut [u8]) -> Arrival {
        for _ in 0..TLS_READS {
            match self.connection.reader().read(room) {
                // A close_notify.
                Ok(0) => return Arrival::Ended(CloseReason::PeerClosed),
                Ok(count) => return Arrival::Bytes { count, more: true },
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // The end without one.
                Err(_) => return Arrival::Ended(CloseReason::PeerClosed),
            }
            match self.connection.read_tls(&mut self.socket) {
                // Zero is the end: the reader tells it, once it has given all it has.
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Arrival::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => return Arrival::Again,
                Err(error) => return Arrival::Ended(end_by(&error)),
            }
            if let Some(broken) = self.advance() {
                return broken;
            }
        }
        Arrival::Again
    }

    /// Carries out what was read: handshake messages are answered at once.
    fn advance(&mut self) -> Option<Arrival> {
        let result = self.connection.process_new_packets();
        // The answer, or the alert that tells the peer what is wrong. A full socket takes it at its next edge.
        let _ = self.flush();
        let error = result.err()?;
        let reason = match error {
            rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
                CloseReason::TlsCertificate
            }
            _ => CloseReason::TlsProtocol,
        };
        Some(Arrival::Broken(reason, error.to_string()))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        let count = self.connection.writer().write(bytes)?;
        match self.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            // Taken all the same; the next write finds the socket full.
            _ => Ok(count),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut self.socket) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
