//! One connection that a command drives step by step: `check` asks questions, `capture` listens.

use super::clock::Clock;
use super::connection::send;
use super::connector::{Route, Wire};
use super::lost::LostReason;
use super::secret::Secret;
use crate::config::Pbx;
use bytes::BytesMut;
use callbackd_core::ami::excerpt::excerpt;
use callbackd_core::ami::notice::Notice;
use callbackd_core::ami::session::{Answer, Login, RequestError, Session, SessionOutput};
use callbackd_core::ami::{Action, ActionId, Frame, FrameDecoder, Interest, Kind, Received};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use tokio::io::{AsyncReadExt, ReadHalf, WriteHalf, split};
use tokio::time::sleep_until;

/// Room for one read.
const READ: usize = 64 * 1024;

/// What came next.
#[derive(Debug)]
pub(crate) enum Heard {
    /// An event, live or an item of a list.
    Event(Frame),
    /// The session's progress.
    Notice(Notice),
    /// The end of a request.
    Answer(Answer),
}

/// A connection and its session. Drop it to hang up.
pub(crate) struct Visit {
    peer: SocketAddr,
    reader: ReadHalf<Wire>,
    writer: WriteHalf<Wire>,
    session: Session,
    decoder: FrameDecoder,
    clock: Clock,
    input: BytesMut,
    output: BytesMut,
    unflushed: bool,
    greeted: bool,
    heard: VecDeque<Heard>,
    /// Whole frames that have come, those included that nobody needs.
    whole: u64,
    ended: Option<LostReason>,
}

impl Visit {
    /// Connects; the login follows by itself. Events outside of `interest` are not heard. `credentials` is
    /// `$CREDENTIALS_DIRECTORY`.
    ///
    /// # Errors
    /// No secret, no connection.
    pub(crate) async fn begin(pbx: &Pbx, credentials: Option<&Path>, interest: Interest) -> Result<Self, LostReason> {
        let secret = Secret::of(pbx, credentials).load()?;
        let login = Login { username: pbx.username.clone(), secret, allow_plain: pbx.allow_plain_login };
        let (wire, peer) = Route::to(pbx).connect().await?;
        Ok(Self::over(wire, peer, login, interest))
    }

    fn over(wire: Wire, peer: SocketAddr, login: Login, interest: Interest) -> Self {
        let (reader, writer) = split(wire);
        let clock = Clock::start();
        let nonce = super::link::nonce();
        Self {
            peer,
            reader,
            writer,
            session: Session::new(login, nonce, clock.now().mono_ms),
            decoder: FrameDecoder::live(interest),
            clock,
            input: BytesMut::with_capacity(READ),
            output: BytesMut::new(),
            unflushed: false,
            greeted: false,
            heard: VecDeque::new(),
            whole: 0,
            ended: None,
        }
    }

    /// Address of the other end.
    #[must_use]
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Sends an action; its answer will be heard.
    ///
    /// # Errors
    /// The session is not live, or too many answers are outstanding.
    pub(crate) fn request(&mut self, action: &Action) -> Result<ActionId, RequestError> {
        self.session.request(action, self.clock.now().mono_ms)
    }

    /// Says good-bye; [`callbackd_core::ami::DeadReason::LoggedOff`] will end the visit. `false` if there is nobody to say it to.
    pub(crate) fn log_off(&mut self) -> bool {
        self.session.log_off(self.clock.now().mono_ms)
    }

    /// Waits for what comes next; `tap` is given every byte as it is read. Nothing is lost if the wait is given up.
    ///
    /// # Errors
    /// The end of the visit.
    pub(crate) async fn next(&mut self, tap: &mut impl FnMut(&[u8])) -> Result<Heard, LostReason> {
        loop {
            self.drain();
            if let Some(heard) = self.heard.pop_front() {
                return Ok(heard);
            }
            if let Some(ended) = self.ended.take() {
                return Err(ended);
            }
            // No content makes the decoder fail. Nothing is decided on what is heard here: it need not wait for what follows.
            let received = self.decoder.decode_idle(&mut self.input);
            let counters = self.decoder.counters();
            if counters.frames + counters.skipped > self.whole {
                self.whole = counters.frames + counters.skipped;
                self.session.heard(self.clock.now().mono_ms);
            }
            if let Some(received) = received {
                self.take(received);
                continue;
            }
            self.input.reserve(READ);
            let unsent = self.unflushed || !self.output.is_empty();
            let deadline = self.clock.instant(self.session.deadline().unwrap_or(0));
            tokio::select! {
                read = self.reader.read_buf(&mut self.input) => match read {
                    Ok(0) => self.ended = Some(LostReason::Closed),
                    Ok(count) => {
                        tap(&self.input[self.input.len() - count..]);
                    }
                    Err(error) => self.ended = Some(LostReason::broken(&error)),
                },
                sent = send(&mut self.writer, &mut self.output, &mut self.unflushed, None), if unsent => {
                    if let Err(error) = sent {
                        self.ended = Some(LostReason::broken(&error));
                    }
                }
                () = sleep_until(deadline) => self.session.tick(self.clock.now().mono_ms),
            }
        }
    }

    fn take(&mut self, received: Received) {
        match &received {
            Received::Banner(_) => self.greeted = true,
            Received::Discarded(error) if !self.greeted => {
                self.ended = Some(LostReason::NotAmi(error.excerpt.clone()));
                return;
            }
            Received::Frame(frame) if !self.greeted => {
                self.ended = Some(LostReason::NotAmi(excerpt(frame.bytes())));
                return;
            }
            _ => {}
        }
        // Here the caller wants every event, also the items of lists that the session collects.
        let _ = self.session.received(&received, self.clock.now().mono_ms);
        if let Received::Frame(frame) = received
            && matches!(frame.kind(), Kind::Event(_))
        {
            self.heard.push_back(Heard::Event(frame));
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll() {
            match output {
                SessionOutput::Send(bytes) => self.output.extend_from_slice(&bytes),
                SessionOutput::Answer(answer) => self.heard.push_back(Heard::Answer(answer)),
                SessionOutput::Notice(Notice::LoginRefused { reason, message }) => {
                    self.ended = Some(LostReason::LoginRefused { reason, message: excerpt(message.as_bytes()) });
                }
                SessionOutput::Notice(Notice::LinkDead(reason)) => self.ended = Some(reason.into()),
                SessionOutput::Notice(notice) => self.heard.push_back(Heard::Notice(notice)),
            }
        }
    }
}
