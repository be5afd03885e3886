//! Follows a recorded stream and reports what the session that was recorded went through.

use crate::ami::decoder::Received;
use crate::ami::frame::{Frame, Kind};
use crate::ami::notice::{Notice, SnapshotSize};
use crate::ami::pending;

/// Most lists that are followed at once; a recording has two at a time.
const MAX_LISTS: usize = 8;

/// The place of [`crate::ami::session::Session`] in a replay: the answers in a recording answer somebody else's actions, so they
/// are recognised by what they say.
///
/// A snapshot is what a recording holds between the first list of queues or channels after its greeting and the end of the
/// list of channels. Later lists of queues alone are not a snapshot.
#[derive(Debug, Default)]
pub struct Recorded {
    lists: Vec<(List, Vec<u8>)>,
    began: bool,
    live: bool,
    size: SnapshotSize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Queues,
    Channels,
}

impl Recorded {
    /// Takes what the decoder received. All events belong to the tracker, and the notices behind the frame itself.
    pub fn received(&mut self, received: &Received) -> Vec<Notice> {
        match received {
            Received::Banner(version) => {
                *self = Self::default();
                vec![Notice::BannerSeen { version: version.clone() }]
            }
            Received::Frame(frame) => match frame.kind() {
                Kind::Response(b"Success") => self.success(frame),
                Kind::Response(_) => Vec::new(),
                Kind::Event(b"FullyBooted") => {
                    let uptime_s = frame.text("Uptime").and_then(|uptime| uptime.parse().ok());
                    self.live = false;
                    vec![Notice::Booted { uptime_s }]
                }
                Kind::Event(name) if !self.lists.is_empty() => self.event(frame, name),
                Kind::Event(_) => Vec::new(),
            },
            Received::Discarded(_) => Vec::new(),
        }
    }

    fn success(&mut self, frame: &Frame) -> Vec<Notice> {
        // `main/manager.c`, `apps/app_queue.c`
        let list = match frame.get("Message") {
            Some(b"Authentication accepted") => return vec![Notice::LoggedIn],
            Some(b"Queue status will follow") => List::Queues,
            Some(b"Channels will follow") => List::Channels,
            _ => return Vec::new(),
        };
        if self.lists.len() == MAX_LISTS || list == List::Queues && self.live {
            return Vec::new();
        }
        self.lists.push((list, frame.get("ActionID").unwrap_or_default().to_vec()));
        if self.began {
            return Vec::new();
        }
        self.began = true;
        self.size = SnapshotSize::default();
        vec![Notice::SnapshotBegan]
    }

    fn event(&mut self, frame: &Frame, name: &[u8]) -> Vec<Notice> {
        let id = frame.get("ActionID").unwrap_or_default();
        let Some(at) = self.lists.iter().position(|(_, list)| list == id) else { return Vec::new() };
        let Some(whole) = pending::List::end(frame) else {
            self.size.count(name);
            return Vec::new();
        };
        let (list, _) = self.lists.remove(at);
        if list == List::Queues || !self.began {
            return Vec::new();
        }
        (self.began, self.live, self.size.channels_known) = (false, true, whole);
        vec![Notice::SnapshotEnded(self.size), Notice::Live]
    }
}
