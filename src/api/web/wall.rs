//! `/wall`: what is on a television in the room: who waits, today's figures, queues, agents, and the last callers who were missed.

use super::look::{self, live, mark, since, text, with};
use super::missed::fate;
use super::today::{Figures, Of};
use super::view::View;
use super::{failed, known_pbx, known_queue, now_ms};
use crate::api::front::{Failure, Front};
use crate::api::routes::Live;
use crate::api::status::{AgentInPresence, QueueInPresence};
use crate::report::faces::format::{NOTHING, clock, safe};
use crate::store::{CallFilter, MissedCall};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use callbackd_core::millis::Millis;
use jiff::civil::Date;
use maud::{Markup, html};
use std::sync::Arc;

/// Changes after which the wall looks again.
const KINDS: &str = "call.started,call.answered,call.ended,call.missed,call.updated,call.recovered,callback.created,callback.updated,callback.closed";
/// Misses of so many days are shown, the last so many of them.
const MISSED_MS: Millis = 7 * 86_400_000;
const MISSED: u64 = 10;

struct Wall {
    live: Live,
    figures: Arc<Figures>,
    missed: Vec<MissedCall>,
    now_ms: Millis,
    today: Date,
}

/// `GET /wall`
pub(crate) async fn page(State(front): State<Arc<Front>>, view: View) -> Response {
    let mut of = Of { pbx: view.asked("pbx").map(str::to_owned), queue: view.asked("queue").map(str::to_owned) };
    if let Err(failure) = known_pbx(&front, &view).await {
        return failed(&view, &failure);
    }
    match known_queue(&front, &view, of.queue.clone()).await {
        Ok(queue) => of.queue = queue,
        // A television that has shown a queue goes on, whatever becomes of it.
        Err(_) if view.is_part() => {}
        Err(failure) => return failed(&view, &failure),
    }
    let wall = match read(&front, &of).await {
        Ok(wall) => wall,
        Err(failure) => return failed(&view, &failure),
    };
    let part = part(&view, &wall);
    if view.is_part() {
        return part.into_string().into_response();
    }
    let chosen = [&of.pbx, &of.queue].into_iter().flatten();
    let title = chosen.fold(view.words.wall.to_owned(), |title, name| format!("{title} · {}", safe(name)));
    let body = html! {
        h1.hidden { (title) }
        (live(&view, KINDS, wall.now_ms, &part))
    };
    look::page(&view, &title, "/wall", &body).into_response()
}

async fn read(front: &Front, of: &Of) -> Result<Wall, Failure> {
    let now_ms = now_ms();
    let mut live = front.live(of.pbx.as_deref()).await?;
    let figures = front.figures_of_today(of.clone(), now_ms).await?;
    let filter = CallFilter {
        since_ms: Some(now_ms - MISSED_MS),
        pbx: of.pbx.clone(),
        queue: of.queue.clone(),
        limit: Some(MISSED),
        ..CallFilter::default()
    };
    let missed = front.read(move |reader| reader.missed(filter)).await?;
    if let Some(queue) = &of.queue {
        live.queues.retain(|of| of.queue == *queue);
        live.agents.retain(|agent| agent.queues.contains_key(queue));
    }
    let today = crate::report::calendar::day_of(now_ms, &figures.zone).unwrap_or_default();
    Ok(Wall { live, figures, missed, now_ms, today })
}

fn part(view: &View, wall: &Wall) -> Markup {
    let words = view.words;
    html! {
        @for pbx in wall.live.pbx.iter().filter(|pbx| !pbx.seen) {
            p.alert { (with(words.not_seen, safe(&pbx.name))) }
        }
        (tiles(view, wall))
        div.two {
            div {
                section { h2 { (words.queues) } (queues(view, wall)) }
                section { h2 { (words.agents) } (agents(view, &wall.live.agents, wall.now_ms)) }
            }
            section { h2 { (words.last_missed) } (last_missed(view, wall)) }
        }
    }
}

fn tile(name: &str, value: &Markup, below: &Markup, alarm: bool) -> Markup {
    html! {
        div class=(if alarm { "tile alarm" } else { "tile" }) {
            span { (name) }
            b { (value) }
            span.change { (below) }
        }
    }
}

fn tiles(view: &View, wall: &Wall) -> Markup {
    let (words, language, figures) = (view.words, view.language, &wall.figures);
    let (totals, thresholds) = (&figures.totals, &figures.thresholds);
    let counts: Option<Vec<u32>> = wall.live.queues.iter().map(|queue| queue.waiting).collect();
    let waiting = counts.map(|counts| counts.iter().sum::<u32>());
    let longest = wall.live.queues.iter().filter_map(|queue| queue.longest_since_ms).min();
    let alarm_wait = longest.is_some_and(|at| wall.now_ms - at > thresholds.alarm_wait_ms);
    let level = totals.service_level_offered;
    let target = f64::from(thresholds.service_level_target) / 100.0;
    let below = level.is_some_and(|level| level < target);
    let overdue = figures.overdue;
    html! {
        div.tiles {
            (tile(words.waiting, &html! { @match waiting { Some(n) => (n), None => (NOTHING) } },
                &html! { @if waiting.is_none() { (words.unknown) } }, false))
            (tile(words.longest_wait, &since(longest, wall.now_ms),
                &html! { @if alarm_wait { (mark("bad", "▲", words.too_long)) } @else { (with(words.target, clock(thresholds.alarm_wait_ms))) } }, alarm_wait))
            (tile(words.service_level, &html! { (language.percent(level)) },
                &html! {
                    @if level.is_none() { (words.no_calls_yet) }
                    @else if below { (mark("bad", "▼", words.below_target)) }
                    @else { (mark("good", "✔", words.on_target)) }
                    br; bdi { (with(words.target, language.percent(Some(target)))) ", " (with(words.within, language.span(thresholds.service_level_ms))) }
                }, below))
            (tile(words.abandoned, &html! { (language.count(totals.abandoned)) },
                &html! { (with(words.of_offered, language.count(totals.offered))) }, false))
            (tile(words.callbacks, &html! { (language.count(figures.open as u64)) },
                &html! { @if overdue > 0 { (mark("bad", "▲", &with(words.overdue, overdue))) } @else { (with(words.overdue, 0)) } }, overdue > 0))
        }
    }
}

