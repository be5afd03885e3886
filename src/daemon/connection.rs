//! One connection: reads and writes at once, so that neither Asterisk nor the consumer can make the other wait.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::clock::{Monotonic, Sleep, asleep_ms, boot_ms, wall};
use super::connector::Wire;
use super::delivery::{Delivery, Flushed};
use super::leaving::Leaving;
use super::link::{Command, GOODBYE_TIMEOUT, LinkEvent, Request, RequestFailed, Tee};
use super::link_counters::{Published, SharedCounters};
use super::lost::LostReason;
use crate::daemon::arrivals::Arrivals;
use crate::timing::Timing;
use callbackd_core::ami::excerpt::excerpt;
use callbackd_core::ami::session::{Answer, Reply, RequestError};
use callbackd_core::ami::{
    ActionId, DeadReason, Disposition, FrameDecoder, Interest, Notice, Received, Session, SessionOutput,
};
use callbackd_core::millis::Millis;

/// Room for one read. Asterisk writes events one by one, so that a read rarely fills it.
const READ: usize = 16 * 1024;
/// While so many bytes wait to be sent, no further action is taken; some hundred usual ones.
const MAX_UNSENT: usize = 64 * 1024;
/// More than this may not wait to be sent, whatever the session answers by itself, bytes: the other end sends, but does not read.
const MAX_OUTPUT: usize = 1024 * 1024;

/// A whole frame that may be the front of a torn one counts when nothing has followed it for so long: Asterisk writes an event in one
/// piece.
const IDLE: Duration = Duration::from_millis(50);

/// What this program has not seen yet for want of time is asked for once more, so long: a timer that is set now ends only behind a look at the socket, as
/// the runtime looks at sockets before it looks at timers, while one that was set before may end behind a look that is old.
const ONCE_MORE: Duration = Duration::from_millis(1);

/// That events come is noted so often, ms.
const EVENT_EVERY_MS: Millis = 100;

/// The socket is looked at this often at least.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Who has not looked for so many milliseconds stood still.
const STOOD_STILL: u64 = 2_000;

/// How a connection ended.
pub(super) enum Ended {
    Lost(LostReason),
    Stopped,
}

pub(super) struct Connection {
    session: Session,
    clock: Monotonic,
    sleep: Sleep,
    decoder: FrameDecoder,
    counters: SharedCounters,
    published: Published,
    input: BytesMut,
    output: BytesMut,
    /// Bytes are written but may still be held back (by TLS).
    unflushed: bool,
    /// When something was sent last, or began to wait.
    sent: Instant,
    /// Actions that may not leave too late.
    leaving: Leaving,
    waiting: HashMap<ActionId, oneshot::Sender<Result<Reply, RequestFailed>>>,
    /// Whole frames that have come, those included that nobody needs.
    whole: u64,
    /// Those of them that nobody needs: events.
    skipped: u64,
    /// When an event came last, as it was noted, by the wall clock.
    event_ms: Millis,
    ended: Option<Ended>,
    stop_by: Option<Instant>,
    /// When the socket was looked at last, by the session's clock.
    looked_ms: u64,
    /// When what was read has come, by the wall clock.
    arrivals: Arrivals,
    /// When a frame that waits for what follows counts without it.
    held: Option<Instant>,
}

impl Connection {
    pub(crate) fn new(session: Session, clock: Monotonic, interest: Interest, counters: SharedCounters) -> Self {
        Self {
            session,
            clock,
            sleep: Sleep::new(asleep_ms()),
            decoder: FrameDecoder::live(interest),
            published: Published::new(counters.clone()),
            counters,
            input: BytesMut::with_capacity(READ),
            output: BytesMut::new(),
            unflushed: false,
            sent: Instant::now(),
            leaving: Leaving::default(),
            waiting: HashMap::new(),
            whole: 0,
            skipped: 0,
            event_ms: 0,
            ended: None,
            stop_by: None,
            looked_ms: 0,
            arrivals: Arrivals::default(),
            held: None,
        }
    }

