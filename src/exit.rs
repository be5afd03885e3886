//! Exit codes: sysexits(3), whose names systemd prints.

use std::process::ExitCode;

/// Why the process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// The command did what it was asked.
    Ok = 0,
    /// The command ran and its answer is no: `check --connect` found something missing.
    No = 1,
    /// `EX_USAGE`: arguments that do not parse, or make no sense together. systemd does not restart.
    Usage = 64,
    /// `EX_DATAERR`: the input is damaged: a capture, or a file that is not a database.
    Data = 65,
    /// `EX_NOINPUT`: an input file does not exist or cannot be read.
    NoInput = 66,
    /// `EX_UNAVAILABLE`: what is needed is not there: nothing listens at the address.
    Unavailable = 69,
    /// `EX_SOFTWARE`: a bug of this program.
    Software = 70,
    /// `EX_CANTCREAT`: an output file cannot be created.
    CantCreate = 73,
    /// `EX_IOERR`: reading or writing failed: a full disk, a broken database.
    IoError = 74,
    /// `EX_TEMPFAIL`: try again later: another daemon holds the database, or has not brought it to this program's schema yet.
    TempFail = 75,
    /// `EX_NOPERM`: the PBX refused the login, or a file must not be used by this user.
    NoPermission = 77,
    /// `EX_CONFIG`: the configuration was refused, or a secret that it names is missing, unreadable or open to others: no restart
    /// fixes that. systemd does not restart.
    Config = 78,
    /// Ctrl-C or SIGTERM in the middle of a command that can be broken off: 128 + SIGINT, as shells have it. What was done by then is said.
    Interrupted = 130,
}

impl Exit {
    /// All of them, by their numbers.
    pub const ALL: &[Self] = &[
        Self::Ok,
        Self::No,
        Self::Usage,
        Self::Data,
        Self::NoInput,
        Self::Unavailable,
        Self::Software,
        Self::CantCreate,
        Self::IoError,
        Self::TempFail,
        Self::NoPermission,
        Self::Config,
        Self::Interrupted,
    ];

    /// The number that the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl Exit {
    /// The exit for a number; a number that is none of these is a bug of this program.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        Self::ALL.iter().copied().find(|exit| exit.code() == code).unwrap_or(Self::Software)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
