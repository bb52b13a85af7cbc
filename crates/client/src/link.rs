//! A TCP stream that waits as long as it is told, or not at all.
//!
//! The mode of the socket is remembered, so that a run of calls of one kind costs no extra system call.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Shortest wait: zero would mean "for ever" to the kernel.
const WAIT_MIN: Duration = Duration::from_millis(1);

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

/// A connected socket without Nagle's delay.
#[derive(Debug)]
pub(crate) struct Link {
    stream: TcpStream,
    is_blocking: bool,
    read_timeout: Option<Duration>,
}

impl Link {
    /// Tries every address that `addr` stands for.
    pub(crate) fn connect(addr: impl ToSocketAddrs, timeout: Duration) -> io::Result<Self> {
        let mut last = io::Error::new(ErrorKind::InvalidInput, "the name stands for no address");
        for addr in addr.to_socket_addrs()? {
            match TcpStream::connect_timeout(&addr, timeout.max(WAIT_MIN)) {
                Ok(stream) => return Link::new(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Link { stream, is_blocking: true, read_timeout: None })
    }

    /// Reads what is there.
    pub(crate) fn read_now(&mut self, room: &mut [u8]) -> io::Result<Arrival> {
        self.set_blocking(false)?;
        arrival(self.stream.read(room))
    }

    /// Reads, waiting up to `timeout` for the first byte.
    pub(crate) fn read_within(&mut self, timeout: Duration, room: &mut [u8]) -> io::Result<Arrival> {
        self.set_blocking(true)?;
        let timeout = Some(timeout.max(WAIT_MIN));
        if self.read_timeout != timeout {
            self.stream.set_read_timeout(timeout)?;
            self.read_timeout = timeout;
        }
        arrival(self.stream.read(room))
    }

    /// Writes as much as the kernel takes at once; 0 when it takes nothing.
    pub(crate) fn write_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.set_blocking(false)?;
        match self.stream.write(bytes) {
            Err(error) if is_not_yet(&error) => Ok(0),
            result => result,
        }
    }

    /// Writes everything; an error when the kernel takes nothing for `timeout`.
    pub(crate) fn write_within(&mut self, timeout: Duration, bytes: &[u8]) -> io::Result<()> {
        self.set_blocking(true)?;
        self.stream.set_write_timeout(Some(timeout.max(WAIT_MIN)))?;
        self.stream.write_all(bytes)
    }

    fn set_blocking(&mut self, is_blocking: bool) -> io::Result<()> {
        if self.is_blocking != is_blocking {
            self.stream.set_nonblocking(!is_blocking)?;
            self.is_blocking = is_blocking;
        }
        Ok(())
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

/// No bytes now, or a signal came first: the caller's loop looks again.
fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
