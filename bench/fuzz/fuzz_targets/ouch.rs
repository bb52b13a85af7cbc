//! OUCH messages of both directions: any bytes are refused or mean the same after they were written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringside_gateway::translate;
use ringside_wire::ouch::{decode_reply, decode_request};

fuzz_target!(|bytes: &[u8]| {
    // A command or a refusal, whatever the tags are.
    let command = translate::action(bytes);
    match decode_request(bytes) {
        Ok(request) => {
            let mut again = Vec::new();
            request.encode(&mut again);
            assert_eq!(decode_request(&again), Ok(request));
            assert_eq!(translate::action(&again), command);
        }
        Err(_) => assert!(command.is_err(), "only a message can be a command"),
    }
    if let Ok(reply) = decode_reply(bytes) {
        let mut again = Vec::new();
        reply.encode(&mut again);
        assert_eq!(decode_reply(&again), Ok(reply));
    }
});
