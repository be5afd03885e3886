//! The configuration as a file: who may own, change and replace it.

use callbackd::config::{Config, Tls};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn file(dir: &Path, bytes: &[u8], mode: u32) -> PathBuf {
    let path = dir.join("callbackd.toml");
    std::fs::write(&path, bytes).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn files_named_in_the_file_are_relative_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(
        dir.path(),
        b"[pbx]\ntls = true\ntls_ca_file = \"ca.pem\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"",
        0o640,
    );
    let config = Config::load(&path).unwrap();
    assert_eq!(config.pbx[0].tls, Some(Tls::CaFile(dir.path().join("ca.pem"))));
    assert_eq!(config.pbx[0].secret_file, Some(dir.path().join("secret")));
    assert_eq!(config.store.path, dir.path().join("calls.db"));
}

#[test]
fn a_file_that_others_can_change_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for mode in [0o666, 0o660, 0o602] {
        let path = file(dir.path(), b"", mode);
        let said = Config::load(&path).unwrap_err().to_string();
        assert!(
            said.contains(&format!("mode {mode:04o}")) && said.contains(&format!("chmod go-w {}", path.display())),
            "{said}"
        );
    }
    assert!(Config::load(&file(dir.path(), b"", 0o644)).is_ok());
}

#[test]
fn a_file_that_others_can_replace_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let open = dir.path().join("open");
    std::fs::create_dir(&open).unwrap();
    let path = file(&open, b"", 0o644);
    let link = dir.path().join("link.toml");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for (mode, taken) in [(0o777, false), (0o770, false), (0o1777, true), (0o755, true)] {
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(mode)).unwrap();
        for name in [&path, &link] {
            match Config::load(name) {
                Ok(_) => assert!(taken, "{mode:o} {name:?}"),
                Err(refusal) => {
                    let (said, hint) = (refusal.to_string(), format!("chmod go-w {}", open.display()));
                    assert!(!taken && said.contains(&format!("mode {mode:04o}")) && said.contains(&hint), "{said}");
                }
            }
        }
    }
}

#[test]
fn a_file_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("only root can give files away: not examined");
    }
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), b"", 0o644);
    for given in [path.as_path(), dir.path()] {
        std::os::unix::fs::chown(given, Some(64_001), None).unwrap();
        let said = Config::load(&path).unwrap_err().to_string();
        let hint = format!("chown root {}", given.display());
        assert!(said.contains("belongs to another user (uid 64001)") && said.contains(&hint), "{said}");
        std::os::unix::fs::chown(given, Some(0), None).unwrap();
    }
    assert!(Config::load(&path).is_ok());
}

#[test]
fn a_file_that_is_no_configuration_is_refused_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("none.toml");
    let said = Config::load(&missing).unwrap_err().to_string();
    assert!(
        said.contains("does not exist") && said.contains(&format!("callbackd check --config {}", missing.display())),
        "{said}"
    );
    assert!(Config::load(dir.path()).unwrap_err().to_string().contains("not a file"));
    let said = Config::load(&file(dir.path(), b"[pbx]\nname = \"\xff\"", 0o600)).unwrap_err().to_string();
    assert!(said.contains("line 2") && said.contains("UTF-8"), "{said}");
    let said = Config::load(&file(dir.path(), &vec![b'#'; (1 << 20) + 1], 0o600)).unwrap_err().to_string();
    assert!(said.contains("larger than 1 MiB"), "{said}");
}

#[test]
fn every_directory_and_every_link_up_to_the_root_counts_each_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("a/b/c");
    std::fs::create_dir_all(&deep).unwrap();
    let path = file(&deep, b"", 0o644);
    let open = |name: &str, mode: u32| {
        std::fs::set_permissions(dir.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    assert!(Config::load(&path).is_ok());
    for name in ["a", "a/b"] {
        open(name, 0o777);
        let (said, hint) = (Config::load(&path).unwrap_err().to_string(), dir.path().join(name).display().to_string());
        assert!(said.contains("mode 0777") && said.contains(&format!("chmod go-w {hint}")), "{said}");
        open(name, 0o755);
    }
    if !rustix::process::geteuid().is_root() {
        return eprintln!("only root can give links away: the rest is not examined");
    }
    // Root's file, in directories of root's, by a link of another user's in a directory such as /tmp; and by a link to that link.
    open("a", 0o1777);
    let theirs = dir.path().join("a/theirs.toml");
    std::os::unix::fs::symlink(&path, &theirs).unwrap();
    std::os::unix::fs::lchown(&theirs, Some(64_001), None).unwrap();
    let ours = dir.path().join("ours.toml");
    std::os::unix::fs::symlink("a/theirs.toml", &ours).unwrap();
    for name in [&theirs, &ours] {
        let said = Config::load(name).unwrap_err().to_string();
        assert!(
            said.contains("a link on the way to the configuration file belongs to another user (uid 64001)"),
            "{said}"
        );
        assert!(said.contains(&format!("chown -h root {}", theirs.display())), "{said}");
    }
    std::os::unix::fs::lchown(&theirs, Some(0), None).unwrap();
    assert!(Config::load(&ours).is_ok());
}

#[test]
fn a_named_pipe_is_refused_and_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("callbackd.toml");
    let (pipe, all) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600));
    rustix::fs::mknodat(rustix::fs::CWD, &path, pipe, all, 0).unwrap();
    assert!(Config::load(&path).unwrap_err().to_string().contains("the configuration is not a file"));
}

#[test]
fn what_stands_in_the_place_of_asterisks_files_and_is_no_file_is_refused_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[pbx]\nsecret_file = \"secret\"\n[gap]\ncdr_csv = \"Master.csv\"\nqueue_log = \"queue_log\"\n";
    let path = file(dir.path(), text.as_bytes(), 0o644);
    assert!(Config::load(&path).is_ok(), "they are written with the first call");
    let (pipe, all) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600));
    rustix::fs::mknodat(rustix::fs::CWD, dir.path().join("Master.csv"), pipe, all, 0).unwrap();
    std::fs::create_dir(dir.path().join("queue_log")).unwrap();
    let said = Config::load(&path).unwrap_err().render(false);
    for (key, place, example) in [("cdr_csv", "4:11", "cdr-csv/Master.csv"), ("queue_log", "5:13", "queue_log")] {
        assert!(said.contains(&format!("`gap.{key}` is not a regular file")) && said.contains(place), "{said}");
        assert!(
            said.contains(&format!("name the file that Asterisk writes, such as \"/var/log/asterisk/{example}")),
            "{said}"
        );
    }
}
