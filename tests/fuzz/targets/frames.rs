//! Any bytes, in any pieces: the decoder neither fails nor grows, and what it makes of them depends on the pieces only where a frame
//! is the last of a read: that it is part of a torn one is then not seen. Nor does it depend on which events came before.
#![no_main]

use bytes::BytesMut;
use callbackd_core::ami::{FrameDecoder, Interest, Received, Refusal, Stamped};
use libfuzzer_sys::fuzz_target;

/// A whole frame waits for so many bytes of the next one at most.
const NUMBER: usize = 100;

fn decoded<'a>(mut decoder: FrameDecoder, parts: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let mut buffer = BytesMut::new();
    let mut out = Vec::new();
    for part in parts {
        buffer.extend_from_slice(part);
        while let Some(received) = decoder.decode(&mut buffer) {
            out.push(match received {
                Received::Banner(version) => version,
                Received::Discarded(error) if error.refusal == Refusal::Tainted => String::new(),
                Received::Discarded(error) => error.to_string(),
                Received::Frame(frame) => {
                    let lines = frame
                        .headers()
                        .map(|h| format!("{}: {}", String::from_utf8_lossy(h.key), String::from_utf8_lossy(h.value)));
                    format!("{:?}\n{}", Stamped::parse(&frame), lines.collect::<Vec<_>>().join("\n"))
                }
            });
        }
        assert!(buffer.len() <= callbackd_core::ami::decoder::MAX_FRAME + NUMBER + part.len());
    }
    out
}

fuzz_target!(|data: &[u8]| {
    let Some((step, bytes)) = data.split_first() else { return };
    let new = || FrameDecoder::new(Interest::everything());
    let whole = decoded(new(), std::iter::once(bytes));
    let pieces = decoded(new(), bytes.chunks(usize::from(*step).max(1)));
    // What is recognised by an earlier event's layout is what the full check says it is.
    assert_eq!(whole, decoded(new().checking_whole(), std::iter::once(bytes)));
    assert_eq!(whole.len(), pieces.len());
    for (whole, piece) in whole.iter().zip(&pieces) {
        assert!(whole.is_empty() || whole == piece, "{whole} is {piece}");
    }
});
