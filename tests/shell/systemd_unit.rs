//! The systemd unit: accepted by systemd itself, and hardened. Without systemd-analyze only the text is examined.

use callbackd::exit::Exit;
use std::path::PathBuf;
use std::process::{Command, Output};

const UNIT: &str = include_str!("../../systemd/callbackd.service");

fn systemd(folder: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("systemd").join(folder)
}

/// `None` where the tool is not installed.
fn run(tool: &str, args: &[&str]) -> Option<Output> {
    match Command::new(tool).args(args).output() {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("{tool} is not installed here: not examined");
            None
        }
        other => Some(other.unwrap()),
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn its_exposure_is_at_most_1_5() {
    let unit = systemd("callbackd.service");
    let args = ["security", "--offline=true", "--threshold=15", "--no-pager", unit.to_str().unwrap()];
    let Some(output) = run("systemd-analyze", &args) else { return };
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("Overall exposure level for callbackd.service"), "{}", said(&output));
}

#[test]
fn systemd_understands_every_line() {
    let dir = tempfile::tempdir().unwrap();
    let unit = dir.path().join("callbackd.service");
    let here = UNIT.replace("/usr/bin/callbackd", "/bin/true");
    assert_ne!(here, UNIT);
    std::fs::write(&unit, here).unwrap();
    let Some(output) = run("systemd-analyze", &["verify", "--man=no", "--recursive-errors=no", unit.to_str().unwrap()])
    else {
        return;
    };
    assert!(output.status.success(), "{}", said(&output));
    assert!(!said(&output).contains("callbackd.service"), "{}", said(&output));
}

#[test]
fn a_misspelt_line_would_be_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let unit = dir.path().join("callbackd.service");
    std::fs::write(&unit, UNIT.replace("/usr/bin/callbackd", "/bin/true").replace("ProtectHome=", "ProtectHouse="))
        .unwrap();
    let Some(output) = run("systemd-analyze", &["verify", "--man=no", "--recursive-errors=no", unit.to_str().unwrap()])
    else {
        return;
    };
    assert!(said(&output).contains("ProtectHouse"), "{}", said(&output));
}

#[test]
fn exits_that_a_restart_cannot_mend_are_not_restarted() {
    let line = UNIT.lines().find_map(|l| l.strip_prefix("RestartPreventExitStatus=")).unwrap();
    assert_eq!(line, format!("{} {} {}", Exit::Usage.code(), Exit::Data.code(), Exit::Config.code()));
}

#[test]
fn a_database_that_is_in_use_is_tried_for_ever() {
    let value = |key: &str| UNIT.lines().find_map(|line| line.strip_prefix(key));
    assert_eq!((value("StartLimitIntervalSec="), value("Restart=")), (Some("0"), Some("on-failure")));
    let never = value("RestartPreventExitStatus=").unwrap();
    assert!(!never.split(' ').any(|code| code == "75"), "{never}");
}

#[test]
fn the_user_of_the_unit_is_made_by_sysusers() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("etc")).unwrap();
    let root_arg = format!("--root={}", root.path().display());
    let users = systemd("callbackd.sysusers");
    let Some(output) = run("systemd-sysusers", &[&root_arg, users.to_str().unwrap()]) else { return };
    assert!(output.status.success(), "{}", said(&output));
    let user = UNIT.lines().find_map(|l| l.strip_prefix("User=")).unwrap();
    let passwd = std::fs::read_to_string(root.path().join("etc/passwd")).unwrap();
    assert!(
        passwd.lines().any(|l| l.starts_with(&format!("{user}:")) && l.contains(":/var/lib/callbackd:")),
        "{passwd}"
    );
}

/// The unit for a systemd of this version.
fn unit_for(version: &str) -> String {
    let output = Command::new(systemd("unit")).arg(version).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Settings of a unit, in order.
fn settings(unit: &str) -> Vec<(&str, &str)> {
    unit.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('=')).collect()
}

/// The version of systemd that brought a setting.
fn since(setting: &str) -> u32 {
    let table = include_str!("../../systemd/directives").lines().filter(|line| !line.starts_with('#'));
    let mut found = table.filter_map(|line| line.split_once(' ')).filter(|(name, _)| *name == setting);
    let (_, version) = found.next().unwrap_or_else(|| panic!("{setting} is no setting of systemd"));
    assert!(found.next().is_none(), "{setting} is there twice");
    version.parse().unwrap()
}

