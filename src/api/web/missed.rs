//! `/missed`: whom nobody served: who is to be called back and why each waits, who was lost, who was won back; and what a person may do about it.

mod choice;
mod rows;

use super::look::{self, live, mark};
use super::session::own_form;
use super::view::View;
use super::{failed, now_ms, ordered};
use crate::api::commands::CommandBody;
use crate::api::front::{Failure, Front, Peer};
use crate::api::percent;
use crate::report::faces::csv::{csv_error, no_formula, writer};
use crate::report::faces::format::safe;
use crate::store::{Fate, MissedCall};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use callbackd_core::callbacks::commands::{CallbackRequest, Command};
use callbackd_core::callbacks::task::{WaitReason, reason};
use callbackd_core::model::{CallbackRow, CallbackState, RecoveredBy};
use choice::{Choice, Tab};
use maud::{Markup, html};
use rows::{Entry, List};
use std::sync::Arc;

/// Changes after which the list is another.
const KINDS: &str = "call.missed,call.recovered,callback.created,callback.updated,callback.late,callback.closed";
/// Rows that are shown; all are in the CSV.
const SHOWN: usize = 500;

/// `GET /missed`
pub(crate) async fn page(State(front): State<Arc<Front>>, view: View) -> Response {
    let list = match rows::read(&front, Choice::of(&view), now_ms(), &view).await {
        Ok(list) => list,
        Err(failure) => return failed(&view, &failure),
    };
    let part = part(&view, &list);
    if view.is_part() {
        return part.into_string().into_response();
    }
    let body = html! {
        h1 { (view.words.missed) }
        (choice::form(&view, &list))
        p.changed hidden { (view.words.changed) " " a href=(view.link("/missed", &[])) { (view.words.load_again) } }
        (live(&view, KINDS, list.now_ms, &part))
    };
    look::page(&view, view.words.missed, "/missed", &body).into_response()
}

fn part(view: &View, list: &List) -> Markup {
    let words = view.words;
    let tabs = [(Tab::ToDo, words.to_do), (Tab::Lost, words.tab_lost), (Tab::Won, words.tab_won)];
    html! {
        nav.tabs aria-label=(words.missed) {
            @for (tab, name) in tabs {
                a href=(view.link("/missed", &[("state", tab.as_str()), ("sort", "")])) aria-current=[(tab == list.choice.tab).then_some("page")] {
                    (name) " " b { (view.language.count(list.counts[tab as usize] as u64)) }
                }
            }
        }
        @if list.entries.is_empty() {
            p.soft { @if list.choice.tab == Tab::ToDo && !list.choice.chooses() { (words.nobody_to_do) } @else { (words.none_of_these) } }
        } @else {
            (table(view, list))
            @if list.cut { p.alert { (look::with(words.first_rows, rows::MOST)) } }
            @if list.entries.len() > SHOWN { p.soft { (look::with(words.first_rows, SHOWN)) } }
        }
    }
}

fn table(view: &View, list: &List) -> Markup {
    let words = view.words;
    let to_do = list.choice.tab == Tab::ToDo;
    let acts = view.may_operate() && list.choice.tab != Tab::Won;
    let mut columns = vec![
        ("called", words.called),
        ("number", words.number),
        ("queue", words.queue),
        ("did", words.did),
        ("waited", words.waited),
    ];
    columns.extend([("times", words.times), ("", words.state)]);
    if to_do {
        columns.extend([("next", words.next_try), ("tries", words.tries)]);
    }
    html! {
        div.wide tabindex="0" role="group" aria-label=(words.missed) {
            table.list {
                thead { tr {
                    @for (key, name) in &columns { (choice::header(view, &list.choice, key, name)) }
                    @if acts { th scope="col" { (words.actions) } }
                } }
                tbody { @for entry in list.entries.iter().take(SHOWN) { (row(view, list, entry, to_do, acts)) } }
            }
        }
    }
}

