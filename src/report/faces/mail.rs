//! The report as a message after RFC 5322 and 2045: its text, its page, and the page once more as a file, since programs that read mail leave charts out.

use super::glance::title;
use super::{Report, glance};
use crate::base64;
use crate::language::{Language, fill_all};
use jiff::Timestamp;

/// Longest line of encoded text (RFC 2045, 6.8), characters.
const LINE: usize = 76;
/// So many bytes of a text make an encoded word that is not longer than 75 characters (RFC 2047, 2).
const WORD: usize = 42;

/// Site, days and the headline figures.
#[must_use]
pub(crate) fn subject(site: &str, report: &Report<'_>) -> String {
    let (language, totals) = (report.language, &report.figures.totals);
    let (words, days) = (language.report(), title(report.window, language));
    if report.figures.quality.calls == 0 {
        return fill_all(words.subject_none, &[&site, &days]);
    }
    let [missed, won_back] = [totals.missed, totals.won_back].map(|n| language.count(n));
    let calls = language.counted(words.n_calls, totals.inbound, &[]);
    let level = language.percent(totals.service_level_offered);
    fill_all(words.subject, &[&site, &days, &calls, &missed, &won_back, &level]).replace('\u{a0}', " ")
}

/// The text for a program that shows no page: in English what a terminal shows, else quality and headline figures.
#[must_use]
pub(crate) fn text(report: &Report<'_>) -> String {
    let language = report.language;
    if language == Language::En {
        return super::text::text(report);
    }
    let mut out = vec![title(report.window, language), String::new()];
    out.extend(glance::quality(report, language));
    if report.figures.quality.calls > 0 {
        out.push(String::new());
        out.extend(glance::lines(report, language).into_iter().map(|line| {
            let before =
                if line.before.is_empty() { String::new() } else { format!(" ({}, {})", line.before, line.change) };
            format!("{}{}: {}{before}", if line.below { "  " } else { "" }, line.name, line.now)
        }));
    }
    out.extend([String::new(), language.report().whole_as_page.to_owned(), String::new()]);
    out.join("\n")
}

/// A whole message. `name`: of the file, without its ending; letters, digits and `-`. No text of strangers stands in its head.
#[must_use]
pub(crate) fn compose(to: &str, subject: &str, name: &str, report: &Report<'_>, page: &str) -> String {
    let date = Timestamp::from_millisecond(report.made_ms)
        .ok()
        .and_then(|at| jiff::fmt::rfc2822::to_string(&at.to_zoned(report.zone.clone())).ok())
        .map_or_else(String::new, |date| format!("Date: {date}\n"));
    let to: String = to.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
    // Neither boundary can stand in base64.
    format!(
        "To: {to}\nSubject: {}\n{date}Message-ID: <{name}.{}@callbackd.invalid>\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=\"_whole_\"\n\n\
         --_whole_\nContent-Type: multipart/alternative; boundary=\"_faces_\"\n\n\
         --_faces_\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n{}\
         --_faces_\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n{page}\
         --_faces_--\n\
         --_whole_\nContent-Type: text/html; charset=utf-8; name=\"{name}.html\"\nContent-Transfer-Encoding: base64\n\
         Content-Disposition: attachment; filename=\"{name}.html\"\n\n{page}\
         --_whole_--\n",
        header(subject),
        report.made_ms,
        lines(&text(report)),
        page = lines(page),
    )
}

/// A text as a header's value: encoded words where it is not plain.
fn header(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    if text.is_ascii() {
        return text;
    }
    let mut words = vec![String::new()];
    for c in text.chars() {
        if words.last().is_some_and(|word| word.len() + c.len_utf8() > WORD) {
            words.push(String::new());
        }
        words.last_mut().into_iter().for_each(|word| word.push(c));
    }
    let words: Vec<String> =
        words.iter().map(|word| format!("=?utf-8?B?{}?=", base64::encode(word.as_bytes()))).collect();
    words.join("\n ")
}

/// Base64 in lines.
fn lines(text: &str) -> String {
    let encoded = base64::encode(text.as_bytes());
    let mut out = String::with_capacity(encoded.len() + encoded.len() / LINE + 1);
    for (n, c) in encoded.chars().enumerate() {
        if n > 0 && n % LINE == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out.push('\n');
    out
}
