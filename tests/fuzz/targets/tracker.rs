//! Any order of any events, with losses, lists and time between them: the tracker does not panic, keeps its limits, and its outputs make sense.
#![no_main]

use bytes::BytesMut;
use callbackd::config::Config;
use callbackd_core::ami::{Frame, FrameDecoder, Interest, Received, Stamped};
use callbackd_core::model::rules::Rules;
use callbackd_core::model::{Moment, OurAttempts, PbxId, Record};
use callbackd_core::tracker::{Input, MAX_CHANNELS, Output, Tracker};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let text = "[calls]\ninbound_contexts = [\"from-trunk\"]\nivr_contexts = [\"ivr-*\"]\n[numbers]\nregion = \"US\"\n[hours]\ntimezone = \"UTC\"\n";
    Config::from_toml(text, "fuzz").expect("a configuration").pbx[0].settings.rules()
});

fn frames(data: &[u8]) -> Vec<Frame> {
    let (mut decoder, mut buffer) =
        (FrameDecoder::new(Interest::tracker()), BytesMut::from(&b"Asterisk Call Manager/11.0.0\r\n"[..]));
    buffer.extend_from_slice(data);
    let mut frames = Vec::new();
    while let Some(received) = decoder.decode_idle(&mut buffer) {
        if let Received::Frame(frame) = received {
            frames.push(frame);
        }
    }
    frames
}

fn tell(tracker: &mut Tracker) {
    while let Some(output) = tracker.poll() {
        if let Output::Record(Record::Call(call)) = output {
            assert!(call.ended_ms >= call.started_ms, "{call:?}");
            assert!(
                [call.wait_ms, call.queue_wait_ms, call.ring_ms, call.talk_ms, call.hold_ms].iter().all(|ms| *ms >= 0),
                "{call:?}"
            );
        }
    }
}

fuzz_target!(|data: &[u8]| {
    // The first bytes say what happens between the events.
    let Some((script, data)) = data.split_at_checked(16) else { return };
    let mut tracker = Tracker::new(&PbxId::new("pbx"), RULES.clone(), OurAttempts::of_anybody(), None);
    let mut now = Moment { wall_ms: 1_795_336_404_000, mono_ms: 1 };
    tracker.handle(Input::Linked { uptime_s: Some(100) }, now);
    tracker.handle(Input::SnapshotBegan, now);
    tracker.handle(Input::SnapshotEnded { channels_known: true }, now);
    for (n, frame) in frames(data).iter().enumerate() {
        let what = script[n % script.len()].rotate_left(u32::try_from(n / script.len() % 8).expect("small"));
        let ms = [0, 1, 350, 2_100, 31_000][usize::from(what % 5)];
        now = Moment { wall_ms: now.wall_ms + i64::try_from(ms).expect("small"), mono_ms: now.mono_ms + ms };
        match what / 5 {
            0 => tracker.handle(Input::Unlinked, now),
            1 => tracker.handle(Input::Linked { uptime_s: Some(u64::from(what)) }, now),
            2 => tracker.handle(Input::SnapshotBegan, now),
            3 => tracker.handle(Input::SnapshotEnded { channels_known: n % 2 == 0 }, now),
            4 => tracker.handle(Input::Overloaded { ms: 0 }, now),
            5 => tracker.handle(Input::Stopping, now),
            _ => tracker.handle(Input::Tick, now),
        }
        if let Ok(stamped) = Stamped::parse(frame) {
            tracker.handle(Input::Event(&stamped), now);
        }
        tell(&mut tracker);
        assert!(tracker.sizes().0 <= MAX_CHANNELS);
    }
});