fn row(view: &View, list: &List, entry: &Entry, to_do: bool, acts: bool) -> Markup {
    let words = view.words;
    let nothing = "–";
    let moment = |ms| view.language.moment(ms, &list.zone, list.today);
    html! {
        tr {
            th scope="row" data-name=(words.called) {
                @match &entry.call { Some(call) => a href=(call) { bdi.num dir="ltr" { (moment(entry.called_ms)) } }, None => bdi.num dir="ltr" { (moment(entry.called_ms)) } }
            }
            td data-name=(words.number) {
                (look::number(view, entry.number.as_deref()))
                @if let Some(name) = &entry.name { br; span.soft { (look::text(name)) } }
            }
            td data-name=(words.queue) {
                (look::text(entry.queue.as_deref().unwrap_or(nothing)))
                @if list.pbxs.len() > 1 && list.choice.pbx.is_none() { " " span.soft { (look::text(&entry.pbx)) } }
            }
            td data-name=(words.did) { bdi.num dir="ltr" { (safe(entry.did.as_deref().unwrap_or(nothing))) } }
            td data-name=(words.waited) { bdi.num dir="ltr" { (entry.waited_ms.map_or_else(|| nothing.to_owned(), crate::report::faces::format::clock)) } }
            td data-name=(words.times) { (entry.times) }
            td.why data-name=(words.state) {
                @match (&entry.callback, to_do) { (Some(row), true) => (waits(view, row)), _ => (became(view, entry)) }
            }
            @if to_do {
                td data-name=(words.next_try) {
                    @match &entry.callback { Some(row) => bdi.num dir="ltr" { (moment(row.due_ms.max(list.now_ms))) }, None => (nothing) }
                }
                td data-name=(words.tries) { (entry.callback.as_ref().map_or(0, |row| row.attempts)) }
            }
            @if acts { td.acts data-name=(words.actions) { (acts_on(view, list, entry)) } }
        }
    }
}

fn became(view: &View, entry: &Entry) -> Markup {
    match &entry.missed {
        Some(missed) => fate(view, missed),
        None => html! { "–" },
    }
}

/// What became of a missed caller: sign and word, and why.
pub(crate) fn fate(view: &View, missed: &MissedCall) -> Markup {
    let words = view.words;
    match missed.fate {
        Fate::Won(by) => mark(
            "good",
            "✔",
            match by {
                RecoveredBy::Callback => words.won_callback,
                RecoveredBy::Customer => words.won_customer,
                RecoveredBy::Agent => words.won_agent,
            },
        ),
        Fate::Open(state) if state.is_active() => mark("open", "☎", words.is_called),
        Fate::Open(_) => mark("open", "●", words.is_open),
        Fate::Closed(state) => {
            let handled = missed.callback.as_ref().is_some_and(|row| row.reason == reason::HANDLED);
            let why = match state {
                CallbackState::Exhausted => words.l_exhausted,
                CallbackState::Expired => words.l_expired,
                CallbackState::Dnc => words.l_dnc,
                CallbackState::NotCallable => words.l_not_callable,
                _ if handled => return mark("open", "✎", words.handled),
                CallbackState::Cancelled
                | CallbackState::Done
                | CallbackState::RecoveredByCustomer
                | CallbackState::RecoveredByAgent
                | CallbackState::Pending
                | CallbackState::Waiting
                | CallbackState::Reserved
                | CallbackState::DialingAgent
                | CallbackState::DialingCustomer
                | CallbackState::Talking => words.l_cancelled,
            };
            html! { (mark("bad", "✖", words.lost)) " " span.soft { (why) } }
        }
        Fate::Nothing => html! { (mark("bad", "✖", words.lost)) " " span.soft { (words.l_none) } },
    }
}

/// Why an open callback stands where it does.
fn waits(view: &View, row: &CallbackRow) -> Markup {
    let words = view.words;
    let why = match row.state {
        CallbackState::Reserved
        | CallbackState::DialingAgent
        | CallbackState::DialingCustomer
        | CallbackState::Talking => words.is_called,
        CallbackState::Pending => words.r_pending,
        // A newer daemon may have written other reasons.
        CallbackState::Waiting
        | CallbackState::Done
        | CallbackState::RecoveredByCustomer
        | CallbackState::RecoveredByAgent
        | CallbackState::Exhausted
        | CallbackState::Expired
        | CallbackState::NotCallable
        | CallbackState::Dnc
        | CallbackState::Cancelled => {
            WaitReason::from_text(&row.reason).map_or(row.reason.as_str(), |reason| match reason {
                WaitReason::Delay => words.r_delay,
                WaitReason::RetryDelay => words.r_retry,
                WaitReason::OutOfHours => words.r_hours,
                WaitReason::QuietHours => words.r_quiet,
                WaitReason::NoAgent => words.r_no_agent,
                WaitReason::CustomerOnLine => words.r_on_line,
                WaitReason::LiveCallers => words.r_callers,
                WaitReason::Held => words.r_held,
                WaitReason::Unproven => words.r_unproven,
                WaitReason::DailyCap => words.r_cap,
                WaitReason::NoLink => words.r_no_link,
                WaitReason::AnotherDaemon => words.r_another,
                WaitReason::AnotherSite => words.r_site,
                WaitReason::NoGroup => words.r_no_group,
                WaitReason::Disabled => words.r_disabled,
            })
        }
    };
    html! {
        code { (row.state) @if !row.reason.is_empty() { " " (safe(&row.reason)) } }
        br; span.soft { (why) }
        @if let Some(agent) = &row.assigned { br; span.soft { (look::with(words.for_agent, safe(agent))) } }
    }
}

