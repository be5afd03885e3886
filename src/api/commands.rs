//! Commands as they come in JSON.

use super::front::Failure;
use axum::http::StatusCode;
use callbackd_core::callbacks::commands::{CallbackRequest, Command, CommandError};
use callbackd_core::callbacks::named_time::MAX_AHEAD_MS;
use callbackd_core::millis::Millis;
use callbackd_core::model::NoSuchPbx;
use callbackd_core::model::identity::there_are;
use callbackd_core::model::text::is_harmful;
use serde::Deserialize;

/// Longest note or reason, in characters; longer ones are cut.
const MAX_NOTE: usize = 500;

/// Latest time that a callback is put off to, ms from now: a year.
const MAX_DELAY_MS: Millis = 31_536_000_000;
/// Priorities that can be set.
const MIN_PRIORITY: i64 = -1_000;
const MAX_PRIORITY: i64 = 1_000;
/// Longest time for which a number is put on the do-not-call list, ms: a hundred years.
const MAX_FOR_MS: Millis = 3_153_600_000_000;

/// Body of `POST /v1/callbacks`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Add {
    /// As it is dialled here, or in E.164.
    number: String,
    /// Name of the PBX that calls; needed where there are several.
    pbx: Option<String>,
    /// The queue whose agents are asked.
    queue: Option<String>,
    /// Not sooner, ms from now; 31 days at most with a token of the role `request`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schemars(range(min = 0, max = MAX_DELAY_MS)))]
    delay_ms: Millis,
    /// In place of `delay_ms`: a time as `2026-11-30T09:30` by the clock of `[hours]`, `2026-11-30T09:30+01:00` by that of a
    /// zone, or `+2h` from now; 31 days ahead at most, and moved into working hours. It replaces the time of an open callback.
    at: Option<String>,
    /// The customer asked for it: it goes ahead of misses and lasts for `callback.expire_requested`. An open callback keeps its PBX, queue
    /// and priority. Always so with a token of the role `request`.
    #[serde(default)]
    requested: bool,
    /// Higher goes first.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schemars(range(min = MIN_PRIORITY, max = MAX_PRIORITY)))]
    priority: i64,
    /// For the history; 500 characters are kept.
    #[serde(default)]
    note: String,
}

/// The body of `POST /v1/callbacks/{id}/{command}`; each command takes its own part of it.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CommandBody {
    /// For the history; 500 characters are kept.
    pub(crate) note: String,
    /// Of `assign`: the only agent who may take it; `null`: any.
    pub(crate) agent: Option<String>,
    /// Of `prioritise`, which needs it: higher goes first.
    #[cfg_attr(feature = "openapi", schemars(range(min = MIN_PRIORITY, max = MAX_PRIORITY)))]
    pub(crate) priority: Option<i64>,
    /// Of `delay`, which needs it: not sooner, ms from now.
    #[cfg_attr(feature = "openapi", schemars(range(min = 0, max = MAX_DELAY_MS)))]
    pub(crate) delay_ms: Option<Millis>,
}

/// Body of `POST /v1/dnc`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct DncAdd {
    /// As it is dialled here, or in E.164.
    number: String,
    /// Why; 500 characters are kept.
    #[serde(default)]
    reason: String,
    /// So long, ms; for ever if it is left out.
    #[cfg_attr(feature = "openapi", schemars(range(min = 1, max = MAX_FOR_MS)))]
    for_ms: Option<Millis>,
}

/// Body of `POST /v1/tags`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct TagAdd {
    /// Row id or linkedid.
    #[serde(deserialize_with = "row_id_or_linkedid")]
    #[cfg_attr(feature = "openapi", schemars(with = "RowIdOrLinkedid"))]
    pub call: String,
    /// Where several have a call of this linkedid.
    pub pbx: Option<String>,
    /// Shipped or configured, in any case.
    pub code: String,
    /// 500 characters at most; what is longer is cut.
    #[serde(default)]
    note: String,
}

#[cfg(feature = "openapi")]
#[derive(schemars::JsonSchema)]
#[schemars(untagged, inline)]
#[expect(dead_code, reason = "read from JSON")]
enum RowIdOrLinkedid {
    RowId(i64),
    Linkedid(String),
}

/// A row id as answers have it, a number, or either in quotes.
fn row_id_or_linkedid<'de, D: serde::Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    struct Either;
    impl serde::de::Visitor<'_> for Either {
        type Value = String;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a call's row id, or its linkedid in quotes")
        }

        fn visit_u64<E>(self, id: u64) -> Result<String, E> {
            Ok(id.to_string())
        }

        fn visit_str<E>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }
    }
    value.deserialize_any(Either)
}

