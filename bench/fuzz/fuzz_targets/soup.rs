//! SoupBinTCP framing: any bytes, in any two parts, give the same packets; what is a login request stays one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringside_gateway::limits::PAYLOAD_MAX;
use ringside_wire::soup::{HEADER_BYTES, LoginRequest, kind, next_packet, put_packet};

/// Kind and payload of every whole packet, and whether the rest is none.
type Packets = (Vec<(u8, Vec<u8>)>, bool);

fuzz_target!(|bytes: &[u8]| {
    let whole = packets(&mut Vec::new(), bytes);
    let cut = bytes.first().map_or(0, |first| usize::from(*first)).min(bytes.len());
    let mut kept = Vec::new();
    let (mut parts, broken) = packets(&mut kept, &bytes[..cut]);
    if !broken {
        let (more, broken) = packets(&mut kept, &bytes[cut..]);
        parts.extend(more);
        assert_eq!((parts, broken), whole, "cut at {cut}");
    }
    for (found, payload) in whole.0 {
        if found == kind::LOGIN_REQUEST {
            stays_a_login(&payload);
        }
    }
});

fn packets(kept: &mut Vec<u8>, more: &[u8]) -> Packets {
    kept.extend_from_slice(more);
    let mut found = Vec::new();
    loop {
        match next_packet(kept, PAYLOAD_MAX) {
            Ok(Some((packet, used))) => {
                assert!(used == HEADER_BYTES + packet.payload.len() && packet.payload.len() <= PAYLOAD_MAX);
                let mut again = Vec::new();
                put_packet(packet.kind, packet.payload, &mut again);
                assert_eq!(again, kept[..used]);
                found.push((packet.kind, packet.payload.to_vec()));
                kept.drain(..used);
            }
            Ok(None) => return (found, false),
            Err(_) => return (found, true),
        }
    }
}

fn stays_a_login(payload: &[u8]) {
    let Some(request) = LoginRequest::decode(payload) else { return };
    let mut packet = Vec::new();
    request.encode(&mut packet);
    assert_eq!(LoginRequest::decode(&packet[HEADER_BYTES..]), Some(request));
}
