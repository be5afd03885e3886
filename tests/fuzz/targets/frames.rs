//! Any bytes, in any pieces: the decoder neither fails nor grows, and what it makes of them depends on the pieces only where a frame
//! is the last of a read: that it is part of a torn one is then not seen.
#![no_main]

use bytes::BytesMut;
use callbackd_core::ami::{FrameDecoder, Interest, Received, Refusal};
use libfuzzer_sys::fuzz_target;

/// A whole frame waits for so many bytes of the next one at most.
const NUMBER: usize = 100;

fn decoded<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let (mut decoder, mut buffer) = (FrameDecoder::new(Interest::everything()), BytesMut::new());
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
                    lines.collect::<Vec<_>>().join("\n")
                }
            });
        }
        assert!(buffer.len() <= callbackd_core::ami::decoder::MAX_FRAME + NUMBER + part.len());
    }
    out
}

fuzz_target!(|data: &[u8]| {
    let Some((step, bytes)) = data.split_first() else { return };
    let whole = decoded(std::iter::once(bytes));
    let pieces = decoded(bytes.chunks(usize::from(*step).max(1)));
    assert_eq!(whole.len(), pieces.len());
    for (whole, piece) in whole.iter().zip(&pieces) {
        assert!(whole.is_empty() || whole == piece, "{whole} is {piece}");
    }
});