    /// Runs to the end. `was_live` becomes true when the session does.
    pub(crate) async fn run(
        mut self,
        wire: Wire,
        commands: &mut mpsc::Receiver<Command>,
        delivery: &mut Delivery,
        tee: &mut Option<Tee>,
        was_live: &mut bool,
    ) -> Ended {
        let (mut reader, mut writer) = tokio::io::split(wire);
        loop {
            self.drain(delivery, was_live);
            self.sleep.look(asleep_ms(), self.clock.now_ms());
            self.take_back_what_lapsed();
            if let Some(ended) = self.ended.take() {
                if let Some(ms) = self.sleep.unseen(self.clock.now_ms())
                    && *was_live
                    && matches!(ended, Ended::Lost(_))
                {
                    delivery.push(LinkEvent::Notice(Notice::Unproven { ms }));
                }
                self.session.lost(self.clock.now_ms());
                self.drain(delivery, was_live);
                return if self.stop_by.is_some() { Ended::Stopped } else { ended };
            }
            self.input.reserve(READ);
            let (deadline, unsent) = (self.deadline(), self.has_unsent());
            self.looked_ms = self.clock.now_ms();
            // Every branch may be dropped half way without losing anything.
            tokio::select! {
                read = reader.read_buf(&mut self.input) => self.take(read, delivery, tee),
                sent = send(&mut writer, &mut self.output, &mut self.unflushed, self.leaving.by()), if unsent => {
                    self.sent = Instant::now();
                    if !self.unflushed {
                        self.leaving.left(self.output.len());
                    }
                    if let Err(error) = sent
                        && (error.raw_os_error().is_some() || error.kind() != LAPSED)
                    {
                        self.ended = Some(Ended::Lost(LostReason::broken(&error)));
                    }
                }
                flushed = delivery.flush(), if delivery.is_behind() => match flushed {
                    Flushed::Nothing => {}
                    Flushed::OverloadEnded => self.session.take_snapshot(self.clock.now_ms()),
                    Flushed::NobodyListens => self.stop(),
                },
                command = commands.recv(), if self.stop_by.is_none() && self.output.len() < MAX_UNSENT => match command {
                    Some(Command::Request(Request { leaves_by, reply, .. })) if leaves_by.is_some_and(|by| boot_ms() > by) => {
                        // Whoever asked may have gone.
                        let _ = reply.send(Err(RequestFailed::Lapsed));
                    }
                    Some(Command::Request(Request { action, leaves_by, reply })) => match self.session.request(&action, self.clock.now_ms()) {
                        Ok(id) => {
                            self.waiting.insert(id.clone(), reply);
                            let from = self.output.len();
                            self.drain(delivery, was_live);
                            if let Some(by) = leaves_by {
                                self.leaving.add(id, by, self.output.len() - from);
                            }
                        }
                        Err(error) => {
                            if error == RequestError::TooMany {
                                self.counters.request_refused();
                            }
                            // Whoever asked may have gone.
                            let _ = reply.send(Err(error.into()));
                        }
                    },
                    Some(Command::Stop) | None => self.stop(),
                },
                () = sleep_until(deadline) => {
                    if self.held.is_some_and(|until| until <= Instant::now()) {
                        // This program may have stood still: only where nothing is there to be read has nothing followed.
                        match timeout(ONCE_MORE, reader.read_buf(&mut self.input)).await {
                            Ok(read) => self.take(read, delivery, tee),
                            Err(_) => self.idle(delivery),
                        }
                    }
                    let now_ms = self.wakes();
                    self.session.tick(now_ms);
                    if self.stop_by.is_some_and(|stop_by| stop_by <= Instant::now()) {
                        self.ended = Some(Ended::Stopped);
                    } else if self.has_unsent() && self.sent + Timing::get().ami_unread <= Instant::now() {
                        self.stuck();
                    }
                }
            }
        }
    }

