//! Any bytes, in any pieces: the decoder neither fails nor grows, and what it makes of them depends on the pieces only where a frame
//! is the last of a read: that it is part of a torn one is then not seen, and it may be what shows first whether events are stamped. Nor does it
//! depend on which events came before.
#![no_main]

use bytes::BytesMut;
use callbackd_core::ami::{FrameDecoder, Interest, Received, Refusal, Stamped};
use libfuzzer_sys::fuzz_target;

/// A whole frame waits for so many bytes of the next one at most.
const NUMBER: usize = 100;

/// What is shorter than a number is passed over where no stamp is shown, and torn where one is: it is compared in the target `tainted`.
fn is_of_a_device(received: &Received) -> bool {
    const FIRST: &str = "Event: DeviceStateChange";
    match received {
        Received::Frame(frame) => frame.headers().next().is_some_and(|first| first.value == b"DeviceStateChange"),
        Received::Discarded(error) => {
            matches!(error.refusal, Refusal::Tainted | Refusal::Torn) && error.excerpt == FIRST
        }
        Received::Banner(_) => false,
    }
}

fn decoded<'a>(mut decoder: FrameDecoder, parts: impl Iterator<Item = &'a [u8]>) -> Vec<(bool, String)> {
    let mut buffer = BytesMut::new();
    let mut out = Vec::new();
    // At the end nothing is waited for any more.
    for part in parts.map(Some).chain([None]) {
        buffer.extend_from_slice(part.unwrap_or_default());
        let next = if part.is_some() { FrameDecoder::decode } else { FrameDecoder::decode_eof };
        while let Some(received) = next(&mut decoder, &mut buffer) {
            let comparable = !is_of_a_device(&received);
            let text = match received {
                Received::Banner(version) => version,
                Received::Discarded(error) if error.refusal == Refusal::Tainted => String::new(),
                Received::Discarded(error) => error.to_string(),
                Received::Frame(frame) => {
                    let lines = frame
                        .headers()
                        .map(|h| format!("{}: {}", String::from_utf8_lossy(h.key), String::from_utf8_lossy(h.value)));
                    format!("{:?}\n{}", Stamped::parse(&frame), lines.collect::<Vec<_>>().join("\n"))
                }
            };
            out.push((comparable, text));
        }
        assert!(buffer.len() <= callbackd_core::ami::decoder::MAX_FRAME + NUMBER + part.map_or(0, <[u8]>::len));
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
    let [whole, pieces] = [whole, pieces].map(|all| {
        all.into_iter().filter(|(comparable, _)| *comparable).map(|(_, text)| text).collect::<Vec<String>>()
    });
    // Where one was in doubt and the other was not, only one of them knows from there on whether events are stamped.
    if whole.iter().zip(&pieces).any(|(whole, piece)| whole.is_empty() != piece.is_empty()) {
        return;
    }
    assert_eq!(whole.len(), pieces.len());
    for (whole, piece) in whole.iter().zip(&pieces) {
        assert!(whole.is_empty() || whole == piece, "{whole} is {piece}");
    }
});
