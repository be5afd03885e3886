//! Asterisk's own configuration files, as `main/config.c` reads them: sections, templates, includes, comments.

use callbackd_core::order::InOrder as _;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Files within files; more are a circle.
const DEEPEST: usize = 8;

/// One file with all that it includes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Conf {
    /// Sections in their order; a name may come several times.
    pub(crate) sections: Vec<Section>,
    /// Files and patterns of files that it includes, as they are written.
    pub(crate) includes: BTreeSet<String>,
}

/// One section, with what its templates say before its own lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Section {
    /// Its name.
    pub(crate) name: String,
    /// Keys in small letters, and values; a key may come several times.
    pub(crate) lines: Vec<(String, String)>,
    /// It is for others to build upon, and nothing itself.
    pub(crate) is_template: bool,
}

impl Section {
    /// The last value of a key, which is the one that counts.
    #[must_use]
    pub(crate) fn last(&self, key: &str) -> Option<&str> {
        self.lines.iter().rev().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// A word that Asterisk takes for yes (`main/utils.c`, `ast_true`).
    #[must_use]
    pub(crate) fn is_on(&self, key: &str) -> bool {
        let yes =
            |value: &str| ["yes", "true", "y", "t", "1", "on"].iter().any(|word| value.eq_ignore_ascii_case(word));
        self.last(key).is_some_and(yes)
    }
}

impl Conf {
    /// Reads `name` in `directory`; what is not there or not readable is empty.
    #[must_use]
    pub(crate) fn read(directory: &Path, name: &str) -> Self {
        let mut conf = Self::default();
        conf.file(directory, &directory.join(name), DEEPEST);
        conf
    }

    /// All sections of this name as one.
    #[must_use]
    pub(crate) fn section(&self, name: &str) -> Option<Section> {
        let mut all = self.sections.iter().filter(|section| section.name == name && !section.is_template).peekable();
        all.peek()?;
        Some(Section {
            name: name.to_owned(),
            lines: all.flat_map(|section| section.lines.clone()).collect(),
            is_template: false,
        })
    }

    fn file(&mut self, directory: &Path, path: &Path, deeper: usize) {
        let Ok(bytes) = std::fs::read(path) else { return };
        let mut in_comment = false;
        for line in String::from_utf8_lossy(&bytes).lines() {
            let line = bare(line, &mut in_comment);
            if line.is_empty() {
                continue;
            }
            if let Some(rest) = line.strip_prefix("#include").or_else(|| line.strip_prefix("#tryinclude")) {
                let name = rest.trim().trim_matches(['"', '<', '>', '\'']);
                self.includes.insert(name.to_owned());
                if deeper > 0 {
                    for file in fitting(&directory.join(name)) {
                        self.file(directory, &file, deeper - 1);
                    }
                }
            } else if let Some((name, rest)) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
                self.begin(name, rest.trim());
            } else if let (Some((key, value)), Some(section)) = (line.split_once('='), self.sections.last_mut()) {
                let value = value.strip_prefix('>').unwrap_or(value);
                section.lines.push((key.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
    }

    /// `[name](template,!)`, `[name](+)`.
    fn begin(&mut self, name: &str, options: &str) {
        let options = options.strip_prefix('(').and_then(|options| options.split(')').next()).unwrap_or_default();
        let options: Vec<&str> = options.split(',').map(str::trim).filter(|option| !option.is_empty()).collect();
        let inherited = options.iter().filter(|option| !["!", "+"].contains(option)).filter_map(|template| {
            self.sections.iter().rev().find(|section| section.name == **template).map(|section| section.lines.clone())
        });
        let lines = inherited.flatten().collect();
        self.sections.push(Section { name: name.to_owned(), lines, is_template: options.contains(&"!") });
    }
}

/// A line without what is a comment; `;-- … --;` may go over several.
fn bare<'l>(line: &'l str, in_comment: &mut bool) -> &'l str {
    let mut line = line.trim();
    if *in_comment {
        let Some((_, rest)) = line.split_once("--;") else { return "" };
        *in_comment = false;
        line = rest.trim();
    }
    let mut at = 0;
    while let Some(found) = line[at..].find(';') {
        let found = at + found;
        if line[..found].ends_with('\\') {
            at = found + 1;
            continue;
        }
        *in_comment = line[found..].starts_with(";--")
            && !line[found..].starts_with(";---")
            && !line[found + 3..].contains("--;");
        return line[..found].trim();
    }
    line
}

/// The files that a name with `*` in its last part fits, in order; one without stands for itself.
fn fitting(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !name.contains(['*', '?']) {
        return vec![path.to_owned()];
    }
    let (directory, pattern) = (path.parent().unwrap_or(Path::new("/")), wildmatch::WildMatch::new(&name));
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| pattern.matches(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect();
    files.order_by(Ord::cmp);
    files
}
