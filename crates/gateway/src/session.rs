//! The SoupBinTCP 3.00 server side of one connection, without any I/O.
//!
//! Packets and the time go in, what to do comes out. The state machine never reads a clock: `now` is
//! monotonic time since any fixed moment.

use std::time::Duration;

use ringside_domain::LoginId;
use ringside_wire::soup::{self, LoginRequest, Packet, kind};

use crate::limits::{FAREWELL, HEARTBEAT, LOGIN_DEADLINE, SILENCE};

/// Why a connection ended. Names are metric labels and log fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseReason {
    /// The client closed, or the network did.
    PeerClosed,
    /// The client logged out.
    Logout,
    /// No login in time.
    LoginDeadline,
    /// Wrong user, password, session or sequence.
    LoginRejected,
    /// Too many logins wait for their password check.
    VerifierBusy,
    /// Not a byte in time.
    Silence,
    /// Bytes that are no SoupBinTCP packet.
    BadFrame,
    /// A packet type that a client may not send, or not now.
    UnexpectedPacket,
    /// A packet whose payload has the wrong length, or an OUCH message that is none.
    MalformedMessage,
    /// The same login connected again.
    TakenOver,
    /// The client did not read.
    SlowReader,
    /// No room for one more connection.
    TooMany,
    /// The venue stops.
    Shutdown,
    /// The SoupBinTCP session has ended: everything was sent, End of Session last.
    SessionEnded,
    /// As many connections from that address as there may be.
    PerAddress,
    /// Not logged in, and the oldest of as many as may be like that when another one came.
    Unauthenticated,
    /// Too many wrong passwords before.
    LockedOut,
    /// No certificate, or one that the venue's authority has not signed, or that has expired.
    TlsCertificate,
    /// Bytes that are no TLS 1.3, or an alert.
    TlsProtocol,
    /// The kernel has given it up: nothing that was sent was acknowledged in time, or the window was shut for as long.
    Unacknowledged,
}

impl CloseReason {
    /// All reasons, for metrics.
    pub const ALL: [CloseReason; 20] = [
        CloseReason::PeerClosed,
        CloseReason::Logout,
        CloseReason::LoginDeadline,
        CloseReason::LoginRejected,
        CloseReason::VerifierBusy,
        CloseReason::Silence,
        CloseReason::BadFrame,
        CloseReason::UnexpectedPacket,
        CloseReason::MalformedMessage,
        CloseReason::TakenOver,
        CloseReason::SlowReader,
        CloseReason::TooMany,
        CloseReason::Shutdown,
        CloseReason::SessionEnded,
        CloseReason::PerAddress,
        CloseReason::Unauthenticated,
        CloseReason::LockedOut,
        CloseReason::TlsCertificate,
        CloseReason::TlsProtocol,
        CloseReason::Unacknowledged,
    ];

    /// Metric label.
    pub const fn name(self) -> &'static str {
        match self {
            CloseReason::PeerClosed => "peer_closed",
            CloseReason::Logout => "logout",
            CloseReason::LoginDeadline => "login_deadline",
            CloseReason::LoginRejected => "login_rejected",
            CloseReason::VerifierBusy => "verifier_busy",
            CloseReason::Silence => "silence",
            CloseReason::BadFrame => "bad_frame",
            CloseReason::UnexpectedPacket => "unexpected_packet",
            CloseReason::MalformedMessage => "malformed_message",
            CloseReason::TakenOver => "taken_over",
            CloseReason::SlowReader => "slow_reader",
            CloseReason::TooMany => "too_many",
            CloseReason::Shutdown => "shutdown",
            CloseReason::SessionEnded => "session_ended",
            CloseReason::PerAddress => "per_address",
            CloseReason::Unauthenticated => "unauthenticated",
            CloseReason::LockedOut => "locked_out",
            CloseReason::TlsCertificate => "tls_certificate",
            CloseReason::TlsProtocol => "tls_protocol",
            CloseReason::Unacknowledged => "unacknowledged",
        }
    }
}

/// Where a connection stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Waits for a login request.
    Login,
    /// The password is being checked.
    Verifying,
    /// Logged in.
    Open(LoginId),
    /// Its session has ended, at this time: it is sent the rest, and not heard any more.
    Farewell(Duration),
}

/// What a packet means.
#[derive(Debug)]
pub enum Input<'a> {
    /// Nothing to do.
    Ignore,
    /// Check this login.
    Login(LoginRequest),
    /// An OUCH message of this login.
    Request(LoginId, &'a [u8]),
    /// Close the connection.
    Close(CloseReason),
}

/// What the passing of time means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// Send a heartbeat.
    Heartbeat,
    /// Close the connection.
    Close(CloseReason),
}

