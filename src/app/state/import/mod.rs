//! Taking in an export. Every line is checked, prepared and set aside as it comes; then everything is written in one
//! transaction, or nothing.

mod write;

use std::{
    collections::{HashMap, HashSet},
    str::FromStr,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use self::write::Writing;
use super::{
    Access, amount,
    commit::Quota,
    context::{self, Context},
    prepare::{Form, prepare},
    write::overtaken,
};
use crate::{
    app::App,
    domain::{
        Slug, Timestamp,
        state::{Exported, Line, StateKey},
    },
    error::{Error, Result, Violation},
    files::Spool,
    offload,
};

/// What stands around a document in a line, in bytes.
const AROUND: u64 = 64 * 1024;
/// Faults that are told at once.
const MOST_FAULTS: usize = 50;
/// Prepared documents that are gathered before a thread is troubled with them, in bytes.
const BLOCK: usize = 256 * 1024;

/// What becomes of entries that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The export is all there is afterwards of the plugins that it is complete for.
    Replace,
    /// Those that the export has too take its content; others stay.
    Merge,
    /// They stay as they are.
    Skip,
}

impl FromStr for Mode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "replace" => Ok(Self::Replace),
            "merge" => Ok(Self::Merge),
            "skip" => Ok(Self::Skip),
            _ => Err(Error::invalid("mode", format!("{text:?} is none of replace, merge, skip"))),
        }
    }
}

/// How many entries an import has created, changed and so on, or would.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    pub created: u64,
    pub updated: u64,
    /// They were so already.
    pub unchanged: u64,
    /// They were there and were to stay, or have ended since the export.
    pub skipped: u64,
    /// They were not in the export.
    pub deleted: u64,
}

/// An import on its way in. Dropping it forgets everything.
pub struct Import {
    app: Arc<App>,
    access: Access,
    line: Vec<u8>,
    lines: u64,
    faults: Vec<Violation>,
    /// Whose entries are complete; none before the header.
    complete: Option<Option<Vec<Slug>>>,
    trailer: bool,
    keys: HashSet<StateKey>,
    plugins: HashMap<Slug, Plugin>,
    set_aside: SetAside,
}

/// A plugin of which the export has entries.
struct Plugin {
    context: Context,
    /// Sum over its documents.
    size: u64,
}

/// A line that is in order; its document follows.
#[derive(Serialize, Deserialize)]
struct Ready {
    line: u64,
    plugin: Slug,
    page: String,
    key: String,
    strategy: String,
    expires_at: Option<i64>,
    device: Option<String>,
    schema_version: Option<String>,
    active: bool,
    encoding: String,
    size: i64,
    sha256: String,
    content_sha256: String,
    stored_size: usize,
}

impl Ready {
    fn state_key(&self) -> StateKey {
        StateKey { plugin: self.plugin.clone(), page: self.page.clone(), key: self.key.clone() }
    }
}

/// Prepared lines, outside of memory where they are many.
struct SetAside {
    block: Vec<u8>,
    /// Away while a block is being written; stays away when that fails.
    spool: Option<Spool>,
}

/// Bytes of one line of an export that is taken in.
pub fn most_of_a_line(app: &App) -> u64 {
    app.settings.max_state_document.as_u64().saturating_add(AROUND)
}

