//! The text form of Prometheus, version 0.0.4: families of metrics, each described once.

use callbackd_core::model::tally::Histogram;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What a family of metrics is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Names of labels and their values.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

/// Metrics in the order in which they were first named.
#[derive(Default)]
pub(super) struct Families {
    order: Vec<&'static str>,
    text: BTreeMap<&'static str, String>,
}

impl Families {
    pub(super) fn put(&mut self, kind: Kind, name: &'static str, help: &str, labels: Labels<'_>, value: f64) {
        let text = self.family(kind, name, help);
        line(text, name, "", labels, None, value);
    }

    /// A histogram whose values are in parts of a second, so many to one.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
    pub(super) fn seconds(&mut self, name: &'static str, help: &str, labels: Labels<'_>, of: &Histogram, parts: f64) {
        let text = self.family(Kind::Histogram, name, help);
        for (bound, count) in of.up_to() {
            let bound = (bound as f64 / parts).to_string();
            line(text, name, "_bucket", labels, Some(&bound), count as f64);
        }
        line(text, name, "_bucket", labels, Some("+Inf"), of.count() as f64);
        line(text, name, "_sum", labels, None, of.sum() as f64 / parts);
        line(text, name, "_count", labels, None, of.count() as f64);
    }

    fn family(&mut self, kind: Kind, name: &'static str, help: &str) -> &mut String {
        let order = &mut self.order;
        self.text.entry(name).or_insert_with(|| {
            order.push(name);
            let kind = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            format!("# HELP callbackd_{name} {help}\n# TYPE callbackd_{name} {kind}\n")
        })
    }

    pub(super) fn text(self) -> String {
        self.order.iter().filter_map(|name| self.text.get(name).map(String::as_str)).collect()
    }
}

fn line(text: &mut String, name: &str, part: &str, labels: Labels<'_>, le: Option<&str>, value: f64) {
    let labels = labels.iter().copied().chain(le.map(|le| ("le", le)));
    let labels: Vec<String> = labels.map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    // Into memory: it cannot fail.
    let _ = writeln!(text, "callbackd_{name}{part}{labels} {value}");
}

/// As the text form wants the value of a label.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_escaped_and_a_family_is_described_once() {
        let mut all = Families::default();
        for queue in ["sa\"les\\", "line\nbreak"] {
            all.put(Kind::Gauge, "queue_callers", "Callers.", &[("queue", queue)], 2.0);
        }
        let expected = "# HELP callbackd_queue_callers Callers.\n# TYPE callbackd_queue_callers gauge\n\
             callbackd_queue_callers{queue=\"sa\\\"les\\\\\"} 2\ncallbackd_queue_callers{queue=\"line\\nbreak\"} 2\n";
        assert_eq!(all.text(), expected);
    }

    #[test]
    fn each_bucket_of_a_histogram_holds_those_below_it_too() {
        let (mut all, mut waits) = (Families::default(), Histogram::new([20_000, 500]));
        [500, 501, 20_000, 90_000].into_iter().for_each(|ms| waits.add(ms));
        all.seconds("wait_seconds", "Waits.", &[("pbx", "b")], &waits, 1_000.0);
        let expected = "# HELP callbackd_wait_seconds Waits.\n# TYPE callbackd_wait_seconds histogram\n\
             callbackd_wait_seconds_bucket{pbx=\"b\",le=\"0.5\"} 1\ncallbackd_wait_seconds_bucket{pbx=\"b\",le=\"20\"} 3\n\
             callbackd_wait_seconds_bucket{pbx=\"b\",le=\"+Inf\"} 4\ncallbackd_wait_seconds_sum{pbx=\"b\"} 111.001\n\
             callbackd_wait_seconds_count{pbx=\"b\"} 4\n";
        assert_eq!(all.text(), expected);
    }
}
