//! Captures of real Asterisks, and a decoder fed in chosen pieces.

use std::path::PathBuf;

use bytes::BytesMut;
use callbackd_core::ami::{Counters, Frame, FrameDecoder, Interest, Received};

/// All captures: a name for messages, and the bytes as they were received.
pub fn captures() -> Vec<(String, Vec<u8>)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/traces");
    let mut found = Vec::new();
    for version in std::fs::read_dir(&root).expect("tests/traces") {
        for file in std::fs::read_dir(version.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "ami") {
                let name = path.strip_prefix(&root).unwrap().display().to_string();
                found.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(found.len() >= 10, "captures are missing from {}", root.display());
    found
}

/// Everything that a decoder makes of `pieces` up to the end of the stream, and what it counted.
pub fn decode_all<'a>(interest: Interest, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Received>, Counters) {
    let mut decoder = FrameDecoder::new(interest);
    let (mut buffer, mut received) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        while let Some(item) = decoder.decode(&mut buffer) {
            received.push(item);
        }
    }
    while let Some(item) = decoder.decode_eof(&mut buffer) {
        received.push(item);
    }
    (received, decoder.counters())
}

/// The same in one piece.
pub fn decode(stream: &[u8]) -> Vec<Received> {
    decode_all(Interest::everything(), [stream]).0
}

/// The only frame of `stream`.
pub fn frame(stream: &[u8]) -> Frame {
    match decode(stream).as_slice() {
        [Received::Frame(frame)] => frame.clone(),
        other => panic!("not one frame: {other:?}"),
    }
}