impl Import {
    pub fn begin(app: &Arc<App>, access: &Access) -> Self {
        Self {
            app: Arc::clone(app),
            access: access.clone(),
            line: Vec::new(),
            lines: 0,
            faults: Vec::new(),
            complete: None,
            trailer: false,
            keys: HashSet::new(),
            plugins: HashMap::new(),
            set_aside: SetAside { block: Vec::new(), spool: Some(app.folder.spool()) },
        }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    ///
    /// `TooLarge` for a line that can hold no document, `Forbidden` for a plugin beyond the caller's scopes, `QuotaExceeded`, and
    /// `Validation` once there are very many faults.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        let limit = most_of_a_line(&self.app);
        while !bytes.is_empty() {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let (part, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            self.line.extend_from_slice(part);
            if self.line.len() as u64 > limit {
                return Err(Error::TooLarge { what: "a line of the export", limit, actual: None });
            }
            bytes = rest.get(1..).unwrap_or_default();
            if end.is_some() {
                self.end_line().await?;
            }
        }
        Ok(())
    }

    async fn end_line(&mut self) -> Result<()> {
        self.lines += 1;
        let text = std::mem::take(&mut self.line);
        let taken = self.take(&text).await;
        // A missing or damaged header is told once.
        self.complete.get_or_insert(None);
        // The room for a short line serves the next one.
        if text.capacity() <= BLOCK {
            self.line = text;
            self.line.clear();
        }
        match taken {
            Err(Error::Validation { errors }) => self.fault(errors),
            // What is said of the document in it.
            Err(error @ (Error::MalformedJson(_) | Error::TooLarge { .. })) => self.fault(vec![Violation::new("", error.to_string())]),
            taken => taken,
        }
    }

    fn fault(&mut self, errors: Vec<Violation>) -> Result<()> {
        let line = self.lines;
        self.faults.extend(errors.into_iter().map(|fault| Violation::new(format!("line {line}{}", fault.pointer), fault.message)));
        if self.faults.len() < MOST_FAULTS { Ok(()) } else { Err(self.refusal()) }
    }

    fn refusal(&mut self) -> Error {
        self.faults.truncate(MOST_FAULTS);
        Error::Validation { errors: std::mem::take(&mut self.faults) }
    }

    async fn take(&mut self, text: &[u8]) -> Result<()> {
        let line = Line::parse(text)?;
        match (line, &self.complete) {
            _ if self.trailer => Err(Error::invalid("", "stands behind the trailer")),
            (Line::Header(header), None) => {
                self.complete = Some(header.plugins);
                Ok(())
            }
            (Line::Header(_), Some(_)) => Err(Error::invalid("", "is a second header")),
            (_, None) => Err(Error::invalid("", "must be the header")),
            (Line::Entry(entry), Some(_)) => self.entry(entry).await,
            (Line::Trailer(entries), Some(_)) => {
                self.trailer = true;
                let before = self.lines.saturating_sub(2);
                match entries == before {
                    true => Ok(()),
                    false => Err(Error::invalid("/trailer/entries", format!("says {entries}, but {before} lines stand before it"))),
                }
            }
        }
    }

    async fn entry(&mut self, entry: Exported<'_>) -> Result<()> {
        let quota = Quota::of(&self.app);
        let Exported { key, strategy, schema_version, device, expires_at, active, text } = entry;
        self.access.require(&key.plugin)?;
        if !self.keys.insert(key.clone()) {
            return Err(Error::invalid("/entry", "is an entry that an earlier line has, too"));
        }
        if self.keys.len() as u64 > quota.entries {
            let actual = self.keys.len() as u64;
            return Err(Error::QuotaExceeded { what: "the number of state entries", limit: quota.entries, actual });
        }
        let context = match self.plugins.get(&key.plugin) {
            Some(known) => known.context.clone(),
            None => {
                let context = context::load(&self.app, &self.access, &key.plugin).await?;
                self.plugins.insert(key.plugin.clone(), Plugin { context: context.clone(), size: 0 });
                context
            }
        };
        if let Some(refusal) = context.refusal() {
            return Err(Error::Validation { errors: vec![refusal] }.below("entry"));
        }
        let prepared = prepare(&self.app, &context, text.as_bytes().to_vec().into(), schema_version.as_deref(), Form::Any).await;
        let prepared = prepared.map_err(|e| e.below("state_data").below("entry"))?;
        if !prepared.refused.is_empty() {
            return Err(Error::Validation { errors: prepared.refused }.below("state_data").below("entry"));
        }
        let document = prepared.document;
        if let Some(plugin) = self.plugins.get_mut(&key.plugin) {
            plugin.size = plugin.size.saturating_add(amount(document.size)?);
            if plugin.size > quota.plugin_bytes {
                let (limit, actual) = (quota.plugin_bytes, plugin.size);
                return Err(Error::QuotaExceeded { what: "the bytes of this plugin's state", limit, actual });
            }
        }
        let facts = Ready {
            line: self.lines,
            plugin: key.plugin,
            page: key.page,
            key: key.key,
            strategy: strategy.as_str().to_owned(),
            expires_at: expires_at.map(Timestamp::millis),
            device,
            schema_version,
            active,
            encoding: document.encoding.as_str().to_owned(),
            size: document.size,
            sha256: document.sha256.clone(),
            content_sha256: document.content_sha256.clone(),
            stored_size: document.data.len(),
        };
        self.set_aside.add(&facts, &document.data).await
    }

    /// Writes what was taken in, as all of it is in order; with `dry_run` only tries.
    ///
    /// # Errors
    ///
    /// `Validation` with the numbers of the lines that are not in order, and what writing itself can meet.
    pub async fn finish(mut self, mode: Mode, dry_run: bool) -> Result<Imported> {
        if !self.line.is_empty() {
            self.end_line().await?;
        }
        if !self.trailer && self.faults.is_empty() {
            self.faults.push(Violation::new(format!("line {}", self.lines + 1), "must be the trailer: the export ends early"));
        }
        if !self.faults.is_empty() {
            return Err(self.refusal());
        }
        let spool = self.set_aside.finish().await?;
        let user = self.access.user.clone();
        let mut import = Writing {
            app: Arc::clone(&self.app),
            access: self.access,
            contexts: self.plugins.into_iter().map(|(slug, plugin)| (slug, plugin.context)).collect(),
            keys: self.keys,
            complete: self.complete.flatten(),
            mode,
            spool,
        };
        let imported = self
            .app
            .db
            .write(move |conn| {
                let mut tried = None;
                let written = conn.in_savepoint(|conn| {
                    let imported = import.run(conn)?;
                    if dry_run {
                        // Any error takes back what was written.
                        tried = Some(imported);
                        return Err(overtaken());
                    }
                    Ok(imported)
                });
                tried.map_or(written, Ok)
            })
            .await?;
        if !dry_run {
            self.app.state.wake(&user);
        }
        Ok(imported)
    }
}

impl SetAside {
    async fn add(&mut self, facts: &Ready, data: &[u8]) -> Result<()> {
        serde_json::to_writer(&mut self.block, facts).map_err(|e| Error::storage("a line cannot be set aside", e))?;
        self.block.push(b'\n');
        self.block.extend_from_slice(data);
        if self.block.len() < BLOCK { Ok(()) } else { self.flush().await }
    }

    async fn flush(&mut self) -> Result<()> {
        let mut spool = self.spool.take().ok_or_else(|| Error::damaged("an import was interrupted while it was set aside"))?;
        let mut block = std::mem::take(&mut self.block);
        let written = offload::run(move || {
            spool.write(&block)?;
            block.clear();
            block.shrink_to(2 * BLOCK);
            Ok((spool, block))
        });
        let (spool, block) = written.await?;
        self.spool = Some(spool);
        self.block = block;
        Ok(())
    }

    async fn finish(mut self) -> Result<Spool> {
        self.flush().await?;
        self.spool.ok_or_else(|| Error::damaged("an import was interrupted while it was set aside"))
    }
}
