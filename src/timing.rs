//! The waits that a user cannot set: how long others may keep this program waiting. Tests shorten them.
//!
//! Those of the core (`PING_EVERY`, `SNAPSHOT_EVERY`, `LINGER_MS`, …) are not among them: time is an argument there, so that tests wait for none
//! of them.

use std::sync::OnceLock;
use std::time::Duration;

/// How long others may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timing {
    /// A client of the API, for the head of a request.
    pub(crate) request_head: Duration,
    /// The same for its body.
    pub(crate) request_body: Duration,
    /// A client of the API, to read the next piece of what is sent.
    pub(crate) unread: Duration,
    /// From one sign of life to the next on a stream that has nothing to tell.
    pub(crate) heartbeat: Duration,
    /// An endpoint of a webhook, for its whole answer.
    pub(crate) webhook: Duration,
    /// From the first attempt at a message to the second; the other pauses follow from it.
    pub(crate) webhook_pause: Duration,
    /// A sink, for one batch.
    pub(crate) sink: Duration,
    /// From a sink's first failure to the next attempt; the other pauses follow from it.
    pub(crate) sink_pause: Duration,
    /// So often the short lists are looked at for sinks while nothing changes (up to when each PBX was seen is in one of them), and a stream for what is
    /// still there.
    pub(crate) sink_lists: Duration,
    /// The server of the group, for one answer.
    pub(crate) group: Duration,
    /// What a claim lasts beside twice the time for which phones ring.
    pub(crate) group_spare: Duration,
    /// So often it is looked what other sites have put on the do-not-call list.
    pub(crate) group_look: Duration,
    /// A collector, to acknowledge a message before another gets it.
    pub(crate) collect_ack: Duration,
    /// Messages that others follow, before they are gone on without.
    pub(crate) collect_gap: Duration,
    /// A database that cannot be written, while the daemon stops: within systemd's default `TimeoutStopSec` of 90 s.
    pub(crate) stop: Duration,
    /// From the end of an event gap to the first look into Asterisk's records.
    pub(crate) records_look: Duration,
    /// The same to the second look: the end of the calls of that moment, and of what Asterisk was writing, is there then.
    pub(crate) records_second_look: Duration,
    /// The same to the third: a `cdr.conf` with `batch = yes` (300 s by default) has given its records out.
    pub(crate) records_third_look: Duration,
    /// The check for damage that comes before calls are recorded: enough for a small database. The rest follows when the daemon is ready.
    pub(crate) first_check: Duration,
    /// An Asterisk that reads nothing of what it is sent.
    pub(crate) ami_unread: Duration,
    /// From a refused login to the next attempt: a person has to do something first.
    pub(crate) ami_refused: Duration,
    /// From the start of the daemon to the first look for days that can be counted for the report.
    pub(crate) days: Duration,
    /// The shortest life of a callback that may be configured.
    pub(crate) shortest_expire: Duration,
    /// The shortest time for which an agent's phone may be configured to ring; a customer's rings twice as long at least.
    pub(crate) shortest_ring: Duration,
}

impl Timing {
    /// What holds outside of tests.
    pub(crate) const USUAL: Self = Self {
        request_head: Duration::from_secs(5),
        request_body: Duration::from_secs(5),
        unread: Duration::from_secs(30),
        heartbeat: Duration::from_secs(20),
        webhook: Duration::from_secs(20),
        webhook_pause: Duration::from_secs(5),
        sink: Duration::from_secs(60),
        sink_pause: Duration::from_secs(1),
        sink_lists: Duration::from_secs(60),
        group: Duration::from_secs(5),
        group_spare: Duration::from_secs(60),
        group_look: Duration::from_secs(2),
        collect_ack: Duration::from_secs(60),
        collect_gap: Duration::from_secs(300),
        stop: Duration::from_secs(20),
        records_look: Duration::from_secs(2),
        records_second_look: Duration::from_secs(60),
        records_third_look: Duration::from_secs(420),
        first_check: Duration::from_millis(20),
        ami_unread: Duration::from_secs(5),
        ami_refused: Duration::from_secs(30),
        days: Duration::from_secs(60),
        shortest_expire: Duration::from_secs(60),
        shortest_ring: Duration::from_secs(5),
    };

    /// The waits of this process. A build for tests takes those that `CALLBACKD_TIMING` names, in milliseconds:
    /// `request_body=200,stop=1000`. A release build does not look at it.
    #[must_use]
    pub(crate) fn get() -> Self {
        static TIMING: OnceLock<Timing> = OnceLock::new();
        *TIMING.get_or_init(|| {
            let asked = std::env::var("CALLBACKD_TIMING").ok().filter(|_| cfg!(debug_assertions));
            asked.map_or(Self::USUAL, |asked| Self::USUAL.with(&asked))
        })
    }

    fn with(mut self, asked: &str) -> Self {
        for (name, ms) in asked.split(',').filter_map(|wait| wait.split_once('=')) {
            let Ok(ms) = ms.parse() else { continue };
            let wait = match name {
                "request_head" => &mut self.request_head,
                "request_body" => &mut self.request_body,
                "unread" => &mut self.unread,
                "heartbeat" => &mut self.heartbeat,
                "webhook" => &mut self.webhook,
                "webhook_pause" => &mut self.webhook_pause,
                "sink" => &mut self.sink,
                "sink_pause" => &mut self.sink_pause,
                "sink_lists" => &mut self.sink_lists,
                "group" => &mut self.group,
                "group_spare" => &mut self.group_spare,
                "group_look" => &mut self.group_look,
                "collect_ack" => &mut self.collect_ack,
                "collect_gap" => &mut self.collect_gap,
                "stop" => &mut self.stop,
                "records_look" => &mut self.records_look,
                "records_second_look" => &mut self.records_second_look,
                "records_third_look" => &mut self.records_third_look,
                "first_check" => &mut self.first_check,
                "ami_unread" => &mut self.ami_unread,
                "ami_refused" => &mut self.ami_refused,
                "days" => &mut self.days,
                "shortest_expire" => &mut self.shortest_expire,
                "shortest_ring" => &mut self.shortest_ring,
                _ => continue,
            };
            *wait = Duration::from_millis(ms);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_client_has_five_seconds_a_stream_thirty_and_a_locked_database_twenty() {
        let Timing { request_head, request_body, unread, heartbeat, webhook, webhook_pause, stop, .. } = Timing::USUAL;
        let waits = [request_head, request_body, unread, heartbeat, webhook, webhook_pause, stop];
        assert_eq!(waits.map(|wait| wait.as_secs()), [5, 5, 30, 20, 20, 5, 20]);
        let Timing { records_look, records_second_look, records_third_look, ami_unread, .. } = Timing::USUAL;
        let waits = [records_look, records_second_look, records_third_look, ami_unread];
        assert_eq!(waits.map(|wait| wait.as_secs()), [2, 60, 420, 5]);
        let Timing { ami_refused, shortest_expire, shortest_ring, group, group_spare, group_look, .. } = Timing::USUAL;
        let waits = [ami_refused, shortest_expire, shortest_ring, group, group_spare, group_look];
        assert_eq!(waits.map(|wait| wait.as_secs()), [30, 60, 5, 5, 60, 2]);
        assert_eq!(Timing::USUAL.first_check.as_millis(), 20);
    }

    #[test]
    fn waits_are_shortened_by_name_and_others_stay() {
        let short = Timing::USUAL.with("stop=1000,nonsense,request_body=x,other=1");
        assert_eq!(short, Timing { stop: Duration::from_secs(1), ..Timing::USUAL });
    }
}
