//! Packets not yet sent. Grows to a stated limit, then keeps its size.

use ringside_wire::ouch::Request;
use ringside_wire::soup::{
    HEADER_BYTES, LoginRequest, PAYLOAD_MAX, begin_packet, finish_packet, kind, put_client_heartbeat,
    put_logout, put_packet,
};

use crate::error::ClientError;

/// From here on a send is refused.
pub(crate) const BACKLOG_MAX: usize = 1024 * 1024;

/// The write buffer of a connection.
#[derive(Debug, Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    sent: usize,
}

impl Output {
    /// Bytes that wait to be sent.
    pub(crate) fn waiting(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    /// The first `length` waiting bytes are gone.
    pub(crate) fn sent(&mut self, length: usize) {
        self.sent += length;
        assert!(self.sent <= self.bytes.len(), "Invariant: nobody sends more than there is");
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            self.sent = 0;
        }
    }

    pub(crate) fn put_heartbeat(&mut self) {
        put_client_heartbeat(&mut self.bytes);
    }

    pub(crate) fn put_login(&mut self, request: &LoginRequest) {
        request.encode(&mut self.bytes);
    }

    pub(crate) fn put_logout(&mut self) {
        put_logout(&mut self.bytes);
    }

    /// Appends an Unsequenced Data packet, all of it or nothing.
    pub(crate) fn put_request(&mut self, request: &Request<'_>) -> Result<(), ClientError> {
        self.check_room()?;
        let start = self.bytes.len();
        let mark = begin_packet(kind::UNSEQUENCED, &mut self.bytes);
        request.encode(&mut self.bytes);
        let length = self.bytes.len() - start - HEADER_BYTES;
        if length > PAYLOAD_MAX {
            self.bytes.truncate(start);
            return Err(ClientError::TooLong { length });
        }
        finish_packet(mark, &mut self.bytes);
        Ok(())
    }

    /// Appends an Unsequenced Data packet, all of it or nothing.
    pub(crate) fn put_payload(&mut self, payload: &[u8]) -> Result<(), ClientError> {
        self.check_room()?;
        if payload.len() > PAYLOAD_MAX {
            return Err(ClientError::TooLong { length: payload.len() });
        }
        put_packet(kind::UNSEQUENCED, payload, &mut self.bytes);
        Ok(())
    }

    /// What was sent may keep its place in front of what waits: both together stay within two backlogs.
    fn check_room(&mut self) -> Result<(), ClientError> {
        let bytes = self.waiting().len();
        if bytes >= BACKLOG_MAX {
            return Err(ClientError::Backlog { bytes });
        }
        if self.sent >= BACKLOG_MAX {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_backlog_takes_nothing_until_bytes_are_gone() {
        let mut output = Output::default();
        while output.put_payload(&[0; 1000]).is_ok() {}
        let full = output.waiting().len();
        assert!((BACKLOG_MAX..BACKLOG_MAX + 1003).contains(&full));
        assert!(matches!(output.put_payload(b"Q"), Err(ClientError::Backlog { bytes }) if bytes == full));
        output.sent(2000);
        output.put_payload(b"Q").unwrap();
        assert_eq!(output.waiting().len(), full - 2000 + 4);
    }

    #[test]
    fn a_payload_longer_than_a_packet_is_refused_whole() {
        let mut output = Output::default();
        let long = vec![0; PAYLOAD_MAX + 1];
        assert!(matches!(output.put_payload(&long), Err(ClientError::TooLong { length: 65_535 })));
        assert!(output.waiting().is_empty());
    }
}
