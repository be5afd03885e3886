//! The conversation with one PBX: logs in, asks, listens for what comes back.

use super::facts::{Facts, PROBE_EVENT, PROBE_VARIABLE};
use super::paths;
use crate::config::{Callback, Pbx};
use crate::daemon::LostReason;
use crate::daemon::ami_client::{Heard, Visit};
use crate::daemon::clock::Clock;
use callbackd_core::ami::notice::Notice;
use callbackd_core::ami::session::Reply;
use callbackd_core::ami::{Action, Interest};
use callbackd_core::model::sign::{SIGN_VARIABLE, Sign};
use callbackd_core::tracker::pbx_clock::ahead_ms;
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long raised events may take to come back. Asterisk needs milliseconds.
const ECHO: Duration = Duration::from_secs(2);

/// What is known when the conversation has ended, and why if it ended early.
pub(crate) struct PbxAnswers {
    /// All that was learnt.
    pub(crate) facts: Facts,
    /// The other end, if there was one.
    pub(crate) peer: Option<std::net::SocketAddr>,
    /// Whether the login succeeded.
    pub(crate) logged_in: bool,
    /// What kept the conversation from its end.
    pub(crate) broken: Option<LostReason>,
}

/// Logs in to a PBX, asks for its facts and leaves.
pub(crate) async fn ask(pbx: &Pbx, credentials: Option<&Path>) -> PbxAnswers {
    let mut answers = PbxAnswers { facts: Facts::default(), peer: None, logged_in: false, broken: None };
    match Visit::begin(pbx, credentials, Interest::everything()).await {
        Ok(visit) => {
            answers.peer = Some(visit.peer());
            let mut asking = Asking { visit, answers: &mut answers };
            if let Err(reason) = asking.all(pbx).await {
                answers.broken = Some(reason);
            }
        }
        Err(reason) => answers.broken = Some(reason),
    }
    answers
}

struct Asking<'a> {
    visit: Visit,
    answers: &'a mut PbxAnswers,
}

impl Asking<'_> {
    async fn all(&mut self, pbx: &Pbx) -> Result<(), LostReason> {
        while !matches!(self.next().await?, Heard::Notice(Notice::Live)) {}
        if let Some(reply) = self.request(&Action::list_commands()).await? {
            self.answers.facts.list_commands(&reply.response);
        }
        if let Some(reply) = self.request(&Action::core_settings()).await? {
            self.answers.facts.version = reply.response.text("AsteriskVersion").map(|text| text.into_owned());
        }
        self.manager_conf(&pbx.username).await?;
        self.sign().await?;
        if pbx.settings.callback.enabled {
            self.devices(&pbx.settings.callback).await?;
        }
        if self.answers.facts.may("ShowDialPlan") {
            self.request(&Action::show_dialplan()).await?;
        }
        self.raise().await
    }

    /// Hears one thing and takes what it says.
    async fn next(&mut self) -> Result<Heard, LostReason> {
        let heard = self.visit.next(&mut |_| {}).await?;
        let facts = &mut self.answers.facts;
        match &heard {
            Heard::Event(frame) => facts.event(frame),
            Heard::Notice(Notice::BannerSeen { version }) => facts.ami.clone_from(version),
            Heard::Notice(Notice::LoggedIn) => self.answers.logged_in = true,
            Heard::Notice(Notice::Booted { .. }) => facts.booted = true,
            Heard::Notice(Notice::Clock { asterisk_ms, took_ms }) => {
                facts.clock_ahead_ms = Some(ahead_ms(*asterisk_ms, *took_ms, Clock::start().now().wall_ms));
            }
            Heard::Notice(Notice::SnapshotRefused { action, message }) => facts.refused.push((action, message.clone())),
            Heard::Notice(Notice::SnapshotEnded(size)) => facts.size = *size,
            Heard::Notice(_) | Heard::Answer(_) => {}
        }
        Ok(heard)
    }

    /// Sends an action and waits for its answer; `None` if it was refused or not answered.
    async fn request(&mut self, action: &Action) -> Result<Option<Reply>, LostReason> {
        // One at a time on a live session: it is never refused for want of room.
        let Ok(id) = self.visit.request(action) else { return Ok(None) };
        loop {
            if let Heard::Answer(answer) = self.next().await?
                && answer.id == id
            {
                return Ok(answer.reply.ok().filter(Reply::success));
            }
        }
    }

    async fn manager_conf(&mut self, username: &str) -> Result<(), LostReason> {
        // What could end the function's argument is in no user's name that Asterisk reads.
        let plain = username.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.@+".contains(&byte));
        if !plain || !self.answers.facts.may("Getvar") {
            return Ok(());
        }
        self.answers.facts.conf.read = self.conf(username, "read").await?;
        self.answers.facts.conf.write = self.conf(username, "write").await?;
        self.answers.facts.conf.writetimeout = self.conf(username, "writetimeout").await?;
        self.answers.facts.conf.timestampevents = self.conf("general", "timestampevents").await?;
        Ok(())
    }

    async fn sign(&mut self) -> Result<(), LostReason> {
        if self.answers.facts.may("Getvar")
            && let Ok(action) = Action::get_global(SIGN_VARIABLE)
            && let Some(reply) = self.request(&action).await?
        {
            self.answers.facts.sign = reply.response.text("Value").and_then(|value| Sign::parse(&value));
        }
        Ok(())
    }

    /// Which of the devices that callbacks dial there are not: `DEVICE_STATE` (`funcs/func_devstate.c`) says INVALID of them.
    async fn devices(&mut self, callback: &Callback) -> Result<(), LostReason> {
        for device in paths::devices(callback) {
            if self.answers.facts.may("Getvar")
                && let Ok(action) = Action::get_global(&format!("DEVICE_STATE({device})"))
                && let Some(reply) = self.request(&action).await?
                && reply.response.text("Value").is_some_and(|state| state == "INVALID")
            {
                self.answers.facts.absent_devices.insert(device);
            }
        }
        Ok(())
    }

    /// The last value of a key, which is the one that Asterisk takes.
    async fn conf(&mut self, section: &str, key: &str) -> Result<Option<String>, LostReason> {
        let Ok(action) = Action::get_global(&format!("AST_CONFIG(manager.conf,{section},{key},-1)")) else {
            return Ok(None);
        };
        let reply = self.request(&action).await?;
        let value = reply.and_then(|reply| reply.response.text("Value").map(|text| text.into_owned()));
        Ok(value.filter(|value| !value.is_empty()))
    }

    /// Raises events of classes that nothing else proves, and waits for them to come back.
    async fn raise(&mut self) -> Result<(), LostReason> {
        if self.answers.facts.may("Setvar")
            && let Ok(action) = Action::set_global(PROBE_VARIABLE, "")
            && self.request(&action).await?.is_some()
        {
            self.answers.facts.raised.insert("dialplan");
        }
        if self.answers.facts.may("UserEvent")
            && let Ok(action) = Action::user_event(PROBE_EVENT, &[])
            && self.request(&action).await?.is_some()
        {
            self.answers.facts.raised.insert("user");
        }
        let until = Instant::now() + ECHO;
        while self.answers.facts.raised.iter().any(|class| !self.answers.facts.seen.contains_key(*class)) {
            match timeout_at(until, self.next()).await {
                Ok(heard) => drop(heard?),
                Err(_) => break,
            }
        }
        self.visit.log_off();
        // The end of the connection is what is waited for.
        while let Ok(Ok(_)) = timeout_at(until, self.next()).await {}
        Ok(())
    }
}