fn queues(view: &View, wall: &Wall) -> Markup {
    let words = view.words;
    let several = wall.live.pbx.len() > 1;
    let row = |queue: &QueueInPresence| {
        let totals = wall.figures.by_queue.get(&(queue.pbx.clone(), queue.queue.clone()));
        let waits = queue.waiting.is_some_and(|n| n > 0);
        html! {
            tr class=[waits.then_some("busy")] {
                th scope="row" { (text(&queue.queue)) @if several { " " span.soft { (text(&queue.pbx)) } } }
                td { @match queue.waiting { Some(n) => { b { (n) } }, None => (NOTHING) } }
                td { (since(queue.longest_since_ms, wall.now_ms)) }
                td { @match queue.free { Some(n) => bdi dir="ltr" { (n) " / " (queue.members) }, None => (NOTHING) } }
                td { (queue.paused) }
                td { (view.language.percent(totals.and_then(|totals| totals.service_level_offered))) }
                td { (totals.map_or_else(|| NOTHING.to_owned(), |totals| view.language.count(totals.abandoned))) }
            }
        }
    };
    html! {
        @if wall.live.queues.is_empty() { p.soft { (words.no_queues) } }
        @else {
            div.wide tabindex="0" role="group" aria-label=(words.queues) {
                table {
                    thead { tr {
                        @for name in [words.queue, words.waiting, words.longest_wait, words.free, words.paused, words.service_level, words.abandoned] {
                            th scope="col" { (name) }
                        }
                    } }
                    tbody { @for queue in &wall.live.queues { (row(queue)) } }
                }
            }
        }
    }
}

/// Class, sign and word of what an agent does.
fn state(view: &View, agent: &AgentInPresence) -> (&'static str, &'static str, String) {
    let words = view.words;
    let why = agent.why_not.as_str();
    let paused = |why: &str| {
        let reason = why.strip_prefix("paused (").and_then(|rest| rest.strip_suffix(')'));
        reason.map_or_else(|| words.a_paused.to_owned(), |reason| format!("{}: {}", words.a_paused, safe(reason)))
    };
    match why {
        _ if agent.free.is_none() => ("away", "?", words.unknown.to_owned()),
        "" => ("free", "●", words.a_free.to_owned()),
        "ringing" => ("rings", "◉", words.a_ringing.to_owned()),
        "on a call" | "phone in use" => ("talks", "◆", words.a_talking.to_owned()),
        _ if why.starts_with("callback ") => ("talks", "◆", words.a_callback.to_owned()),
        _ if why.starts_with("wrap-up") => ("wraps", "◐", words.a_wrap_up.to_owned()),
        _ if why.starts_with("paused") => ("pauses", "❚❚", paused(why)),
        _ => ("away", "○", words.a_away.to_owned()),
    }
}

fn agents(view: &View, agents: &[AgentInPresence], now_ms: Millis) -> Markup {
    html! {
        @if agents.is_empty() { p.soft { (view.words.no_agents) } }
        @else {
            ul.agents {
                @for agent in agents {
                    @let (class, sign, word) = state(view, agent);
                    li class=(class) {
                        b { (text(agent.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&agent.agent))) }
                        span { span aria-hidden="true" { (sign) } " " (word) " " (since(Some(agent.since_ms), now_ms)) }
                    }
                }
            }
        }
    }
}

fn last_missed(view: &View, wall: &Wall) -> Markup {
    let words = view.words;
    html! {
        @if wall.missed.is_empty() { p.soft { (words.no_misses) } }
        @else {
            div.wide tabindex="0" role="group" aria-label=(words.last_missed) {
                table.misses {
                    thead { tr { @for name in [words.called, words.number, words.queue, words.waited, words.since_then] { th scope="col" { (name) } } } }
                    tbody {
                        @for missed in &wall.missed {
                            @let call = &missed.stored.call;
                            tr data-call=(missed.stored.id) {
                                th scope="row" { bdi.num dir="ltr" { (view.language.moment(call.started_ms, &wall.figures.zone, wall.today)) } }
                                td { (look::number(view, call.number_e164.as_deref().or(call.number.as_deref()).map(look::masked).as_deref())) }
                                td { (text(call.queue.as_deref().unwrap_or(NOTHING))) }
                                td { bdi.num dir="ltr" { (clock(call.wait_ms)) } }
                                td { (fate(view, missed)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
