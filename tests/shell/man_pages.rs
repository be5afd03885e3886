//! The manual pages and completions are whole: every command, option, key, table and column is in them, and groff has nothing to object to.

use callbackd::cli::{Cli, man};
use callbackd::exit::Exit;
use callbackd::store;
use clap::{Command, CommandFactory};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command as Process, Stdio};

fn pages() -> BTreeMap<String, String> {
    man::pages().into_iter().collect()
}

/// The numbers in the first column of the operator's table of exit codes.
fn codes_of_the_table() -> Vec<u8> {
    let manual = include_str!("../../config/doc/operator.md");
    let table = manual.lines().skip_while(|line| !line.starts_with("| exit code |")).skip(2);
    let first = table.take_while(|line| line.starts_with('|')).filter_map(|line| line.split('|').nth(1));
    first.flat_map(|codes| codes.split(',')).map(|code| code.trim().parse().unwrap()).collect()
}

#[test]
fn every_exit_code_stands_in_the_operators_manual_and_the_manual_page_and_no_other() {
    let all: BTreeSet<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
    assert!(Exit::ALL.iter().all(|exit| Exit::from_code(exit.code()) == *exit));
    assert_eq!(codes_of_the_table().into_iter().collect::<BTreeSet<_>>(), all);
    let page = &pages()["callbackd.8"];
    let section = page.split("EXIT STATUS").nth(1).unwrap().split(".SH").next().unwrap();
    let words = section.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok());
    assert_eq!(words.collect::<BTreeSet<u8>>(), all);
}

/// A page as a person reads it, or what the tool objects to. `None` where groff is not installed.
fn rendered(page: &str) -> Option<(String, String)> {
    let groff = Process::new("groff")
        .args(["-man", "-Kutf8", "-Tutf8", "-ww", "-Wbreak", "-P-c", "-rLL=78n"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut groff = match groff {
        Ok(groff) => groff,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("groff is not installed here: not rendered");
            return None;
        }
        Err(error) => panic!("groff: {error}"),
    };
    let mut input = groff.stdin.take().unwrap();
    let page = page.to_owned();
    let writer = std::thread::spawn(move || input.write_all(page.as_bytes()));
    let output = groff.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    // Bold is a letter over itself.
    let mut plain = String::new();
    for c in text(output.stdout).chars() {
        if c == '\u{8}' {
            plain.pop();
        } else {
            plain.push(c);
        }
    }
    Some((plain, text(output.stderr)))
}

/// What is left of roff's escapes.
fn unescaped(page: &str) -> String {
    page.replace("\\-", "-")
        .replace("\\fB", "")
        .replace("\\fR", "")
        .replace("\\fI", "")
        .replace("\\*(Aq", "'")
        .replace("\\&", "")
}

fn visible<'c>(command: &'c Command, found: &mut Vec<&'c Command>) {
    found.push(command);
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        visible(sub, found);
    }
}

#[test]
fn every_command_has_a_page_with_all_its_options() {
    let pages = pages();
    let mut root = Cli::command();
    root.build();
    let mut commands = Vec::new();
    visible(&root, &mut commands);
    assert!(commands.len() > 30, "{}", commands.len());
    for command in commands {
        let name = command.get_display_name().unwrap_or("callbackd");
        let page = unescaped(pages.get(&format!("{name}.8")).unwrap_or_else(|| panic!("no page of {name}")));
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(page.contains(&format!(".SH NAME\n{name} - {about}\n")), "{name}: {about}\n{page}");
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            let shown = argument.get_long().map_or_else(
                || argument.get_value_names().map(|names| names[0].to_string()).unwrap_or_default(),
                |long| format!("--{long}"),
            );
            assert!(page.contains(&shown), "{name}: {shown}");
        }
    }
    assert!(!pages.contains_key("callbackd-man.8"), "what is hidden has none");
}

