//! Charts as SVG, which take their colours from the page: bars, bars in two parts, a line, a heat map. Each says in words what it shows; the numbers
//! stand in a table beside it.

use crate::language::{Language, fill_all};
use std::fmt::Write as _;

/// A text of ours as it may stand in HTML and in attributes. A stranger's is made safe first.
#[must_use]
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// One bar: what it is, how much of it was answered, and how much was not.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    /// Below it.
    pub(crate) label: String,
    /// The lower part.
    pub(crate) good: u64,
    /// The upper part.
    pub(crate) bad: u64,
}

const WIDTH: u32 = 720;
const HEIGHT: u32 = 210;
/// Room for the numbers of an axis: `100.0 %`, `100,000`.
const LEFT: u32 = 56;
const BOTTOM: u32 = 24;
const TOP: u32 = 12;

/// A number that the axis can end with, not below `most`.
fn round_up(most: u64) -> u64 {
    let mut unit = 1;
    loop {
        // Four lines across, each at a whole number.
        for step in [4, 8, 12, 16, 20, 24, 28, 32, 36] {
            if step * unit >= most {
                return step * unit;
            }
        }
        unit *= 10;
    }
}

#[allow(clippy::cast_precision_loss, reason = "no count of calls comes near 2^53")]
fn at(value: u64, most: u64) -> f64 {
    f64::from(HEIGHT - TOP - BOTTOM) * value as f64 / most as f64
}

