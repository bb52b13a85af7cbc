//! What can go wrong, told apart by what the caller can do about it.

use std::io;
use std::time::Duration;

use ringside_wire::soup::{FrameError, LoginRejected};
use thiserror::Error;

/// Credentials that cannot be written on the wire.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CredentialsError {
    /// The name does not fit.
    #[error("username {found:?}: expected 1 to 6 printable ASCII characters")]
    Username {
        /// The name.
        found: String,
    },
    /// The password does not fit. It is not repeated here.
    #[error("password of {length} bytes: expected at most 10 printable ASCII characters")]
    Password {
        /// Bytes of the password.
        length: usize,
    },
}

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The venue said no. Asking again gives the same answer.
    #[error("login refused: {}", refusal(*.0))]
    Refused(LoginRejected),
    /// The network said no.
    #[error("cannot connect: {0}")]
    Io(#[from] io::Error),
    /// Nobody answered in time.
    #[error("no answer to the login within {} ms", .after.as_millis())]
    Timeout {
        /// Time given.
        after: Duration,
    },
    /// The venue hung up before it answered the login.
    #[error("the venue closed the connection before it answered the login")]
    Closed,
    /// The bytes are no packets.
    #[error("not a SoupBinTCP server: {0}")]
    Frame(#[from] FrameError),
    /// A packet that does not answer a login, or is cut short.
    #[error("not a SoupBinTCP server: packet 0x{kind:02x} of {length} bytes in answer to the login")]
    UnexpectedPacket {
        /// Packet type.
        kind: u8,
        /// Payload bytes.
        length: usize,
    },
    /// The session asked for cannot be written on the wire.
    #[error("session {found:?}: expected at most 10 printable ASCII characters")]
    SessionName {
        /// The name.
        found: String,
    },
}

fn refusal(reason: LoginRejected) -> &'static str {
    match reason {
        LoginRejected::NotAuthorized => "wrong username or password",
        LoginRejected::SessionNotAvailable => "no such session, or the sequence is beyond its end",
    }
}

impl ConnectError {
    /// True when the next attempt may go better.
    pub fn is_transient(&self) -> bool {
        match self {
            // TLS's refusal: certificates do not change by themselves.
            ConnectError::Io(error) => error.kind() != io::ErrorKind::InvalidData,
            ConnectError::Timeout { .. } | ConnectError::Closed => true,
            _ => false,
        }
    }
}

/// Why a connection cannot go on, or cannot take a request.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The venue closed the connection.
    #[error("the venue closed the connection")]
    Closed,
    /// Not a byte for too long.
    #[error("the link is dead: not a byte for {} ms", .silence.as_millis())]
    Dead {
        /// Time since the last byte.
        silence: Duration,
    },
    /// The network failed.
    #[error("the link failed: {0}")]
    Io(#[from] io::Error),
    /// The bytes are no packets.
    #[error("broken stream: {0}")]
    Frame(#[from] FrameError),
    /// A packet that a server may not send now.
    #[error("broken stream: unexpected packet 0x{kind:02x}")]
    UnexpectedPacket {
        /// Packet type.
        kind: u8,
    },
    /// The venue does not read as fast as we send; nothing was taken. Receive, then try again.
    #[error("{bytes} bytes wait to be sent, no room for more")]
    Backlog {
        /// Bytes not yet sent.
        bytes: usize,
    },
    /// A message longer than a packet; nothing was taken.
    #[error("message of {length} bytes does not fit a packet")]
    TooLong {
        /// Bytes of the message.
        length: usize,
    },
    /// The session is complete: no message will follow.
    #[error("the session has ended")]
    Ended,
}

impl ClientError {
    /// True when a new connection may go on where this one stopped.
    pub fn is_link_loss(&self) -> bool {
        matches!(self, ClientError::Closed | ClientError::Dead { .. } | ClientError::Io(_))
    }
}

/// Why a session cannot go on, or cannot take a request.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The first connection failed, or the venue refused a later one.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Broken stream, ended session or unsendable request; a lost link is never told this way.
    #[error(transparent)]
    Client(ClientError),
    /// Every attempt to connect again has failed. The next call begins a new round.
    #[error("link lost, {attempts} attempts to connect again failed, the last one: {last}")]
    GaveUp {
        /// Attempts made.
        attempts: u32,
        /// Error of the last one.
        last: ConnectError,
    },
    /// The venue has another session now: UserRefNums start again, nothing may be resent.
    #[error("the venue's session is {found} now, was {expected}")]
    Rolled {
        /// Session of this login so far.
        expected: String,
        /// Session offered.
        found: String,
    },
    /// The venue does not go on where we stopped.
    #[error("the venue goes on at sequence {found}, expected {expected}")]
    Gap {
        /// Sequence asked for.
        expected: u64,
        /// Sequence offered.
        found: u64,
    },
    /// As many requests wait for an acknowledgement as may; nothing was taken. Receive; a fence helps.
    #[error("{requests} requests wait for an acknowledgement, no room for more")]
    Full {
        /// Requests waiting.
        requests: usize,
    },
    /// As many fences are out as there are fence channels; nothing was sent. Receive, then try again.
    #[error("{fences} fences wait for an answer, no room for more")]
    TooManyFences {
        /// Fences waiting.
        fences: usize,
    },
    /// Requests or fences are out already: to know its own answers a program has to ask before it sends anything.
    #[error("{requests} requests and fences were sent already")]
    NotFirst {
        /// Those that wait for an answer.
        requests: usize,
    },
    /// An Account Query on a channel that belongs to the fences; nothing was taken.
    #[error("UserRefIdx {channel} is one of the fences' own")]
    FenceChannel {
        /// UserRefIdx of the query.
        channel: u8,
    },
}
