//! Why a command failed, and the exit status that says so.

use crate::error::Error;

pub type Result<T, E = Failure> = std::result::Result<T, E>;

#[derive(Debug)]
pub enum Failure {
    /// The command was used wrongly, in a way that the parser cannot see.
    Usage(String),
    /// The command could not start: settings, folder or database do not let it.
    Start(Error),
    /// Refused or failed on this machine.
    Failed(Error),
    /// The server refused, with the code of its answer.
    Refused { code: String, message: String },
    /// No server, or none of ours.
    Server(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Setup(_) => Self::Start(error),
            _ => Self::Failed(error),
        }
    }
}

impl Failure {
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Start(_) => 2,
            Self::Failed(_) | Self::Refused { .. } | Self::Server(_) => 1,
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::Start(error) | Self::Failed(error) => error.chain().to_string(),
            Self::Usage(message) | Self::Refused { message, .. } | Self::Server(message) => message.clone(),
        }
    }

    /// Whether the thing asked for is not there, here or at the server.
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Failed(error) => matches!(error, Error::NotFound(_)),
            Self::Refused { code, .. } => code == "not_found",
            _ => false,
        }
    }
}
