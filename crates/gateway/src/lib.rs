//! Sockets and sessions: SoupBinTCP connections on one side, commands and events on the other.
//!
//! Data flow: bytes of a socket → [`session`] (what may this packet mean now?) → [`translate`] (OUCH request to
//! command) → [`CommandSink`]. Back: event → [`translate`] → [`outbound`] (the login's sequenced stream) →
//! socket. [`server`] holds the loop; [`auth`] checks passwords on a thread of its own. Several gateways may share the logins of
//! a venue, each on a thread of its own ([`Gateway::several`]).
//!
//! *Architecture Invariant:* the gateway decides nothing about orders. It may refuse bytes, never a command.
//!
//! *Architecture Invariant:* the sequenced stream of a login is written by [`Gateway::deliver`] alone, and only
//! with released events. A connection is a reader of that stream with a position; it owns no messages.
//!
//! *Architecture Invariant:* no connection can grow memory: input is one fixed buffer, output is the stream. TLS keeps at
//! most a record in and 64 KiB out besides ([`transport`]).

pub mod audit;
pub mod auth;
mod caps;
mod lockout;
pub mod origin;
pub mod outbound;
pub mod server;
pub mod session;
pub mod tls;
pub mod translate;
pub mod transport;
mod unix;

use ringside_domain::{Command, LoginId};

pub use audit::TARGET as AUDIT_TARGET;
pub use auth::{Credential, Password, Verifier};
pub use caps::Caps;
pub use lockout::LockoutPolicy;
pub use outbound::{Outbound, OutboundError};
pub use server::{Addresses, Gateway, GatewayError, GatewayOptions, ListenOptions, LoginEntry, Stats};
pub use session::CloseReason;
pub use tls::{TlsError, TlsFiles, TlsSetup};
pub use transport::TransportKind;

/// Where commands go. One call, one command, or a refusal because there is no room right now.
pub trait CommandSink {
    /// A turn begins: the wait for sockets is over, and the commands that follow carry this moment.
    fn begin_turn(&mut self);

    /// A connection's turn begins: what it sent is read now.
    fn begin_read(&mut self) {}

    /// `false`: the login has sent as much as it may for now. Its socket is left unread until this says `true` again.
    fn has_budget(&mut self, _login: LoginId) -> bool {
        true
    }

    /// Hands a command over. `false`: no room, nothing was taken, try again later.
    fn offer(&mut self, command: &Command) -> bool;
}

/// Times and sizes that several parts of a gateway keep to. What only one of them knows stands there.
pub mod limits {
    use std::time::Duration;

    /// A connection must log in within this.
    pub const LOGIN_DEADLINE: Duration = Duration::from_secs(5);
    /// A connection is dead after this long without a byte (SoupBinTCP 3.00).
    pub const SILENCE: Duration = Duration::from_secs(15);
    /// The kernel gives a connection up when nothing of what it was sent was acknowledged for this long, or when its window was
    /// shut for this long: who keeps to SoupBinTCP has given it up after half of that, having heard nothing.
    pub const UNACKNOWLEDGED: Duration = Duration::from_secs(30);
    /// A heartbeat goes out after this long without any other byte (SoupBinTCP 3.00).
    pub const HEARTBEAT: Duration = Duration::from_secs(1);
    /// After the end of its session a connection is closed when the client has neither closed it nor read anything for this
    /// long.
    pub const FAREWELL: Duration = Duration::from_secs(5);
    /// Longest payload of a client packet: the longest OUCH request with every tag is below 300 bytes.
    pub const PAYLOAD_MAX: usize = 512;
    /// Input buffer of a connection: one read.
    pub const INPUT_BYTES: usize = 16 * 1024;
    /// Commands taken from one connection before the next one has its turn.
    pub const TURN_COMMANDS: u32 = 256;
    /// Writes to one connection before the next one has its turn.
    pub const TURN_WRITES: u32 = 4;
    /// Heartbeats sent and connections closed for their silence before the others have their turn: some 5 µs each.
    pub const TURN_TIMERS: u32 = 32;
    /// Connections that wait at a listener to be accepted: everybody comes at once after a restart, and a turn may wait for the
    /// disk. The kernel cuts it to its own limit (`net.core.somaxconn`, 4,096).
    pub const LISTEN_QUEUE: i32 = 4_096;
    /// Connections accepted at one listener before the others have their turn: some 10 µs each.
    pub const TURN_ACCEPTS: u32 = 16;
    /// Verdicts of password checks taken before the others have their turn: some 20 µs each, most of them for the answer.
    pub const TURN_VERDICTS: u32 = 16;
    /// Connections at once, logged in or not.
    pub const CONNECTIONS_MAX: usize = 10_000;
    /// A reader that has caught up once and then falls this many bytes behind is cut off.
    pub const LAG_MAX: u64 = 8 * 1024 * 1024;
    /// Most bytes handed to a socket in one write.
    pub const WRITE_BYTES: usize = 256 * 1024;
    /// Gateways of a venue: each takes a core and reads the whole output ring, and one engine keeps no more of them busy.
    pub const GATEWAYS_MAX: usize = 8;
    /// Password checks waiting at once, if they are cheap enough to be made within [`LOGIN_DEADLINE`].
    pub const VERIFICATIONS_MAX: usize = 1_024;

    const _: () = assert!(
        UNACKNOWLEDGED.as_secs() > SILENCE.as_secs(),
        "a link that is dead both ways is told as silence"
    );
    const _: () =
        assert!(INPUT_BYTES >= 2 * (PAYLOAD_MAX + 3), "a whole packet always fits the input buffer");
}
