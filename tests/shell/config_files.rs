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
