//! The one error type of the library: named by what a caller can do about it, with the facts as data.
//! It knows neither HTTP nor SQL; `http::problem` turns it into an answer and `cli` into a message.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::domain::{Slug, UserId, Version, dependencies::Missing};

pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Everything that can go wrong, by what the caller can do. `Display` never prints the source: the chain is logged
/// once, at the edge, so that no answer carries a path or a statement.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No token, or one that is not (or no longer) valid.
    #[error("{0}")]
    Unauthenticated(String),
    /// A valid caller without the right to do this.
    #[error("{0}")]
    Forbidden(String),
    /// A caller without the publish right, or publishing under somebody else's slug.
    #[error("{0}")]
    PublishNotAllowed(String),
    /// Absent, or somebody else's.
    #[error("{0} not found")]
    NotFound(String),
    /// The address exists, for other methods.
    #[error("this address answers {allow}")]
    MethodNotAllowed { allow: String },
    /// Was here once and will not come back.
    #[error("{0}")]
    Gone(String),
    #[error("{0}")]
    AlreadyExists(String),
    /// The version exists with other content, for ever.
    #[error("{slug} {version} is already published with other content; published versions never change")]
    VersionTaken { slug: String, version: String },
    #[error("{slug} {version} was yanked: {reason}")]
    Yanked { slug: String, version: String, reason: String },
    /// The request is well-formed but contradicts what is stored.
    #[error("{0}")]
    Conflict(String),
    /// The release does not fit the host application, or an older plugin would replace what a newer one wrote.
    #[error("{0}")]
    IncompatibleVersion(String),
    #[error("{slug} needs {}", needed(.missing))]
    DependencyMissing { slug: Slug, missing: Vec<Missing>, propose: Vec<Proposal> },
    /// The first slug again at the end.
    #[error("these plugins need each other, so none can be the first: {}", joined(.cycle, " -> "))]
    DependencyCycle { cycle: Vec<Slug> },
    /// Others need the plugin; nearest first.
    #[error("{slug} is needed by {}", joined(.chain, ", "))]
    DependencyRequired { slug: Slug, chain: Vec<Slug> },
    /// Switched off by the administrator for everybody.
    #[error("{0} is switched off by the administrator")]
    Unavailable(String),
    #[error("{what} is too large: {}the limit is {limit} bytes", .actual.map(|a| format!("{a} bytes, ")).unwrap_or_default())]
    TooLarge { what: &'static str, limit: u64, actual: Option<u64> },
    #[error("{what} has {actual} items, the limit is {limit}")]
    TooMany { what: &'static str, limit: u64, actual: u64 },
    /// The client's picture of the object is not the current one.
    #[error("the object has changed since it was read")]
    PreconditionFailed { current: Option<Value> },
    /// The policy of the plugin's state wants every write to say what it replaces.
    #[error("this plugin's state is only written with If-Match, or If-None-Match: *")]
    PreconditionRequired,
    /// A state entry is there already; the words that BrainDrive frontends know.
    #[error("Plugin state already exists. Use PUT to update.")]
    StateExists { current: Value },
    #[error("{what}: {actual} where {limit} is the most")]
    QuotaExceeded { what: &'static str, limit: u64, actual: u64 },
    /// A stored document is damaged; the other entries go on working.
    #[error("the stored document of state entry {entry} is damaged")]
    StateCorrupt { entry: String },
    #[error("the range lies outside the file of {size} bytes")]
    RangeNotSatisfiable { size: u64 },
    /// Nothing there is in a form that the client takes.
    #[error("{0}")]
    NotAcceptable(String),
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// The body is not JSON, or not UTF-8.
    #[error("malformed JSON: {0}")]
    MalformedJson(String),
    /// The request itself cannot be read (a multipart body without end, for instance).
    #[error("{0}")]
    BadRequest(String),
    /// Readable input with invalid content: every violation at once.
    #[error("{}", summary(.errors))]
    Validation { errors: Vec<Violation> },
    /// An archive or its manifest that cannot become a release.
    #[error("{}", summary(.errors))]
    InvalidPackage { step: Step, errors: Vec<Violation> },
    /// An address that this server does not fetch from.
    #[error("{message}")]
    SourceRefused { step: Step, message: String },
    /// What an address names could not be fetched, or is not what it should be.
    #[error("{message}")]
    SourceFailed { step: Step, message: String },
    /// A package that could not be installed, for one of the reasons above.
    #[error("{}", .0.cause)]
    InstallFailed(Box<InstallFailure>),
    #[error("too many at a time; try again in {retry_after_seconds} s")]
    RateLimited { retry_after_seconds: u64 },
    /// Nothing is wrong with the request; the same one can work a moment later.
    #[error("{what} is busy; try again")]
    Busy { what: &'static str },
    /// The database or the plugins folder failed, or holds something damaged.
    #[error("{context}")]
    Storage { context: String, source: Option<Source> },
    /// The server's own settings or surroundings do not allow the start.
    #[error("{0}")]
    Setup(String),
}

/// One violated rule. `pointer` is a JSON pointer into the body, the name of an archive entry, or the name of a query
/// parameter; empty for the input as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    pub pointer: String,
    pub message: String,
}

/// A release whose installation would meet a dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposal {
    pub slug: Slug,
    pub version: Version,
}

/// Where taking in a package failed; the words that BrainDrive frontends know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    UrlParsing,
    ReleaseLookup,
    DownloadAndExtract,
    FileExtraction,
    PluginValidation,
    SetupAndCopy,
    LifecycleManagerInstall,
    Unknown,
}

