//! A connected socket, with or without TLS, that waits as long as it is told, or not at all.
//!
//! The mode of the socket is remembered, so that a run of calls of one kind costs no extra system call.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

#[cfg(feature = "tls")]
use rustls::ClientConnection;

use crate::address::Address;
use crate::socket::{Socket, WAIT_MIN};

/// What a read brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arrival {
    /// So many bytes, at least one.
    Bytes(usize),
    /// Nothing in time.
    Nothing,
    /// The other side has closed.
    Closed,
}

/// The connection's bytes.
#[derive(Debug)]
pub(crate) struct Link {
    socket: Socket,
    #[cfg(feature = "tls")]
    tls: Option<Box<ClientConnection>>,
    is_blocking: bool,
    read_timeout: Option<Duration>,
}

impl Link {
    /// Connects; with TLS, shakes hands too. An error of kind `InvalidData` is TLS's refusal.
    pub(crate) fn connect(address: &Address, timeout: Duration) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => Ok(Link::plain(Socket::tcp(address, timeout)?)),
            Address::Unix(path) => Ok(Link::plain(Socket::unix(path)?)),
            #[cfg(feature = "tls")]
            Address::Tls(address, tls) => {
                let mut connection = Box::new(tls.open(address)?);
                let mut socket = Socket::tcp(address, timeout)?;
                socket.set_read_timeout(timeout.max(WAIT_MIN))?;
                socket.set_write_timeout(timeout.max(WAIT_MIN))?;
                while connection.is_handshaking() {
                    connection.complete_io(&mut socket)?;
                }
                Ok(Link { tls: Some(connection), ..Link::plain(socket) })
            }
        }
    }

    fn plain(socket: Socket) -> Self {
        Link {
            socket,
            #[cfg(feature = "tls")]
            tls: None,
            is_blocking: true,
            read_timeout: None,
        }
    }

    /// Reads what is there.
    pub(crate) fn read_now(&mut self, room: &mut [u8]) -> io::Result<Arrival> {
        self.set_blocking(false)?;
        self.read(room)
    }

    /// Reads, waiting up to `timeout` for the first byte.
    pub(crate) fn read_within(&mut self, timeout: Duration, room: &mut [u8]) -> io::Result<Arrival> {
        self.set_blocking(true)?;
        let timeout = timeout.max(WAIT_MIN);
        if self.read_timeout != Some(timeout) {
            self.socket.set_read_timeout(timeout)?;
            self.read_timeout = Some(timeout);
        }
        self.read(room)
    }

    /// Writes as much as the kernel takes at once; 0 when it takes nothing.
    pub(crate) fn write_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.set_blocking(false)?;
        not_yet(self.write(bytes))
    }

    /// Hands over what TLS holds back, as far as the kernel takes it at once. True: nothing is left.
    pub(crate) fn flush_now(&mut self) -> io::Result<bool> {
        if self.is_flushed() {
            return Ok(true);
        }
        self.set_blocking(false)?;
        not_yet(self.write_tls().map(|()| 0))?;
        Ok(self.is_flushed())
    }

    /// Writes everything; an error when the kernel takes nothing for `timeout`.
    pub(crate) fn write_within(&mut self, timeout: Duration, bytes: &[u8]) -> io::Result<()> {
        self.set_blocking(true)?;
        self.socket.set_write_timeout(timeout.max(WAIT_MIN))?;
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => rest = &rest[length..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.write_tls()
    }

    fn set_blocking(&mut self, is_blocking: bool) -> io::Result<()> {
        if self.is_blocking != is_blocking {
            self.socket.set_nonblocking(!is_blocking)?;
            self.is_blocking = is_blocking;
        }
        Ok(())
    }
}

#[cfg(not(feature = "tls"))]
impl Link {
    fn read(&mut self, room: &mut [u8]) -> io::Result<Arrival> {
        arrival(self.socket.read(room))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.write(bytes)
    }

    fn write_tls(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Nothing that was taken waits.
    pub(crate) fn is_flushed(&self) -> bool {
        true
    }
}

#[cfg(feature = "tls")]
impl Link {
    fn read(&mut self, room: &mut [u8]) -> io::Result<Arrival> {
        let Some(tls) = &mut self.tls else { return arrival(self.socket.read(room)) };
        loop {
            match tls.reader().read(room) {
                Ok(0) => return Ok(Arrival::Closed),
                Ok(length) => return Ok(Arrival::Bytes(length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // The end without a good-bye: the session counts its messages, so nothing is cut off unseen.
                Err(_) => return Ok(Arrival::Closed),
            }
            match tls.read_tls(&mut self.socket) {
                Err(error) if is_not_yet(&error) => return Ok(Arrival::Nothing),
                other => other?,
            };
            tls.process_new_packets().map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.tls.is_none() {
            return self.socket.write(bytes);
        }
        self.write_tls()?;
        let Some(tls) = &mut self.tls else { return Ok(0) };
        let length = tls.writer().write(bytes)?;
        match self.write_tls() {
            Err(error) if !is_not_yet(&error) => Err(error),
            // Taken all the same: sent by a later call.
            _ => Ok(length),
        }
    }

    fn write_tls(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        while tls.wants_write() {
            if tls.write_tls(&mut self.socket)? == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// Nothing that was taken waits.
    pub(crate) fn is_flushed(&self) -> bool {
        self.tls.as_ref().is_none_or(|tls| !tls.wants_write())
    }
}

fn arrival(read: io::Result<usize>) -> io::Result<Arrival> {
    match read {
        Ok(0) => Ok(Arrival::Closed),
        Ok(length) => Ok(Arrival::Bytes(length)),
        Err(error) if is_not_yet(&error) => Ok(Arrival::Nothing),
        Err(error) => Err(error),
    }
}

fn not_yet(written: io::Result<usize>) -> io::Result<usize> {
    match written {
        Err(error) if is_not_yet(&error) => Ok(0),
        other => other,
    }
}

/// No bytes now, or a signal came first: the caller's loop looks again.
fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
