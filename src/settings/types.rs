//! The types that only settings have.

use std::fmt;

use tracing_subscriber::{EnvFilter, filter::LevelFilter};
use url::Url;

use super::value::Value;
use crate::domain::{DatabaseUrl, Slug, VersionSpec};

/// A text that never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Value for Secret {
    const SECRET: bool = true;

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self::new(text))
    }

    fn show(&self) -> String {
        "***".to_owned()
    }
}

/// Whether accounts without the publish right may upload packages, which become everybody's releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserUploads {
    Deny,
    Allow,
}

impl Value for UserUploads {
    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "deny" => Ok(Self::Deny),
            "allow" => Ok(Self::Allow),
            _ => Err(format!("must be deny or allow, not {text:?}")),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Deny => "deny".to_owned(),
            Self::Allow => "allow".to_owned(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl Value for LogFormat {
    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("must be text or json, not {text:?}")),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Json => "json".to_owned(),
        }
    }
}

/// Directives of `tracing_subscriber::EnvFilter`, known to parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for LogFilter {
    fn from_text(text: &str) -> Result<Self, String> {
        let refused = || {
            format!("must be a level (error, warn, info, debug, trace, off) or directives such as \"info,plugyard=debug\", not {text:?}")
        };
        // EnvFilter takes a lone word that is no level for a module, so a slip of the pen would silence everything else.
        let is_plain = |part: &str| part.contains('=') || (!part.is_empty() && part.parse::<LevelFilter>().is_ok());
        if !text.contains('[') && !text.split(',').map(str::trim).all(is_plain) {
            return Err(refused());
        }
        EnvFilter::try_new(text).map_err(|_| refused())?;
        Ok(Self(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

impl Value for DatabaseUrl {
    fn from_text(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(Self::Sqlite(path)) if path.as_os_str() == ":memory:" => {
                Err("must name a file, because every connection would get an empty memory of its own".to_owned())
            }
            Ok(url) => Ok(url),
            Err(_) => Err("must be sqlite:// and a path, or postgres://...".to_owned()),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// What browsers send as `Origin`: `scheme://host[:port]`, lower-case, without the scheme's own port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for Origin {
    fn from_text(text: &str) -> Result<Self, String> {
        let refused = || format!("must hold origins such as https://app.example.org, without a path, not {text:?}");
        let (_, place) = text.split_once("://").ok_or_else(refused)?;
        if place.contains(['/', '\\', '?', '#', '@', '*']) {
            return Err(refused());
        }
        let url = Url::parse(text).map_err(|_| refused())?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(refused)?;
        // By hand, because Url calls the origin of schemes that it does not know (`tauri://localhost`) opaque.
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self(format!("{}://{host}{port}", url.scheme())))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

/// Where browsers reach the server: http or https, perhaps with a path, never with a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }
}

impl Value for BaseUrl {
    fn from_text(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|e| format!("must be a URL such as https://plugins.example.org: {e}"))?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !plain {
            return Err("must be an http or https URL without user, query and fragment".to_owned());
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

/// A plugin that every account gets: a slug, and the version that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct DefaultPlugin {
    pub slug: Slug,
    pub version: VersionSpec,
}

/// `slug@version`, where the version may be exact, a range, a channel or `latest`; without it, `latest`.
impl Value for DefaultPlugin {
    fn from_text(text: &str) -> Result<Self, String> {
        let (slug, version) = text.split_once('@').unwrap_or((text, "latest"));
        let refused = |e| format!("must hold entries such as notes@^1.2: {e}");
        Ok(Self { slug: slug.parse().map_err(refused)?, version: version.parse().map_err(refused)? })
    }

    fn show(&self) -> String {
        format!("{}@{}", self.slug, self.version)
    }
}

/// The ending of a file name that stands for its type: lower-case letters and digits, without the dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension(String);

impl Extension {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for Extension {
    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            return Err(format!("must hold file name endings such as js or woff2, in lower case and without the dot, not {text:?}"));
        }
        Ok(Self(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}
