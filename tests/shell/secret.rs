//! The AMI secret: taken from where it is safe, refused with the fix where it is not.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use callbackd::config::Pbx;
use callbackd::daemon::secret::MAX_SECRET;
use callbackd::daemon::{Secret, SecretError};
use secrecy::ExposeSecret;
use tempfile::TempDir;

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn file(directory: &TempDir, name: &str, bytes: &[u8], mode: u32) -> PathBuf {
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn pbx(secret_file: Option<PathBuf>) -> Pbx {
    Pbx {
        name: callbackd_core::model::PbxId::new("main"),
        secret_file,
        ..crate::peer::pbx("127.0.0.1:5038", &directory())
    }
}

fn load(secret_file: Option<PathBuf>, credentials: Option<&Path>) -> Result<String, SecretError> {
    Secret::of(&pbx(secret_file), credentials).load().map(|secret| secret.expose_secret().to_owned())
}

#[test]
fn a_file_of_root_and_of_the_daemons_group_is_taken_but_not_one_that_the_group_can_change() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not root: a file cannot be given to a group");
        return;
    }
    let directory = directory();
    let path = file(&directory, "x", b"s3cret", 0o640);
    std::os::unix::fs::chown(&path, Some(0), Some(54_321)).unwrap();
    assert_eq!(load(Some(path.clone()), None).as_deref(), Ok("s3cret"));
    for mode in [0o644, 0o660, 0o650] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(load(Some(path.clone()), None), Err(SecretError::Exposed { path: path.clone(), mode }));
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::chown(&path, Some(54_321), Some(54_321)).unwrap();
    assert!(matches!(load(Some(path), None), Err(SecretError::Exposed { .. })), "it is not root's");
}

#[test]
fn a_file_that_only_its_owner_can_read_is_taken_without_its_line_end() {
    let directory = directory();
    for (bytes, mode) in [(&b"s3cret"[..], 0o600), (b"s3cret\n", 0o400), (b"s3cret\r\n", 0o600), (b"s3cret\n\n", 0o700)]
    {
        assert_eq!(load(Some(file(&directory, "x", bytes, mode)), None).as_deref(), Ok("s3cret"));
        std::fs::remove_file(directory.path().join("x")).unwrap();
    }
    assert_eq!(load(Some(file(&directory, "y", b" with spaces \n", 0o600)), None).as_deref(), Ok(" with spaces "));
}

#[test]
fn a_file_that_others_can_read_or_change_is_refused_with_its_mode_and_mend() {
    let directory = directory();
    for mode in [0o644, 0o640, 0o604, 0o620, 0o602, 0o660, 0o601, 0o666] {
        let path = file(&directory, "x", b"s3cret", mode);
        let error = load(Some(path.clone()), None).unwrap_err();
        assert_eq!(error, SecretError::Exposed { path: path.clone(), mode });
        let shown = path.display();
        assert_eq!(
            error.to_string(),
            format!("{shown} has mode {mode:04o}, so others can read or change it: chmod 600 {shown}")
        );
    }
}

#[test]
fn an_empty_file_is_refused() {
    let directory = directory();
    for bytes in [&b""[..], b"\n", b"\r\n\r\n"] {
        let path = file(&directory, "x", bytes, 0o600);
        assert_eq!(load(Some(path.clone()), None), Err(SecretError::Empty { path }));
    }
}

#[test]
fn what_is_not_one_line_of_text_is_refused() {
    let directory = directory();
    let long = vec![b'x'; MAX_SECRET as usize + 1];
    for bytes in [&b"one\ntwo"[..], b"nul\0", b"\xff\xfe", &long] {
        let path = file(&directory, "x", bytes, 0o600);
        assert_eq!(load(Some(path.clone()), None), Err(SecretError::NotALine { path }));
    }
    let longest = file(&directory, "y", &long[1..], 0o600);
    assert_eq!(load(Some(longest), None).map(|secret| secret.len()), Ok(MAX_SECRET as usize));
}

#[test]
fn what_is_no_file_is_refused() {
    let directory = directory();
    let absent = directory.path().join("absent");
    let error = load(Some(absent.clone()), None).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot read {}: no such file", absent.display()));
    let path = directory.path().to_owned();
    assert_eq!(load(Some(path.clone()), None), Err(SecretError::NotAFile { path }));
}

#[test]
fn a_credential_of_the_pbx_comes_before_the_common_one() {
    let directory = directory();
    file(&directory, "ami-secret", b"common\n", 0o440);
    assert_eq!(load(None, Some(directory.path())).as_deref(), Ok("common"));
    file(&directory, "ami-secret-main", b"own\n", 0o440);
    assert_eq!(load(None, Some(directory.path())).as_deref(), Ok("own"));
}

#[test]
fn a_configured_file_comes_before_credentials() {
    let (directory, credentials) = (directory(), directory());
    file(&credentials, "ami-secret", b"credential\n", 0o440);
    let path = file(&directory, "x", b"file\n", 0o600);
    assert_eq!(load(Some(path), Some(credentials.path())).as_deref(), Ok("file"));
}

#[test]
fn without_any_secret_both_ways_to_give_one_are_named() {
    let error = load(None, None).unwrap_err().to_string();
    assert!(error.contains("pbx.secret_file") && error.contains("LoadCredential=ami-secret:"), "{error}");
    let directory = directory();
    let error = load(None, Some(directory.path())).unwrap_err();
    assert_eq!(
        error,
        SecretError::NoCredential {
            pbx: callbackd_core::model::PbxId::new("main"),
            directory: directory.path().to_owned()
        }
    );
}

#[test]
fn a_secret_is_read_anew_each_time() {
    let directory = directory();
    let path = file(&directory, "x", b"old", 0o600);
    let secret = Secret::of(&pbx(Some(path.clone())), None);
    assert_eq!(secret.load().unwrap().expose_secret(), "old");
    std::fs::write(path, "new").unwrap();
    assert_eq!(secret.load().unwrap().expose_secret(), "new");
    assert!(!format!("{:?}", secret.load()).contains("new"));
}

#[test]
fn a_secret_that_others_can_replace_is_refused_with_the_directory_and_the_fix() {
    let directory = directory();
    let open = directory.path().join("open");
    std::fs::create_dir(&open).unwrap();
    let path = open.join("x");
    std::fs::write(&path, "s3cret").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    let said = load(Some(path.clone()), None).unwrap_err().to_string();
    assert!(said.contains("the directory of the secret can be changed by others (mode 0777)"), "{said}");
    assert!(said.ends_with(&format!("chmod go-w {}", open.display())), "{said}");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(load(Some(path), None).as_deref(), Ok("s3cret"));
}
