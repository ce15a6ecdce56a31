//! What a client's message may hold: what is read as one is written and read again the same, and but for JSON, which
//! has more than one way to say a thing, to the byte.
#![no_main]

use fantail::protocol::ClientMessage;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(message) = ClientMessage::decode(data) else { return };
    let encoded = message.encode();
    if !matches!(message, ClientMessage::Command(_)) {
        assert_eq!(encoded, data);
    }
    assert_eq!(ClientMessage::decode(&encoded), Ok(message));
});