    /// What has come too late does not leave. Where a part of it has, or may have, the connection ends: Asterisk does nothing before an action is
    /// whole, and what became of one that was is looked up.
    fn take_back_what_lapsed(&mut self) {
        while let Some((id, bytes)) = self.leaving.lapsed(boot_ms(), self.output.len()) {
            let Some(bytes) = bytes else {
                let why = "an action came too late when a part of it had left";
                self.ended.get_or_insert(Ended::Lost(LostReason::Broken(why.to_owned())));
                continue;
            };
            let rest = self.output.split_off(bytes.end);
            self.output.truncate(bytes.start);
            self.output.unsplit(rest);
            if let Some(waiting) = self.waiting.remove(&id) {
                // Whoever asked may have gone.
                let _ = waiting.send(Err(RequestFailed::Lapsed));
            }
        }
    }

    /// The other end reads nothing of what is sent.
    fn stuck(&mut self) {
        self.counters.unread();
        self.ended = Some(Ended::Lost(LostReason::Stuck(self.output.len())));
    }

    fn has_unsent(&self) -> bool {
        self.unflushed || !self.output.is_empty()
    }

    fn deadline(&self) -> Instant {
        let session = self.session.deadline().map(|ms| self.clock.at(ms));
        let stuck = self.has_unsent().then(|| self.sent + Timing::get().ami_unread);
        let far = Instant::now() + LOOK_EVERY;
        [session, stuck, self.held, self.stop_by].into_iter().flatten().fold(far, Instant::min)
    }

    fn stop(&mut self) {
        if self.stop_by.is_none() {
            self.stop_by = Some(Instant::now() + GOODBYE_TIMEOUT);
            let before_login = !self.session.log_off(self.clock.now_ms());
            if before_login {
                self.ended = Some(Ended::Stopped);
            }
        }
    }

    /// This moment by the session's clock; the session learns it if this program stood still until now.
    fn wakes(&mut self) -> u64 {
        let now_ms = self.clock.now_ms();
        if now_ms > self.looked_ms + STOOD_STILL {
            self.session.paused(self.looked_ms, now_ms);
        }
        now_ms
    }

    /// Takes what was read last.
    fn take(&mut self, read: std::io::Result<usize>, delivery: &mut Delivery, tee: &mut Option<Tee>) {
        let count = match read {
            Ok(0) => {
                self.idle(delivery);
                // A frame that ended the session has said why.
                self.ended.get_or_insert(Ended::Lost(LostReason::Closed));
                return;
            }
            Ok(count) => count,
            Err(error) => {
                self.idle(delivery);
                self.ended.get_or_insert(Ended::Lost(LostReason::broken(&error)));
                return;
            }
        };
        if let Some(tee) = tee {
            tee(&self.input[self.input.len() - count..]);
        }
        self.arrivals.read(count, wall());
        self.decode(FrameDecoder::decode, delivery);
        self.held = self.decoder.holds(&self.input).then(|| Instant::now() + IDLE);
    }

    /// Nothing has followed what was read last.
    fn idle(&mut self, delivery: &mut Delivery) {
        if self.held.take().is_some() {
            self.decode(FrameDecoder::decode_idle, delivery);
        }
    }

    /// Hands on what the decoder makes of the bytes that are there.
    fn decode(
        &mut self,
        decode: impl Fn(&mut FrameDecoder, &mut BytesMut) -> Option<Received>,
        delivery: &mut Delivery,
    ) {
        let now_ms = self.wakes();
        // No content makes the decoder fail. A connection that has ended takes nothing more: what it sent last may be without end.
        while self.ended.is_none()
            && let Some(received) = decode(&mut self.decoder, &mut self.input)
        {
            let arrived_ms = self.arrivals.of(self.decoder.counters().bytes);
            let disposition = self.session.received(&received, now_ms);
            match received {
                Received::Frame(frame) if disposition == Disposition::ForTracker => {
                    // What answers an action of ours bears its id: it comes also where Asterisk says nothing by itself.
                    if arrived_ms - self.event_ms >= EVENT_EVERY_MS && frame.get("ActionID").is_none() {
                        self.event(arrived_ms);
                    }
                    delivery.frame(&frame, arrived_ms);
                }
                Received::Discarded(error) => delivery.push(LinkEvent::Discarded(error)),
                Received::Frame(_) | Received::Banner(_) => {}
            }
            while let Some(output) = self.session.poll() {
                self.handle(output, delivery);
            }
        }
        let counters = self.decoder.counters();
        let whole = counters.frames + counters.skipped;
        if counters.skipped > self.skipped {
            self.skipped = counters.skipped;
            let arrived_ms = self.arrivals.of(counters.bytes);
            self.event(arrived_ms);
        }
        if whole > self.whole {
            self.whole = whole;
            self.session.heard(now_ms);
        }
        self.published.update(counters, &self.session);
    }