/// One connection.
#[derive(Debug)]
pub struct Session {
    phase: Phase,
    opened: Duration,
    received: Duration,
    sent: Duration,
}

impl Session {
    /// A connection accepted now.
    pub const fn new(now: Duration) -> Self {
        Session { phase: Phase::Login, opened: now, received: now, sent: now }
    }

    /// Where it stands.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// The login it acts for.
    pub const fn login(&self) -> Option<LoginId> {
        match self.phase {
            Phase::Open(login) => Some(login),
            _ => None,
        }
    }

    /// It acts for a login, or did until its session ended.
    pub const fn has_logged_in(&self) -> bool {
        matches!(self.phase, Phase::Open(_) | Phase::Farewell(_))
    }

    /// Bytes came in.
    pub fn received(&mut self, now: Duration) {
        self.received = now;
    }

    /// The venue does not read a login, and answers nobody who waits for a verdict, up to now: that time counts against
    /// neither. Who has not asked for a login yet is read as always.
    pub fn excuse(&mut self, now: Duration) {
        match self.phase {
            Phase::Open(_) => self.received = now,
            Phase::Verifying => (self.opened, self.received) = (now, now),
            Phase::Login | Phase::Farewell(_) => {}
        }
    }

    /// It goes on under another clock, which says now.
    pub fn moved(&mut self, now: Duration) {
        assert!(self.phase == Phase::Verifying, "Invariant: only who is about to be let in is moved");
        (self.opened, self.received, self.sent) = (now, now, now);
    }

    /// Bytes went out.
    pub fn sent(&mut self, now: Duration) {
        self.sent = now;
    }

    /// The password was right.
    pub fn accept(&mut self, login: LoginId) {
        assert!(self.phase == Phase::Verifying, "Invariant: only a waiting connection is let in");
        self.phase = Phase::Open(login);
    }

    /// The SoupBinTCP session of a login has ended.
    pub fn end(&mut self, now: Duration) {
        assert!(matches!(self.phase, Phase::Open(_)), "Invariant: only a login has a session to end");
        self.phase = Phase::Farewell(now);
    }