fn acts_on(view: &View, list: &List, entry: &Entry) -> Markup {
    let words = view.words;
    let key = view.session.as_ref().map_or("", |session| session.form_key.as_str());
    let whom = entry.number.as_deref().map(safe).unwrap_or_default();
    let aria = |word: &str| format!("{word}: {whom}");
    let hidden = html! {
        input type="hidden" name="form_key" value=(key);
        input type="hidden" name="back" value=(view.link("/missed", &[]));
    };
    let Some(row) = &entry.callback else {
        return html! {
            @if let (Some(missed), true) = (&entry.missed, entry.number.is_some()) {
                form method="post" action={ "/calls/" (missed.stored.id) "/callback" } {
                    (hidden) button type="submit" aria-label=(aria(words.call_back)) { (words.call_back) }
                }
            }
        };
    };
    let to = |command: &str| format!("/missed/{}/{command}", row.id);
    let held = row.state == CallbackState::Waiting && row.reason == reason::HELD;
    let (hold, word) = if held { ("release", words.release) } else { ("hold", words.hold) };
    html! {
        form method="post" action=(to("retry")) {
            (hidden)
            @if row.state.is_open() {
                div.buttons {
                    @if !row.state.is_active() {
                        button type="submit" aria-label=(aria(words.call_now)) { (words.call_now) }
                        button.quiet type="submit" formaction=(to(hold)) aria-label=(aria(word)) { (word) }
                    }
                    @if row.state != CallbackState::Talking {
                        button.quiet type="submit" formaction=(to("handled")) title=(words.done_hint) aria-label=(aria(words.done)) { (words.done) }
                    }
                }
                details {
                    summary aria-label=(aria(words.assign)) { (words.assign) " …" }
                    label { span { (words.agent) } select name="agent" {
                        option value="" { (words.anyone) }
                        @for (agent, name) in list.agents.get(&*row.pbx).into_iter().flatten() { option value=(agent) selected[row.assigned.as_ref() == Some(agent)] { (safe(name)) } }
                    } }
                    label { span { (words.note) } input name="note" maxlength="500" autocomplete="off"; }
                    button.quiet type="submit" formaction=(to("assign")) { (words.assign) }
                }
            } @else {
                button.quiet type="submit" aria-label=(aria(words.call_back)) { (words.call_back) }
            }
        }
    }
}

/// `POST /missed/ID/ORDER`
pub(crate) async fn command(
    State(front): State<Arc<Front>>,
    view: View,
    Extension(peer): Extension<Peer>,
    path: Result<Path<(i64, String)>, PathRejection>,
    body: Bytes,
) -> Response {
    let Ok(Path((id, name))) = path else { return nothing_here(&view) };
    let fields = match own_form(&view, &body) {
        Ok(fields) => fields,
        Err(failure) => return failed(&view, &failure),
    };
    let of = |field: &str| fields.get(field).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let known = ["retry", "hold", "release", "assign", "handled"].contains(&name.as_str());
    let command = CommandBody { note: of("note").unwrap_or_default(), agent: of("agent"), ..CommandBody::default() };
    match command.command(id, &name).filter(|_| known) {
        Some(Ok(command)) => order(&front, &view, command, peer, of("back")).await,
        Some(Err(why)) => failed(&view, &why),
        None => nothing_here(&view),
    }
}

