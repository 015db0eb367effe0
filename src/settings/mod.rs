//! The server's own settings, read once at the start and passed down. Nothing else reads the environment or the file.

mod layers;
mod types;
mod value;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use bytesize::ByteSize;
use ipnet::IpNet;
use serde::Serialize;

use self::{layers::Layers, value::Value};
pub use self::{
    layers::{Flags, Source},
    types::{BaseUrl, DefaultPlugin, Extension, LogFilter, LogFormat, Origin, Secret, UserUploads},
};
use crate::{
    domain::{DatabaseUrl, password},
    error::{Error, Result},
};

/// One row per setting: what it means, its key, its type, and its default as the environment would write it. The struct,
/// the sample file and the listing all come from these rows.
macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $key:ident: $type:ty = $default:literal;)+) => {
        #[derive(Debug, Clone)]
        pub struct Settings {
            $($(#[doc = $doc])+ pub $key: $type,)+
            sources: BTreeMap<&'static str, Source>,
        }

        const KEYS: &[&str] = &[$(stringify!($key)),+];

        impl Settings {
            fn from_layers(layers: &Layers) -> Result<Self> {
                let mut sources = BTreeMap::new();
                $(
                    let ($key, source) = layers.value::<$type>(stringify!($key), $default)?;
                    sources.insert(stringify!($key), source);
                )+
                Ok(Self { $($key,)+ sources })
            }

            /// What is in force and from where, in the order of the sample.
            pub fn show(&self) -> Vec<ShownSetting> {
                vec![$(ShownSetting {
                    key: stringify!($key),
                    value: self.$key.show(),
                    source: self.source(stringify!($key)),
                    secret: <$type as Value>::SECRET,
                }),+]
            }

            /// A settings file that changes nothing: every key with its meaning and default, commented out.
            pub fn sample() -> String {
                let mut text = SAMPLE_HEAD.to_owned();
                $(
                    text.push('\n');
                    $(text.push_str(concat!("#", $doc, "\n"));)+
                    text.push_str(&format!("#{} = {}\n", stringify!($key), <$type as Value>::sample($default)));
                )+
                text
            }
        }
    };
}

const SAMPLE_HEAD: &str = "\
# Settings of plugyard, with their defaults. Remove the # before a key to change it.
#
# Each key can also be set in the environment: listen as PLUGYARD_LISTEN, lists separated by commas. The environment wins
# over this file, a flag over both. Sizes are bytes or have a unit (\"100 MiB\"), durations have one (\"24h\", \"30d\").
# An empty text stands for none.
";

settings! {
    /// Address and port to listen on; port 0 picks a free one.
    listen: SocketAddr = "127.0.0.1:8420";
    /// The database: sqlite:// and a path (three slashes make it absolute), or postgres://user:password@host/name.
    database_url: DatabaseUrl = "sqlite://plugyard.db";
    /// The plugins folder: releases, installation records, cache and locks.
    plugins_dir: PathBuf = "plugins";
    /// Threads that answer requests; none: one per core.
    workers: Option<usize> = "";
    /// Writes that may wait for their turn (SQLite has one at a time, PostgreSQL 12); beyond that, requests are answered 503.
    writer_queue: usize = "4096";

    /// Password of the account admin, used once, when the first start creates it; none: one is generated and printed.
    admin_password: Option<Secret> = "";
    /// Key of the access tokens, at least 32 bytes, shared with a host application that issues tokens itself; none: one
    /// is generated and kept in the database.
    jwt_secret: Option<Secret> = "";
    /// JSON Web Key Set of a host application whose tokens are accepted (RS256, ES256, EdDSA).
    jwks_file: Option<PathBuf> = "";
    /// Whether a valid token of an unknown user creates the account.
    jwt_auto_provision: bool = "false";
    /// How long an access token is valid.
    access_token_ttl: Duration = "1h";
    /// How long a login can be refreshed.
    refresh_token_ttl: Duration = "30d";
    /// Whether anybody may create an account.
    registration: bool = "false";
    /// Failed logins per account in 5 minutes before further ones are refused.
    login_attempts_per_account: u64 = "10";
    /// Failed logins per client address in 5 minutes before further ones are refused.
    login_attempts_per_address: u64 = "100";

    /// Origins of web applications that may call the API from a browser with credentials.
    allowed_origins: Vec<Origin> = "";
    /// Addresses or networks of proxies whose X-Forwarded-* headers are believed; none: the headers are ignored.
    trusted_proxies: Vec<IpNet> = "";
    /// Where browsers reach this server; none: derived from each request.
    public_base_url: Option<BaseUrl> = "";
    /// Endings of the files that /public serves.
    public_file_types: Vec<Extension> = "css,eot,gif,ico,jpeg,jpg,js,json,map,mjs,otf,png,svg,ttf,wasm,woff,woff2,webp";

    /// Whether accounts without the publish right may upload packages, which become everybody's releases: deny or allow.
    user_uploads: UserUploads = "deny";
    /// Whether a newly published slug is available at once.
    new_plugins_enabled: bool = "true";
    /// Plugins that every account gets, as slug@version: exact, a range, a channel or latest. A range that holds a comma
    /// can only be written in this file.
    default_plugins: Vec<DefaultPlugin> = "";
    /// Version of the host application, compared with the host range of manifests; none: not checked.
    host_version: Option<semver::Version> = "";
    /// How long a replaced version is served on, so that open pages can load the rest of it.
    grace_period: Duration = "24h";
    /// How long the files of a release that nobody uses are kept.
    gc_retention: Duration = "30d";
    /// How long entries of the audit log are kept; keep: for ever.
    audit_retention: Option<Duration> = "keep";

    /// Whether packages may be fetched from http addresses, too.
    fetch_http: bool = "false";
    /// Networks that packages may be fetched from although their addresses are not public.
    fetch_allowed_networks: Vec<IpNet> = "";
    /// How long fetching one package may take.
    fetch_timeout: Duration = "5m";
    /// Where releases of GitHub's repositories are asked for; also the API of another host that speaks like it.
    github_api: BaseUrl = "https://api.github.com";
    /// How often the repositories that plugins were installed from are asked for newer versions; 0s: never by themselves.
    update_check_interval: Duration = "0s";

    /// Memory for files that are served often.
    cache_bytes: ByteSize = "256 MiB";
    /// Size of a JSON body.
    max_json: ByteSize = "1 MiB";
    /// Size of one state document, as compact JSON.
    max_state_document: ByteSize = "10 MiB";
    /// State of one plugin and user, as a multiple of max_state_document.
    state_quota_factor: u64 = "10";
    /// How often state entries whose time has come are swept up; they are gone before that; keep: never.
    state_sweep_interval: Option<Duration> = "1m";
    /// State entries of one user.
    max_state_entries: u64 = "100000";
    /// Size of an uploaded archive.
    max_archive: ByteSize = "100 MiB";
    /// Size of all files of an archive together.
    max_unpacked: ByteSize = "512 MiB";
    /// Files and folders in an archive.
    max_entries: usize = "20000";
    /// How many times larger than its archive the content may be.
    max_ratio: u64 = "200";
    /// Length of a path in an archive, in bytes.
    max_path: usize = "400";
    /// Folders above a file in an archive, one inside the other.
    max_depth: usize = "32";

    /// Log lines as text or json, on standard error.
    log_format: LogFormat = "text";
    /// What is logged: error, warn, info, debug, trace or off, also by module as in "info,plugyard=debug".
    log_level: LogFilter = "info";
    /// Database work that takes at least this many milliseconds is logged; none: nothing is.
    slow_query_ms: Option<u64> = "";
}

/// One line of `settings show`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownSetting {
    pub key: &'static str,
    /// As text in the form of the environment; secrets masked, absent values empty.
    pub value: String,
    pub source: Source,
    pub secret: bool,
}

