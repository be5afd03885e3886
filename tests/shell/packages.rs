//! The packages' scripts and lists, as far as they can be looked at without making one: tests/packages/test makes them and lives with them.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn a_shell_understands_every_script() {
    let scripts = ["deb/postinst", "deb/prerm", "deb/postrm", "rpm/pre", "rpm/post", "rpm/preun", "rpm/postun"];
    let scripts = scripts.map(|script| format!("config/packages/{script}"));
    let tests =
        ["tests/packages/build", "tests/packages/test", "tests/packages/inside", "systemd/unit"].map(str::to_owned);
    for script in scripts.into_iter().chain(tests) {
        let output = Command::new("sh").arg("-n").arg(root(&script)).output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn both_packages_say_the_same_three_steps_and_dial_nobody() {
    let steps = |path: &str| {
        let text = read(path);
        let begin = text.find("callbackd is installed").unwrap_or_else(|| panic!("{path}: {text}"));
        text[begin..].split("NEXT\n").next().unwrap().to_owned()
    };
    let said = steps("config/packages/deb/postinst");
    assert_eq!(said, steps("config/packages/rpm/post"));
    for words in [
        "1. callbackd setup",
        "2. callbackd check --connect",
        "3. systemctl enable --now callbackd",
        "makes no callbacks until",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    for script in ["config/packages/deb/postinst", "config/packages/rpm/post", "config/packages/rpm/pre"] {
        let text = read(script);
        let starts = text.lines().filter(|line| !line.starts_with("  3.")).any(|line| {
            line.contains("systemctl start") || line.contains("systemctl enable") || line.contains("--now")
        });
        assert!(!starts, "{script} starts something");
    }
    assert!(read("config/callbackd.toml").contains("\nenabled = false\n"));
}

#[test]
fn only_a_purge_removes_calls_and_secret() {
    for script in ["deb/postinst", "deb/prerm", "rpm/pre", "rpm/post", "rpm/preun", "rpm/postun"] {
        assert!(!read(&format!("config/packages/{script}")).contains("rm -"), "{script}");
    }
    let postrm = read("config/packages/deb/postrm");
    let (before, purge) = postrm.split_once("if [ \"$1\" = purge ]; then\n").unwrap();
    assert!(
        !before.contains("rm -") && purge.lines().next().unwrap().contains("rm -rf /var/lib/callbackd /etc/callbackd")
    );
}

#[test]
fn the_configuration_has_the_line_that_packages_for_an_older_systemd_need() {
    let lines: Vec<String> = read("config/callbackd.toml").lines().map(str::to_owned).collect();
    assert_eq!(lines.iter().filter(|line| *line == "# secret_file = \"ami-secret\"").count(), 1);
    assert!(read("config/packages/rpm/callbackd.spec").contains("%config(noreplace) /etc/callbackd/callbackd.toml\n"));
}
