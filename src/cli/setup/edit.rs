//! Changes single keys of `callbackd.toml` and leaves everything else as it is written, comments too.

/// `text` with this key of this table set; `value` as TOML writes it.
#[must_use]
pub(crate) fn set(text: &str, table: &str, key: &str, value: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let header = format!("[{table}]");
    let is_header = |line: &str| line.trim_start().starts_with('[');
    let names = |line: &str| line.split('#').next().unwrap_or_default().trim() == header;
    let Some(begin) = lines.iter().position(|line| names(line)) else {
        lines.extend([String::new(), header.clone(), format!("{key} = {value}")]);
        return lines.join("\n") + "\n";
    };
    let end = lines[begin + 1..].iter().position(|line| is_header(line)).map_or(lines.len(), |at| begin + 1 + at);
    let sets = |line: &str| line.trim().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='));
    let here = |test: &dyn Fn(&str) -> bool| (begin + 1..end).find(|at| test(&lines[*at]));
    let line = format!("{key} = {value}");
    if let Some(at) = here(&|line| sets(line)) {
        let last = (at..end).find(|last| is_whole(&lines[at..=*last])).unwrap_or(at);
        lines.splice(at..=last, [line]);
    } else if let Some(at) = here(&|line| line.trim().strip_prefix('#').is_some_and(sets)) {
        // It is there as an example: the key goes below it.
        lines.insert(at + 1, line);
    } else {
        lines.insert(begin + 1, line);
    }
    lines.join("\n") + "\n"
}

/// As many brackets are closed as were opened, outside of texts.
fn is_whole(lines: &[String]) -> bool {
    let mut open = 0_i32;
    for line in lines {
        let mut quote = None;
        for c in line.chars() {
            match (c, quote) {
                ('#', None) => break,
                ('[', None) => open += 1,
                (']', None) => open -= 1,
                ('"' | '\'', None) => quote = Some(c),
                (c, Some(of)) if c == of => quote = None,
                _ => {}
            }
        }
    }
    open <= 0
}

/// A text of TOML.
#[must_use]
pub(crate) fn text(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A list of texts, on one line or on one for each.
#[must_use]
pub(crate) fn list<'t>(values: impl IntoIterator<Item = &'t str>) -> String {
    let texts: Vec<String> = values.into_iter().map(text).collect();
    let short = format!("[{}]", texts.join(", "));
    if short.len() <= 100 { short } else { format!("[\n    {},\n]", texts.join(",\n    ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_set_where_it_stands_and_nothing_else_changes() {
        let before = "# top\n[calls]\n# the list\ninbound = [\n    \"a]\",  # one\n    \"b\",\n]\nother = 1\n\n[gap]\n# cdr_csv = \"x\"\n";
        assert_eq!(
            set(before, "calls", "inbound", "[\"c\"]"),
            "# top\n[calls]\n# the list\ninbound = [\"c\"]\nother = 1\n\n[gap]\n# cdr_csv = \"x\"\n"
        );
        assert!(set(before, "gap", "cdr_csv", "\"y\"").ends_with("[gap]\n# cdr_csv = \"x\"\ncdr_csv = \"y\"\n"));
        assert!(set(before, "calls", "new", "2").contains("[calls]\nnew = 2\n"));
        assert!(set(before, "numbers", "region", "\"DE\"").ends_with("\n\n[numbers]\nregion = \"DE\"\n"));
        let once = set(before, "calls", "inbound", "[\"c\"]");
        assert_eq!(set(&once, "calls", "inbound", "[\"c\"]"), once);
    }
}
