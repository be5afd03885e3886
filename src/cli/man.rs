//! `callbackd man`: the manual pages, made of what the program itself knows: its commands, the shipped configuration, the database's schema.

use super::Cli;
use crate::ownership::{New, replace};
use crate::{config, store};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

/// Name of the manual, in the middle of each page's first line.
const MANUAL: &str = "callbackd";

/// Write the manual pages into a directory
#[derive(Debug, Clone, clap::Args)]
pub struct ManArgs {
    /// An existing directory; gets callbackd.8, callbackd-calls.8, …, callbackd.toml.5, callbackd-database.5
    pub directory: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// A page cannot be written.
pub fn run(args: &ManArgs) -> io::Result<()> {
    for (name, text) in pages() {
        replace(&args.directory.join(name), text.as_bytes(), New::default())?;
    }
    Ok(())
}

/// All pages, by the names of their files.
#[must_use]
pub fn pages() -> Vec<(String, String)> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let mut pages = Vec::new();
    of_command(&root, &mut pages);
    pages.push(("callbackd.toml.5".to_owned(), of_configuration(config::SHIPPED)));
    pages.push(("callbackd-database.5".to_owned(), of_schema()));
    pages
}

/// The page of a command, and those of its subcommands.
fn of_command(command: &Command, pages: &mut Vec<(String, String)>) {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        of_command(sub, pages);
    }
    let root = command.get_name() == "callbackd";
    let man = Man::new(command.clone()).section("8").source(source()).manual(MANUAL);
    let mut page = Vec::new();
    let synopsis = synopsis(&man, command);
    let parts = [
        man.render_name_section(&mut page),
        page.write_all(synopsis.as_bytes()),
        man.render_description_section(&mut page),
        man.render_options_section(&mut page),
    ];
    let visible = command.get_subcommands().any(|sub| !sub.is_hide_set());
    let rest = if visible { man.render_subcommands_section(&mut page) } else { Ok(()) };
    let failed = parts.into_iter().chain([rest]).find_map(Result::err);
    debug_assert!(failed.is_none(), "a Vec takes all that is written");
    let mut roff = Roff::new();
    if let Some(notes) = command.get_after_help() {
        roff.control("SH", ["NOTES"]);
        lines(&mut roff, &notes.to_string().lines().map(str::to_owned).collect::<Vec<_>>());
    }
    if root {
        of_the_whole(&mut roff);
    }
    let others = if root { "" } else { "callbackd(8), " };
    section(&mut roff, "SEE ALSO", &[&format!("{others}callbackd.toml(5), callbackd-database(5)")]);
    let rest = roff.render();
    let name = man.get_filename();
    let title = title(name.trim_end_matches(".8"), "8");
    pages.push((name, title + &String::from_utf8_lossy(&page) + &rest));
}

/// The first line of a page. Words are not broken and lines not filled with spaces: commands, keys and names stand as they are typed.
fn title(name: &str, section: &str) -> String {
    format!(".TH \"{name}\" \"{section}\" \"\" \"{}\" \"{MANUAL}\"\n.nh\n.ad l\n", source())
}

/// What must be given stands without brackets, an option with its value.
fn synopsis(man: &Man, command: &Command) -> String {
    let mut text = Vec::new();
    let written = man.render_synopsis_section(&mut text);
    debug_assert!(written.is_ok(), "a Vec takes all that is written");
    let text = String::from_utf8_lossy(&text);
    let mut parts = text.split("<\\fB");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (option, rest) = part.split_once("\\fR>").unwrap_or((part, ""));
        let long = option.replace('\\', "");
        let argument = command.get_arguments().find(|argument| argument.get_long() == long.strip_prefix("--"));
        let value = argument.and_then(|argument| argument.get_value_names()?.first());
        let value = value.map(|value| format!(" \\fI<{value}>\\fR")).unwrap_or_default();
        plain += &format!("\\fB{option}\\fR{value}{rest}");
    }
    plain
}

fn source() -> String {
    format!("callbackd {}", env!("CARGO_PKG_VERSION"))
}

