//! The tables `[gap]` and `[pbx.gap]`: Asterisk's own files of each PBX.

use super::Pbx;
use super::section::{Problems, Section, Text};
use crate::records::Files;
use std::ops::Range;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// What one table says.
struct Given {
    files: Files,
    pbx: Option<Text>,
    /// Where its files are named.
    spans: [Option<Range<usize>>; 2],
}

/// Gives each PBX its files; `own` are the PBXs' tables, in the same order. `[gap]` is about one PBX: the one that it names, or the first.
pub(super) fn read<'a, 'i: 'a>(
    root: &'a DeTable<'i>,
    own: impl Iterator<Item = Option<&'a DeTable<'i>>>,
    dir: &Path,
    pbxs: &mut [Pbx],
    problems: &Problems,
) {
    let mut given: Vec<Option<Given>> =
        own.map(|own| own.and_then(|own| table(own, "pbx.gap", dir, problems))).collect();
    for own in given.iter_mut().flatten() {
        if let Some(pbx) = own.pbx.take() {
            let help = "remove it: the files are those of the [[pbx]] above";
            problems.add(pbx.span, "`pbx` has no meaning in [pbx.gap]", "no meaning here", help);
        }
    }
    if let Some(all) = table(root, "gap", dir, problems) {
        let named = all.pbx.as_ref().map(|text| pbxs.iter().position(|pbx| pbx.name == *text.value));
        match (named.unwrap_or(Some(0)), &all.pbx) {
            (None, Some(text)) => {
                let names: Vec<&str> = pbxs.iter().map(|pbx| &*pbx.name).collect();
                let help = format!("name one of [[pbx]]: {}", names.join(", "));
                problems.add(text.span.clone(), "`gap.pbx` names no PBX", "no PBX has this name", help);
            }
            (Some(at), _) if at < given.len() => match &given[at] {
                None => given[at] = Some(all),
                Some(_) => twice(&pbxs[at].name, &all, problems),
            },
            _ => {}
        }
    }
    for (at, of) in given.iter().enumerate() {
        let Some(of) = of else { continue };
        let shared = |file: fn(&Files) -> Option<&std::path::PathBuf>| {
            let mine = file(&of.files)?;
            let before = given[..at].iter().zip(&*pbxs);
            before
                .filter_map(|(g, pbx)| Some((g.as_ref()?, pbx)))
                .find(|(g, _)| file(&g.files) == Some(mine))
                .map(|(_, pbx)| &*pbx.name)
        };
        let others = [("cdr_csv", shared(|f| f.cdr_csv.as_ref())), ("queue_log", shared(|f| f.queue_log.as_ref()))];
        for ((key, other), span) in others.into_iter().zip(&of.spans) {
            if let (Some(other), Some(span)) = (other, span) {
                let title = format!("two PBXs have the same `{key}`");
                let help = "each Asterisk writes files of its own: name those of this PBX";
                problems.add(span.clone(), title, format!("that of `{other}`"), help);
            }
        }
    }
    for (pbx, of) in pbxs.iter_mut().zip(given) {
        pbx.gap = of.map(|of| of.files).unwrap_or_default();
    }
}

fn twice(name: &str, all: &Given, problems: &Problems) {
    let of_pbx = all.pbx.as_ref().map(|text| text.span.clone());
    let Some(span) = of_pbx.or_else(|| all.spans.iter().flatten().next().cloned()) else { return };
    problems.add(
        span,
        format!("`{name}` has its files in [gap] and in [pbx.gap]"),
        "said twice",
        "keep what [pbx.gap] says and remove [gap]; or name in gap.pbx the PBX whose files [gap] is about",
    );
}

fn table(parent: &DeTable<'_>, shown: &str, dir: &Path, problems: &Problems) -> Option<Given> {
    let value = parent.get("gap")?;
    let DeValue::Table(table) = value.get_ref() else {
        let help = format!("write [{shown}] on a line of its own and the keys below it");
        problems.add(value.span(), "`gap` must be a table", "not a table", help);
        return None;
    };
    let section = Section::named("gap", shown, Some(table), problems);
    let path = |key, example| {
        let text = section.text(key, example)?;
        let path = dir.join(text.value);
        // One that is not there yet is written with the first call.
        if path.metadata().is_ok_and(|meta| !meta.is_file()) {
            let title = format!("`{shown}.{key}` is not a regular file");
            let help = format!("name the file that Asterisk writes, such as {example}");
            problems.add(text.span, title, "a named pipe, a device or a directory", help);
        }
        Some(path)
    };
    Some(Given {
        files: Files {
            cdr_csv: path("cdr_csv", "\"/var/log/asterisk/cdr-csv/Master.csv\""),
            queue_log: path("queue_log", "\"/var/log/asterisk/queue_log\""),
        },
        pbx: section.text("pbx", "\"pbx\""),
        spans: [section.span("cdr_csv"), section.span("queue_log")],
    })
}
