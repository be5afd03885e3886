//! Any number of a caller, in any event of a real stream: nothing of it is believed as an event of its own, and no event of another
//! is lost.
#![no_main]

use bytes::BytesMut;
use callbackd_core::ami::{FrameDecoder, Interest, Received};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

/// What a number holds at most (`AST_MAX_EXTENSION`, without its NUL); what was seen of one of chan_sip's.
const NUMBER: usize = 79;
const LONG_NUMBER: usize = 220;
const PLACES: [&[u8]; 4] = [b"\nCallerIDNum: ", b"\nExten: ", b"ConnectedLineNum: ", b"DestCallerIDNum: "];
static STREAM: &[u8] = include_bytes!("../../traces/asterisk22/queue_answered.ami");

/// The stream's frames, with their stamps and without, each with its empty line; and the same of chan_sip's channels.
static PIECES: LazyLock<[Vec<Vec<u8>>; 4]> = LazyLock::new(|| {
    let text = String::from_utf8_lossy(STREAM);
    let unstamped: String = text.split_inclusive('\n').filter(|line| !line.starts_with("Timestamp: ")).collect();
    let of_chan_sip = |text: &str| text.replace("PJSIP/", "SIP/");
    [of_chan_sip(&text), of_chan_sip(&unstamped), text.into_owned(), unstamped]
        .map(|text| text.split_inclusive("\r\n\r\n").map(|piece| piece.as_bytes().to_vec()).collect())
});

fn believed(reads: &[&[u8]]) -> Vec<Vec<u8>> {
    let (mut decoder, mut buffer) = (FrameDecoder::new(Interest::tracker()), BytesMut::new());
    let mut out = Vec::new();
    for read in reads {
        buffer.extend_from_slice(read);
        while let Some(received) = decoder.decode(&mut buffer) {
            if let Received::Frame(frame) = received {
                out.push(frame.bytes().to_vec());
            }
        }
    }
    out
}

fuzz_target!(|data: &[u8]| {
    let [which, place, cut, number @ ..] = data else { return };
    let pieces = &PIECES[usize::from(place >> 6)];
    let at = 8 + usize::from(*which) % (pieces.len() - 9);
    let Some(found) = memchr::memmem::find(&pieces[at], PLACES[usize::from(*place) % PLACES.len()]) else { return };
    let long = place >> 7 == 0 && usize::from(*place) % PLACES.len() != 1;
    let number = &number[..number.len().min(if long { LONG_NUMBER } else { NUMBER })];
    let found = found + PLACES[usize::from(*place) % PLACES.len()].len();
    let (front, rest) = pieces[at].split_at(found);
    let before = pieces[..at].concat();
    let torn = [front, number, rest].concat();
    let after = pieces[at + 1..].concat();
    let honest = believed(&[&before]);
    let others = believed(&[&before, &after]);
    // In one read, or cut somewhere within the event.
    let cut = (usize::from(*cut) * 4).min(torn.len());
    for reads in [vec![&before[..], &torn, &after], vec![&before, &torn[..cut], &torn[cut..], &after]] {
        let seen = believed(&reads);
        assert_eq!(seen[..honest.len()], honest);
        let of_a_channel = |frame: &&Vec<u8>| memchr::memmem::find(frame, b"\nChannelState: ").is_some();
        for frame in others.iter().filter(of_a_channel) {
            assert!(seen.contains(frame), "lost: {}", String::from_utf8_lossy(frame));
        }
        for frame in &seen[honest.len()..] {
            // A session believes an answer by its random id.
            let answers = memchr::memmem::find(frame, b"ActionID: ").is_some();
            let known = answers || pieces.iter().any(|piece| piece.starts_with(frame));
            assert!(known || frame.starts_with(front), "{}", String::from_utf8_lossy(frame));
        }
    }
});