#[test]
fn the_page_of_the_configuration_has_every_key_and_its_words() {
    let pages = pages();
    let page = unescaped(&pages["callbackd.toml.5"]);
    let page_says = |line: &str| page.lines().any(|found| found == line);
    assert!(page_says("enabled = false") && page_says("site = \"berlin\"   (example)"), "{page}");
    let mut keys = 0;
    for line in include_str!("../../config/callbackd.toml").lines() {
        let bare = line.trim_start_matches('#').trim();
        let key = bare.split_once(" = ").filter(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        if let Some((key, _)) = key {
            keys += 1;
            assert!(page.contains(&format!("{key} = ")), "{key}");
        } else if !bare.is_empty() {
            assert!(page.contains(bare.trim_end_matches([',', ']', '['])), "{bare}");
        }
    }
    assert!(keys > 90, "{keys}");
}

#[test]
fn the_page_of_the_database_has_every_table_view_and_column() {
    let mut database = rusqlite::Connection::open_in_memory().unwrap();
    store::migrations().to_latest(&mut database).unwrap();
    let pages = pages();
    let page = unescaped(&pages["callbackd-database.5"]);
    let mut tables = database
        .prepare("SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'")
        .unwrap();
    let tables: Vec<(String, String)> =
        tables.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    assert!(tables.len() > 15, "{tables:?}");
    for (table, kind) in tables {
        let title = format!(".SH \"{} {table}\"\n", if kind == "table" { "Table" } else { "View" });
        let (_, rest) = page.split_once(&title).unwrap_or_else(|| panic!("{title}\n{page}"));
        let section = format!("{}\n", rest.split("\n.SH ").next().unwrap());
        let mut columns = database.prepare(&format!("SELECT name FROM pragma_table_info('{table}')")).unwrap();
        for column in columns.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap) {
            assert!(
                kind == "view" || !section.contains(&format!("\n{column}\n.TP\n")),
                "{table}.{column} says nothing"
            );
            assert!(section.contains(&format!("\n{column}\n")), "{table}.{column}\n{section}");
        }
    }
}

#[test]
fn groff_renders_all_without_a_warning_and_the_lines_fit() {
    for (name, page) in pages() {
        let Some((text, objections)) = rendered(&page) else { return };
        assert_eq!(objections, "", "{name}");
        assert!(text.contains("NAME") && text.contains("SEE ALSO"), "{name}: {text}");
        // Examples stand as they are: a command that has to be one line.
        let example = |line: &str| line.trim_start().starts_with("callbackd ");
        let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 110 && !example(line)).collect();
        assert!(wide.is_empty(), "{name}: {wide:#?}");
    }
}

#[test]
fn examples_stand_as_they_are_typed_and_no_word_is_broken() {
    let mut root = Cli::command();
    root.build();
    let mut commands = Vec::new();
    visible(&root, &mut commands);
    let pages = pages();
    let mut examples = 0;
    for command in commands {
        let name = command.get_display_name().unwrap_or("callbackd");
        let Some((text, _)) = rendered(&pages[&format!("{name}.8")]) else { return };
        assert!(!text.contains('\u{2010}'), "{name} breaks a word: {text}");
        let notes = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in notes.lines().filter(|line| line.starts_with("  ")) {
            examples += 1;
            assert!(text.lines().any(|shown| shown.trim() == line.trim()), "{name}: {line}\n{text}");
        }
    }
    assert!(examples > 50, "{examples}");
}

#[test]
fn the_synopsis_shows_what_must_be_given_with_its_value() {
    let page = unescaped(&pages()["callbackd-replay.8"]);
    assert!(page.contains("[-h|--help] --db <FILE> <FILE.ami>"), "{page}");
    assert!(!pages().values().any(|page| page.contains("[default: ]")), "an empty default says nothing");
}

#[test]
fn the_hidden_command_writes_them() {
    let dir = tempfile::tempdir().unwrap();
    let status = Process::new(env!("CARGO_BIN_EXE_callbackd")).arg("man").arg(dir.path()).status().unwrap();
    assert!(status.success());
    for (name, page) in pages() {
        assert_eq!(std::fs::read_to_string(dir.path().join(&name)).unwrap(), page, "{name}");
    }
    let nowhere = dir.path().join("nowhere");
    let output = Process::new(env!("CARGO_BIN_EXE_callbackd")).arg("man").arg(&nowhere).output().unwrap();
    assert_eq!(output.status.code(), Some(73));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write into"), "{output:?}");
}

/// What the shell is told to offer for the last of these words.
fn completed(words: &[&str]) -> Vec<String> {
    let output = Process::new(env!("CARGO_BIN_EXE_callbackd"))
        .env("COMPLETE", "fish")
        .arg("--")
        .arg("callbackd")
        .args(words)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[test]
fn shells_complete_commands_options_and_words() {
    for shell in ["bash", "zsh", "fish"] {
        let output = Process::new(env!("CARGO_BIN_EXE_callbackd")).env("COMPLETE", shell).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && script.contains("callbackd"), "{shell}: {script}");
        assert!(!script.contains("target/"), "it is for the program in PATH: {script}");
    }
    assert!(
        completed(&["cal"]).starts_with(&["callbacks".to_owned(), "calls".to_owned()])
            || completed(&["cal"]) == ["calls", "callbacks"]
    );
    assert!(!completed(&[""]).contains(&"man".to_owned()), "what is hidden is not offered");
    assert!(completed(&["calls", "--st"]).contains(&"--status".to_owned()));
    assert!(completed(&["calls", "--status", "NO"]).contains(&"NOANSWER".to_owned()));
}
