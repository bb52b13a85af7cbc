//! The session machine: any packets at any times never let a stranger in, and never keep a silent one.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ringside_domain::LoginId;
use ringside_gateway::limits::{LOGIN_DEADLINE, PAYLOAD_MAX, SILENCE};
use ringside_gateway::session::{Due, Input, Phase, Session};
use ringside_wire::soup::next_packet;

const LOGIN: LoginId = LoginId(7);

fuzz_target!(|bytes: &[u8]| {
    let mut now = Duration::ZERO;
    let mut session = Session::new(now);
    let (mut received, mut asked) = (now, false);
    let mut rest = bytes;
    while let Some((step, behind)) = rest.split_first() {
        rest = behind;
        match step {
            // Time passes.
            0..=99 => now += Duration::from_millis(u64::from(*step) * 100),
            100..=119 => session.sent(now),
            // The verdict.
            120..=139 if session.phase() == Phase::Verifying => {
                assert!(asked, "nobody is checked who has not asked");
                session.accept(LOGIN);
            }
            _ => {
                let Ok(Some((packet, used))) = next_packet(rest, PAYLOAD_MAX) else { continue };
                session.received(now);
                received = now;
                match session.packet(packet) {
                    Input::Login(_) => asked = true,
                    Input::Request(login, _) => assert_eq!((login, session.login()), (LOGIN, Some(LOGIN))),
                    Input::Close(_) => return,
                    Input::Ignore => {}
                }
                rest = &rest[used..];
            }
        }
        let open = matches!(session.phase(), Phase::Open(_));
        match session.due(now) {
            Due::Close(_) => return,
            Due::Heartbeat => assert!(open, "a stranger gets no heartbeat"),
            Due::Nothing => {}
        }
        assert!(open || now < LOGIN_DEADLINE, "a stranger is gone at the deadline");
        assert!(now < received + SILENCE, "a silent one is gone");
    }
});
