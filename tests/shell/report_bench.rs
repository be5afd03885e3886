//! `tests/bench/report`: a database of 200,000 calls with a realistic shape, of which `callbackd report` finds every one. How fast it is says a release
//! build alone.

use std::path::Path;
use std::process::Command;

#[test]
fn a_year_of_200_000_calls_is_reported_whole() {
    let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/report"))
        .args(["--calls", "200000", "--runs", "1", env!("CARGO_BIN_EXE_callbackd")])
        .output()
        .expect("python3");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 7, "{said}");
    assert!(lines[1].starts_with("358 days counted by the daemon in "), "{said}");
    assert!(lines[2].starts_with("200000 calls of 365 days, "), "{said}");
    assert!(lines[4].contains(": a day of ") && lines[5].contains(": a year of 200000 calls: "), "{said}");
    assert!(lines[6].contains(": a year by calls of 200000 calls: "), "{said}");
    let calls: u64 = lines[4].split(" a day of ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((500..1_000).contains(&calls), "a busy day has more calls than a Sunday: {calls}");
}
