//! New connections: accepted, counted, refused when there are too many.

use std::io;
use std::net::SocketAddr;

use mio::net::TcpStream;
use mio::{Interest, Token};
use tracing::warn;

use super::Gateway;
use super::connection::Connection;
use crate::session::CloseReason;

impl Gateway {
    pub(super) fn accept_all(&mut self) -> io::Result<()> {
        while let Some(listener) = &self.listener {
            match listener.accept() {
                Ok((socket, peer)) => self.admit(socket, peer)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => {
                    // Out of file descriptors or memory, or the peer's network is gone (accept(2)): it passes, and
                    // the others must not notice. The listener is edge-triggered, so it is looked at again later.
                    warn!(%error, "accept failed");
                    self.accept_again = true;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    pub(super) fn admit(&mut self, mut socket: TcpStream, peer: SocketAddr) -> io::Result<()> {
        self.stats.accepted += 1;
        if self.connections.len() >= self.connections_max || !self.accepting {
            self.count_close(CloseReason::TooMany);
            warn!(%peer, "connection refused: too many");
            return Ok(());
        }
        // Failing here means that the peer has gone already; the first read will tell.
        let _ = socket.set_nodelay(true);
        self.generation += 1;
        let entry = self.connections.vacant_entry();
        let token = Token(entry.key());
        self.poll.registry().register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
        let key = token.0;
        entry.insert(Connection::new(socket, peer, self.generation, self.now));
        self.ready.push_back(key);
        self.stats.connections += 1;
        Ok(())
    }
}