fn of_the_whole(roff: &mut Roff) {
    let entries = |roff: &mut Roff, title: &str, entries: &[(&str, &str)]| {
        roff.control("SH", [title]);
        for (name, text) in entries {
            entry(roff, &[name]);
            paragraph(roff, text);
        }
    };
    entries(
        roff,
        "FILES",
        &[
            ("/etc/callbackd/callbackd.toml", "The configuration: callbackd.toml(5)."),
            (
                "/etc/callbackd/ami-secret",
                "The secret of the AMI user, one line, mode 600; ami-secret-NAME for one of several PBXs.",
            ),
            ("/var/lib/callbackd/calls.db", "The database: callbackd-database(5). Read by the group callbackd."),
            ("/run/callbackd/api.sock", "The API (HTTP with JSON). Who may write to it may give commands."),
            ("/usr/share/doc/callbackd", "AMI user, dialplan, alerts, what is safe, description of the API."),
        ],
    );
    entries(
        roff,
        "EXIT STATUS",
        &[
            ("0", "The command did what it was asked."),
            ("1", "It did its work, and its answer is no."),
            ("64", "Wrong arguments."),
            ("65", "The input is damaged: a capture, a file that is no database, a schema that was changed."),
            ("66", "There is no such file, or nothing to compare."),
            ("69", "What is needed is not there: the daemon, or the PBX."),
            ("70", "A bug of this program."),
            ("73, 77", "A file cannot be made, or must not be used by this user; the PBX refused the login."),
            ("74", "Reading or writing failed: a full disk."),
            (
                "75",
                "Later: another callbackd uses the database, it is locked, or the daemon of this version has not started once to bring it to its schema.",
            ),
            ("78", "The configuration is refused, or the database is of a newer callbackd."),
            ("130", "A signal broke it off in the middle; it says what is done and kept."),
        ],
    );
    entries(
        roff,
        "SIGNALS",
        &[
            ("HUP", "Reads the configuration again; one that is refused changes nothing."),
            ("TERM, INT", "Stops: calls in progress are stored as UNKNOWN and corrected after the restart."),
        ],
    );
    entries(
        roff,
        "ENVIRONMENT",
        &[
            ("CREDENTIALS_DIRECTORY", "Where systemd passes the secret, as ami-secret or ami-secret-NAME."),
            ("COMPLETE", "bash, zsh or fish: print the shell's completions: source <(COMPLETE=bash callbackd)."),
            ("NO_COLOR", "No colours."),
        ],
    );
}

/// A page of section 5.
fn page_of_a_file(name: &str, what: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{name} - {what}"))]);
    roff
}

/// What is explained above one or several lines.
#[derive(Default)]
struct Block {
    /// Lines of text, without their comment signs.
    text: Vec<String>,
    /// The keys that follow, with their values.
    keys: Vec<String>,
}

impl Block {
    fn end(&mut self, roff: &mut Roff) {
        let block = std::mem::take(self);
        let keys: Vec<&str> = block.keys.iter().map(String::as_str).collect();
        if !keys.is_empty() {
            entry(roff, &keys);
        } else if !block.text.is_empty() {
            roff.control("PP", []);
        }
        lines(roff, &block.text);
    }
}

fn of_configuration(text: &str) -> String {
    let mut roff = page_of_a_file("callbackd.toml", "configuration of callbackd(8)");
    section(
        &mut roff,
        "DESCRIPTION",
        &[
            "TOML. A key that is not given has the value that is shown here. What is marked as an example has no value of its own: the text says what holds then.",
            "callbackd check reads it and says what is wrong, with the line; systemctl reload callbackd takes it over.",
        ],
    );
    let mut block = Block::default();
    let mut list = false;
    for line in text.lines() {
        if list {
            // A list that takes several lines is one value.
            list = line != "]";
            if let Some(key) = block.keys.last_mut() {
                *key += if list && !key.ends_with('[') { " " } else { "" };
                *key += line.trim();
            }
        } else if let Some(table) = line.strip_prefix('[') {
            block.end(&mut roff);
            roff.control("SH", [&*format!("[{table}")]);
        } else if line.is_empty() {
            block.end(&mut roff);
        } else if let Some(comment) = line.strip_prefix('#') {
            let comment = comment.strip_prefix(' ').unwrap_or(comment);
            if is_key(comment) || comment.starts_with('[') && comment.ends_with(']') {
                block.keys.push(format!("{comment}   (example)"));
            } else {
                if !block.keys.is_empty() {
                    block.end(&mut roff);
                }
                block.text.push(comment.to_owned());
            }
        } else {
            list = line.ends_with('[');
            block.keys.push(line.to_owned());
        }
    }
    block.end(&mut roff);
    section(&mut roff, "SEE ALSO", &["callbackd(8), callbackd-check(8)"]);
    title("callbackd.toml", "5") + &roff.render()
}