    /// A whole packet came in.
    pub fn packet<'a>(&mut self, packet: Packet<'a>) -> Input<'a> {
        match (packet.kind, self.phase) {
            (kind::DEBUG, _) | (_, Phase::Farewell(_)) => Input::Ignore,
            (kind::LOGIN_REQUEST, Phase::Login) => self.login_request(packet.payload),
            (kind::UNSEQUENCED, Phase::Open(login)) => Input::Request(login, packet.payload),
            (kind::CLIENT_HEARTBEAT, Phase::Open(_)) if packet.payload.is_empty() => Input::Ignore,
            (kind::LOGOUT_REQUEST, Phase::Open(_)) if packet.payload.is_empty() => {
                Input::Close(CloseReason::Logout)
            }
            (kind::CLIENT_HEARTBEAT | kind::LOGOUT_REQUEST, Phase::Open(_)) => {
                Input::Close(CloseReason::MalformedMessage)
            }
            _ => Input::Close(CloseReason::UnexpectedPacket),
        }
    }

    /// Time has passed.
    pub fn due(&self, now: Duration) -> Due {
        if let Phase::Farewell(since) = self.phase {
            let is_over = now >= since.max(self.sent) + FAREWELL;
            return if is_over { Due::Close(CloseReason::SessionEnded) } else { Due::Nothing };
        }
        if !matches!(self.phase, Phase::Open(_)) && now >= self.opened + LOGIN_DEADLINE {
            return Due::Close(CloseReason::LoginDeadline);
        }
        if now >= self.received + SILENCE {
            return Due::Close(CloseReason::Silence);
        }
        match self.phase {
            Phase::Open(_) if now >= self.sent + HEARTBEAT => Due::Heartbeat,
            _ => Due::Nothing,
        }
    }

    fn login_request(&mut self, payload: &[u8]) -> Input<'static> {
        match soup::LoginRequest::decode(payload) {
            Some(request) => {
                self.phase = Phase::Verifying;
                Input::Login(request)
            }
            None => Input::Close(CloseReason::MalformedMessage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_wire::soup::next_packet;

    const SECOND: Duration = Duration::from_secs(1);

    fn packet(kind: u8, payload: &[u8]) -> Packet<'_> {
        Packet { kind, payload }
    }

    fn open(now: Duration) -> Session {
        let mut session = Session::new(now);
        let mut payload = [b' '; 46];
        payload[..5].copy_from_slice(b"ALICE");
        payload[45] = b'1';
        assert!(matches!(session.packet(packet(b'L', &payload)), Input::Login(_)));
        session.accept(LoginId(7));
        session
    }

    #[test]
    fn anything_but_login_or_debug_before_login_closes() {
        for kind in 0..=255u8 {
            let mut session = Session::new(Duration::ZERO);
            let input = session.packet(packet(kind, b""));
            match kind {
                b'+' => assert!(matches!(input, Input::Ignore)),
                b'L' => assert!(matches!(input, Input::Close(CloseReason::MalformedMessage))),
                _ => assert!(matches!(input, Input::Close(CloseReason::UnexpectedPacket))),
            }
        }
    }

    #[test]
    fn a_second_login_on_the_same_connection_closes() {
        let mut session = open(Duration::ZERO);
        assert!(matches!(
            session.packet(packet(b'L', &[b' '; 46])),
            Input::Close(CloseReason::UnexpectedPacket)
        ));
    }

    #[test]
    fn requests_belong_to_the_login_and_server_packets_close() {
        let mut session = open(Duration::ZERO);
        assert!(matches!(session.packet(packet(b'U', b"Q")), Input::Request(LoginId(7), b"Q")));
        for kind in *b"AJSHZ?" {
            let mut session = open(Duration::ZERO);
            assert!(matches!(session.packet(packet(kind, b"")), Input::Close(CloseReason::UnexpectedPacket)));
        }
    }

    #[test]
    fn timers_follow_the_contract() {
        let session = Session::new(SECOND);
        assert_eq!(session.due(SECOND * 5), Due::Nothing);
        assert_eq!(session.due(SECOND * 6), Due::Close(CloseReason::LoginDeadline));
        let mut session = open(Duration::ZERO);
        assert_eq!(session.due(SECOND - Duration::from_nanos(1)), Due::Nothing);
        assert_eq!(session.due(SECOND), Due::Heartbeat);
        session.sent(SECOND);
        assert_eq!(session.due(SECOND), Due::Nothing);
        assert_eq!(session.due(SECOND * 15), Due::Close(CloseReason::Silence));
        session.received(SECOND * 15);
        assert_eq!(session.due(SECOND * 15), Due::Heartbeat);
    }

    #[test]
    fn time_in_which_the_venue_does_not_listen_counts_against_nobody_it_holds_up() {
        let mut waiting = Session::new(Duration::ZERO);
        waiting.excuse(SECOND * 4);
        assert_eq!(
            waiting.due(SECOND * 5),
            Due::Close(CloseReason::LoginDeadline),
            "it was read all the time"
        );
        let mut verifying = Session { phase: Phase::Verifying, ..Session::new(Duration::ZERO) };
        verifying.excuse(SECOND * 20);
        assert_eq!(verifying.due(SECOND * 24), Due::Nothing);
        assert_eq!(verifying.due(SECOND * 25), Due::Close(CloseReason::LoginDeadline));
        let mut session = open(Duration::ZERO);
        session.excuse(SECOND * 20);
        session.sent(SECOND * 34);
        assert_eq!(session.due(SECOND * 35 - Duration::from_nanos(1)), Due::Nothing);
        assert_eq!(session.due(SECOND * 35), Due::Close(CloseReason::Silence));
    }

    #[test]
    fn after_the_end_of_the_session_nothing_is_heard_and_patience_ends() {
        let mut session = open(Duration::ZERO);
        session.end(SECOND * 20);
        assert_eq!((session.login(), session.due(SECOND * 20)), (None, Due::Nothing));
        for kind in *b"UROL?" {
            assert!(matches!(session.packet(packet(kind, b"Q")), Input::Ignore));
        }
        session.sent(SECOND * 22);
        assert_eq!(session.due(SECOND * 27 - Duration::from_nanos(1)), Due::Nothing);
        assert_eq!(session.due(SECOND * 27), Due::Close(CloseReason::SessionEnded));
    }

    #[test]
    fn a_stream_split_at_any_byte_means_the_same() {
        let mut stream = Vec::new();
        for payload in [&b"Q"[..], b"X\0\0\0\x01\0\0\0\0"] {
            soup::put_packet(b'U', payload, &mut stream);
            soup::put_packet(b'R', b"", &mut stream);
        }
        for cut in 0..=stream.len() {
            let mut session = open(Duration::ZERO);
            let (mut buffer, mut seen) = (Vec::new(), 0);
            for part in [&stream[..cut], &stream[cut..]] {
                buffer.extend_from_slice(part);
                while let Some((packet, used)) = next_packet(&buffer, 512).unwrap() {
                    seen += usize::from(matches!(session.packet(packet), Input::Request(..)));
                    buffer.drain(..used);
                }
            }
            assert_eq!((seen, buffer.len()), (2, 0), "cut at {cut}");
        }
    }
}
