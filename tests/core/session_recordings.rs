//! A recording, played into a session, gives the same events.

use crate::ami::{captures, decode};
use crate::session::empty_snapshot;
use callbackd_core::ami::event::Event;
use callbackd_core::ami::{Notice, Received, Recorded, SnapshotSize, Stamped};

#[test]
fn a_recording_tells_the_same_story_as_its_session() {
    for (name, stream) in captures() {
        let mut recorded = Recorded::default();
        let (mut story, mut between) = (Vec::new(), Vec::new());
        for received in decode(&stream) {
            story.extend(recorded.received(&received));
            if let Received::Frame(frame) = &received
                && matches!(story.last(), Some(Notice::SnapshotBegan))
                && let Ok(stamped) = Stamped::parse(frame)
            {
                between.push(matches!(stamped.event, Event::Other(_)));
            }
        }
        let [banner, logged_in, booted, began, ended, live] = story.as_slice() else { panic!("{name}: {story:?}") };
        assert!(matches!(banner, Notice::BannerSeen { .. }), "{name}");
        assert_eq!((logged_in, began, live), (&Notice::LoggedIn, &Notice::SnapshotBegan, &Notice::Live), "{name}");
        assert!(matches!(booted, Notice::Booted { uptime_s: Some(_) }), "{name}");
        // What the lists hold, counted in the text; nobody was on the telephone yet.
        let text = String::from_utf8_lossy(&stream);
        let lists = text.split("Event: CoreShowChannelsComplete").next().unwrap_or_default();
        let count = |event: &str| lists.matches(&format!("Event: {event}\r\n")).count();
        let (queues, members) = (count("QueueParams"), count("QueueMember"));
        assert!(queues >= 3 && members >= 5, "{name}");
        let size = SnapshotSize {
            channels_known: true,
            channels: 0,
            queues: u32::try_from(queues).unwrap(),
            members: u32::try_from(members).unwrap(),
            callers: 0,
        };
        assert_eq!(*ended, Notice::SnapshotEnded(size), "{name}");
        assert_eq!(between.iter().filter(|other| !**other).count(), queues + members, "{name}");
    }
}

#[test]
fn a_recording_with_a_second_connection_tells_a_second_story() {
    let (_, stream) = captures().remove(0);
    let mut recorded = Recorded::default();
    let story: Vec<_> =
        decode(&[&stream[..], &stream[..]].concat()).iter().flat_map(|received| recorded.received(received)).collect();
    assert_eq!(story.len(), 12);
    assert_eq!(story[..6], story[6..]);
}

#[test]
fn a_recording_with_lists_that_never_end_is_followed_in_bounded_memory() {
    let mut recorded = Recorded::default();
    let start =
        |id: usize| format!("Response: Success\nActionID: {id}\nEventList: start\nMessage: Channels will follow\n\n");
    let stream: String = (0..1000).map(start).collect();
    let story: Vec<_> = decode(stream.as_bytes()).iter().flat_map(|received| recorded.received(received)).collect();
    assert_eq!(story, [Notice::SnapshotBegan]);
    assert!(format!("{recorded:?}").len() < 1000, "{recorded:?}");
}

#[test]
fn a_later_list_of_queues_in_a_recording_is_no_snapshot() {
    let list = |message: &str, complete: &str| {
        format!(
            "Response: Success\nActionID: {complete}\nEventList: start\nMessage: {message}\n\n\
             Event: {complete}\nActionID: {complete}\nEventList: Complete\n\n"
        )
    };
    let (queues, channels) = (
        list("Queue status will follow", "QueueStatusComplete"),
        list("Channels will follow", "CoreShowChannelsComplete"),
    );
    let story = |stream: String| {
        let mut recorded = Recorded::default();
        decode(stream.as_bytes()).iter().flat_map(|received| recorded.received(received)).collect::<Vec<_>>()
    };
    let once = [Notice::SnapshotBegan, empty_snapshot(), Notice::Live];
    assert_eq!(story(format!("{queues}{channels}{queues}")), once);
    assert_eq!(story(format!("{channels}{queues}")), once);
    assert_eq!(story(format!("{queues}{channels}{channels}")), [&once[..], &once[..]].concat());
}
