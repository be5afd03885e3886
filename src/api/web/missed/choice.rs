//! Which missed callers are wanted, in which order; and the form that says so.

use super::rows::List;
use crate::api::web::view::View;
use crate::report::faces::format::safe;
use maud::{Markup, html};

/// What became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    ToDo,
    Lost,
    Won,
}

impl Tab {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::ToDo => "open",
            Self::Lost => "lost",
            Self::Won => "won",
        }
    }
}

/// What is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) tab: Tab,
    pub(crate) pbx: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) did: Option<String>,
    /// Part of a number or a name.
    pub(crate) search: Option<String>,
    pub(crate) from: Option<String>,
    /// The last day.
    pub(crate) to: Option<String>,
    /// A column, and whether the greatest comes first.
    pub(crate) sort: Option<(String, bool)>,
}

impl Choice {
    pub(crate) fn of(view: &View) -> Self {
        let field = |name: &str| view.asked(name).map(str::to_owned);
        let tab = match view.asked("state") {
            Some("lost") => Tab::Lost,
            Some("won") => Tab::Won,
            _ => Tab::ToDo,
        };
        let sort = field("sort").map(|sort| match sort.strip_prefix('-') {
            Some(column) => (column.to_owned(), true),
            None => (sort, false),
        });
        Self {
            tab,
            pbx: field("pbx"),
            queue: field("queue"),
            did: field("did"),
            search: field("search"),
            from: field("from"),
            to: field("to"),
            sort,
        }
    }

    /// Not everybody.
    pub(crate) fn chooses(&self) -> bool {
        [&self.pbx, &self.queue, &self.did, &self.search, &self.from, &self.to].into_iter().any(Option::is_some)
    }
}

pub(crate) fn form(view: &View, list: &List) -> Markup {
    let words = view.words;
    let choice = &list.choice;
    let select = |name: &str, label: &str, all: &[String], chosen: Option<&str>| {
        html! {
            label { span { (label) }
                select name=(name) {
                    option value="" { (words.all) }
                    @for one in all { option value=(one) selected[chosen == Some(one)] { (safe(one)) } }
                    @if let Some(other) = chosen.filter(|chosen| !all.iter().any(|one| one == chosen)) { option value=(other) selected { (safe(other)) } }
                }
            }
        }
    };
    html! {
        form.choice method="get" action="/missed" role="search" {
            input type="hidden" name="state" value=(choice.tab.as_str());
            @if list.pbxs.len() > 1 || choice.pbx.is_some() { (select("pbx", words.pbx, &list.pbxs, choice.pbx.as_deref())) }
            (select("queue", words.queue, &list.queues, choice.queue.as_deref()))
            (select("did", words.did, &list.dids, choice.did.as_deref()))
            label { span { (words.from_day) } input type="date" name="from" value=[choice.from.as_deref()]; }
            label { span { (words.to_day) } input type="date" name="to" value=[choice.to.as_deref()]; }
            label { span { (words.search) } input type="search" name="search" value=[choice.search.as_deref()] maxlength="60"; }
            button type="submit" { (words.show) }
            a.export href=(view.link("/missed.csv", &[])) { (words.export) }
        }
    }
}

/// A column's name, by which the list can be sorted.
pub(crate) fn header(view: &View, choice: &Choice, key: &str, name: &str) -> Markup {
    let now = choice.sort.as_ref().filter(|(column, _)| column == key).map(|(_, down)| *down);
    let next = if now == Some(false) { format!("-{key}") } else { key.to_owned() };
    let (order, sign) = match now {
        None => (None, ""),
        Some(false) => (Some("ascending"), " ▲"),
        Some(true) => (Some("descending"), " ▼"),
    };
    html! {
        th scope="col" aria-sort=[order] {
            @if key.is_empty() { (name) } @else {
                a href=(view.link("/missed", &[("sort", &next)])) { (name) span aria-hidden="true" { (sign) } }
            }
        }
    }
}