/// Everything that whoever wanted to install a package is told.
#[derive(Debug)]
pub struct InstallFailure {
    pub step: Step,
    /// None where the package was not understood that far.
    pub slug: Option<Slug>,
    pub user: UserId,
    pub suggestions: Vec<String>,
    pub cause: Error,
}

impl Violation {
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

impl Error {
    /// A single violation, as most constructors of values find just one.
    pub fn invalid(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Validation { errors: vec![Violation::new(pointer, message)] }
    }

    /// The same violations, one level deeper in the body: those of a part become those of the whole.
    pub fn below(self, member: &str) -> Self {
        let deeper = |v: Violation| {
            let slash = if v.pointer.is_empty() || v.pointer.starts_with('/') { "" } else { "/" };
            Violation::new(format!("/{member}{slash}{}", v.pointer), v.message)
        };
        match self {
            Self::Validation { errors } => Self::Validation { errors: errors.into_iter().map(deeper).collect() },
            other => other,
        }
    }

    /// An archive entry (or, with an empty name, the whole archive) that is refused.
    pub fn bad_archive(entry: impl Into<String>, message: impl Into<String>) -> Self {
        Self::InvalidPackage { step: Step::FileExtraction, errors: vec![Violation::new(entry, message)] }
    }

    /// A manifest that is refused.
    pub fn bad_manifest(errors: Vec<Violation>) -> Self {
        Self::InvalidPackage { step: Step::PluginValidation, errors }
    }

    /// Wraps a failure below us. `context` says what was being done and must not hold secrets.
    pub fn storage(context: impl Into<String>, source: impl Into<Source>) -> Self {
        Self::Storage { context: context.into(), source: Some(source.into()) }
    }

    /// Stored data that cannot be true; never read as empty.
    pub fn damaged(context: impl Into<String>) -> Self {
        Self::Storage { context: context.into(), source: None }
    }

    /// What is wrong with one value, in words that need no pointer.
    pub fn reason(&self) -> String {
        match self {
            Self::Validation { errors } => errors.iter().map(|violation| violation.message.as_str()).collect::<Vec<_>>().join("; "),
            other => other.to_string(),
        }
    }

    /// The stable name of this error, listed in `docs/ERRORS.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Forbidden(_) => "forbidden",
            Self::PublishNotAllowed(_) => "publish_not_allowed",
            Self::NotFound(_) => "not_found",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::Gone(_) => "gone",
            Self::AlreadyExists(_) => "already_exists",
            Self::VersionTaken { .. } => "version_taken",
            Self::Yanked { .. } => "yanked",
            Self::Conflict(_) => "conflict",
            Self::IncompatibleVersion(_) => "incompatible_version",
            Self::DependencyMissing { .. } => "dependency_missing",
            Self::DependencyCycle { .. } => "dependency_cycle",
            Self::DependencyRequired { .. } => "dependency_required",
            Self::Unavailable(_) => "unavailable",
            Self::TooLarge { .. } | Self::TooMany { .. } => "too_large",
            Self::PreconditionFailed { .. } => "precondition_failed",
            Self::PreconditionRequired => "precondition_required",
            Self::StateExists { .. } => "already_exists",
            Self::QuotaExceeded { .. } => "quota_exceeded",
            Self::StateCorrupt { .. } => "state_corrupt",
            Self::RangeNotSatisfiable { .. } => "range_not_satisfiable",
            Self::NotAcceptable(_) => "not_acceptable",
            Self::UnsupportedMediaType(_) => "unsupported_media_type",
            Self::MalformedJson(_) => "malformed_json",
            Self::BadRequest(_) => "bad_request",
            Self::Validation { .. } | Self::InvalidPackage { .. } => "validation",
            Self::SourceRefused { .. } => "source_refused",
            Self::SourceFailed { .. } => "source_failed",
            Self::InstallFailed(_) => "install_failed",
            Self::RateLimited { .. } => "rate_limited",
            Self::Busy { .. } => "busy",
            Self::Storage { .. } | Self::Setup(_) => "storage",
        }
    }

    /// The error and everything below it on one line, for logs.
    pub fn chain(&self) -> impl fmt::Display + '_ {
        struct Chain<'a>(&'a Error);
        impl fmt::Display for Chain<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)?;
                let mut next = std::error::Error::source(self.0);
                while let Some(source) = next {
                    write!(f, ": {source}")?;
                    next = source.source();
                }
                Ok(())
            }
        }
        Chain(self)
    }
}

fn needed(missing: &[Missing]) -> String {
    let describe = |m: &Missing| match (&m.installed, m.disabled) {
        (_, true) => format!("{} enabled", m.slug),
        (Some(version), false) => format!("{} {} (installed is {version})", m.slug, m.range),
        (None, false) => format!("{} {}", m.slug, m.range),
    };
    missing.iter().map(describe).collect::<Vec<_>>().join(", ")
}

fn joined(slugs: &[Slug], between: &str) -> String {
    slugs.iter().map(Slug::as_str).collect::<Vec<_>>().join(between)
}

fn summary(errors: &[Violation]) -> String {
    let describe = |v: &Violation| if v.pointer.is_empty() { v.message.clone() } else { format!("{}: {}", v.pointer, v.message) };
    errors.iter().map(describe).collect::<Vec<_>>().join("; ")
}
