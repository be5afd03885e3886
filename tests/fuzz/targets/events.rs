//! Any frame as an event: parsed or refused with a reason, never a panic.
#![no_main]

use bytes::BytesMut;
use callbackd_core::ami::{FrameDecoder, Interest, Received, Stamped};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (mut decoder, mut buffer) =
        (FrameDecoder::new(Interest::everything()), BytesMut::from(&b"Asterisk Call Manager/11.0.0\r\n"[..]));
    buffer.extend_from_slice(data);
    while let Some(received) = decoder.decode_idle(&mut buffer) {
        if let Received::Frame(frame) = received
            && let Err(error) = Stamped::parse(&frame)
        {
            assert!(!error.to_string().contains(['\r', '\n', '\u{1b}']), "{error}");
        }
    }
});
