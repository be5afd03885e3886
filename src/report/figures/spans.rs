//! Spans of time: their union, how many there are at once, and for how long.

use callbackd_core::millis::Millis;

/// From and to, ms.
pub(crate) type Span = (Millis, Millis);

/// The spans within a window, without what is empty.
#[must_use]
pub(crate) fn within(spans: impl IntoIterator<Item = Span>, (from, to): Span) -> Vec<Span> {
    spans.into_iter().map(|(a, b)| (a.max(from), b.min(to))).filter(|(a, b)| a < b).collect()
}

/// The same time as spans that neither overlap nor touch, in their order.
#[must_use]
pub(crate) fn union(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut out: Vec<Span> = Vec::with_capacity(spans.len());
    for (from, to) in spans {
        match out.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => out.push((from, to)),
        }
    }
    out
}

/// Time that is covered, ms.
#[must_use]
pub(crate) fn length(spans: Vec<Span>) -> Millis {
    union(spans).iter().map(|(from, to)| to - from).sum()
}

/// What is in the first and not in the second; both are unions.
#[must_use]
pub(crate) fn without(spans: &[Span], holes: &[Span]) -> Vec<Span> {
    let mut out = Vec::new();
    for &(begins, to) in spans {
        let mut from = begins;
        for &(hole_from, hole_to) in holes {
            if hole_to > from && hole_from < to {
                if hole_from > from {
                    out.push((from, hole_from));
                }
                from = hole_to;
            }
        }
        if from < to {
            out.push((from, to));
        }
    }
    out
}

/// How many spans hold at each time: from which moment on how many, in order. Spans that touch do not overlap.
#[must_use]
pub(crate) fn levels(spans: &[Span]) -> Vec<(Millis, i64)> {
    let mut steps: Vec<(Millis, i64)> = spans.iter().flat_map(|&(from, to)| [(from, 1), (to, -1)]).collect();
    steps.sort_unstable();
    let mut level = 0;
    let mut out: Vec<(Millis, i64)> = Vec::with_capacity(steps.len());
    for (at, step) in steps {
        level += step;
        match out.last_mut() {
            Some(last) if last.0 == at => last.1 = level,
            _ => out.push((at, level)),
        }
    }
    out
}

/// The most at once.
#[must_use]
pub(crate) fn most(spans: &[Span]) -> u64 {
    levels(spans).iter().map(|(_, level)| level.unsigned_abs()).max().unwrap_or(0)
}

/// How long there were at least so many, ms.
#[must_use]
pub(crate) fn time_at(spans: &[Span], least: u32) -> Millis {
    let levels = levels(spans);
    levels.windows(2).filter(|pair| pair[0].1 >= i64::from(least)).map(|pair| pair[1].0 - pair[0].0).sum()
}

/// How long there were more of the first than of the second, ms.
#[must_use]
pub(crate) fn time_more(first: &[Span], second: &[Span]) -> Millis {
    let mut steps: Vec<(Millis, i64)> = first.iter().flat_map(|&(from, to)| [(from, 1), (to, -1)]).collect();
    steps.extend(second.iter().flat_map(|&(from, to)| [(from, -1), (to, 1)]));
    steps.sort_unstable();
    let (mut level, mut at, mut sum) = (0, 0, 0);
    for (next, step) in steps {
        if level > 0 {
            sum += next - at;
        }
        (level, at) = (level + step, next);
    }
    sum
}