/// Below this, a key of HS256 can be guessed from a token (RFC 7518, section 3.2).
const MIN_JWT_SECRET: usize = 32;

impl Settings {
    /// Reads all sources. `config` is the file named by a flag; relative names start at `cwd`. Also returns warnings for
    /// whoever starts the server.
    ///
    /// # Errors
    ///
    /// `Error::Setup` with the key and its source: an unknown key in the file, a value of the wrong type or outside its
    /// range, a named file that cannot be read.
    pub fn load(
        config: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        flags: Flags,
        cwd: &Path,
    ) -> Result<(Self, Vec<String>)> {
        let layers = Layers::read(config, environment, flags, cwd)?;
        layers.refuse_unknown_keys(KEYS)?;
        let settings = Self::from_layers(&layers)?;
        settings.check_ranges()?;
        Ok((settings, layers.warnings(KEYS)))
    }

    /// [`Settings::load`] with the environment and the folder of this process.
    pub fn of_process(config: Option<&Path>, flags: Flags) -> Result<(Self, Vec<String>)> {
        let cwd = std::env::current_dir().map_err(|e| Error::Setup(format!("the current folder is unknown: {e}")))?;
        Self::load(config, std::env::vars_os(), flags, &cwd)
    }

    fn source(&self, key: &str) -> Source {
        self.sources.get(key).copied().unwrap_or(Source::Default)
    }

    fn check_ranges(&self) -> Result<()> {
        if self.jwt_secret.as_ref().is_some_and(|secret| secret.expose().len() < MIN_JWT_SECRET) {
            return Err(self.refuse("jwt_secret", &format!("must have at least {MIN_JWT_SECRET} bytes")));
        }
        if let Some(chosen) = &self.admin_password {
            password::check(chosen.expose()).map_err(|e| self.refuse("admin_password", &format!("is refused: {e}")))?;
        }
        // Zero would not switch these off but stop the server from doing anything.
        let zero = [
            ("workers", self.workers == Some(0)),
            ("writer_queue", self.writer_queue == 0),
            ("access_token_ttl", self.access_token_ttl.is_zero()),
            ("refresh_token_ttl", self.refresh_token_ttl.is_zero()),
            ("login_attempts_per_account", self.login_attempts_per_account == 0),
            ("login_attempts_per_address", self.login_attempts_per_address == 0),
            ("fetch_timeout", self.fetch_timeout.is_zero()),
            ("max_json", self.max_json.as_u64() == 0),
            ("max_state_document", self.max_state_document.as_u64() == 0),
            ("state_quota_factor", self.state_quota_factor == 0),
            ("max_state_entries", self.max_state_entries == 0),
            ("state_sweep_interval", self.state_sweep_interval.is_some_and(|interval| interval.is_zero())),
            ("max_archive", self.max_archive.as_u64() == 0),
            ("max_unpacked", self.max_unpacked.as_u64() == 0),
            ("max_entries", self.max_entries == 0),
            ("max_ratio", self.max_ratio == 0),
            ("max_path", self.max_path == 0),
            ("max_depth", self.max_depth == 0),
        ];
        match zero.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((key, _)) => Err(self.refuse(key, "must not be zero")),
            None => Ok(()),
        }
    }

    fn refuse(&self, key: &str, why: &str) -> Error {
        let place = match self.source(key) {
            Source::Default => "its default",
            Source::File => "settings file",
            Source::Environment => "environment",
            Source::Flag => "command line",
        };
        layers::refuse(key, place, why)
    }
}
