//! What every page looks like: its head, its way to the others, its foot; and how numbers and times of strangers are shown.

use super::view::View;
use crate::language::{Language, fill};
use crate::report::faces::format::{clock, safe};
use axum::response::Html;
use callbackd_core::millis::Millis;
use maud::{DOCTYPE, Markup, html};

/// A whole page; `at` is its own path, for the way to the others.
pub(crate) fn page(view: &View, title: &str, at: &str, body: &Markup) -> Html<String> {
    let words = view.words;
    let links = [("/wall", words.wall), ("/missed", words.missed), ("/report", words.report)];
    let page = html! {
        (DOCTYPE)
        html lang=(view.language.code()) dir=(view.language.direction()) data-theme=[view.theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · callbackd" }
                link rel="stylesheet" href="/assets/pages.css";
                link rel="icon" href="data:,";
                script src="/assets/pages.js" defer {}
            }
            body class={ "at" (at.replace('/', "-")) } {
                a.skip href="#content" { (words.skip) }
                header.bar {
                    span.name { "callbackd" }
                    @if let Some(session) = &view.session {
                        nav aria-label="callbackd" {
                            @for (path, name) in links {
                                a href=(kept(view, path)) aria-current=[(path == at).then_some("page")] { (name) }
                            }
                        }
                        form.out method="post" action="/logout" {
                            input type="hidden" name="form_key" value=(session.form_key);
                            span.soft title=(words.token) { (session.name) }
                            button.quiet type="submit" { (words.log_out) }
                        }
                    }
                }
                main id="content" { (body) }
                footer.foot {
                    nav aria-label=(words.language) {
                        @for language in Language::ALL {
                            a href=(view.link(&view.path, &[("lang", language.code())])) lang=(language.code()) hreflang=(language.code())
                                aria-current=[(language == view.language).then_some("true")] { (language.name()) }
                        }
                    }
                    span dir="ltr" { "callbackd " (env!("CARGO_PKG_VERSION")) }
                }
            }
        }
    };
    Html(page.into_string())
}

/// Another page, in the same language and colours if they were asked for by name.
fn kept(view: &View, path: &str) -> String {
    let fields: Vec<String> = ["lang", "theme"]
        .into_iter()
        .filter_map(|name| Some(format!("{name}={}", crate::api::percent(view.asked(name)?))))
        .collect();
    if fields.is_empty() { path.to_owned() } else { format!("{path}?{}", fields.join("&")) }
}

/// The line that says whether the page is live, and the part that the script puts in anew.
pub(crate) fn live(view: &View, kinds: &str, now_ms: Millis, part: &Markup) -> Markup {
    let words = view.words;
    html! {
        p.status {
            span.beat data-live=(words.live) data-old=(words.not_live) data-paused=(words.paused_page) role="status" { (words.live) }
            " " button.quiet id="pause" type="button" data-pause=(words.pause) data-resume=(words.go_on) { (words.pause) }
        }
        div id="live" data-kinds=(kinds) data-now=(now_ms) { (part) }
    }
}

/// A time that goes on: the script counts it further.
pub(crate) fn since(at_ms: Option<Millis>, now_ms: Millis) -> Markup {
    match at_ms {
        Some(at_ms) => html! { span.num data-since=(at_ms) dir="ltr" { (clock((now_ms - at_ms).max(0))) } },
        None => html! { "–" },
    }
}

/// A stranger's text, in its own direction.
pub(crate) fn text(text: &str) -> Markup {
    html! { bdi { (safe(text)) } }
}

/// A number, from left to right in every language.
pub(crate) fn number(view: &View, number: Option<&str>) -> Markup {
    match number {
        Some(number) => html! { bdi.num dir="ltr" { (safe(number)) } },
        None => html! { span.soft { (view.words.withheld) } },
    }
}

/// Enough of a number to know one's own, and not another's.
pub(crate) fn masked(number: &str) -> String {
    let all: Vec<char> = number.chars().collect();
    let keep = if all.len() >= 9 { 4 } else { 2 };
    let head: String = if all.len() >= 9 { all[..3].iter().collect() } else { String::new() };
    let tail: String = all[all.len().saturating_sub(keep)..].iter().collect();
    safe(&format!("{head}…{tail}"))
}

/// A mark and a word: never colour alone.
pub(crate) fn mark(class: &str, sign: &str, words: &str) -> Markup {
    html! { span class={ "mark " (class) } { span aria-hidden="true" { (sign) } " " (words) } }
}

/// A text with a gap, filled.
pub(crate) fn with(text: &str, what: impl std::fmt::Display) -> String {
    fill(text, what)
}
