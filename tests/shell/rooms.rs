//! Which room of the source imports which: the maps of both crates are held, and no arrow runs upwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each room of the core, below those that import it, with the rooms that it may import.
const CORE: &[(&str, &[&str])] = &[
    ("millis", &[]),
    ("order", &[]),
    ("ami", &["millis"]),
    ("model", &["millis", "order"]),
    ("verdict", &["millis", "model"]),
    ("tracker", &["ami", "millis", "model", "order", "verdict"]),
    ("callbacks", &["ami", "millis", "model", "order"]),
    ("reconcile", &["ami", "millis", "model", "order", "verdict"]),
];

/// Each room of the program, below those that import it, with the rooms that it may import.
const PROGRAM: &[(&str, &[&str])] = &[
    ("background", &[]),
    ("base64", &[]),
    ("exit", &[]),
    ("random", &[]),
    ("timing", &[]),
    ("ownership", &[]),
    ("records", &["ownership"]),
    ("language", &[]),
    ("report", &["base64", "language"]),
    ("config", &["exit", "language", "ownership", "records", "report", "timing"]),
    ("log", &["config"]),
    ("store", &["language", "ownership", "report", "timing"]),
    ("webhook", &["base64", "config", "store"]),
    ("sinks", &["base64", "log", "random", "store"]),
    ("api", &["background", "language", "random", "report", "store", "timing"]),
    ("demo", &["background", "store"]),
    (
        "daemon",
        &[
            "api",
            "background",
            "config",
            "exit",
            "log",
            "ownership",
            "records",
            "report",
            "sinks",
            "store",
            "timing",
            "webhook",
        ],
    ),
    (
        "cli",
        &[
            "api",
            "background",
            "config",
            "daemon",
            "demo",
            "exit",
            "language",
            "log",
            "ownership",
            "random",
            "records",
            "report",
            "sinks",
            "store",
            "webhook",
        ],
    ),
];

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The rooms that each room imports; `lib.rs`, `main.rs` and, in the program, the other crates are no rooms.
fn imports(root: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut files = Vec::new();
    rust_files(root, &mut files);
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in files {
        let first = path.strip_prefix(root).unwrap().iter().next().unwrap().to_str().unwrap();
        let room = first.trim_end_matches(".rs");
        if matches!(room, "lib" | "main" | "core" | "regex-cache") {
            continue;
        }
        let of_room = imports.entry(room.to_owned()).or_default();
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let named =
                line.split("crate::").skip(1).map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_'));
            of_room
                .extend(named.filter_map(|mut words| words.next()).filter(|other| *other != room).map(str::to_owned));
        }
    }
    imports
}

fn holds(root: &Path, map: &[(&str, &[&str])]) {
    let found = imports(root);
    let rooms: BTreeSet<&str> = map.iter().map(|(room, _)| *room).collect();
    assert_eq!(found.keys().map(String::as_str).collect::<BTreeSet<_>>(), rooms, "a room is not on the map");
    for (place, (room, may_import)) in map.iter().enumerate() {
        let below: BTreeSet<&str> = map[..place].iter().map(|(room, _)| *room).collect();
        assert!(may_import.iter().all(|other| below.contains(other)), "the map has an arrow upwards from {room}");
        let imported: BTreeSet<&str> =
            found[*room].iter().map(String::as_str).filter(|other| rooms.contains(other)).collect();
        assert_eq!(imported, may_import.iter().copied().collect(), "what {room} imports");
    }
}

#[test]
fn no_room_of_the_core_imports_one_above_it() {
    holds(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/core"), CORE);
}

#[test]
fn no_room_of_the_program_imports_one_above_it() {
    holds(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), PROGRAM);
}
