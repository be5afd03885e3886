//! How messages to an endpoint are written: in our own words, or in those of another program.

use callbackd_core::model::ChangeKind as K;

/// How a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `type`, `timestamp`, `data`, by Standard Webhooks 1.0.0.
    Standard,
    /// A CloudEvent 1.0.2 in structured mode.
    CloudEvents,
    /// Zammad's generic CTI, and what speaks the form of sipgate.io.
    Zammad,
    /// Calls of amoCRM or Kommo.
    AmoCrm,
    /// Bitrix24 by an incoming webhook.
    Bitrix24,
    /// A notice by a Telegram bot.
    Telegram,
    /// A notice by a mail command.
    Mail,
}

/// As the file has them.
pub(super) const FORMATS: [(&str, Format); 7] = [
    ("standard", Format::Standard),
    ("cloudevents", Format::CloudEvents),
    ("zammad", Format::Zammad),
    ("amocrm", Format::AmoCrm),
    ("bitrix24", Format::Bitrix24),
    ("telegram", Format::Telegram),
    ("mail", Format::Mail),
];

/// Where bots are, if the file does not say.
pub(super) const TELEGRAM: &str = "https://api.telegram.org";

const CALLS: &[K] = &[K::CallEnded, K::CallMissed];
const WHOLE_CALLS: &[K] = &[K::CallStarted, K::CallAnswered, K::CallEnded, K::CallMissed];
/// What there are words for in a notice.
const NOTICES: &[K] =
    &[K::CallMissed, K::CallRecovered, K::CallbackLate, K::CallbackClosed, K::QueueAlarm, K::LinkDown, K::LinkUp];

impl Format {
    /// What it can say, and of that what is sent if the file does not say. `in_progress`: the feed tells of calls in progress.
    #[must_use]
    pub(crate) fn kinds(self, in_progress: bool) -> (&'static [K], &'static [K]) {
        match self {
            Self::Standard | Self::CloudEvents => (K::ALL, &[K::CallMissed, K::CallbackClosed]),
            Self::Zammad => (WHOLE_CALLS, if in_progress { WHOLE_CALLS } else { CALLS }),
            Self::AmoCrm => (CALLS, CALLS),
            Self::Bitrix24 => (CALLS, &[K::CallMissed]),
            Self::Telegram | Self::Mail => (NOTICES, &[K::CallMissed]),
        }
    }
}
