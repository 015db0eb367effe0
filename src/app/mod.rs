//! Use cases, called by HTTP and the command line alike. Policy lives here: who may, in which order, what follows.

pub mod access;
pub mod accounts;
mod audit;
pub mod audit_log;
pub mod contents;
pub mod defaults;
pub mod housekeeping;
pub mod jwt;
mod kept;
pub mod page;
pub mod passwords;
pub mod plugins;
pub mod readiness;
pub mod releases;
pub mod serving;
pub mod sources;
pub mod state;
pub mod takeover;
pub mod tokens;
pub mod update_checks;

use std::{sync::Arc, time::Duration};

use crate::{
    domain::{AccessKey, Timestamp, UserId},
    error::{Error, Result},
    fetch::Fetcher,
    files::{Limits, PluginsFolder},
    offload,
    settings::Settings,
    storage::{Database, slow_queries},
};

/// Everything a use case needs, made once at start.
pub struct App {
    pub settings: Settings,
    pub db: Database,
    pub folder: PluginsFolder,
    pub passwords: passwords::Passwords,
    pub jwt: jwt::Keys,
    pub fetcher: Fetcher,
    pub state: state::Service,
    logins: accounts::LoginLimits,
    outbox: plugins::records::Outbox,
    verified_tokens: access::VerifiedTokens,
    installations: serving::InstallationCache,
    release_files: serving::ReleaseFilesCache,
    pub contents: contents::Contents,
    pub manifest_tags: plugins::ManifestTags,
}

impl App {
    /// Opens folder and database, brings the schema up to date, and finishes what a crash left: pending record writes and
    /// staging. Blocking in part; call it before serving.
    pub async fn open(settings: Settings) -> Result<Arc<Self>> {
        let app = Self::open_as_found(settings).await?;
        app.recover().await?;
        Ok(app)
    }

    /// Opens folder and database and brings the schema up to date, but leaves everything else as it is: for commands that
    /// only look, or that report what they repair.
    pub async fn open_as_found(settings: Settings) -> Result<Arc<Self>> {
        let folder = PluginsFolder::open(&settings.plugins_dir)?;
        if let Some(limit) = settings.slow_query_ms {
            slow_queries::log_from(Duration::from_millis(limit))?;
        }
        let db = Database::open(&settings.database_url, settings.writer_queue)?;
        let contents = contents::Contents::new(settings.cache_bytes.as_u64(), &folder)?;
        let jwt = jwt::Keys::load(&db, &settings).await?;
        let fetcher = Fetcher::new(&settings)?;
        let state = state::Service::open(&db, settings.cache_bytes.as_u64()).await?;
        let logins = accounts::LoginLimits::new(&settings);
        Ok(Arc::new(Self {
            settings,
            db,
            folder,
            passwords: passwords::Passwords::new(cores()),
            jwt,
            fetcher,
            state,
            logins,
            outbox: plugins::records::Outbox::default(),
            verified_tokens: access::verified_tokens()?,
            installations: serving::InstallationCache::new()?,
            release_files: serving::ReleaseFilesCache::new()?,
            contents,
            manifest_tags: plugins::ManifestTags::new()?,
        }))
    }

    /// Finishes what a crash left: pending record writes and staging.
    pub async fn recover(&self) -> Result<()> {
        let folder = self.folder.clone();
        offload::run(move || folder.remove_leftovers()).await?;
        plugins::records::replay_all(self).await
    }

    /// What an archive may hold.
    pub fn limits(&self) -> Limits {
        Limits {
            max_archive: self.settings.max_archive.as_u64(),
            max_unpacked: self.settings.max_unpacked.as_u64(),
            max_entries: self.settings.max_entries,
            max_ratio: self.settings.max_ratio,
            max_path: self.settings.max_path,
            max_depth: self.settings.max_depth,
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The clock, in the one place that reads it.
pub fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}

/// A new id that sorts by time, for rows and requests.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

pub fn new_user_id() -> UserId {
    UserId::from_bytes(*uuid::Uuid::new_v4().as_bytes())
}

pub fn new_access_key() -> Result<AccessKey> {
    random().map(AccessKey::from_bytes)
}

/// Bytes that nobody can guess.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| Error::storage("the system gives no random bytes", e))?;
    Ok(bytes)
}