impl TagAdd {
    /// What is said beside the code, as it is kept.
    pub(super) fn note(&self) -> String {
        note(&self.note)
    }
}

/// What is wrong with a field of a body, which is what to write there too.
fn wrong(field: &str, what: &str) -> Failure {
    Failure::of_field(field, format!("`{field}` {what}"), what)
}

/// A field that a command cannot do without.
pub(super) fn needed(field: &str) -> Failure {
    let fix = format!("send {{\"{field}\": …}}");
    Failure::of_field(field, format!("`{field}` is needed: {fix}"), fix)
}

/// A time that lies ahead, and within a year.
fn ahead(field: &str, ms: Millis) -> Result<Millis, Failure> {
    match ms {
        0..=MAX_DELAY_MS => Ok(ms),
        _ => Err(wrong(field, "must be from 0 to 31536000000 (a year)")),
    }
}

/// As in the configuration. Misses that come to a callback later raise it further, one each.
fn priority(wanted: i64) -> Result<i64, Failure> {
    match wanted {
        MIN_PRIORITY..=MAX_PRIORITY => Ok(wanted),
        _ => Err(wrong("priority", "must be from -1000 to 1000")),
    }
}

/// What a person says beside an order, as it is kept.
pub(super) fn note(text: &str) -> String {
    text.chars().filter(|c| !is_harmful(*c)).take(MAX_NOTE).collect()
}

impl Add {
    /// The command, where the customer asks, who does not say how urgent they are.
    pub(super) fn by_the_customer(self) -> Result<Command, Failure> {
        if self.priority != 0 {
            let fix = "leave it out";
            let why = "a token of the role request may not set `priority`";
            return Err(Failure::of_field("priority", format!("{why}: {fix}"), fix).with_status(StatusCode::FORBIDDEN));
        }
        if self.delay_ms > MAX_AHEAD_MS {
            return Err(wrong("delay_ms", "must be from 0 to 2678400000 (31 days)"));
        }
        Self { requested: true, ..self }.try_into()
    }
}

impl TryFrom<Add> for Command {
    type Error = Failure;

    fn try_from(add: Add) -> Result<Self, Failure> {
        if add.at.is_some() && add.delay_ms != 0 {
            let fix = "send one of them";
            return Err(Failure::of_field("at", format!("`at` and `delay_ms` name two times: {fix}"), fix));
        }
        if add.at.as_ref().is_some_and(|at| at.trim().is_empty()) {
            let fix = "write 2026-11-30T09:30, or +2h, or leave it out";
            return Err(Failure::of_field("at", format!("`at` is empty, it is no time: {fix}"), fix));
        }
        Ok(Self::Add(CallbackRequest {
            number: add.number,
            pbx: add.pbx,
            queue: add.queue.filter(|queue| !queue.is_empty()),
            delay_ms: ahead("delay_ms", add.delay_ms)?,
            at: add.at,
            requested: add.requested,
            priority: priority(add.priority)?,
            note: note(&add.note),
        }))
    }
}

impl TryFrom<DncAdd> for Command {
    type Error = Failure;

    fn try_from(added: DncAdd) -> Result<Self, Failure> {
        let for_ms = added.for_ms.map(|ms| match ms {
            1..=MAX_FOR_MS => Ok(ms),
            _ => Err(wrong("for_ms", "must be from 1 to 3153600000000 (a hundred years); leave it out for ever")),
        });
        Ok(Self::DncAdd { number: added.number, reason: note(&added.reason), for_ms: for_ms.transpose()? })
    }
}

impl CommandBody {
    /// The command of this name for this callback; `None` if there is none of this name.
    pub(crate) fn command(self, id: i64, name: &str) -> Option<Result<Command, Failure>> {
        let note = note(&self.note);
        Some(match name {
            "cancel" => Ok(Command::Cancel { id, note }),
            "handled" => Ok(Command::Handled { id, note }),
            "hold" => Ok(Command::Hold { id, note }),
            "release" => Ok(Command::Release { id, note }),
            "retry" => Ok(Command::Retry { id, note }),
            "assign" => Ok(Command::Assign { id, agent: self.agent, note }),
            "prioritise" => match self.priority {
                Some(wanted) => priority(wanted).map(|priority| Command::Prioritise { id, priority, note }),
                None => Err(needed("priority")),
            },
            "delay" => match self.delay_ms {
                Some(ms) => ahead("delay_ms", ms).map(|delay_ms| Command::Delay { id, delay_ms, note }),
                None => Err(needed("delay_ms")),
            },
            _ => return None,
        })
    }
}

