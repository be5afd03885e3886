//! `/report`: the report of any window, with a form that chooses it.

use super::view::View;
use super::{failed, known_pbx, look, now_ms, unknown};
use crate::api::front::{Failure, Front};
use crate::language::{fill, fill_all};
use crate::report::faces::format::safe;
use crate::report::faces::html as face;
use crate::report::window::{Asked, NoWindow};
use crate::report::{Thresholds, Window};
use crate::store::{Chosen, NoChoice, Reader};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use callbackd_core::millis::Millis;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, PreEscaped, html};
use std::sync::Arc;

/// Calls of a window that the daemon holds in memory for a report: some 30 MB of them. For more there is the command.
const MOST_CALLS: u32 = 60_000;

struct Made {
    window: Window,
    body: String,
    pbxs: Vec<String>,
    queues: Vec<String>,
    agents: Vec<String>,
}

/// `GET /report`
pub(crate) async fn page(State(front): State<Arc<Front>>, view: View) -> Response {
    let asked = view.clone();
    let now_ms = now_ms();
    if let Err(failure) = known_pbx(&front, &view).await {
        return failed(&view, &failure);
    }
    let turn = front.today.report.lock().await;
    let made = front.read(move |reader| Ok::<_, crate::store::Error>(make(reader, &asked, now_ms))).await;
    drop(turn);
    let made = match made.and_then(|made| made) {
        Ok(made) => made,
        Err(failure) => return failed(&view, &failure),
    };
    let body = html! {
        (form(&view, &made))
        (PreEscaped(&made.body))
    };
    look::page(&view, view.words.report, "/report", &body).into_response()
}

fn make(reader: &Reader, view: &View, now_ms: Millis) -> Result<Made, Failure> {
    let words = view.words;
    let wrong = |why: String| Failure::new(StatusCode::BAD_REQUEST, why);
    let (thresholds, zone): (Thresholds, Option<TimeZone>) = reader.thresholds()?;
    let zone = zone.unwrap_or_else(TimeZone::system);
    let now = Timestamp::from_millisecond(now_ms).map_err(|error| wrong(error.to_string()))?;
    // The last day that a form names is in the window.
    let to = match view.asked("to").map(|to| (to, to.parse::<jiff::civil::Date>())) {
        None => None,
        Some((_, Ok(to))) => Some(to.tomorrow().map_err(|_| wrong(fill(words.too_far, to)))?.to_string()),
        Some((to, Err(_))) => return Err(wrong(fill(words.bad_day, to.escape_debug()))),
    };
    let day = |name| view.asked(name).and_then(|day| day.parse::<jiff::civil::Date>().ok());
    if let (Some(from), None) = (view.asked("from"), day("from")) {
        return Err(wrong(fill(words.bad_day, from.escape_debug())));
    }
    let today = now.to_zoned(zone.clone()).date();
    if let (Some(from), None) = (day("from").filter(|from| *from > today), day("to")) {
        return Err(wrong(fill(words.future, from)));
    }
    if let (Some(from), Some(last)) = (day("from"), day("to"))
        && from > last
    {
        return Err(wrong(fill_all(words.backwards, &[&from, &last])));
    }
    let asked = Asked { word: view.asked("window"), from: view.asked("from"), to: to.as_deref() };
    let window = Window::of(asked, &zone, now).map_err(|why| {
        wrong(match why {
            NoWindow::TooFar(day) => fill(words.too_far, day),
            NoWindow::NoDay { text, .. } => fill(words.bad_day, text.escape_debug()),
            NoWindow::Backwards { from, to } => fill_all(words.backwards, &[&from, &to]),
            NoWindow::Future { from, .. } => fill(words.future, from),
        })
    })?;
    if reader.has_more_calls((window.from_ms, window.to_ms), MOST_CALLS)? {
        let command = format!("callbackd report --from {} --to {} --html FILE", window.from, window.to);
        return Err(wrong(fill_all(words.too_many, &[&MOST_CALLS, &command])));
    }
    let field = |name: &str| view.asked(name).map(str::to_owned);
    let chosen = Chosen { pbx: field("pbx"), queue: field("queue"), agent: field("agent"), ..Chosen::default() };
    let chosen = reader.choose(chosen, &window).map_err(|error| match error {
        NoChoice::Store(error) => error.into(),
        NoChoice::Unknown(error) => unknown(view, &error),
    })?;
    let reported = reader.reported(&window, (&chosen, None), &thresholds, &zone, now_ms)?;
    let (queues, agents) = reader.ever_met()?;
    let pbxs = reader.pbxs()?.iter().map(ToString::to_string).collect();
    let report = reported.shown(view.language, &window, &chosen, (&thresholds, &zone), now_ms);
    let body = face::body(&report);
    Ok(Made { body, window, pbxs, queues, agents })
}

fn form(view: &View, made: &Made) -> Markup {
    let words = view.words;
    let by_days = view.asked("from").is_some();
    let word = view.asked("window").unwrap_or("today");
    let last = made.window.to.yesterday().unwrap_or(made.window.to);
    let select = |name: &str, label: &str, all: &[String]| {
        html! {
            label { span { (label) }
                select name=(name) {
                    option value="" { (words.all) }
                    @for one in all { option value=(one) selected[view.asked(name) == Some(one)] { (safe(one)) } }
                }
            }
        }
    };
    html! {
        nav.tabs aria-label=(words.report) {
            @for (key, name) in [("today", words.today), ("yesterday", words.yesterday), ("week", words.week), ("month", words.month)] {
                a href=(view.link("/report", &[("window", key), ("from", ""), ("to", "")])) aria-current=[(!by_days && key == word).then_some("page")] { (name) }
            }
        }
        form.choice method="get" action="/report" {
            label { span { (words.from_day) } input type="date" name="from" value=(made.window.from) required; }
            label { span { (words.to_day) } input type="date" name="to" value=(last) required; }
            @if made.pbxs.len() > 1 || view.asked("pbx").is_some() { (select("pbx", words.pbx, &made.pbxs)) }
            (select("queue", words.queue, &made.queues))
            (select("agent", words.agent, &made.agents))
            button type="submit" { (words.show) }
        }
    }
}