#[test]
fn each_unit_says_only_what_its_systemd_knows() {
    assert_eq!(unit_for("252"), UNIT);
    for version in ["252", "239", "219"] {
        let unit = unit_for(version);
        let number: u32 = version.parse().unwrap();
        for (setting, value) in settings(&unit) {
            assert!(since(setting) <= number, "{setting} is not known to {version}");
            // Values that came later than their settings (NEWS of 231 and 232; manuals of RHEL 7).
            assert!(number >= 231 || !value.contains('@'), "{setting}={value} in {version}");
            assert!(number >= 232 || (setting, value) != ("ProtectSystem", "strict"), "in {version}");
            // An older systemd wants whole paths.
            assert!(!setting.starts_with("Exec") || value.starts_with('/'), "{setting}={value}");
        }
    }
}

#[test]
fn the_units_for_older_systemd_lose_nothing_that_can_be_said_there() {
    for version in ["239", "219"] {
        let unit = unit_for(version);
        for line in settings(UNIT).into_iter().filter(|(setting, _)| since(setting) <= version.parse().unwrap()) {
            let weakened =
                version == "219" && ["ProtectSystem", "SystemCallFilter", "SystemCallErrorNumber"].contains(&line.0);
            assert!(weakened || settings(&unit).contains(&line), "{line:?} in {version}");
        }
        assert!(!unit.contains("LoadCredential"), "{unit}");
        let (what, for_ever) =
            if version == "219" { ("StartLimitInterval", "0") } else { ("StartLimitIntervalSec", "0") };
        assert!(settings(&unit).contains(&(what, for_ever)), "{unit}");
    }
    for replaced in [("MemoryLimit", "512M"), ("ReadOnlyDirectories", "-/etc/callbackd"), ("ProtectSystem", "full")] {
        assert!(settings(&unit_for("219")).contains(&replaced), "{replaced:?}");
    }
}

#[test]
fn a_setting_that_nobody_has_looked_up_makes_no_unit() {
    let dir = tempfile::tempdir().unwrap();
    for file in ["unit", "directives", "callbackd.service"] {
        std::fs::copy(systemd(file), dir.path().join(file)).unwrap();
    }
    let unit = dir.path().join("callbackd.service");
    std::fs::write(&unit, UNIT.replace("ProtectHome=", "ProtectHouse=")).unwrap();
    let output = Command::new(dir.path().join("unit")).arg("239").output().unwrap();
    assert!(!output.status.success() && said(&output).contains("ProtectHouse is not in"), "{}", said(&output));
}

#[test]
fn the_units_of_the_report_and_of_the_collector_are_understood_by_each_systemd() {
    for name in ["callbackd-report.service", "callbackd-report.timer", "callbackd-collect.service"] {
        let of = |version: &str| {
            let output = Command::new(systemd("unit")).args([version, name]).output().unwrap();
            assert!(output.status.success(), "{}", said(&output));
            String::from_utf8(output.stdout).unwrap()
        };
        assert_eq!(of("252"), std::fs::read_to_string(systemd(name)).unwrap());
        for version in ["239", "219"] {
            let unit = of(version);
            for (setting, _) in settings(&unit) {
                assert!(since(setting) <= version.parse().unwrap(), "{setting} is not known to {version}");
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let timer = dir.path().join("callbackd-report.timer");
    std::fs::copy(systemd("callbackd-report.timer"), &timer).unwrap();
    let service = std::fs::read_to_string(systemd("callbackd-report.service")).unwrap();
    let here = service.replace("/usr/bin/callbackd", "/bin/true");
    assert_ne!(here, service);
    std::fs::write(dir.path().join("callbackd-report.service"), here).unwrap();
    let Some(output) =
        run("systemd-analyze", &["verify", "--man=no", "--recursive-errors=no", timer.to_str().unwrap()])
    else {
        return;
    };
    assert!(output.status.success(), "{}", said(&output));
    assert!(!said(&output).contains("callbackd-report"), "{}", said(&output));
}

#[test]
fn the_report_is_sent_by_a_program_that_may_be_setgid() {
    let unit = std::fs::read_to_string(systemd("callbackd-report.service")).unwrap();
    // systemd.exec(5) names them where NoNewPrivileges= is described: each brings it with it.
    for setting in [
        "NoNewPrivileges",
        "SystemCall",
        "Restrict",
        "PrivateDevices",
        "LockPersonality",
        "ProtectKernel",
        "ProtectClock",
        "ProtectHostname",
        "MemoryDeny",
        "DynamicUser",
    ] {
        assert!(!unit.lines().any(|line| line.starts_with(setting)), "{setting}");
    }
}