/// `key = value`, as the configuration writes it.
fn is_key(line: &str) -> bool {
    line.split_once(" = ").is_some_and(|(key, _)| {
        !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_\"+".contains(c))
    })
}

fn of_schema() -> String {
    let mut roff = page_of_a_file("callbackd-database", "the database of callbackd(8)");
    section(
        &mut roff,
        "DESCRIPTION",
        &[
            "SQLite 3.37 or newer reads it (its tables are STRICT; an older one, as that of Debian 11, says \"malformed database schema\", and callbackd calls --csv serves there), also while the daemon runs:",
            "sqlite3 -readonly /var/lib/callbackd/calls.db. Only callbackd may write.",
            "Programs that shall last use callbackd-calls(8) --json or --csv, or the API.",
            "Times are milliseconds since 1970 UTC and end in _ms; durations are milliseconds and end in _ms too.",
        ],
    );
    for table in store::tables() {
        let kind = if table.is_view { "View" } else { "Table" };
        roff.control("SH", [&*format!("{kind} {}", table.name)]);
        let words = explained(&table.sql);
        let said = |column: &str| words.get(column).map(String::as_str);
        if let Some(about) = said("") {
            paragraph(&mut roff, about);
        }
        for column in &table.columns {
            entry(&mut roff, &[column]);
            // What a view takes over as it is, is explained there.
            if let Some(what) = said(column) {
                paragraph(&mut roff, what);
            }
        }
    }
    section(&mut roff, "SEE ALSO", &["callbackd(8), callbackd-calls(8), callbackd-backup(8), sqlite3(1)"]);
    title("callbackd-database", "5") + &roff.render()
}

/// The comments in the text of a table or view, by column; of itself by the empty name.
fn explained(text: &str) -> BTreeMap<String, String> {
    let mut words = BTreeMap::new();
    for (n, line) in text.lines().enumerate() {
        let (code, comment) = line.split_once("-- ").map_or((line, None), |(code, comment)| (code, Some(comment)));
        let code = code.trim();
        let column = if n == 0 { Some(String::new()) } else { column(code.strip_prefix("SELECT ").unwrap_or(code)) };
        if let (Some(column), Some(comment)) = (column, comment) {
            words.entry(column).or_insert_with(|| comment.to_owned());
        }
    }
    words
}

/// The column that a line of the schema defines: `name TYPE …` of a table, `expression AS name` or `name` of a view.
fn column(code: &str) -> Option<String> {
    let code = code.trim_end_matches(',');
    let name = match code.rsplit_once(" AS ") {
        Some((_, name)) => name.trim(),
        None => code.split_whitespace().next()?,
    };
    let name = name.rsplit('.').next().unwrap_or(name).trim_matches('"');
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    plain.then(|| name.to_owned())
}

/// What is explained next, in bold, one below another.
fn entry<'r>(roff: &'r mut Roff, names: &[&str]) -> &'r mut Roff {
    for (n, name) in names.iter().enumerate() {
        roff.control(if n == 0 { "TP" } else { "TQ" }, []).text([bold(*name)]);
    }
    roff
}

fn section(roff: &mut Roff, title: &str, text: &[&str]) {
    roff.control("SH", [title]);
    paragraph(roff, &text.join(" "));
}

fn paragraph(roff: &mut Roff, text: &str) {
    roff.text([roman(text)]);
}

/// Prose is filled; what is indented, as examples and lists are, stands as it is.
fn lines(roff: &mut Roff, text: &[String]) {
    let (mut is_example, mut is_item) = (false, false);
    for line in text {
        // What goes on an item of a list is prose.
        is_item = line.starts_with("* ") || is_item && line.starts_with("  ");
        let literal = line.starts_with("  ") && !is_item;
        if literal != is_example {
            roff.control(if literal { "nf" } else { "fi" }, []);
            is_example = literal;
        }
        if line.is_empty() {
            roff.control("PP", []);
            continue;
        }
        if line.starts_with("* ") {
            roff.control("br", []);
        }
        roff.text([roman(line.clone())]);
    }
    if is_example {
        roff.control("fi", []);
    }
}