    /// Asterisk has said something by itself.
    fn event(&mut self, arrived_ms: Millis) {
        self.event_ms = arrived_ms;
        self.counters.event(arrived_ms);
    }

    fn drain(&mut self, delivery: &mut Delivery, was_live: &mut bool) {
        while let Some(output) = self.session.poll() {
            self.handle(output, delivery);
        }
        if self.session.is_live() && !*was_live {
            *was_live = true;
            self.counters.went_live();
        }
    }

    fn handle(&mut self, output: SessionOutput, delivery: &mut Delivery) {
        match output {
            SessionOutput::Send(bytes) => {
                if !self.has_unsent() {
                    self.sent = Instant::now();
                }
                if self.output.len() + bytes.len() <= MAX_OUTPUT {
                    self.output.extend_from_slice(&bytes);
                    self.leaving.queued(bytes.len());
                } else if self.ended.is_none() {
                    self.stuck();
                }
            }
            SessionOutput::Answer(Answer { id, reply, .. }) => {
                if let Some(waiting) = self.waiting.remove(&id) {
                    // Whoever asked may have gone.
                    let _ = waiting.send(reply.map_err(RequestFailed::from));
                }
            }
            SessionOutput::Notice(notice) => {
                match &notice {
                    Notice::LoginRefused { reason, message } => {
                        let (reason, message) = (reason.clone(), excerpt(message.as_bytes()));
                        self.ended = Some(Ended::Lost(LostReason::LoginRefused { reason, message }));
                    }
                    Notice::LinkDead(DeadReason::LoggedOff) if self.stop_by.is_some() => {
                        self.ended = Some(Ended::Stopped);
                    }
                    Notice::LinkDead(reason) => self.ended = Some(Ended::Lost((*reason).into())),
                    Notice::Clock { took_ms, .. } => self.counters.answered(*took_ms),
                    _ => {}
                }
                delivery.push(LinkEvent::Notice(notice));
            }
        }
    }
}

/// Something was to leave too late.
const LAPSED: std::io::ErrorKind = std::io::ErrorKind::TimedOut;

/// Writes some of `output`, or, when all is written, flushes. Safe to be dropped at any await. After `by`, if that is given, nothing leaves: it is looked
/// at the clock of [`boot_ms`] before each attempt, not only before the first.
pub(super) async fn send(
    writer: &mut (impl AsyncWrite + Unpin),
    output: &mut BytesMut,
    unflushed: &mut bool,
    by: Option<u64>,
) -> std::io::Result<()> {
    let in_time = || if by.is_some_and(|by| boot_ms() > by) { Err(LAPSED) } else { Ok(()) };
    if output.is_empty() {
        poll_fn(|cx| match in_time() {
            Ok(()) => Pin::new(&mut *writer).poll_flush(cx),
            Err(lapsed) => Poll::Ready(Err(lapsed.into())),
        })
        .await?;
        *unflushed = false;
        return Ok(());
    }
    let written = poll_fn(|cx| match in_time() {
        Ok(()) => Pin::new(&mut *writer).poll_write(cx, output),
        Err(lapsed) => Poll::Ready(Err(lapsed.into())),
    });
    match written.await? {
        0 => Err(std::io::ErrorKind::WriteZero.into()),
        count => {
            output.advance(count);
            *unflushed = true;
            Ok(())
        }
    }
}