/// `POST /calls/ID/callback`: for a missed call that has none.
pub(crate) async fn call_back(
    State(front): State<Arc<Front>>,
    view: View,
    Extension(peer): Extension<Peer>,
    path: Result<Path<i64>, PathRejection>,
    body: Bytes,
) -> Response {
    let Ok(Path(id)) = path else { return nothing_here(&view) };
    let fields = match own_form(&view, &body) {
        Ok(fields) => fields,
        Err(failure) => return failed(&view, &failure),
    };
    let found = front.read(move |reader| reader.call(&id.to_string())).await;
    let stored = match found {
        Ok(found) => found.into_iter().find(|stored| stored.id == id),
        Err(failure) => return failed(&view, &failure),
    };
    let Some(call) = stored.map(|stored| stored.call) else {
        return failed(&view, &Failure::new(StatusCode::NOT_FOUND, view.words.no_call));
    };
    let number = call.number_e164.as_deref().or(call.number.as_deref()).unwrap_or_default().to_owned();
    let command = Command::Add(CallbackRequest {
        number,
        pbx: Some(call.pbx.to_string()),
        queue: call.queue,
        note: format!("for call {id}"),
        ..CallbackRequest::default()
    });
    order(&front, &view, command, peer, fields.get("back").cloned()).await
}

async fn order(front: &Front, view: &View, command: Command, peer: Peer, back: Option<String>) -> Response {
    match ordered(front, view, command, peer).await {
        Ok(()) => {
            let back =
                back.filter(|back| back == "/missed" || back.starts_with("/missed?") || back.starts_with("/calls/"));
            Redirect::to(
                back.as_deref().filter(|back| back.bytes().all(|b| (b'!'..=b'~').contains(&b))).unwrap_or("/missed"),
            )
            .into_response()
        }
        Err(failure) => failed(view, &failure),
    }
}

fn nothing_here(view: &View) -> Response {
    failed(view, &Failure::new(StatusCode::NOT_FOUND, view.words.nothing_here))
}

/// `GET /missed.csv`: the same rows, for a spreadsheet.
pub(crate) async fn csv(State(front): State<Arc<Front>>, view: View) -> Response {
    let list = match rows::read(&front, Choice::of(&view), now_ms(), &view).await {
        Ok(list) => list,
        Err(failure) => return failed(&view, &failure),
    };
    match lines(&list) {
        Ok(text) => {
            let name =
                format!("attachment; filename=\"missed-{}-{}.csv\"", percent(list.choice.tab.as_str()), list.today);
            ([(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)], text).into_response()
        }
        Err(error) => failed(&view, &Failure::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    }
}

fn lines(list: &List) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut lines = writer(&mut out);
    let header = [
        "called",
        "number",
        "name",
        "queue",
        "did",
        "pbx",
        "waited_s",
        "times",
        "became",
        "state",
        "reason",
        "next_attempt",
        "attempts",
        "assigned",
    ];
    lines.write_record(header).map_err(csv_error)?;
    let moment = |ms| crate::report::faces::format::local(ms, &list.zone, "%Y-%m-%dT%H:%M:%S%:z");
    for entry in &list.entries {
        let text = |text: Option<&str>| no_formula(safe(text.unwrap_or_default()));
        let row = entry.callback.as_ref();
        let became = entry.missed.as_ref().map_or("open", |missed| match missed.fate {
            Fate::Won(by) => by.as_str(),
            Fate::Open(_) => "open",
            Fate::Closed(_) | Fate::Nothing => "lost",
        });
        let next = row.filter(|row| row.state.is_open()).map(|row| moment(row.due_ms));
        lines
            .write_record([
                moment(entry.called_ms),
                text(entry.number.as_deref()),
                text(entry.name.as_deref()),
                text(entry.queue.as_deref()),
                text(entry.did.as_deref()),
                text(Some(&entry.pbx)),
                entry.waited_ms.map_or_else(String::new, |ms| (ms / 1_000).to_string()),
                entry.times.to_string(),
                became.to_owned(),
                row.map_or_else(String::new, |row| row.state.to_string()),
                text(row.map(|row| row.reason.as_str())),
                next.unwrap_or_default(),
                row.map_or_else(String::new, |row| row.attempts.to_string()),
                text(row.and_then(|row| row.assigned.as_deref())),
            ])
            .map_err(csv_error)?;
    }
    lines.flush()?;
    drop(lines);
    Ok(out)
}