/// Why a command was not carried out, with the field that is wrong and the fix where one is.
pub(super) fn refusal(error: &CommandError) -> Failure {
    let (field, fix) = match error {
        CommandError::NoSuchPbx(NoSuchPbx { known, .. }) | CommandError::WhichPbx(known) => ("pbx", there_are(known)),
        CommandError::NoSuchAgent(_) => ("agent", "GET /v1/agents lists them".to_owned()),
        CommandError::NoSuchQueue { .. } => ("queue", "GET /v1/queues lists them".to_owned()),
        CommandError::NoSuchCode(_) => ("code", "GET /v1/codes lists them".to_owned()),
        CommandError::OfCustomers(_) => ("code", "POST /v1/callbacks with number and at".to_owned()),
        CommandError::Time { .. } => {
            ("at", "a time ahead as 2026-11-30T09:30+01:00, without a zone by the clock of [hours], or +2h".to_owned())
        }
        CommandError::NotCallable { .. } | CommandError::Denied { .. } => {
            ("number", "a number as it is dialled here, or as +12025550123".to_owned())
        }
        CommandError::NotOnTheList(_) => ("number", "GET /v1/dnc lists them".to_owned()),
        CommandError::DoNotCall(number) => ("number", format!("DELETE /v1/dnc/{number} takes it off that list")),
        CommandError::NoSuchCallback(_) => ("id", "GET /v1/callbacks lists them".to_owned()),
        CommandError::Closed { id, .. } => ("id", format!("POST /v1/callbacks/{id}/retry opens it again")),
        CommandError::Active { id, .. } => ("id", format!("try again when GET /v1/callbacks/{id} says another state")),
        CommandError::OpenAlready { id } => ("id", format!("GET /v1/callbacks/{id} is the one that is open")),
        CommandError::Full(_) => {
            ("body", "try again when some are closed; GET /v1/callbacks?open=true lists them".to_owned())
        }
        CommandError::ListFull => ("number", "DELETE /v1/dnc/NUMBER makes room".to_owned()),
        CommandError::TooManyWait(_) => {
            return Failure::new(status_of(error), error.to_string()).with_fix("try again later");
        }
    };
    Failure::of_field(field, error.to_string(), fix).with_status(status_of(error))
}

/// The same for whoever fills in a form on a web page: what is wrong with what they wrote, and nothing of what is known or configured here.
pub(super) fn refusal_of_form(error: &CommandError) -> Failure {
    let of = |field, why, fix| Failure::of_field(field, format!("{why}: {fix}"), fix).with_status(status_of(error));
    match error {
        CommandError::NotCallable { .. } | CommandError::Time { .. } => refusal(error),
        CommandError::Denied { .. } | CommandError::DoNotCall(_) => {
            of("number", "this number is not called back", "give another one")
                .with_status(StatusCode::UNPROCESSABLE_ENTITY)
        }
        CommandError::NoSuchPbx(_) | CommandError::WhichPbx(_) => {
            of("pbx", "it is not known which PBX is to call", "the form must name one that there is")
        }
        CommandError::NoSuchQueue { .. } => {
            of("queue", "there is no such queue", "the form must name one that there is")
        }
        _ => Failure::new(status_of(error), "it cannot be taken now").with_fix("try again later"),
    }
}

fn status_of(error: &CommandError) -> StatusCode {
    match error {
        CommandError::NoSuchCallback(_) | CommandError::NotOnTheList(_) => StatusCode::NOT_FOUND,
        CommandError::Closed { .. }
        | CommandError::Active { .. }
        | CommandError::OpenAlready { .. }
        | CommandError::DoNotCall(_)
        | CommandError::Full(_)
        | CommandError::ListFull => StatusCode::CONFLICT,
        CommandError::TooManyWait(_) => StatusCode::SERVICE_UNAVAILABLE,
        CommandError::NoSuchPbx(_)
        | CommandError::WhichPbx(_)
        | CommandError::NoSuchCode(_)
        | CommandError::OfCustomers(_)
        | CommandError::Time { .. } => StatusCode::BAD_REQUEST,
        CommandError::NotCallable { .. }
        | CommandError::Denied { .. }
        | CommandError::NoSuchAgent(_)
        | CommandError::NoSuchQueue { .. } => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
