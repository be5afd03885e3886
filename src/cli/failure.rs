//! Why a command that speaks to the daemon or its database failed: one line for standard error, and an exit code.

use crate::api::client::ClientError;
use crate::exit::Exit;
use crate::records::RecordsError;
use crate::store;
use std::io::{self, ErrorKind};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The daemon refused or did not answer.
    #[error(transparent)]
    Daemon(#[from] ClientError),
    /// The database could not be used.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Asterisk's records could not be read.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// An argument, or a file that it names.
    #[error("{0}")]
    Usage(String),
    /// What was named does not exist.
    #[error("{0}")]
    Missing(String),
    /// The daemon does not run; what its database knows was said.
    #[error("the daemon does not run")]
    NotRunning,
    /// The daemon runs, but does not see these PBXs: what it knows of them is old.
    #[error("not seen now: {0}")]
    Unseen(String),
    /// It was done, and the answer is no.
    #[error("{0}")]
    No(String),
    /// What was to be sent was not taken.
    #[error("not sent: {0}")]
    NotSent(String),
    /// What was asked for elsewhere did not come.
    #[error("no report: {0}")]
    NotRead(String),
    /// A signal came before it was done; what was done is said.
    #[error("interrupted: {0}")]
    Interrupted(String),
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    /// The code with which the program ends, from `sysexits.h`; 1 where the daemon said no.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Daemon(ClientError::NotRunning(_))
            | Self::NotRunning
            | Self::Unseen(_)
            | Self::NotSent(_)
            | Self::NotRead(_) => Exit::Unavailable.code(),
            Self::Daemon(ClientError::NoPermission(_)) => Exit::NoPermission.code(),
            // It could not be understood, as when no PBX has the name.
            Self::Daemon(ClientError::Refused { status: 400, .. }) => Exit::Usage.code(),
            Self::Daemon(ClientError::Refused { .. }) | Self::No(_) => Exit::No.code(),
            Self::Daemon(ClientError::Broken(_)) => Exit::Software.code(),
            Self::Store(error) => error.exit_code(),
            Self::Records(RecordsError::Unreadable { .. } | RecordsError::NotAFile { .. }) => Exit::NoInput.code(),
            Self::Records(RecordsError::NoCdr { .. } | RecordsError::NoZone { .. } | RecordsError::Damaged { .. }) => {
                Exit::Data.code()
            }
            Self::Records(RecordsError::Gone { .. }) => Exit::TempFail.code(),
            Self::Usage(_) => Exit::Usage.code(),
            Self::Missing(_) => Exit::NoInput.code(),
            Self::Interrupted(_) => Exit::Interrupted.code(),
            Self::Output(_) => Exit::IoError.code(),
        }
    }

    /// A reader of the output that has gone away (`EPIPE`) is no failure.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == ErrorKind::BrokenPipe)
    }
}
