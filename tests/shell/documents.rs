//! README and the manuals: short where it is to be short, and every link leads somewhere.

use std::path::Path;

const MANUALS: [&str; 7] = [
    "README.md",
    "config/doc/operator.md",
    "config/doc/manager.md",
    "config/doc/integrator.md",
    "config/doc/many-sites.md",
    "config/doc/SECURITY.md",
    "config/doc/contributing.md",
];

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a heading is called in a link: as GitHub and GitLab do.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn readme_is_a_front_door_that_leads_to_every_manual() {
    let text = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    assert!(text.lines().count() <= 200, "{} lines", text.lines().count());
    for manual in &MANUALS[1..] {
        assert!(text.contains(&format!("]({manual}")), "README does not lead to {manual}");
    }
    let commands: Vec<&str> =
        text.lines().filter(|line| line.starts_with("    cargo") || line.starts_with("    tests/all")).collect();
    assert!(commands[0].starts_with("    cargo run --release -- demo "), "{commands:?}");
    assert!(commands[1].starts_with("    tests/all "), "{commands:?}");
}

#[test]
fn every_link_of_readme_and_manuals_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut links = 0;
    for manual in MANUALS {
        let path = root.join(manual);
        let text = read(&path);
        for (at, _) in text.match_indices("](") {
            let link = text[at + 2..].split(')').next().unwrap();
            if link.contains("://") {
                continue;
            }
            links += 1;
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let text = read(&file);
            let mut anchors = text
                .lines()
                .filter(|line| line.starts_with('#'))
                .map(|line| anchor(line.trim_start_matches('#').trim()));
            assert!(heading.is_empty() || anchors.any(|there| there == heading), "{manual}: {link}");
        }
    }
    assert!(links > 10, "{links}");
}

/// All tests and unit tests, as text.
fn all_tests(under: &Path, text: &mut String) {
    for entry in std::fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all_tests(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *text += &read(&path);
        }
    }
}

#[test]
fn each_promise_of_the_threat_model_names_tests_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = String::new();
    ["src", "tests"].iter().for_each(|part| all_tests(&root.join(part), &mut tests));
    let text = read(&root.join("config/doc/SECURITY.md"));
    let table = text.split("## The tests that hold it").nth(1).expect("the table");
    let rows = table.lines().filter(|line| line.starts_with("| ")).skip(1);
    let mut promises = 0;
    for row in rows {
        promises += 1;
        let named: Vec<&str> = row.rsplit(" | ").next().unwrap().split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{row}");
        for test in named {
            assert!(tests.contains(&format!("fn {test}()")), "there is no test {test}");
        }
    }
    assert!(promises > 15, "{promises}");
}