fn open(title: &str, height: u32) -> String {
    opened(r#"class="chart""#, title, height)
}

fn opened(attributes: &str, title: &str, height: u32) -> String {
    format!(
        r#"<svg {attributes} viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{}"><title>{}</title>"#,
        escape(title),
        escape(title)
    )
}

/// A label below the axis, in the middle of what it is of; one that would go over the edge ends there.
fn below(x: f64, label: &str) -> String {
    /// Half of a letter.
    const HALF: f64 = 4.0;
    let half = HALF * label.chars().map(|_| 1.0).sum::<f64>();
    let (x, anchor) = if x + half > f64::from(WIDTH) { (f64::from(WIDTH), "end") } else { (x, "middle") };
    format!(r#"<text class="axis" x="{x:.1}" y="{}" text-anchor="{anchor}">{}</text>"#, HEIGHT - 7, escape(label))
}

/// Bars beside each other, of two parts each.
#[must_use]
pub(crate) fn bars(language: Language, title: &str, bars: &[Bar]) -> String {
    let most = round_up(bars.iter().map(|bar| bar.good + bar.bad).max().unwrap_or(0));
    let mut out = open(title, HEIGHT);
    let base = f64::from(HEIGHT - BOTTOM);
    for n in [most / 4, most / 2, most * 3 / 4, most] {
        let y = base - at(n, most);
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            r#"<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1}" y2="{y:.1}"/><text class="axis" x="{}" y="{:.1}" text-anchor="end">{}</text>"#,
            LEFT - 6,
            y + 4.0,
            language.count(n)
        );
    }
    #[allow(clippy::cast_precision_loss, reason = "there are few bars")]
    let step = f64::from(WIDTH - LEFT) / bars.len().max(1) as f64;
    let wide = (step * 0.68).min(48.0);
    // Labels that would touch are left out.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
    let every = (44.0 / step).ceil().max(1.0) as usize;
    for (n, bar) in bars.iter().enumerate() {
        #[allow(clippy::cast_precision_loss, reason = "there are few bars")]
        let middle = f64::from(LEFT) + step * (n as f64 + 0.5);
        let (good, bad) = (at(bar.good, most), at(bar.bad, most));
        let x = middle - wide / 2.0;
        let _ = write!(
            out,
            r#"<g><title>{}</title><rect class="good" x="{x:.1}" y="{:.1}" width="{wide:.1}" height="{good:.1}"/><rect class="bad" x="{x:.1}" y="{:.1}" width="{wide:.1}" height="{bad:.1}"/></g>"#,
            escape(&fill_all(
                language.report().tip_bar,
                &[&bar.label, &language.count(bar.good), &language.count(bar.bad)]
            )),
            base - good,
            base - good - bad,
        );
        if n % every == 0 {
            out.push_str(&below(middle, &bar.label));
        }
    }
    let _ = write!(out, r#"<line class="base" x1="{LEFT}" x2="{WIDTH}" y1="{base}" y2="{base}"/></svg>"#);
    out
}

/// Shares over the hours, with the target as a line across; where there is nothing to say there is no point.
#[must_use]
pub(crate) fn level(language: Language, title: &str, labels: &[String], shares: &[Option<f64>], target: f64) -> String {
    let mut out = open(title, HEIGHT);
    let base = f64::from(HEIGHT - BOTTOM);
    let y = |share: f64| base - f64::from(HEIGHT - TOP - BOTTOM) * share;
    for n in [0.25, 0.5, 0.75, 1.0] {
        let _ = write!(
            out,
            r#"<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{0:.1}" y2="{0:.1}"/><text class="axis" x="{1}" y="{2:.1}" text-anchor="end">{3}</text>"#,
            y(n),
            LEFT - 4,
            y(n) + 4.0,
            language.percent(Some(n))
        );
    }
    let _ = write!(out, r#"<line class="target" x1="{LEFT}" x2="{WIDTH}" y1="{0:.1}" y2="{0:.1}"/>"#, y(target));
    #[allow(clippy::cast_precision_loss, reason = "there are few hours")]
    let step = f64::from(WIDTH - LEFT) / labels.len().max(1) as f64;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
    let every = (44.0 / step).ceil().max(1.0) as usize;
    let mut last: Option<(f64, f64)> = None;
    let mut points = String::new();
    for (n, (label, share)) in labels.iter().zip(shares).enumerate() {
        #[allow(clippy::cast_precision_loss, reason = "there are few hours")]
        let x = f64::from(LEFT) + step * (n as f64 + 0.5);
        if n % every == 0 {
            out.push_str(&below(x, label));
        }
        let Some(share) = share else {
            last = None;
            continue;
        };
        if let Some((before_x, before_y)) = last {
            let _ = write!(
                out,
                r#"<line class="line" x1="{before_x:.1}" y1="{before_y:.1}" x2="{x:.1}" y2="{:.1}"/>"#,
                y(*share)
            );
        }
        let class = if *share < target { "point below" } else { "point" };
        let shape = if *share < target {
            format!(r#"<rect class="{class}" x="{:.1}" y="{:.1}" width="9" height="9"/>"#, x - 4.5, y(*share) - 4.5)
        } else {
            format!(r#"<circle class="{class}" cx="{x:.1}" cy="{:.1}" r="4.5"/>"#, y(*share))
        };
        let _ = write!(points, r"<g><title>{}: {}</title>{shape}</g>", escape(label), language.percent(Some(*share)));
        last = Some((x, y(*share)));
    }
    let _ = write!(out, r#"{points}<line class="base" x1="{LEFT}" x2="{WIDTH}" y1="{base}" y2="{base}"/></svg>"#);
    out
}

/// Calls by weekday and hour: the more, the darker; each cell has its number.
#[must_use]
pub(crate) fn heat(language: Language, title: &str, rows: &[(&str, [u64; 24])]) -> String {
    const CELL: u32 = 28;
    /// Room for a weekday.
    const LEFT: u32 = 44;
    let most = rows.iter().flat_map(|(_, hours)| hours).copied().max().unwrap_or(0).max(1);
    let height = 20 + CELL * u32::try_from(rows.len()).unwrap_or(7);
    let mut out = open(title, height);
    for (hour, x) in (0..24).zip((LEFT..).step_by(CELL as usize)) {
        let _ = write!(out, r#"<text class="axis" x="{}" y="13" text-anchor="middle">{hour:02}</text>"#, x + CELL / 2);
    }
    for ((day, hours), y) in rows.iter().zip((20..).step_by(CELL as usize)) {
        let _ = write!(out, r#"<text class="axis" x="{}" y="{}" text-anchor="end">{day}</text>"#, LEFT - 6, y + 18);
        for ((hour, calls), x) in hours.iter().enumerate().zip((LEFT..).step_by(CELL as usize)) {
            // From 1 to 6, so that a single call is seen.
            let shade = if *calls == 0 { 0 } else { 1 + calls * 5 / most };
            let _ = write!(
                out,
                r#"<g class="h{shade}"><title>{day} {hour:02}:00: {}</title><rect x="{x}" y="{y}" width="{w}" height="{w}" rx="3"/>"#,
                language.counted(language.report().n_calls, *calls, &[]),
                w = CELL - 2
            );
            if *calls > 0 {
                let _ = write!(
                    out,
                    r#"<text x="{}" y="{}" text-anchor="middle">{}</text>"#,
                    x + CELL / 2 - 1,
                    y + 17,
                    short(language, *calls)
                );
            }
            out.push_str("</g>");
        }
    }
    out.push_str("</svg>");
    out
}

/// A number in four characters at most.
#[allow(clippy::cast_precision_loss, reason = "a small number")]
fn short(language: Language, n: u64) -> String {
    match n {
        ..1_000 => n.to_string(),
        1_000..10_000 => format!("{}k", language.decimal((n / 100) as f64 / 10.0, 1)),
        1_000_000.. => format!("{}M", n / 1_000_000),
        _ => format!("{}k", n / 1_000),
    }
}

/// Parts of a whole in one bar: label, class and how many.
#[must_use]
pub(crate) fn parts(language: Language, title: &str, parts: &[(&str, &str, u64)]) -> String {
    let all: u64 = parts.iter().map(|(_, _, n)| n).sum();
    // Stretched where it is narrow: then it has no text, and the numbers stand below it.
    let mut out = opened(r#"class="chart parts" preserveAspectRatio="none""#, title, 34);
    let mut x = 0.0;
    for (label, class, n) in parts.iter().filter(|(_, _, n)| *n > 0) {
        #[allow(clippy::cast_precision_loss, reason = "no count of calls comes near 2^53")]
        let wide = f64::from(WIDTH) * *n as f64 / all.max(1) as f64;
        let _ = write!(
            out,
            r#"<g class="{class}"><title>{}: {}</title><rect x="{x:.1}" y="0" width="{:.1}" height="34"/>"#,
            escape(label),
            language.count(*n),
            (wide - 2.0).max(1.0)
        );
        if wide > 34.0 {
            let _ = write!(
                out,
                r#"<text x="{:.1}" y="22" text-anchor="middle">{}</text>"#,
                x + wide / 2.0 - 1.0,
                language.count(*n)
            );
        }
        out.push_str("</g>");
        x += wide;
    }
    out.push_str("</svg>");
    out
}
